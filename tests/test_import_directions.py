"""The house's one structural rule: imports point one way (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPECIALISTS = ("agents.metrics", "agents.auditor", "agents.diagnoser", "agents.executor")
ROOMS = ("cards", "agents.runtime", "agents.cluster", *SPECIALISTS, "planner", "sandbox", "kubeteam")
MAY_IMPORT: dict[str, set[str]] = {
    "cards": set(),
    "sandbox": set(),
    "agents.runtime": {"cards"},
    "agents.cluster": {"agents.runtime"},
    "agents.metrics": {"agents.runtime", "agents.cluster"},
    "agents.auditor": {"agents.runtime", "agents.cluster"},
    "agents.diagnoser": {"agents.runtime", "agents.cluster"},
    "agents.executor": {"agents.runtime", "agents.cluster", "agents.diagnoser"},
    "planner": {"agents.runtime", "cards"},
    "kubeteam": set(ROOMS),
}


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def room_of(module: str) -> str | None:
    """The room that a module belongs to, or None when it is not ours."""
    return next((room for room in ROOMS if module == room or module.startswith(room + ".")), None)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_architecture_allows(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    files = list((ROOT / room.replace(".", "/")).rglob("*.py"))
    assert files, f"{room} has no code"
    wrong = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files
        for module in imported_modules(path)
        if (target := room_of(module)) and target not in allowed
    }
    assert not wrong


def test_cluster_access_knows_the_settings_and_no_agents() -> None:
    imports = {m for path in (ROOT / "agents/cluster").rglob("*.py") for m in imported_modules(path)}
    runtime = {m for m in imports if m.startswith("agents.runtime")}
    assert {m for m in runtime if not m.startswith("agents.runtime.settings")} <= {"agents.runtime"}
