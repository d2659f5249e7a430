"""The executor: the only specialist that can change a cluster, one approved Action at a time.

Deciding (changes, diff, effects, risk, policy, requests) is plain functions over values; doing (the Kubernetes API,
the ledger) is at the edge. Nothing here runs a command line, and nothing is applied without a signed Approval.
"""
