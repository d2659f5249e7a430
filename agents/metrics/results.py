"""What the metrics analyst's tools return. The names are ack-mcp-server's where it has a tool of the same name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Result(BaseModel):
    """Base: other people's servers add fields of their own."""

    model_config = ConfigDict(extra="ignore")


class Consumer(Result):
    """What a node, a workload, a pod or a container uses, against what it asked for and may have.

    CPU in cores, memory in bytes. None: not measured, not set, or unlimited.
    """

    resource: str
    """`namespace/Kind/name`; a container adds `/container`."""
    pods: int = 1
    cpu: float | None = None
    memory: int | None = None
    cpu_request: float | None = None
    memory_request: int | None = None
    cpu_limit: float | None = None
    memory_limit: int | None = None
    """For a node: what it can allocate."""
    cpu_percent: float | None = None
    memory_percent: float | None = None
    """Of the limit, in the fullest container; for a node of what it can allocate."""
    fullest: str | None = None
    """`pod/container` whose memory is closest to its limit."""
    restarts: int = 0
    last_exit: str | None = None
    """Why a container ended last: `OOMKilled (exit code 137)`."""
    ready: int | None = None
    """Pods that are ready."""


class TopResources(Result):
    """The biggest consumers, in the order that was asked for."""

    query: str
    """The kubectl command or the PromQL that shows it."""
    source: str = "metrics.k8s.io"
    """`prometheus` when the values are averages over `window`."""
    point_in_time: bool = True
    """Current values: no history, no rate, no trend."""
    window: str | None = None
    observed_at: datetime
    namespaces: list[str] = Field(default_factory=list[str])
    """Where the pods that were measured live."""
    total: int = 0
    consumers: list[Consumer] = Field(default_factory=list[Consumer])
    problem: str | None = None
    """Why usage is missing."""


class Failure(Result):
    """Why a query gave no result."""

    error_code: str
    error_message: str


class PrometheusAnswer(Result):
    """The result of a PromQL query."""

    query: str = ""
    resultType: str | None = None
    result: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    step: str | None = None
    """Of a range query, as it was taken."""
    observed_at: str | None = None
    warnings: list[str] = Field(default_factory=list[str])
    """What was left out or made coarser."""
    error: Failure | None = None


class MetricInfo(Result):
    """A metric worth knowing."""

    name: str
    type: str
    category: str
    labels: list[str]
    description: str


class PromqlSample(Result):
    """A query worth knowing."""

    rule_name: str
    expression: str
    severity: str = "info"
    category: str
    description: str


class MetricGuidance(Result):
    """Metrics and queries for one kind of resource and one category."""

    metrics: list[MetricInfo] = Field(default_factory=list[MetricInfo])
    promql_samples: list[PromqlSample] = Field(default_factory=list[PromqlSample])
    error: Failure | None = None


class ResourceMetrics(Result):
    """A workload's usage, requests and limits: sums over its pods. CPU in cores, memory in bytes."""

    cpu_usage: float | None = None
    cpu_request: float | None = None
    cpu_limit: float | None = None
    cpu_utilization: float | None = None
    memory_usage: int | None = None
    memory_request: int | None = None
    memory_limit: int | None = None
    memory_utilization: float | None = None
    """Usage by request, 1.0 is all of it."""


class Percentiles(Result):
    """Over time, or over the pods of a workload at one moment; CPU in cores, memory in bytes."""

    min: float | None = None
    max: float
    avg: float | None = None
    p50: float | None = None
    p95: float
    p99: float


class ContainerRecommendation(Result):
    """What one container should request."""

    container_name: str
    cpu_now: str | None = None
    memory_now: str | None = None
    cpu_limit_now: str | None = None
    memory_limit_now: str | None = None
    cpu_recommended: str
    memory_recommended: str
    cpu_limit_recommended: str | None = None
    memory_limit_recommended: str | None = None
    verdict: str = ""
    """`fits`, `too_small`, `too_big` or `unset`: what is asked for now, by what is recommended."""
    notes: list[str] = Field(default_factory=list[str])
    """What the usage cannot tell, such as that a container was killed at its limit."""
    cpu_percentiles: Percentiles | None = None
    memory_percentiles: Percentiles | None = None
    """Over time, of the busiest pod at every moment."""


class ResourceRecommendation(Result):
    """Requests by the rule that `rule` states."""

    containers: list[ContainerRecommendation] = Field(default_factory=list[ContainerRecommendation])
    resource_recommendation_status: str = "point_in_time"
    rule: str = ""


class WorkloadCost(Result):
    """What a workload asks for, uses, and should ask for."""

    resource: str
    query: str = ""
    source: str = "metrics.k8s.io"
    point_in_time: bool = True
    window: str | None = None
    """How much history there was."""
    observed_at: datetime
    pods: int = 0
    resource_metrics: ResourceMetrics = Field(default_factory=ResourceMetrics)
    resource_recommendation: ResourceRecommendation = Field(default_factory=ResourceRecommendation)
    problem: str | None = None


class ResourceAnalysis(Result):
    """How one resource is used across a workload's pods."""

    resource_type: str
    pod_request: float | None = None
    is_volatile: bool = False
    """Whether the busiest pod, or with history p95, uses more than twice the average."""
    percentiles: Percentiles


class Autoscaler(Result):
    """The HorizontalPodAutoscaler that a workload has."""

    resource: str
    min_replicas: int
    max_replicas: int
    current_replicas: int = 0
    desired_replicas: int = 0
    metrics: list[str] = Field(default_factory=list)
    """`cpu 95% of requests, target 70%`."""
    problems: list[str] = Field(default_factory=list)
    """Its conditions that stand in the way."""


class AutoscalingAdvice(Result):
    """Whether an autoscaler would help."""

    recommended: bool
    min_replicas: int | None = None
    max_replicas: int | None = None
    target_utilization: int | None = None
    average_utilization: float | None = None
    """CPU usage by request, in percent."""
    message: str = ""


class WorkloadAutoscaling(Result):
    """How a workload scales, or could."""

    resource: str
    source: str = "metrics.k8s.io"
    point_in_time: bool = True
    window: str | None = None
    observed_at: datetime
    replicas: int | None = None
    autoscaler: Autoscaler | None = None
    resource_analysis: list[ResourceAnalysis] = Field(default_factory=list[ResourceAnalysis])
    hpa_recommendation: AutoscalingAdvice
    problem: str | None = None


class PodTrend(Result):
    """What one pod's usage does over time."""

    pod: str
    verdict: str
    """`growing`, `falling`, `steady`, `unclear` (no line fits) or `too_short`."""
    first: float
    last: float
    max: float
    per_hour: float
    """The slope of the straight line, in cores or bytes."""
    fit: float
    """R² of the line: 1 is a perfect one."""
    restarts: int = 0
    """Sudden drops; then the line is that of the time after the last one."""
    chart: str = ""


class WorkloadTrend(Result):
    """Whether a workload's pods use more and more. CPU in cores, memory in bytes."""

    resource: str
    metric: str
    verdict: str
    """`growing` when any pod that still runs is."""
    window: str
    query: str = ""
    source: str = "prometheus"
    observed_at: datetime
    limit: float | None = None
    """Of a pod."""
    hours_to_limit: float | None = None
    """When the first pod reaches its limit if it goes on like this."""
    pods: list[PodTrend] = Field(default_factory=list[PodTrend])
    left_out: int = 0
    problem: str | None = None
    """Why there is no trend."""
