"""`kubeteam eval FOLDER…`: scenarios through the whole team, scored by the rules of the scenario format."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer
import yaml

from agents.runtime.findings import RootCause
from agents.runtime.settings import load_settings
from kubeteam import team
from kubeteam.exits import FAILED, USAGE, Complaint
from kubeteam.planner_client import PlannerClient
from kubeteam.target import embedded_cluster, temporary_store

ANSWERED = ("answered", "input_required")
"""A request that waits for an approval has named its root causes; one that waits for a word has none to score."""


@dataclass(frozen=True)
class Result:
    """One scenario in one language."""

    name: str
    language: str
    solved: bool
    detected: bool
    precision: float
    recall: float
    fault_named: bool
    root_causes: list[dict[str, str]]
    seconds: float
    tokens: int
    complaints: list[str]


def register(app: typer.Typer) -> None:
    app.command("eval")(evaluate)


def evaluate(
    folders: Annotated[list[Path], typer.Argument(help="Scenario folders, or folders of scenario folders.")],
    language: Annotated[str, typer.Option(help="en, zh or both.")] = "both",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run scenarios through planner, A2A and specialists, and score the answers.

    Exit code 0 when every scenario is solved, 1 otherwise.
    """
    if language not in ("en", "zh", "both"):
        raise Complaint("--language is en, zh or both", USAGE)
    languages = ["en", "zh"] if language == "both" else [language]
    scenarios = [scenario for folder in folders for scenario in _scenarios(folder)]
    results: list[Result] = []
    for number, folder in enumerate(scenarios, 1):
        for result in run_scenario(folder, languages):
            results.append(result)
            _tell(result, f"{number}/{len(scenarios)}")
    total = totals(results)
    if as_json:
        print(json.dumps({"scenarios": [asdict(r) for r in results], "total": total}, ensure_ascii=False, indent=2))
    else:
        print("  ".join(f"{name} {value}" for name, value in total.items()))
    raise SystemExit(0 if all(r.solved for r in results) else FAILED)


def run_scenario(folder: Path, languages: Sequence[str]) -> list[Result]:
    """Serves the scenario, runs a team on it in this process, and asks the question of each language."""
    scenario = yaml.safe_load((folder / "scenario.yaml").read_text())
    with embedded_cluster(load_settings(), folder) as settings, temporary_store(settings) as temporary:
        return asyncio.run(_ask_all(team.on_free_ports(temporary), folder.name, scenario, languages))


def totals(results: Sequence[Result]) -> dict[str, Any]:
    """Counts and means over all results."""
    if not results:
        return {"scenarios": 0}
    return {
        "scenarios": len(results),
        "solved": sum(r.solved for r in results),
        "detected": sum(r.detected for r in results),
        "fault_named": sum(r.fault_named for r in results),
        "precision": round(mean(r.precision for r in results), 3),
        "recall": round(mean(r.recall for r in results), 3),
        "seconds": round(sum(r.seconds for r in results), 1),
        "tokens": sum(r.tokens for r in results),
    }


def _scenarios(folder: Path) -> list[Path]:
    if (folder / "scenario.yaml").is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/scenario.yaml")) if folder.is_dir() else []
    if not found:
        raise Complaint(f"{folder}: no scenario.yaml there or one level below", USAGE)
    return found


async def _ask_all(settings: Any, name: str, scenario: dict[str, Any], languages: Sequence[str]) -> list[Result]:
    async with team.in_one_process(settings) as running, PlannerClient(running.url) as planner:
        return [
            await _ask(planner, name, scenario, language)
            for language in languages
            if language in scenario.get("questions", {})
        ]


async def _ask(planner: PlannerClient, name: str, scenario: dict[str, Any], language: str) -> Result:
    from agents.diagnoser.scoring import score

    began = time.perf_counter()
    request_id = await planner.ask(scenario["questions"][language], language=language)
    async for event in planner.events(request_id):
        if event.type == "input_required":
            break
    answer = await planner.show(request_id)
    causes = [RootCause.model_validate(cause) for cause in answer["root_causes"]]
    scored = score(_expectation(scenario), causes, answer.get("answer") or "")
    usage = answer["usage"]
    return Result(
        name=name,
        language=language,
        solved=scored.solved and answer["status"] in ANSWERED,
        detected=scored.detected,
        precision=round(scored.precision, 3),
        recall=round(scored.recall, 3),
        fault_named=scored.fault_named,
        root_causes=[{"resource": c.resource, "fault": c.fault, "explanation": c.explanation} for c in causes],
        seconds=round(time.perf_counter() - began, 2),
        tokens=usage["input_tokens"] + usage["output_tokens"],
        complaints=scored.complaints or ([] if answer["status"] in ANSWERED else [f"ended as {answer['status']}"]),
    )


def _expectation(scenario: dict[str, Any]) -> dict[str, Any]:
    """`expect`; patterns for the answer's text may also stand beside it."""
    beside = {"answer_mentions": scenario["answer_mentions"]} if "answer_mentions" in scenario else {}
    return beside | scenario["expect"]


def _tell(result: Result, place: str) -> None:
    mark = "solved" if result.solved else "MISSED"
    told = "" if result.solved else "  " + "; ".join(result.complaints)
    sys.stderr.write(f"[{place}] {mark} {result.name} {result.language} {result.seconds:.1f}s{told}\n")
    sys.stderr.flush()
