"""What tools can see and touch: the Kubernetes API, logs, metrics, audit events. Knows nothing about agents."""
