"""Our own scenarios keep what they promise: complete, true to their objects, and the same on every run."""

import pytest

from tests.scenarios.folder import DATA, FAULTS, Folder
from tests.scenarios.stories import STORIES

COMMITTED = sorted(p.name for p in DATA.iterdir() if p.is_dir())


def test_every_fault_has_a_scenario() -> None:
    told = {cause.fault for story in STORIES.values() for cause in story.causes}
    assert told == FAULTS


def test_every_story_has_its_folder_and_every_folder_its_story() -> None:
    assert sorted(STORIES) == COMMITTED


@pytest.mark.parametrize("name", COMMITTED[::12])
def test_the_committed_folder_is_what_the_story_tells(name: str) -> None:
    assert STORIES[name].files() == Folder.read(DATA / name).files


@pytest.mark.parametrize("name", COMMITTED)
def test_the_truth_is_about_things_that_exist(name: str) -> None:
    assert list(Folder.read(DATA / name).complaints()) == []


def test_many_scenarios_are_healthy_or_have_two_causes() -> None:
    assert sum(not s.causes for s in STORIES.values()) >= 8
    assert sum(len(s.causes) > 1 for s in STORIES.values()) >= 6
