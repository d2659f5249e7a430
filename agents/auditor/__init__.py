"""The auditor: what logs, events and the audit trail say happened, and who did it."""
