"""Request -> Plan -> A2A -> Findings -> answer. Knows the specialists only by their cards and URLs, never by import.

Deciding is pure (`plan`, `strategy`, `clarify`, `revise`, `merge`, `synthesis`); doing is thin (`store`, `dispatch`,
`engine`, `http`, `a2a`). `service.build_planner` puts it together.
"""
