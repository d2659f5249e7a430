"""A sample of the scenarios; the whole set is `python -m tests.remedies`."""

from pathlib import Path

import pytest

from tests.remedies.__main__ import DATA
from tests.remedies.repair import repair, wants_remedy

SAMPLE = [folder for folder in sorted(DATA.iterdir()) if folder.is_dir() and wants_remedy(folder)][::8]


@pytest.mark.parametrize("folder", SAMPLE, ids=lambda folder: folder.name)
async def test_the_expected_remedy_is_proposed_and_ends_the_incident(folder: Path) -> None:
    assert (await repair(folder)).problem == ""
