"""What the image will hold: the wheel has everything that the tree has, and the Containerfile keeps the house rules."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "cards", "kubeteam", "planner", "sandbox")
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", *ROOMS)
CONTAINERFILE = ROOT / "Containerfile"


def files_of(room: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a clean folder, of exactly what the Containerfile copies."""
    clean = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, clean / name, ignore=ignored) if source.is_dir() else shutil.copy(source, clean)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=clean, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return clean / done.stdout.split()[-1]


@pytest.mark.parametrize("room", ROOMS)
def test_the_wheel_has_every_file_of_a_room(wheel: Path, room: str) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"{room}/")}
    assert packed >= files_of(room), sorted(files_of(room) - packed)


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    assert {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()} - {*ROOMS} == {
        "kubeteam-0.1.0.dist-info"
    }


def instructions() -> list[str]:
    text = re.sub(r"\\\n\s*", "", CONTAINERFILE.read_text())
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def last_stage() -> list[str]:
    lines = instructions()
    start = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[start:]


def test_the_image_is_built_of_what_the_wheel_is_built_of() -> None:
    copied = " ".join(line.removeprefix("COPY ") for line in instructions() if line.startswith("COPY"))
    assert all(name in copied.split() for name in BUILT_FROM)
    assert all((ROOT / name).exists() for name in BUILT_FROM)


def test_the_final_image_has_no_root_no_build_tools_and_the_service_as_argument() -> None:
    lines = last_stage()
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert not any(re.search(r"\b(pip3?|uv) install|apt-get|uv pip", line) for line in lines)
    assert 'ENTRYPOINT ["kubeteam"]' in lines
    assert any(line.startswith('CMD ["serve"') for line in lines)


def test_versions_are_pinned_and_hashes_are_required() -> None:
    lines = instructions()
    assert all(re.search(r":\d[\w.-]*", line) for line in lines if line.startswith("FROM "))
    assert all("==" in line for line in lines if "pip install" in line and "uv pip" not in line)
    assert any("--require-hashes requirements-runtime.lock" in line for line in lines)
    assert any(line.startswith("RUN uv pip install") and "--no-deps" in line for line in lines)


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed; `make image-lint` brings it")
def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run(["hadolint", str(CONTAINERFILE)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
