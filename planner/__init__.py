"""Request -> Plan -> A2A -> Findings -> answer. Knows the specialists only by their cards and URLs, never by import."""
