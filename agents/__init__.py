"""The agents: the runtime that serves them, the cluster access that they share, and one folder per specialist."""
