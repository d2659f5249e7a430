"""Incidents: what alerts and events of other systems become. Grouped, diagnosed by a plan, told to people, closed.

Deciding is pure (`alertmanager`, `cloudevents`, `grouping`, `standing`, `notices`, `wording`); `store` keeps, `desk`
moves, `outbox` tells webhooks, `http` is the way in. A plan is an ordinary Request: approval and repair are its own.
"""
