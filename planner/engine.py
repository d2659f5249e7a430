"""Drives one request: plan, dispatch everything that is ready, follow up, answer. Every step is stored first.

All state is in the store, so driving a request again after a crash, here or at another planner, goes on where it
stopped: finished subtasks are not repeated. Those in flight, and those that had only looked and ended in that very
moment, are sent again with the same `messageId`, by which members know them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from agents.runtime.findings import Finding, Usage
from agents.runtime.logs import know
from agents.runtime.settings import LimitSettings
from agents.runtime.tracing import span
from agents.runtime.updates import Failed, InputRequired, Outcome, TaskStarted
from planner.answer import Answer, input_required, subtask_views, view
from planner.approving import Signing, unsigned
from planner.board import Board
from planner.clarify import clarification, cluster_named
from planner.dispatch import cancel, dispatch
from planner.lanes import Lanes
from planner.leases import Lease
from planner.offer import offer
from planner.plan import Plan, Subtask
from planner.proposals import APPROVALS, QUESTION
from planner.recorder import Recorder
from planner.request import Pause, Request, now
from planner.revise import follow_ups, leads_on
from planner.store import LeaseLost, Step, Store
from planner.team import MemberClient, Team
from planner.telemetry import asking, note_outcome
from planner.truth import RESENDS, Tools, truth
from planner.watch import Watch

MAX_QUESTIONS = 3
"""How often one member may ask back in one request."""
REATTACH_SECONDS = 60.0
"""How long a member that has taken a task may be away, as while it is started again."""


class Members(Tools, Protocol):
    """The team, reachable."""

    async def profiles(self) -> Team:
        """Every member that can be asked, by name."""
        ...

    async def clusters(self) -> list[str]:
        """The clusters that the team sees; empty when no member could say."""
        ...

    def client(self, name: str) -> MemberClient:
        """How to ask a member. Raises KeyError for one that is not on the team."""
        ...

    def leave(self) -> None:
        """Lets the members' work go on when those who wait for it are stopped."""
        ...


class Strategy(Protocol):
    """Planning and synthesis, with or without a model."""

    async def plan(self, request: Request, team: Team) -> tuple[Plan, Usage, list[str]]:
        """A valid plan, what it cost, and notes for the asker."""
        ...

    async def answer(
        self, request: Request, plan: Plan, findings: Mapping[str, Finding]
    ) -> tuple[Answer, Usage, list[str]]:
        """The answer, what it cost, and notes for the asker."""
        ...


@dataclass(frozen=True)
class Desk:
    """What driving requests needs."""

    store: Store
    watch: Watch
    members: Members
    strategy: Strategy
    limits: LimitSettings
    lanes: Lanes = field(default_factory=lambda: Lanes(LimitSettings().subtasks_per_specialist))
    signing: Signing = field(default_factory=lambda: Signing(unsigned))


