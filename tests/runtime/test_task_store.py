"""The task store: what was acknowledged survives kill -9, and lists are what they should be."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from a2a.types import ListTasksRequest, Message, Task, TaskState, TaskStatus
from a2a.utils.errors import InvalidParamsError
from hypothesis import given
from hypothesis import strategies as st

from agents.runtime import task_store
from agents.runtime.task_cursor import Cursor
from agents.runtime.task_store import StoreError, TaskStore

PROJECT = Path(__file__).parents[2]


def task(name: str, state: TaskState = TaskState.TASK_STATE_COMPLETED, seconds: int = 1) -> Task:
    made = Task(id=name, context_id="c", status=TaskStatus(state=state))
    made.status.timestamp.seconds = seconds
    return made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[TaskStore]:
    opened = TaskStore.at(None, tmp_path, "s")
    await opened.open()
    yield opened
    await opened.close()


async def test_many_states_of_many_tasks_share_commits(store: TaskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0
    commit = store._commit

    async def counted(*rows: list[dict[str, object]]) -> set[str]:
        nonlocal commits
        commits += 1
        return await commit(*rows)

    monkeypatch.setattr(store, "_commit", counted)
    waits = [store.put(task(f"t{n % 100}"), "o", durable=True) for n in range(500)]
    await asyncio.gather(*(wait for wait in waits if wait is not None))
    assert commits <= 3
    assert (await store.list(ListTasksRequest(page_size=100), "o")).total_size == 100


async def test_what_nobody_waited_for_is_read_back_and_listed_at_once(store: TaskStore) -> None:
    store.put(task("t"), "o", durable=False)
    assert await store.get("t", "o") == task("t")
    assert await store.get("t", "somebody else") is None
    assert (await store.list(ListTasksRequest(), "o")).total_size == 1


async def test_a_store_that_cannot_write_says_so_to_whoever_waits(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*rows: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(store, "_commit", broken)
    waiting = store.put(task("t"), "o", durable=True)
    assert waiting is not None
    with pytest.raises(StoreError, match="no space left"):
        await waiting
    monkeypatch.undo()


async def test_old_ended_tasks_are_forgotten_with_their_messages_and_parked_ones_are_not(store: TaskStore) -> None:
    store.put(task("old"), "o", durable=False)
    store.put(task("parked", TaskState.TASK_STATE_INPUT_REQUIRED), "o", durable=False)
    store.put_message("k", "o", "old", None)
    await store.flush()
    assert await store.forget_before(3600) == 1
    assert await store.get("old", "o") is None
    assert await store.get("parked", "o") is not None
    assert await store.answered("k") is None


async def test_two_services_share_a_database_and_see_only_their_own(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/shared.db"
    one, two = TaskStore.at(url, tmp_path, "one"), TaskStore.at(url, tmp_path, "two")
    await asyncio.gather(one.open(), two.open())
    one.put(task("t"), "o", durable=False)
    one.put_message("k", "o", None, Message(message_id="r"))
    await one.flush()
    assert await two.get("t", "o") is None
    assert await two.answered("k") is None
    await asyncio.gather(one.close(), two.close())


async def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        await TaskStore.at(f"sqlite+aiosqlite:///{tmp_path}/nowhere/x.db", tmp_path, "s").open()


@given(st.integers(0, 2**63 - 1), st.text(min_size=1, max_size=40))
def test_page_tokens_are_read_back(updated: int, name: str) -> None:
    assert Cursor.read(Cursor(updated, name).write()) == Cursor(updated, name)


@given(st.text(max_size=30))
def test_any_other_page_token_is_refused_politely(token: str) -> None:
    try:
        Cursor.read(token)
    except InvalidParamsError:
        return
    assert Cursor.read(token).write() == token.rstrip("=")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**6)), max_size=30), st.integers(1, 7))
def test_pages_in_order_are_the_whole_list(stamps: list[tuple[int, int]], size: int) -> None:
    async def check() -> None:
        opened = TaskStore.at("sqlite+aiosqlite://", Path("/"), "s")
        await opened.open()
        for number, (seconds, nanos) in enumerate(stamps):
            made = task(f"t{number:02}", seconds=seconds)
            made.status.timestamp.nanos = nanos
            opened.put(made, "o", durable=False)
        seen: list[Task] = []
        token = ""
        while True:
            page = await opened.list(ListTasksRequest(page_size=size, page_token=token), "o")
            seen += page.tasks
            token = page.next_page_token
            if not token:
                break
        keys = [(t.status.timestamp.ToNanoseconds(), t.id) for t in seen]
        assert keys == sorted(keys, reverse=True)
        assert len({t.id for t in seen}) == len(stamps) == page.total_size
        await opened.close()

    asyncio.run(check())


WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from a2a.types import Task, TaskState, TaskStatus
    from agents.runtime.task_store import TaskStore

    async def one(store, lane):
        for number in range(100_000):
            name = f"{lane}-{number}"
            status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
            task = Task(id=name, context_id="c", status=status)
            store.put_message(f"key {name}", "o", name, None)
            await store.put(task, "o", durable=True)
            task.status.state = TaskState.TASK_STATE_COMPLETED
            await store.put(task, "o", durable=True)
            sys.stdout.write(name + "\\n")
            sys.stdout.flush()

    async def main():
        store = TaskStore.at(None, Path(sys.argv[1]), "s")
        await store.open()
        await asyncio.gather(*(one(store, lane) for lane in range(8)))

    asyncio.run(main())
    """
)


async def test_nothing_acknowledged_is_lost_on_kill_9(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(100)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    acknowledged += [line for line in rest.decode().split("\n")[:-1] if line]
    opened = TaskStore.at(None, tmp_path, "s")
    await opened.open()
    for name in acknowledged:
        found = await opened.get(name, "o")
        assert found is not None and found.status.state == TaskState.TASK_STATE_COMPLETED
        assert await opened.answered(f"key {name}") is not None
    await opened.close()


def test_the_lazy_delay_stays_short() -> None:
    assert task_store.LAZY_SECONDS <= 0.5
