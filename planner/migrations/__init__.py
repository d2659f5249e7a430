"""How the planner's tables came to be, one file per change; `planner.schema` is where they are now."""