class Drive:
    """One request on its way. Made anew for every stretch of work; what lasts is in the store."""

    def __init__(
        self, desk: Desk, lease: Lease, request: Request, plan: Plan | None, findings: dict[str, Finding]
    ) -> None:
        self._desk, self._request, self._findings = desk, request, findings
        self._board = None if plan is None else Board(plan)
        self._running: dict[asyncio.Task[Outcome], str] = {}
        self._ended: asyncio.Queue[asyncio.Task[Outcome]] = asyncio.Queue()
        self._resumed = False
        self._left = asyncio.Event()
        self._recorder = Recorder(desk.store, desk.watch, lease)

    def leave(self) -> None:
        """Another planner goes on: when this one is stopped, the members' work is not."""
        self._left.set()

    async def run(self) -> None:
        """Works until the request is answered or waits for a person. Cancelling leaves everything to go on later."""
        try:
            await self._run()
        finally:
            await self._recorder.close()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop()
        ends = clock.time() + self._desk.limits.request_deadline_seconds
        try:
            if self._board is None and not await self._make_plan():
                return
            ends += sum(subtask.deadline_seconds or 0 for subtask in self.plan.subtasks if not subtask.over)
            await self._work(lambda: ends - clock.time())
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        if any(subtask.status == "input_required" for subtask in self.plan.subtasks):
            return
        if (pause := offer(self._request, self.plan, self._findings)) is not None:
            await self._pause(pause, await self._put_together())
        else:
            await self._answer()

    @property
    def plan(self) -> Plan:
        """The plan; there is one once planning is over."""
        return self.board.plan

    @property
    def board(self) -> Board:
        """The plan's subtasks; there are some once planning is over."""
        assert self._board is not None
        return self._board

    async def _make_plan(self) -> bool:
        """Plans, or pauses with a question. True when there is a plan now."""
        clusters = [] if self._request.cluster_id else await self._desk.members.clusters()
        if (pause := clarification(self._request, clusters)) is not None:
            await self._pause(pause)
            return False
        changes: dict[str, Any] = {"status": "running", "cluster_id": cluster_named(self._request, clusters)}
        if self._request.started_at is None:
            changes["started_at"] = now()
        self._request = self._request.model_copy(update=changes)
        self._recorder.later(Step(request=self._request, events=[_status(self._request)]))
        with span("plan"):
            plan, usage, notes = await self._desk.strategy.plan(self._request, await self._desk.members.profiles())
        know(plan_id=plan.id)
        self._board = Board(plan)
        self._request = self._request.model_copy(update={"intent": plan.intent})
        self._charge(usage, notes)
        # Stored with its first subtasks, before these are sent.
        self._recorder.later(Step(request=self._request, plan=plan, events=[_plan_event(plan)]))
        return True

    async def _work(self, remaining: Callable[[], float]) -> None:
        """Sends whatever is ready and takes in what comes back, until nothing is left to run."""
        while True:
            await self._skip()
            await self._send(remaining())
            if not self._running:
                break
            done = await self._some_ended(remaining())
            if not done:
                await self._out_of_time()
                break
            ended = [(self._running.pop(task), task.result()) for task in done]
            led_on = await asyncio.gather(*(self._settle(id, outcome) for id, outcome in ended))
            if any(led_on):
                await self._follow_up()
        await self._ask_person()

    async def _some_ended(self, seconds: float) -> list[asyncio.Task[Outcome]]:
        """Subtasks whose turn is over, as soon as there is one; none when time is up."""
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                done = [await self._ended.get()]
        except TimeoutError:
            return []
        while not self._ended.empty():
            done.append(self._ended.get_nowait())
        return done

    async def _send(self, remaining: float) -> None:
        """Everything ready at once: first stored as running, then sent."""
        resumed = [s for s in self.plan.subtasks if s.status == "running"] if not self._resumed else []
        self._resumed = True
        deadline = round(min(self._desk.limits.subtask_deadline_seconds, max(remaining, 0.1)), 1)
        begun = {"status": "running", "started_at": now()}
        fresh = [
            s.model_copy(update={**begun, "given_seconds": s.deadline_seconds or deadline}) for s in self.board.ready()
        ]
        if fresh:
            await self._change(fresh)
        for subtask in (*resumed, *fresh):
            task = asyncio.create_task(self._dispatch(subtask, subtask.given_seconds or deadline))
            self._running[task] = subtask.id
            task.add_done_callback(self._ended.put_nowait)

    async def _dispatch(self, subtask: Subtask, deadline: float) -> Outcome:
        outcome = await self._take_turn(subtask, deadline)
        if APPROVALS not in subtask.inputs:
            return outcome
        for _ in range(RESENDS):
            known = await truth(self._desk.members, subtask, outcome, self._request.language)
            if known is not None:
                return known
            anew = {"turn": subtask.turn + 1, "task_id": None, "context_id": None, "continues": False}
            subtask = subtask.model_copy(update=anew)
            await self._change([subtask], tell=False)
            outcome = await self._take_turn(subtask, deadline)
        return await truth(self._desk.members, subtask, outcome, self._request.language) or outcome

    async def _take_turn(self, subtask: Subtask, deadline: float) -> Outcome:
        async def started(update: TaskStarted) -> None:
            known = {"task_id": update.task_id, "context_id": update.context_id}
            current = self.board[subtask.id]
            if (current.task_id, current.context_id) != (update.task_id, update.context_id):
                self.board.put(changed := current.model_copy(update=known))
                self._recorder.later(Step(subtasks=[changed]))

        async def told(text: str) -> None:
            event = ("progress", {"subtask": subtask.id, "specialist": subtask.specialist, "text": text})
            self._recorder.later(Step(events=[event]))

        try:
            member = self._desk.members.client(subtask.specialist)
        except KeyError:
            return Failed("is not on the team any more")
        before = [self._findings[id] for id in subtask.depends_on if id in self._findings]
        lanes = self._desk.lanes
        async with lanes.turn(subtask.specialist, self._request.id):
            if (rest := lanes.closed(subtask.specialist)) and subtask.task_id is None:
                return Failed(f"could not be reached for some time; it is tried again in {rest:.0f} s", "unreachable")
            with asking(self._request, self.board.plan_id, subtask) as asked:
                outcome = await dispatch(
                    member,
                    self._request,
                    self.board.message_id(subtask),
                    subtask,
                    before,
                    plan_id=self.board.plan_id,
                    deadline=deadline,
                    started=started,
                    told=told,
                    left=self._left,
                    patience=REATTACH_SECONDS if subtask.task_id else lanes.patience(subtask.specialist),
                )
                note_outcome(asked, outcome)
            unreachable = isinstance(outcome, Failed) and outcome.kind == "unreachable"
            lanes.heard(subtask.specialist, reached=not unreachable)
            return outcome

    async def _settle(self, subtask_id: str, outcome: Outcome) -> bool:
        """Takes in how a turn ended. True when that may make something worth asking next."""
        subtask = self.board[subtask_id]
        if isinstance(outcome, InputRequired):
            await self._change([subtask.model_copy(update={"status": "input_required", "note": outcome.text})])
            return False
        if isinstance(outcome, Failed):
            await self._change([_ended(subtask, "failed", outcome.reason.removeprefix(f"{subtask.specialist}: "))])
            return False
        if (question := unanswered(self.plan, subtask, outcome.finding)) is not None:
            # The member's task is over, so the answer will be a new one.
            waiting = {"status": "input_required", "note": question, "task_id": None, "context_id": None}
            await self._change([subtask.model_copy(update=waiting)])
            return False
        self._findings[subtask_id] = outcome.finding
        # Whoever only looked says the same again, so it may wait for the next step; what was changed is kept at once.
        await self._change(
            [_ended(subtask, "done")], {subtask_id: outcome.finding}, at_once=APPROVALS in subtask.inputs
        )
        return leads_on(subtask, outcome.finding)

    async def _follow_up(self) -> None:
        team = await self._desk.members.profiles()
        added = follow_ups(self._request, self.plan, self._findings, team, self._desk.limits)
        if added:
            self.board.extend(added)
            await self._record(Step(plan=self.plan, events=[_plan_event(self.plan)]))

    async def _skip(self) -> None:
        """Gives up what depends only on work that brought nothing, and what depends on that."""
        while hopeless := self.board.hopeless():
            await self._change([_ended(subtask, "skipped") for subtask in hopeless])

    async def _out_of_time(self) -> None:
        """The request's deadline: what still runs is stopped, which cancels it at the members, too."""
        late = [self.board[id] for id in self._running.values()]
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        reason = f"the request's {self._desk.limits.request_deadline_seconds:.0f} s were over"
        pending = [subtask for subtask in self.plan.subtasks if subtask.status == "pending"]
        await self._change([_ended(subtask, "failed", reason) for subtask in (*late, *pending)])

    async def _ask_person(self) -> None:
        """Passes a member's question on, once nothing else can be done meanwhile, with what others found until then."""
        asking = [subtask for subtask in self.plan.subtasks if subtask.status == "input_required"]
        if asking:
            first = asking[0]
            kind = "subtask" if first.task_id else "target"
            known = await self._put_together() if self._findings else None
            await self._pause(Pause(kind=kind, question=first.note, subtask_id=first.id), known)

    async def _pause(self, pause: Pause, answer: Answer | None = None) -> None:
        """Waits for a person; `answer` is what is known so far."""
        self._request = self._request.model_copy(update={"status": "input_required", "pause": pause})
        asked = input_required(self._request)
        assert asked is not None
        events = [_status(self._request), ("input_required", asked.model_dump(mode="json"))]
        if answer is not None:
            whole = view(self._request, self.plan, self._findings, answer).model_dump(mode="json")
            events.insert(1, ("answer", whole))
        await self._record(Step(request=self._request, answer=answer, events=events))

    async def _put_together(self) -> Answer:
        with span("answer"):
            answer, usage, notes = await self._desk.strategy.answer(self._request, self.plan, self._findings)
        self._charge(usage, notes)
        return answer

    async def _answer(self) -> None:
        answer = await self._put_together()
        status = "answered" if self._findings else "failed"
        self._request = self._request.model_copy(update={"status": status, "ended_at": now()})
        whole = view(self._request, self.plan, self._findings, answer).model_dump(mode="json")
        events = [("answer", whole), _status(self._request)]
        await self._record(Step(request=self._request, answer=answer, events=events))

    def _charge(self, usage: Usage, notes: list[str]) -> None:
        spent = {"usage": self._request.usage + usage, "notes": (*self._request.notes, *notes)}
        self._request = self._request.model_copy(update=spent)

    async def _change(
        self,
        subtasks: list[Subtask],
        findings: dict[str, Finding] | None = None,
        *,
        tell: bool = True,
        at_once: bool = True,
    ) -> None:
        for subtask in subtasks:
            self.board.put(subtask)
        events = [subtask_event(subtask) for subtask in subtasks] if tell else []
        step = Step(subtasks=subtasks, findings=findings or {}, events=events)
        if at_once:
            await self._record(step)
        else:
            self._recorder.later(step)

    async def _record(self, step: Step) -> None:
        try:
            await self._recorder.record(step)
        except LeaseLost:
            self.leave()
            raise


