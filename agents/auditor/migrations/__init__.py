"""How the tables of audit events came to be what they are now."""
