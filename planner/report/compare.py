"""What got better or worse since the last report. Pure."""

from __future__ import annotations

from planner.report.report import Comparison, Moved, Report


def compare(now: Report, before: Report) -> Comparison:
    """Root causes by resource and fault, risks by check and number of objects, and the score."""
    causes = {(c.resource, c.fault) for c in now.causes}
    causes_before = {(c.resource, c.fault) for c in before.causes}
    risks, risks_before = _risks(now), _risks(before)
    # The title in the language of this report; a risk that is gone has only the words of then.
    titles = before.risk_titles() | now.risk_titles()
    both = [check for check in risks if check in risks_before]
    counts = [Moved(title=titles[check], before=risks_before[check], after=risks[check]) for check in both]
    moved = [one for one in counts if one.before != one.after]
    # What could not be looked at this time is not gone.
    looked = now.health is not None
    return Comparison(
        previous_id=before.id,
        previous_at=before.created_at,
        previous_score=before.score,
        delta=None if now.score is None or before.score is None else round(now.score - before.score, 1),
        causes_new=_names(causes - causes_before),
        causes_gone=_names(causes_before - causes) if looked else [],
        risks_new=[titles[check] for check in risks if check not in risks_before] if before.health else [],
        risks_gone=[titles[check] for check in risks_before if check not in risks] if looked else [],
        risks_worse=[one for one in moved if one.after > one.before],
        risks_better=[one for one in moved if one.after < one.before],
    )


def _risks(report: Report) -> dict[str, int]:
    return {risk.check: risk.total for risk in report.health.risks} if report.health else {}


def _names(causes: set[tuple[str, str]]) -> list[str]:
    return [f"{resource}: {fault}" for resource, fault in sorted(causes)]
