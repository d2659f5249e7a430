"""How the tables of tasks came to be, one file per change; `task_tables` is where they are now."""
