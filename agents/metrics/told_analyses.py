"""Sizing and autoscaling in the metrics analyst's answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from agents.cluster.quantities import format_cpu, format_memory
from agents.metrics.results import Percentiles, WorkloadAutoscaling, WorkloadCost
from agents.metrics.rightsizing import HISTORY, MOMENT
from agents.metrics.wording import say
from agents.runtime.definition import Turn, results_of
from agents.runtime.findings import Evidence, Language

SOURCE = "metrics.k8s.io (point in time)"


class Analyses:
    """What analyze_workload_cost and analyze_workload_autoscaling found."""

    def __init__(self, turn: Turn) -> None:
        self._language: Language = turn.subtask.language
        self.costs = results_of(turn.results, "analyze_workload_cost", WorkloadCost)
        self.scalings = results_of(turn.results, "analyze_workload_autoscaling", WorkloadAutoscaling)

    @property
    def problems(self) -> list[str]:
        """What could not be looked at."""
        return [found.problem for found in (*self.costs, *self.scalings) if found.problem]

    @property
    def historic(self) -> bool:
        """Whether any of them looked at more than one moment."""
        return any(not found.point_in_time for found in (*self.costs, *self.scalings))

    def text(self) -> str:
        """What the analyses say, and the rule behind recommended sizes."""
        lines = [line for cost in self.costs for line in self._cost(cost)]
        lines += list(dict.fromkeys(say("rule", self._language, rule=self._rule(cost)) for cost in self.costs))
        lines += [line for scaling in self.scalings for line in self._scaling(scaling)]
        return "\n".join(lines)

    def _cost(self, cost: WorkloadCost) -> Iterable[str]:
        metrics = cost.resource_metrics
        yield say(
            "sized",
            self._language,
            resource=cost.resource,
            pods=cost.pods,
            cpu_request=cores(metrics.cpu_request),
            memory_request=size(metrics.memory_request),
            cpu=cores(metrics.cpu_usage),
            memory=size(metrics.memory_usage),
        )
        for box in cost.resource_recommendation.containers:
            about: dict[str, Any] = {"container": box.container_name}
            about |= {"cpu": box.cpu_recommended, "memory": box.memory_recommended}
            about |= {"cpu_now": box.cpu_now or "-", "memory_now": box.memory_now or "-"}
            about["verdict"] = say(f"verdict_{box.verdict or 'unset'}", self._language)
            yield f"- {say('recommended', self._language, **about)}"
            if box.memory_limit_recommended:
                limits = {"memory": box.memory_limit_recommended, "memory_now": box.memory_limit_now or "-"}
                limits |= {"cpu": box.cpu_limit_recommended or "-", "cpu_now": box.cpu_limit_now or "-"}
                yield f"  - {say('limits', self._language, **limits)}"
            if (cpu := box.cpu_percentiles) and (memory := box.memory_percentiles):
                yield f"  - {say('percentiles', self._language, cpu=_spread(cpu, cores), memory=_spread(memory, size))}"
            yield from (f"  - {note}" for note in box.notes)

    def _scaling(self, found: WorkloadAutoscaling) -> Iterable[str]:
        scaler, advice = found.autoscaler, found.hpa_recommendation
        if scaler is not None:
            about: dict[str, Any] = {"resource": scaler.resource, "metrics": "; ".join(scaler.metrics)}
            about |= {"least": scaler.min_replicas, "most": scaler.max_replicas}
            about |= {"current": scaler.current_replicas, "desired": scaler.desired_replicas}
            yield say("autoscaler", self._language, **about)
            yield from (f"- {problem}" for problem in scaler.problems)
            return
        unknown = say("unknown", self._language)
        average = unknown if advice.average_utilization is None else f"{advice.average_utilization:g}%"
        yield say("no_autoscaler", self._language, resource=found.resource, replicas=found.replicas, average=average)
        if advice.recommended:
            bounds = {"least": advice.min_replicas, "most": advice.max_replicas, "target": advice.target_utilization}
            yield say("autoscaler_advice", self._language, **bounds)
        elif advice.message:
            yield f"- {advice.message}"

    def evidence(self) -> Iterable[Evidence]:
        """One fact per container that was sized."""
        for cost in self.costs:
            for box in cost.resource_recommendation.containers:
                text = (
                    f"{cost.resource}/{box.container_name}: requests CPU {box.cpu_now or '-'}, memory "
                    f"{box.memory_now or '-'}; advised {box.cpu_recommended}, {box.memory_recommended} ({box.verdict})"
                )
                if (cpu := box.cpu_percentiles) and (memory := box.memory_percentiles):
                    text += f"; CPU {_spread(cpu, cores)}; memory {_spread(memory, size)}"
                source = SOURCE if cost.point_in_time else f"prometheus ({cost.window})"
                yield Evidence(source=source, query=cost.query, observed_at=cost.observed_at, excerpt=text[:400])

    def _rule(self, cost: WorkloadCost) -> str:
        """In the asker's language; a server of other people's says its own."""
        rules = (HISTORY, MOMENT)
        own = any(rule.words("en", cost.window or "") == cost.resource_recommendation.rule for rule in rules)
        if not own:
            return cost.resource_recommendation.rule
        return (MOMENT if cost.point_in_time else HISTORY).words(self._language, cost.window or "")


def cores(value: float | None) -> str:
    """Cores as quantities, `-` for none."""
    return "-" if value is None else format_cpu(round(value, 3) or (0.001 if value > 0 else 0))


def size(value: int | None) -> str:
    """Bytes as quantities, `-` for none."""
    return "-" if value is None else format_memory(value)


def _spread(found: Percentiles, shown: Callable[[Any], str]) -> str:
    parts = (("p50", found.p50), ("p95", found.p95), ("p99", found.p99), ("max", found.max))
    return ", ".join(f"{name} {shown(value)}" for name, value in parts if value is not None)
