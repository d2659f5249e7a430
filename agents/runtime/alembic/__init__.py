"""Alembic's environment, one for all tables. The migrations are in the rooms whose tables they change."""
