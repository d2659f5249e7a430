"""Risk checks: what works now and will hurt one day. Pure functions over a Snapshot, all in one table (`CHECKS`).

A check yields a `Seen` per object and says how many objects it looked at; `wording` says what it means. A fault that
hurts now is an analyzer's business, not a risk. To add a check: a function in a file here, a line in `CHECKS`, and its
words in `wording`.
"""

from __future__ import annotations

from agents.diagnoser.risks.table import CHECKS, health_facts

__all__ = ["CHECKS", "health_facts"]
