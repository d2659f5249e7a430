"""Whether somebody wrote down that an unusual state is on purpose: an annotation or label that says so."""

from __future__ import annotations

import re

from agents.diagnoser.fields import Obj, labels

_WORDS = re.compile(
    r"on[ -]purpose|intention|deliberate|by design|season|until \d|not? (?:longer )?(?:needed|in use)|retired?\b"
    r"|decommission|deprecat|superseded|replaced by|hibernat|downscal|down-scal|sleep|standby|stand-by|parked|on hold"
    r"|freeze|frozen|maintenance|disabled[- ]by|suspend(?:ed)?[-_ ]?(?:reason|by|until|for)"
    r"|pause(?:d)?[-_ ]?(?:reason|by|until|for)"
    r"|scaled?[-_ ]?(?:down|to[-_ ]zero)[-_ ]?(?:reason|by|until|for)|特意|有意|计划内|按计划|停用|下线|季节|暂停原因",
    re.IGNORECASE,
)
_TOOLS = re.compile(r"^(?:deployment\.kubernetes\.io|kubectl\.kubernetes\.io|meta\.helm\.sh|app\.kubernetes\.io)/")


def declared_purpose(obj: Obj) -> str:
    """The annotation or label, as `key: value`, that explains the state; empty when nothing does."""
    for where in ("annotations", "labels"):
        for key, value in labels(obj, "metadata", where).items():
            if not _TOOLS.match(key) and _WORDS.search(f"{key}: {value}"):
                return f"{key}: {value}"
    return ""
