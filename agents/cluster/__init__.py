"""What tools can see and touch: the Kubernetes API, logs, metrics, audit events. Knows nothing about agents.

`clusters.Clusters` opens a cluster by its id; `cluster.Cluster` reads it (and holds the writes that the executor's gate
lets through). The rest is plain functions over the API's own JSON. Secrets never leave here with their values.
"""
