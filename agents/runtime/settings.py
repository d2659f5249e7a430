"""One typed settings object, read once: `team.yaml`, then environment variables (`KUBETEAM_…`), which win.

Nested names are joined by two underscores: `KUBETEAM_MODEL__NAME=openai/qwen-plus`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, get_args

from croniter import croniter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from agents.runtime.findings import ActionKind, Language

BUILT_IN = ("metrics", "auditor", "diagnoser", "executor")
DEFAULT_PORTS = {"planner": 8080, "metrics": 8081, "auditor": 8082, "diagnoser": 8083, "executor": 8084}

IncidentEvent = Literal["understood", "approval_needed", "repaired", "undone", "resolved"]

KAGENT_PORT = 8080
"""Where kagent looks for the agents that it runs."""


class SettingsError(ValueError):
    """A wrong value in team.yaml or the environment; the message names the field."""


class Section(BaseModel):
    """A part of the settings; unknown keys are errors, so that a typo stops the start."""

    model_config = ConfigDict(extra="forbid")


class ModelSettings(Section):
    """Which language model, and how to reach it."""

    name: str = "runbook"
    """`runbook` (no model) or a LiteLLM model name such as `openai/qwen-plus`."""
    base_url: str | None = None
    api_key: SecretStr | None = None
    timeout_seconds: float = Field(default=60, gt=0)
    retries: int = Field(default=2, ge=0, le=10)
    max_output_tokens: int = Field(default=4096, gt=0)
    temperature: float | None = Field(default=None, ge=0, le=2)


class McpServerSettings(Section):
    """An MCP server of anybody's, as a source of tools for one specialist."""

    url: str
    transport: Literal["streamable_http", "sse"] = "streamable_http"
    tools: list[str] = Field(min_length=1)
    """Allow-list of tool names."""
    command_line_tools: list[str] = Field(default_factory=lambda: ["ack_kubectl"])
    """Tools that take a kubectl command line in `command`: parsed, and called only when the command can but read."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=30, gt=0)


class SkillSettings(Section):
    """A skill on the card of a specialist that is declared in team.yaml alone."""

    id: str
    name: str
    description: str
    tags: list[str] = Field(default_factory=list)
    examples: list[str] = Field(default_factory=list)


class AgentSettings(Section):
    """One member of the team. Built-in members need no entry; a foreign A2A agent needs only its `url`."""

    url: str | None = None
    """Where it is reached. Default for built-in members: loopback and the port below."""
    port: int | None = Field(default=None, gt=0, lt=65536)
    description: str = ""
    skills: list[SkillSettings] = Field(default_factory=list)
    instruction: str = ""
    model: ModelSettings | None = None
    mcp_servers: dict[str, McpServerSettings] = Field(default_factory=dict)
    enabled: bool = True


class KubernetesSettings(Section):
    """Which clusters. Each context of the kubeconfig is a cluster; without one, the in-cluster configuration."""

    kubeconfig: Path | None = None
    request_timeout_seconds: float = Field(default=20, gt=0)
    page_size: int = Field(default=500, gt=0, le=5000)
    namespaces: list[str] = Field(default_factory=list[str])
    """Look at these alone: whoever runs us may have rights there and nowhere else. None: all of them."""


class EndpointSettings(Section):
    """A server with an HTTP API, and how to be let in."""

    url: str = Field(pattern=r"^https?://[^/]+")
    """Without the API's path: `http://prometheus.monitoring:9090`; a prefix such as `/select/0/prometheus` is kept."""
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    """Read for every request: a projected token expires."""
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    """Certificates that the server's is checked against; default the system's."""
    headers: dict[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """Such as `X-Scope-OrgID`."""
    timeout_seconds: float = Field(default=20, gt=0)

    @model_validator(mode="after")
    def _one_way_in(self) -> EndpointSettings:
        ways = (self.bearer_token, self.bearer_token_file, self.username)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give one of bearer_token, bearer_token_file and username with password")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self


class PrometheusSettings(EndpointSettings):
    """A server with Prometheus' HTTP API."""

    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """What tells this cluster's series from others' on a shared server, such as `cluster: prod`."""
    max_points: int = Field(default=300, ge=2, le=11_000)
    """Per series of a range query: the step is chosen so that there are no more."""
    max_series: int = Field(default=100, ge=1, le=10_000)
    sizing_hours: float = Field(default=24, gt=0, le=24 * 35)
    """How much history recommendations of requests and limits look at."""


class LokiSettings(EndpointSettings):
    """A server with Loki's HTTP API, and which of its streams are meant."""

    selector: str = Field(pattern=r"^\{.+\}$")
    """A LogQL stream selector: `{job="kube-audit"}`. For the control plane `$component` stands for a component."""
    lookback_hours: float = Field(default=720, gt=0)
    """How far back to ask at most: servers refuse longer ranges."""


class AuditWebhookSettings(Section):
    """The API server posts its audit events to the auditor, which keeps them in the store."""

    token: SecretStr | None = None
    token_file: Path | None = None
    """The bearer token that the API server's webhook kubeconfig holds."""
    retention_hours: float = Field(default=168, gt=0)
    max_events: int = Field(default=2_000_000, gt=0)
    """Of one cluster; the oldest go first."""
    max_body_bytes: int = Field(default=32 * 2**20, gt=0)
    max_waiting: int = Field(default=8, gt=0)
    """Batches taken at a time; more are answered 429, and the API server comes again."""

    @model_validator(mode="after")
    def _has_a_token(self) -> AuditWebhookSettings:
        if (self.token is None) == (self.token_file is None):
            raise ValueError("give token or token_file: nobody else may write audit events")
        return self


class LogSourceSettings(Section):
    """One place that logs are read from."""

    path: Path | None = None
    loki: LokiSettings | None = None


class AuditSourceSettings(LogSourceSettings):
    """Where one cluster's audit events are; `path` is an `audit.k8s.io/v1` file of JSON lines, or a folder of them."""

    webhook: AuditWebhookSettings | None = None

    @model_validator(mode="after")
    def _one_source(self) -> AuditSourceSettings:
        if sum(source is not None for source in (self.path, self.loki, self.webhook)) > 1:
            raise ValueError("give one of path, loki and webhook")
        return self


class AuditSettings(AuditSourceSettings):
    """Where audit events are. What stands here holds for every cluster that `clusters` does not name."""

    clusters: dict[str, AuditSourceSettings] = Field(default_factory=dict[str, AuditSourceSettings])

    def of(self, cluster_id: str | None) -> AuditSourceSettings:
        """The source of one cluster."""
        return self.clusters.get(cluster_id or "", self)


class ControlPlaneSettings(LogSourceSettings):
    """Logs of the control plane: a folder of `COMPONENT.log`, or Loki; default the pods of kube-system."""

    clusters: dict[str, LogSourceSettings] = Field(default_factory=dict[str, LogSourceSettings])

    def of(self, cluster_id: str | None) -> LogSourceSettings:
        """The source of one cluster."""
        return self.clusters.get(cluster_id or "", self)


class StoreSettings(Section):
    """Where tasks, plans and the journal are kept."""

    url: str | None = None
    """A SQLAlchemy URL (`postgresql+asyncpg://…`). Default: one SQLite file per service under `folder`."""
    folder: Path = Path("~/.local/state/kubeteam")
    migrate: bool = True
    """Bring the tables up to date at the start. Without it `kubeteam migrate` does, and a service that finds old tables
    does not start."""
    lease_seconds: float = Field(default=5, ge=1, le=300)
    """How long a process that is not heard of keeps its work before others take it over."""
    retention_days: float = Field(default=30, gt=0)
    """How long ended requests and tasks are kept. The journal of changes is kept for ever."""


class LimitSettings(Section):
    """Bounds on a request's work."""

    subtask_deadline_seconds: float = Field(default=120, gt=0)
    request_deadline_seconds: float = Field(default=600, gt=0)
    max_subtasks: int = Field(default=1000, gt=0)
    max_depth: int = Field(default=3, gt=0)
    """How many times findings may add subtasks."""
    max_model_calls: int = Field(default=25, gt=0)
    """Per turn of a specialist."""
    requests_at_once: int = Field(default=64, gt=0)
    """Requests that one planner works on; the others are queued, and users take turns."""
    requests_per_user: int = Field(default=16, gt=0)
    """How many of those may be one user's."""
    queued_requests: int = Field(default=1000, gt=0)
    """Beyond it new requests are refused with 429."""
    subtasks_per_specialist: int = Field(default=32, gt=0)
    """Subtasks that one planner has one specialist work on; the others wait, and requests take turns."""


class RuleSettings(Section):
    """One rule of the policy: what it covers, and whether that may be done. The first rule that covers decides.

    Names are shell patterns (`team-*`); what is left out covers everything.
    """

    name: str
    """What a refusal quotes."""
    allow: bool
    kinds: list[ActionKind] | None = None
    clusters: list[str] | None = None
    namespaces: list[str] | None = None
    """The empty name stands for what belongs to the whole cluster."""
    resources: list[str] | None = None
    """`Deployment/web-*`, `Node/*`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the object; all must match."""
    users: list[str] | None = None
    """Approvers: names, or `group:NAME`."""


class FreezeSettings(Section):
    """A time in which nothing is changed: once (`start`, `end`) or again and again (`cron`, `hours`, in UTC)."""

    name: str
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    cron: str | None = None
    """When it begins, such as `0 18 * * 5`."""
    hours: float = Field(default=0, ge=0)
    clusters: list[str] | None = None
    namespaces: list[str] | None = None

    @model_validator(mode="after")
    def _is_a_time(self) -> FreezeSettings:
        if self.cron is not None:
            if not croniter.is_valid(self.cron) or self.hours <= 0:
                raise ValueError("a freeze with cron needs a valid expression and hours above 0")
        elif self.start is None or self.end is None or self.end <= self.start:
            raise ValueError("a freeze needs start and end, or cron and hours")
        return self


class AutoApprovalSettings(Section):
    """Low-risk kinds that need no person, in named namespaces. There is none unless configured."""

    name: str
    kinds: list[ActionKind] = Field(min_length=1)
    namespaces: list[str] = Field(min_length=1)
    clusters: list[str] | None = None


class ToolCallSettings(Section):
    """Writing tools of one MCP server that may be proposed. None may unless it is named here."""

    server: str
    """Its name under `agents.executor.mcp_servers`."""
    tools: list[str] = Field(min_length=1)
    """Exact names. Tools that run commands stay refused, also when they are named."""
    clusters: list[str] | None = None
    """The clusters that the server works on; the team cannot find that out by itself."""
    dry_run_parameter: str | None = None
    """The tools' own switch for a dry run. It is called with it before anybody approved: name it only when you trust
    the server to heed it."""


class ApproverSettings(Section):
    """Who may approve which risk: names, `group:NAME`, or `*` for everybody with a verified name."""

    low: list[str] = Field(default_factory=lambda: ["*"])
    medium: list[str] = Field(default_factory=lambda: ["*"])
    high: list[str] = Field(default_factory=lambda: ["*"])


class PolicySettings(Section):
    """What may be changed at all, by whom, when, and how much."""

    protected_namespaces: list[str] = Field(default_factory=lambda: ["kube-system", "kube-public", "kube-node-lease"])
    """Nothing in them is changed, whatever the rules say."""
    never: list[ActionKind] = Field(default_factory=list[ActionKind])
    """Kinds of Action that are refused everywhere."""
    rules: list[RuleSettings] = Field(default_factory=list[RuleSettings])
    otherwise_allow: bool = True
    """What happens to an Action that no rule covers."""
    freezes: list[FreezeSettings] = Field(default_factory=list[FreezeSettings])
    max_replicas: int = Field(default=100, ge=0)
    max_nodes: int = Field(default=1, ge=1)
    """How many nodes may be closed to new pods at a time."""
    approvers: ApproverSettings = Field(default_factory=ApproverSettings)
    auto_approve: list[AutoApprovalSettings] = Field(default_factory=list[AutoApprovalSettings])
    tool_calls: list[ToolCallSettings] = Field(default_factory=list[ToolCallSettings])


class ApprovalSettings(Section):
    """How Approvals are signed, and how long they hold. Planner and executor must share the key."""

    key: SecretStr | None = None
    key_file: Path | None = None
    """Default: `approval.key` in the store's folder, made (0600) by whoever needs it first."""
    lifetime_minutes: float = Field(default=30, gt=0, le=24 * 60)
    proposal_hours: float = Field(default=24, gt=0)
    """How long a proposal can be approved."""
    rollout_seconds: float = Field(default=90, gt=0)
    """How long a change may take to show its effect before the verdict; below the deadline of a subtask."""


class ServerSettings(Section):
    """How services listen."""

    host: str = "127.0.0.1"
    public_url: str | None = None
    """The URL on the card when it differs from host and port, such as behind a Service."""
    shutdown_grace_seconds: float = Field(default=10, ge=0)
    card_dialect: Literal["1.0", "0.3"] = "1.0"
    """`0.3` adds the fields of A2A 0.3 (`url`, `protocolVersion`, …) to the card, which the 1.0 schema forbids. Either
    way a client that asks with `A2A-Version: 0.3`, or for `/.well-known/agent.json`, gets them."""
    push_allow: list[str] = Field(default_factory=list)
    """Hosts (`*.example.com`) and networks (`10.0.0.0/8`) that push notifications may go to although they are not
    public; `*` for anywhere. A service that listens on loopback may always call loopback."""


class TelemetrySettings(Section):
    """Where traces go. Without an endpoint, and without OpenTelemetry's standard `OTEL_EXPORTER_OTLP_*`: nowhere."""

    otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/]+")
    """A collector's OTLP over HTTP, such as `http://otel-collector.monitoring:4318`; `/v1/traces` is added."""
    headers: dict[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """Such as an `Authorization` of the collector's."""
    sample_ratio: float | None = Field(default=None, ge=0, le=1)
    """Part of the requests that nobody traces yet; who comes with a trace decides for himself."""
    flush_seconds: float = Field(default=3, ge=0, le=30)
    """How long a stop may wait for the last spans to be taken."""


class KagentSettings(Section):
    """What kagent tells the agents that it runs, in the environment of their pods. Without it all of this is off."""

    name: str | None = Field(default_factory=lambda: os.environ.get("KAGENT_NAME") or None)
    """Of the Agent, and of the Service in front of it."""
    namespace: str = Field(default_factory=lambda: os.environ.get("KAGENT_NAMESPACE") or "kagent")
    url: str | None = Field(default_factory=lambda: os.environ.get("KAGENT_URL") or None)
    """The controller: tasks are recorded there, so that its user interface finds them after a reload."""
    token_file: Path = Path("/var/run/secrets/tokens/kagent-token")
    """Read for every request: a projected token expires."""
    timeout_seconds: float = Field(default=10, gt=0)
    backlog: int = Field(default=10_000, gt=0)
    """Tasks that wait to be recorded at most; beyond it the oldest are given up, with a warning."""

    @property
    def service_name(self) -> str | None:
        """The Service's name: what arrives as a Python identifier is a DNS label again."""
        return self.name.replace("_", "-").lower() if self.name else None


class CardSettings(Section):
    """Signatures of agent cards (ES256)."""

    signing_key: Path | None = None
    """A PEM file with an EC P-256 private key; every served card is signed with it."""
    trusted_keys: list[Path] = Field(default_factory=list[Path])
    """PEM files with public keys. With any, the planner refuses members whose card none of them has signed."""


class PriceSettings(Section):
    """What a node costs per hour: by instance type, else by its CPU and memory."""

    currency: str = Field("USD", max_length=8)
    cpu_hour: float | None = Field(default=None, ge=0)
    """One core."""
    gib_hour: float | None = Field(default=None, ge=0)
    """One GiB of memory."""
    instances: dict[str, float] = Field(default_factory=dict[str, float])
    """By the node label `node.kubernetes.io/instance-type`."""

    @model_validator(mode="after")
    def _has_a_price(self) -> PriceSettings:
        if not self.instances and self.cpu_hour is None:
            raise ValueError("give instances, or cpu_hour and gib_hour")
        if (self.cpu_hour is None) != (self.gib_hour is None):
            raise ValueError("cpu_hour and gib_hour go together")
        return self


class ScheduleSettings(Section):
    """A health report again and again."""

    cron: str
    """When, in UTC, such as `0 6 * * 1-5`."""
    cluster: str | None = None
    """A cluster id; may be left out when there is only one."""
    language: Language = "en"

    @model_validator(mode="after")
    def _is_a_time(self) -> ScheduleSettings:
        if not croniter.is_valid(self.cron):
            raise ValueError(f"{self.cron!r} is no cron expression")
        return self


class ReportSettings(Section):
    """The health report: when it is made by itself, and what things cost."""

    schedules: list[ScheduleSettings] = Field(default_factory=list[ScheduleSettings])
    prices: PriceSettings | None = None
    keep_days: float = Field(default=400, gt=0)
    """How long reports are kept."""


class NotificationSettings(Section):
    """A webhook that is told about incidents."""

    url: SecretStr
    """Often a secret by itself, such as a Slack webhook's."""
    format: Literal["json", "slack"] = "json"
    events: list[IncidentEvent] = Field(default_factory=lambda: list(get_args(IncidentEvent)), min_length=1)
    headers: dict[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    timeout_seconds: float = Field(default=10, gt=0)
    give_up_hours: float = Field(default=24, gt=0)
    """How long it is tried to reach a webhook that does not take a notification."""

    @model_validator(mode="after")
    def _is_a_url(self) -> NotificationSettings:
        if not re.match(r"https?://[^/]+", self.url.get_secret_value()):
            raise ValueError("url must begin with http:// or https://")
        return self


class AlertSettings(Section):
    """Alerts and events of other systems become incidents, and people are told about them."""

    token: SecretStr | None = None
    """The bearer token that `POST /v1/alerts` and `/v1/events` ask for. Without one they take nothing."""
    ignore: list[str] = Field(default_factory=lambda: ["Watchdog", "InfoInhibitor"])
    """Names of alerts (shell patterns) that are no incidents."""
    language: Language = "en"
    """Of plans, answers and notifications."""
    cluster_label: str = "cluster"
    """The label that holds the cluster id."""
    plans_at_once: int = Field(default=4, gt=0)
    """Incidents are diagnosed by this many plans at a time; those that wait meanwhile share plans."""
    max_body_bytes: int = Field(default=8 * 2**20, gt=0)
    keep_days: float = Field(default=400, gt=0)
    """How long closed incidents are kept."""
    notify: list[NotificationSettings] = Field(default_factory=list[NotificationSettings])
    link: str | None = None
    """The planner's page as people reach it; default `server.public_url`, else where the planner listens."""


class Settings(BaseSettings):
    """Everything that can be configured. `kubeteam config` prints the effective values."""

    model_config = SettingsConfigDict(env_prefix="KUBETEAM_", env_nested_delimiter="__", extra="forbid")

    model: ModelSettings = Field(default_factory=ModelSettings)
    agents: dict[str, AgentSettings] = Field(default_factory=dict)
    kubernetes: KubernetesSettings = Field(default_factory=KubernetesSettings)
    prometheus: dict[str, PrometheusSettings] = Field(default_factory=dict[str, PrometheusSettings])
    """By cluster id; `default` stands for every cluster that is not named."""
    audit: AuditSettings = Field(default_factory=AuditSettings)
    controlplane: ControlPlaneSettings = Field(default_factory=ControlPlaneSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    reports: ReportSettings = Field(default_factory=ReportSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    approvals: ApprovalSettings = Field(default_factory=ApprovalSettings)
    kagent: KagentSettings = Field(default_factory=KagentSettings)
    cards: CardSettings = Field(default_factory=CardSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @model_validator(mode="after")
    def _at_home_in_kagent(self) -> Settings:
        """Other defaults for a service that kagent runs: reached from other pods, by clients of 0.3."""
        if self.kagent.name:
            defaults = {"host": "0.0.0.0", "card_dialect": "0.3"}
            unset = {key: value for key, value in defaults.items() if key not in self.server.model_fields_set}
            self.server = self.server.model_copy(update=unset)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = team_file()
        if path is None:
            return init_settings, env_settings
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=path)

    def agent(self, name: str) -> AgentSettings:
        """The member's settings, with defaults for one that team.yaml does not mention."""
        return self.agents.get(name, AgentSettings())

    def port(self, name: str) -> int:
        """The port that `kubeteam serve NAME` listens on.

        Raises SettingsError for a member that is neither built in nor configured with a port.
        """
        port = self.agent(name).port or (KAGENT_PORT if self.kagent.name else DEFAULT_PORTS.get(name))
        if port is None:
            raise SettingsError(f"agents.{name}.port is not set, and {name!r} is not a built-in member")
        return port

    def url(self, name: str) -> str:
        """Where the planner reaches a member."""
        return self.agent(name).url or f"http://{self.server.host}:{self.port(name)}"

    def members(self) -> list[str]:
        """The names of the specialists on the team: built-in ones first, then those of team.yaml."""
        names = [*BUILT_IN, *(name for name in self.agents if name not in (*BUILT_IN, "planner"))]
        return [name for name in names if self.agent(name).enabled]

    def prometheus_of(self, cluster_id: str) -> PrometheusSettings | None:
        """The Prometheus of one cluster, or None."""
        return self.prometheus.get(cluster_id) or self.prometheus.get("default")

    def model_of(self, name: str) -> ModelSettings:
        """The model of one agent: its own, or the team's."""
        return self.agent(name).model or self.model


def team_file() -> Path | None:
    """`KUBETEAM_CONFIG`, or `team.yaml` in the working folder when there is one.

    Raises SettingsError when KUBETEAM_CONFIG names a file that is not there.
    """
    named = os.environ.get("KUBETEAM_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise SettingsError(f"KUBETEAM_CONFIG: no such file: {path}")
        return path
    path = Path("team.yaml")
    return path if path.is_file() else None


def load_settings(**overrides: Any) -> Settings:
    """Reads the settings. Raises SettingsError with one line per wrong field."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError("the settings are wrong:\n  " + "\n  ".join(lines)) from error
