"""How a proposal reads: a few lines and the diff, in Markdown. Pure."""

from __future__ import annotations

from agents.cluster.redaction import redact_object
from agents.executor.action import Effects, PreparedAction
from agents.executor.diff import masked
from agents.executor.wording import label, level, say
from agents.runtime.findings import Action, Language

_MAX_NAMES = 8


def title(action: Action | PreparedAction) -> str:
    """`scale_workload shop/Deployment/checkout (replicas=5)`; long arguments are left to the diff."""
    arguments = redact_object(masked(action.arguments))
    shown = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items() if key != "pods")
    return f"`{action.kind}` {action.resource}" + (f" ({shown})" if shown and len(shown) <= 160 else "")


def proposal_text(action: PreparedAction, language: Language) -> str:
    """What a person needs to decide: risk and reasons, effects, way back, and the diff in a code block."""
    reasons = "; ".join(say(reason, language) for reason in action.risk.reasons)
    effects = "; ".join(effect_lines(action.effects, language)) or label("none", language)
    lines = [
        f"- {label('risk', language)}: **{level(action.risk.level, language)}** ({reasons})",
        f"- {label('effects', language)}: {effects}",
        f"- {label('way_back', language)}: {way_back(action, language)}",
        f"- {label(_dry_run(action), language)}",
    ]
    if action.lacking:
        lines.append(f"- **{label('lacking', language, rights=', '.join(action.lacking))}**")
    lines += [f"- {label('warning', language)}: {warning}" for warning in action.warnings]
    diff = f"\n\n```diff\n{action.diff}\n```" if action.diff else ""
    return f"**{label('proposed', language)}** {title(action)}\n" + "\n".join(lines) + diff


def _dry_run(action: PreparedAction) -> str:
    if action.dry_run == "server":
        return "dry_run"
    return "no_dry_run_of_server" if action.kind == "call_tool" else "no_dry_run"


def effect_lines(effects: Effects, language: Language) -> list[str]:
    """One short phrase per effect."""
    lines: list[str] = []
    if effects.pods_restarted and not effects.pods:
        lines.append(label("restarts", language, count=effects.pods_restarted))
    if effects.replicas_before != effects.replicas_after:
        lines.append(label("replicas", language, before=effects.replicas_before, after=effects.replicas_after))
    if effects.pods:
        lines.append(label("evicted", language, names=_names(effects.pods)))
    lines += [label("budget", language, budget=budget) for budget in effects.budgets[:_MAX_NAMES]]
    if effects.used_by:
        lines.append(label("used_by", language, names=_names(effects.used_by)))
    return lines + [say(note, language) for note in effects.notes]


def way_back(action: PreparedAction, language: Language) -> str:
    """The inverse in a line, or why there is none."""
    if action.inverse is not None:
        return title(action.inverse)
    return say(action.no_way_back, language) if action.no_way_back else label("none", language)


def _names(names: list[str]) -> str:
    rest = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f", … (+{rest})" if rest > 0 else "")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}:{_short(inner)}" for key, inner in value.items())
    return str(value)