def unanswered(plan: Plan, subtask: Subtask, finding: Finding) -> str | None:
    """What a member must know before it can prepare a change (`facts["question"]`); asked a few times, then let be."""
    question = finding.facts.get(QUESTION)
    asks = plan.intent == "change" and isinstance(question, str) and question.strip() and not finding.actions
    return str(question) if asks and subtask.turn < MAX_QUESTIONS else None


async def stop_subtask(members: Members, subtask: Subtask, user: str) -> None:
    """Tells the member to stop, when it was ever told to start and still is on the team."""
    if subtask.task_id is None:
        return
    try:
        member = members.client(subtask.specialist)
    except KeyError:
        return
    await cancel(member, subtask.task_id, user)


def _ended(subtask: Subtask, status: str, note: str = "") -> Subtask:
    return subtask.model_copy(update={"status": status, "note": note, "ended_at": now()})


def _status(request: Request) -> tuple[str, dict[str, Any]]:
    return "request", {"id": request.id, "status": request.status}


def _plan_event(plan: Plan) -> tuple[str, dict[str, Any]]:
    subtasks = [item.model_dump(mode="json") for item in subtask_views(plan)]
    data = {"goal": plan.goal, "strategy": plan.strategy, "revision": plan.revision, "subtasks": subtasks}
    return "plan", data


def subtask_event(subtask: Subtask) -> tuple[str, dict[str, Any]]:
    """How a subtask stands, as an event."""
    seconds = subtask.seconds(now())
    data = {"id": subtask.id, "specialist": subtask.specialist, "status": subtask.status, "seconds": seconds}
    return "subtask", {**data, "note": subtask.note, "title": subtask.title}
