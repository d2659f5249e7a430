"""What a person at a terminal is shown and what each answer decides; what the journal's readers check themselves."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from agents.runtime import journal as chain
from kubeteam.commands.approve import decisions
from kubeteam.commands.journal import checked
from kubeteam.consent import ask_decisions, proposed
from kubeteam.exits import Complaint


def action(number: int, **more: Any) -> dict[str, Any]:
    proposal = {"proposal": f"p-{number}", "digest": f"{number}" * 64, "title": f"change {number}", "diff": "-a\n+b"}
    return {"kind": "scale_workload", "resource": "a/Deployment/b", "proposal": proposal, **more}


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


@pytest.mark.parametrize(
    ("word", "decision", "reason"),
    [
        ("y", "approve", ""),
        ("YES", "approve", ""),
        ("", "reject", ""),
        ("n", "reject", ""),
        ("later", "reject", "later"),
    ],
)
def test_only_a_yes_approves_and_other_words_are_the_reason(word: str, decision: str, reason: str) -> None:
    (given,) = ask_decisions([action(1)], console(), lambda _: word)["decisions"]
    assert (given["decision"], given.get("reason", "")) == (decision, reason) and given["digest"] == "1" * 64


def test_a_rejection_rejects_what_comes_after_it() -> None:
    words = iter(["y", "no"])
    given = ask_decisions([action(1), action(2), action(3)], console(), lambda _: next(words))["decisions"]
    assert [item["decision"] for item in given] == ["approve", "reject", "reject"]


def test_the_diff_and_the_proposal_are_shown_before_the_question() -> None:
    screen = console()
    ask_decisions([action(1)], screen, lambda _: "n")
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "change 1" in shown and "+b" in shown and "p-1" in shown


def test_an_action_is_named_by_number_id_or_the_beginning_of_its_digest() -> None:
    waiting = {"input_required": {"actions": [action(1), action(2)]}}
    for name in ("2", "p-2", "22222222"):
        assert decisions(waiting, "approve", [name], "")["decisions"][0]["proposal"] == "p-2"
    for name in ("3", "0", "2222", "p-9"):
        with pytest.raises(Complaint, match="--action"):
            decisions(waiting, "approve", [name], "")
    assert decisions(waiting, "reject", None, "no") == {"all": "reject", "reason": "no"}


def test_what_took_effect_is_not_offered_again() -> None:
    applied, refused = action(1, outcome={"status": "applied"}), action(2, outcome={"status": "refused"})
    assert proposed({"actions": [applied, refused, {"kind": "x", "resource": "y"}]}) == [refused]


def test_the_command_line_computes_every_hash_itself() -> None:
    first = chain.Entry(1, "now", "proposed", "p-1", {"a": 1}, chain.START, "")
    good = {**first.__dict__, "hash": first.proper_hash()}
    assert checked([good]) == (None, good["hash"]) and checked([]) == (None, chain.START)
    problem, _ = checked([{**good, "data": {"a": 2}}])
    assert problem == "entry 1 was altered"
