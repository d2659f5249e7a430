"""`kubeteam diagnose`: the diagnoser alone, on a cluster or on files, without services."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from agents.runtime.findings import Language, SubtaskInput
from agents.runtime.language import language_of
from agents.runtime.settings import Settings, load_settings
from kubeteam.exits import FAILED, USAGE, Complaint


def register(app: typer.Typer) -> None:
    app.command()(diagnose)


def diagnose(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A scenario folder, or one written by "
            "`kubectl cluster-info dump --output-directory=D --all-namespaces` (JSON or YAML); default: a live cluster."
        ),
    ] = None,
    question: Annotated[str, typer.Option(help="What it is about; default: everything.")] = "",
    kubeconfig: Annotated[Path | None, typer.Option(help="The live cluster's kubeconfig.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Which cluster, when there are several.")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh; default: the question's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Name root causes without planner, services or model: on a live cluster, or offline on an attachment.

    Exit code 0 whether or not faults were found, 1 when the cluster could not be read, 2 usage.
    """
    if folder and (kubeconfig or cluster):
        raise Complaint("give a folder, or --kubeconfig and --cluster", USAGE)
    if language not in (None, "en", "zh"):
        raise Complaint("--language is en or zh", USAGE)
    spoken: Language = language or language_of(question)  # pyright: ignore[reportAssignmentType] - checked above
    settings = load_settings()
    if kubeconfig:
        if not kubeconfig.is_file():
            raise Complaint(f"--kubeconfig: no such file: {kubeconfig}", USAGE)
        pointed = settings.kubernetes.model_copy(update={"kubeconfig": kubeconfig})
        settings = settings.model_copy(update={"kubernetes": pointed})
    print(asyncio.run(_diagnose(settings, folder, cluster, question, spoken, as_json)))


async def _diagnose(
    settings: Settings, folder: Path | None, cluster_id: str | None, question: str, language: Language, as_json: bool
) -> str:
    from agents.cluster.errors import AmbiguousCluster, ClusterError, NoCluster, UnknownCluster
    from agents.diagnoser.compose import compose
    from agents.diagnoser.folder import FolderError
    from agents.diagnoser.views import diagnosis_result
    from agents.runtime.definition import ToolResult, Turn

    try:
        inquiry = await _inquire(settings, folder, cluster_id, question, language)
    except FolderError as error:
        raise Complaint(str(error), USAGE) from error
    except ClusterError as error:
        usage = isinstance(error, AmbiguousCluster | NoCluster | UnknownCluster)
        raise Complaint(str(error), USAGE if usage else FAILED) from error
    result = diagnosis_result(inquiry.snapshot, inquiry.diagnosis)
    if as_json:
        return result.model_dump_json(indent=2)
    answer = ToolResult("find_root_causes", {}, content=result.model_dump(mode="json"))
    return compose(Turn(question, SubtaskInput(question=question, language=language), (answer,))).text


async def _inquire(settings: Settings, folder: Path | None, cluster_id: str | None, question: str, language: Language):
    from agents.cluster.clusters import Clusters
    from agents.diagnoser.collect import collect
    from agents.diagnoser.engine import diagnose as find
    from agents.diagnoser.folder import FolderReader
    from agents.diagnoser.inquiry import Inquiry, inquire

    if folder is not None:
        reader = FolderReader(folder)
        snapshot = await collect(reader, now=reader.now, question=question, audit=reader.audit())
        return Inquiry(snapshot, find(snapshot, question, language))
    clusters = Clusters(settings.kubernetes)
    try:
        return await inquire(await clusters.get(cluster_id), settings, question, language)
    finally:
        await clusters.close()
