"""What a service imports: the heavy parts of libraries only when something of them is wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "a2a.server.cluster.database_event_stream",
    "alembic",
    "google.cloud",
    "google.genai.client",
    "jwt",
    "kubernetes.client",
    "kubernetes.dynamic",
    "litellm",
    "matplotlib",
    "mcp.client.client",
    "openai",
    "requests",
    "rich.markdown",
    "sqlalchemy.orm",
)


def run(code: str) -> str:
    """What a fresh interpreter prints. Raises CalledProcessError with its standard error."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("name", ["metrics", "auditor", "diagnoser", "executor"])
def test_a_specialist_without_a_model_starts_without_the_heavy_parts_of_libraries(name: str) -> None:
    code = (
        "import sys, kubeteam.main, kubeteam.commands.serve, agents.runtime.serve, agents.runtime.service\n"
        f"import agents.runtime.specialist, agents.{name}.agent\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert run(code).strip() == "[]"


@pytest.mark.parametrize(
    "wanted",
    [
        "from kubernetes import client; client.CoreV1Api",
        "import kubernetes; kubernetes.config.load_kube_config",
        "from kubernetes.aio import client; client.CoreV1Api",
        "import google.genai; google.genai.Client",
        "from mcp import Client, ClientSession, types",
        "from mcp.server import Server",
        "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine",
        "from sqlalchemy.dialects import postgresql; postgresql.insert; postgresql.array",
        "from a2a.server.request_handlers import DefaultRequestHandler",
        "from a2a.server.tasks import DatabaseTaskStore; assert DatabaseTaskStore.__module__.endswith('_task_store')",
        "import httpx; httpx.main",
    ],
)
def test_whoever_wants_more_of_a_library_gets_it(wanted: str) -> None:
    run(f"import agents.runtime.service\n{wanted}")


def test_a_name_that_a_package_does_not_have_is_missed_in_the_usual_words() -> None:
    code = (
        "import agents.runtime, kubernetes\n"
        "try: kubernetes.nonsense\n"
        "except AttributeError as error: print(error)\n"
        "try: from kubernetes import nonsense\n"
        "except ImportError as error: print(error.name)"
    )
    assert run(code).splitlines() == ["module 'kubernetes' has no attribute 'nonsense'", "kubernetes"]


def test_a_model_whose_validator_is_made_late_validates_the_same() -> None:
    code = (
        "import agents.runtime\n"
        "from google.genai import types\n"
        "assert not types.Content.__pydantic_complete__\n"
        "print(types.Content.model_validate({'role': 'user', 'parts': [{'text': 'x'}]}).parts[0].text)"
    )
    assert run(code).strip() == "x"


def test_a_specialist_with_a_model_is_ready_before_litellm_is_imported() -> None:
    late = ("litellm", "google.adk.models.lite_llm", "google.genai.interactions")
    code = (
        "import sys\nfrom agents.runtime.models import model_for\nfrom agents.runtime.settings import ModelSettings\n"
        "assert model_for(ModelSettings(name='openai/x')) is not None\n"
        f"print([name for name in {late!r} if name in sys.modules])"
    )
    assert run(code).strip() == "[]"
