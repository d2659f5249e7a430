"""A scripted service for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agents.runtime.settings import Settings
from tests.runtime.scripted import Scripted, app_of, http_to, settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def executor() -> Scripted:
    return Scripted()


@pytest.fixture
async def http(executor: Scripted, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with http_to(app_of(executor, settings)) as client:
        yield client
