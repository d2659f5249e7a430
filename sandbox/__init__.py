"""The embedded cluster: a Kubernetes API in memory that serves a scenario folder. Imports none of the other rooms."""
