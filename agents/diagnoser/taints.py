"""What a node's taints tell: whether one is meant to stay or left over, and since when a node is cordoned."""

from __future__ import annotations

import re
from datetime import timedelta

from agents.diagnoser.fields import Obj, items, moment, text
from agents.diagnoser.history import rolled_at
from agents.diagnoser.snapshot import Snapshot

_PASSING = re.compile(
    r"maintenance|maintain|drain|upgrad|reboot|repair|replace|swap|debug|quarantine|broken|decommission|migrat|(?<![a-z])test"
    r"|temporar|(?<![a-z])tmp|out-of-service|do-?not-?use|investigat|patching|hotfix|isolat",
    re.IGNORECASE,
)
"""Words in a taint that is meant to be taken away again, as opposed to one that reserves a machine."""

_AFTER = timedelta(minutes=10)


def is_left_over(snapshot: Snapshot, pod: Obj, taint: Obj) -> bool:
    """Whether a taint speaks of passing work, or was added after the workload had been rolled out."""
    if _PASSING.search(f"{text(taint, 'key')} {text(taint, 'value')}"):
        return True
    added, rolled = moment(taint, "timeAdded"), rolled_at(snapshot, snapshot.top(pod))
    return added is not None and rolled is not None and added - rolled > _AFTER


def cordoned_since(node: Obj) -> str:
    """When a node was marked unschedulable, as the taint has it; empty when none says so."""
    marks = (taint for taint in items(node, "spec", "taints") if text(taint, "key").endswith("unschedulable"))
    return next((text(mark, "timeAdded") for mark in marks), "")
