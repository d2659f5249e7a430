"""Explanations and advice in English and Chinese, apart from detection: a fault id and facts in, sentences out.

One file per family holds `WORDING`: fault id -> Wording. A template is plain text with `{fact}` for a fact and square
brackets around a clause that is left out when one of its facts is missing: `limit {limit}[, was {before}]`. API terms
(field names, reasons, messages) stay as the API spells them in both languages. A new family adds its file to FAMILIES.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.diagnoser.wording import (
    admission,
    autoscaling,
    batch,
    configuration,
    crashes,
    custom_resources,
    disruptions,
    finalizers,
    images,
    names,
    network,
    nodes,
    probes,
    quotas,
    rbac,
    rollouts,
    routes,
    runtime_limits,
    scheduling,
    services,
    volumes,
)
from agents.diagnoser.wording.template import Text, Wording, render
from agents.runtime.findings import Language

FAMILIES = (
    images,
    crashes,
    probes,
    scheduling,
    configuration,
    volumes,
    quotas,
    services,
    rbac,
    network,
    names,
    routes,
    admission,
    autoscaling,
    batch,
    custom_resources,
    disruptions,
    finalizers,
    nodes,
    rollouts,
    runtime_limits,
)

WORDING: dict[str, Wording] = {fault: words for family in FAMILIES for fault, words in family.WORDING.items()}

_UNKNOWN = Wording(
    en=Text("{resource} shows the fault {fault}[: {message}]."),
    zh=Text("{resource} 出现故障 {fault}[：{message}]。"),
)


def explain(fault: str, facts: Mapping[str, Any], language: Language) -> str:
    """What is wrong, quoting the decisive values."""
    return render(_text(fault, language).explanation, facts)


def advise(fault: str, facts: Mapping[str, Any], language: Language) -> list[str]:
    """What to do, short term first; sentences whose facts are missing are left out."""
    return [line for advice in _text(fault, language).advice if (line := render(f"[{advice}]", facts))]


def _text(fault: str, language: Language) -> Text:
    words = WORDING.get(fault, _UNKNOWN)
    return words.zh if language == "zh" else words.en
