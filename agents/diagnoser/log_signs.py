# ruff: noqa: E501  (patterns read better unbroken)
"""What the end of a log says about why a program stopped: the decisive line, its class, and what it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Sign = Literal[
    "disk_full", "certificate", "architecture", "command", "environment", "permission", "forbidden",
    "configuration", "login", "name", "connection", "memory", "error",
]  # fmt: skip

_WORDS: tuple[tuple[Sign, str], ...] = (
    (
        "disk_full",
        r"no space left on device|ENOSPC|disk quota exceeded|database or disk is full|disk full|no space left",
    ),
    (
        "certificate",
        r"certificate (?:has |is )?(?:already )?expired|expired or is not yet valid|certificate is not yet valid"
        r"|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate expired|cert(?:ificate)?\b.{0,80}\bexpired"
        r"|expired\b.{0,20}\bcert(?:ificate)?|CertificateExpired|CertificateNotYetValid|not valid (?:before|after)"
        r"|证书.{0,12}过期",
    ),
    ("architecture", r"exec format error|no match for platform"),
    (
        "forbidden",
        r"is forbidden: User |cannot (?:get|list|watch|create|update|patch|delete|deletecollection) resource",
    ),
    (
        "environment",
        r"(?:env(?:ironment)?[ _]?(?:var(?:iable)?s?)?|variable|setting)\b.{0,60}\b(?:not set|missing|required|must be"
        r"|not defined|undefined|empty|unset|not found|invalid)|(?:missing|required|undefined|unset|invalid|bad)\b.{0,30}"
        r"\b(?:env(?:ironment)?\b|variable)|环境变量",
    ),
    (
        "environment",
        r"KeyError: '?(?-i:[A-Z][A-Z0-9_]{2,})'?|Could not resolve placeholder|required key \w+ missing value",
    ),
    (
        "environment",
        r"\b(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b.{0,30}(?:is not set|not set|must be set|must not be empty|is required"
        r"|required|is missing|missing|is empty|is undefined|not defined|not provided|unset|invalid|cannot be (?:empty|blank))",
    ),
    (
        "environment",
        r"(?:missing|required|unset|undefined|must set|please set|need|invalid|parse|parsing)\b.{0,40}"
        r"\b(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b",
    ),
    (
        "permission",
        r"permission denied|EACCES|read-only file ?system|EROFS|operation not permitted|EPERM|AccessDeniedException"
        r"|is not writable|not writable by|must (?:not )?(?:be )?run as (?:non-?)?root|wrong ownership|has wrong permissions"
        r"|权限不足|只读文件系统",
    ),
    (
        "login",
        r"password authentication failed|access denied for user|WRONGPASS|NOAUTH|authentication failed"
        r"|invalid (?:username|password|credentials|api key|token)|role \"[^\"]+\" does not exist|login failed",
    ),
    (
        "configuration",
        r"\[emerg\]|unknown directive|(?:yaml|toml|json|xml|ini)\b.{0,40}(?:error|line \d+|invalid|unexpected|unmarshal|parse)"
        r"|(?:pars(?:e|ing)|load(?:ing)?|read(?:ing)?|decod(?:e|ing)|unmarshal\w*|invalid|malformed|bad|unknown|unsupported"
        r"|unexpected|unrecogni[sz]ed|illegal)\b.{0,80}(?:config|settings|\.ya?ml|\.json|\.toml|\.conf|\.cfg|\.ini|\.properties"
        r"|\.xml|option|field|property|directive)|(?:config\w*|settings|\.ya?ml|\.json|\.toml|\.conf|\.cfg|\.ini"
        r"|\.properties)\b.{0,80}(?:invalid|error|failed|malformed|unknown|cannot|could not|unexpected|syntax|missing|line \d+)"
        r"|JSONDecodeError|ParserError|ScannerError|TOMLDecodeError|SyntaxError: Unexpected token|配置.{0,20}(?:错误|无效|解析)",
    ),
    (
        "name",
        r"no such host|NXDOMAIN|name or service not known|ENOTFOUND|UnknownHostException|could not translate host name"
        r"|EAI_AGAIN|EAI_NONAME|temporary failure in name resolution|server misbehaving|can't resolve|cannot resolve"
        r"|could not resolve|couldn't resolve|failed to resolve|bad address|nodename nor servname|name resolution"
        r"|lookup \S+(?: on \S+)?: .{0,80}(?:timeout|refused)|host not found|NameResolutionError|unknown host|getaddrinfo",
    ),
    (
        "connection",
        r"connection refused|ECONNREFUSED|connection to \S+ refused|no route to host|EHOSTUNREACH|i/o timeout"
        r"|connection timed out|connect timed out|ETIMEDOUT|connection reset|ECONNRESET|could not connect|cannot connect"
        r"|can't connect|failed to connect|unable to connect|connection failed|unreachable|dial tcp|deadline exceeded"
        r"|no upstream|host is down|communications link failure|service unavailable|bad gateway|\b50[234]\b|not reachable"
        r"|连接.{0,12}(?:失败|超时|拒绝)",
    ),
    ("memory", r"OutOfMemoryError|out of memory|MemoryError|heap out of memory|Cannot allocate memory|bad_alloc"),
    (
        "command",
        r"(?:exec|executable file).{0,60}not found|command not found|no such file or directory.{0,20}exec"
        r"|can't open file|cannot find module|Error: Cannot find module|ModuleNotFoundError|No module named"
        r"|unknown (?:shorthand )?(?:flag|command|option|argument)|flag provided but not defined|unrecognized (?:option|arguments?)"
        r"|invalid option|Unable to access jarfile|ClassNotFoundException|Could not find or load main class|syntax error",
    ),
)
_PATTERNS: tuple[tuple[Sign, re.Pattern[str]], ...] = tuple(
    (sign, re.compile(pattern, re.IGNORECASE)) for sign, pattern in _WORDS
)

_FATAL = re.compile(
    r"\b(?:fatal|panic|emerg|critical|alert|crit)\b|^\s*(?:[\w.$]*(?:Error|Exception)\b\s*:)|caused by:|\"level\":\"fatal\"",
    re.IGNORECASE,
)
_ERROR = re.compile(r"\b(?:error|err|severe|failed|failure|exception|cannot|unable)\b|错误|失败", re.IGNORECASE)
_WARN = re.compile(r"\bwarn(?:ing)?\b", re.IGNORECASE)
_QUIET = re.compile(r"\b(?:info|debug|trace|notice|log)\b", re.IGNORECASE)
_STACK = re.compile(r"^\s+at |^\s+File \"|^\s*\^|^\s*~|^goroutine |^\s*\.\.\. \d+ more|^Traceback \(most")
_FAREWELL = re.compile(
    r"shut(?:ting)? ?down|exit(?:ing|ed)|terminated|giving up|stopped|bye|aborting startup|run failed|startup failed"
    r"|process finished|SIGTERM",
    re.IGNORECASE,
)
_NOT_READY = re.compile(
    r"not (?:yet )?ready|unready|unhealthy|readiness|health ?check|warm(?:ing|ed|-?up)|waiting for|catching up|lag"
    r"|degraded|stale|too old|未就绪|等待",
    re.IGNORECASE,
)
_DETAIL = re.compile(
    r"\b(?:invalid|unknown|unexpected|unrecogni[sz]ed|unsupported|illegal|missing|hint|detail|caused by|reason|line \d+)\b",
    re.IGNORECASE,
)
_NEARBY = 3
_LONGEST_DETAIL = 240
_VARIABLE = re.compile(
    r"(?:variable|env|环境变量)\W+([A-Z][A-Z0-9_]+)\b|\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b|KeyError: '?([A-Z][A-Z0-9_]+)|placeholder '([\w.-]+)'"
)
_PATH = re.compile(r"(?<![\w:/])(/(?:[\w.@-]+/)*[\w.@-]+)")
_WINDOW = 60


@dataclass(frozen=True)
class LogSign:
    """The line that says why, and what kind of reason it is."""

    sign: Sign
    line: str

    @property
    def variable(self) -> str:
        """The environment variable it names."""
        found = _VARIABLE.search(self.line)
        return next((group for group in found.groups() if group), "") if found else ""

    @property
    def paths(self) -> list[str]:
        """File paths it names."""
        return _PATH.findall(self.line)


def classify(line: str) -> Sign | None:
    """The class of one line, None when it speaks of nothing that we know."""
    return next((sign for sign, pattern in _PATTERNS if pattern.search(line)), None)


Failure = Literal["name", "connection"]
_TIMED_OUT = re.compile(r"\btimed[ -]?out\b|\btimeout\b", re.IGNORECASE)


def call_failure(line: str) -> Failure | None:
    """How a call failed that a line tells of with some gravity: the name did not resolve, or nobody answered."""
    if _weight(line) < 1:
        return None
    order: tuple[Failure, ...] = ("name", "connection")
    for sign in order:
        if any(pattern.search(line) for known, pattern in _PATTERNS if known == sign):
            return sign
    return "connection" if _TIMED_OUT.search(line) else None


def why_it_ended(log: str) -> LogSign | None:
    """The most telling line near the end of a log; None for an empty log or one without any complaint.

    Grave lines win over mild ones, and among equals later ones; stack frames, farewells and handled warnings lose.
    """
    best: tuple[float, LogSign] | None = None
    for position, line in enumerate(log.splitlines()[-_WINDOW:]):
        if not line.strip() or _STACK.search(line):
            continue
        weight = _weight(line)
        sign = classify(line) if weight > 0 else None
        if sign is None:
            if weight < 2 or _FAREWELL.search(line):
                continue
            sign, weight = "error", weight - 1.2
        rated = weight + position / 1000
        if best is None or rated >= best[0]:
            best = (rated, LogSign(sign, line.strip()))
    return best[1] if best else None


def why_not_ready(log: str) -> LogSign | None:
    """As `why_it_ended`, for a program that goes on: failing an error, its latest warning or word of not being ready."""
    found = why_it_ended(log)
    if found is not None:
        return found
    lines = [line.strip() for line in log.splitlines()[-_WINDOW:] if line.strip() and not _STACK.search(line)]
    telling = [line for line in lines if _NOT_READY.search(line)] or [line for line in lines if _WARN.search(line)]
    return LogSign("error", telling[-1]) if telling else None


def with_details(log: str, line: str) -> str:
    """A decisive line together with the neighbours that say what exactly is wrong, in the order of the log."""
    lines = [x.strip() for x in log.splitlines()[-_WINDOW:]]
    if line not in lines:
        return line
    at = len(lines) - 1 - lines[::-1].index(line)
    near = lines[max(0, at - _NEARBY) : at + _NEARBY + 1]
    told = [x for x in near if x == line or (x and not _STACK.search(x) and _DETAIL.search(x))]
    return " | ".join(x if x == line else x[:_LONGEST_DETAIL] for x in dict.fromkeys(told))


def _weight(line: str) -> float:
    """How grave a line is, from 0 (information) to 3 (fatal)."""
    if _FATAL.search(line):
        return 3
    if _ERROR.search(line):
        return 2
    if _WARN.search(line):
        return 1
    return 0 if _QUIET.search(line) else 1.5


_HOSTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"lookup (?P<host>[\w.-]+)",
        r"host name \"(?P<host>[\w.-]+)\"",
        r"UnknownHostException: (?P<host>[\w.-]+)",
        r"(?:ENOTFOUND|EAI_AGAIN) (?P<host>[\w.-]+)",
        r"can't (?:find|resolve) '?(?P<host>[\w.-]+)",
        r"(?:resolve|bad address|unknown host)(?: host(?:name)?)?:? ['\"]?(?P<host>[\w.-]+)",
        r"(?P<scheme>[a-z][a-z0-9+]{1,14})://(?:[^@/\s\"']*@)?(?P<host>[\w.-]+)(?::(?P<port>\d{2,5}))?",
        r"(?:dial (?:tcp|udp)|ECONNREFUSED|ETIMEDOUT|Connection to|connect(?:ing)? to|connection to)"
        r" \[?(?P<host>[\w.-]+)\]?:(?P<port>\d{2,5})",
        r"\bnc (?:-\S+ (?:\d+ )?)*(?P<host>[a-z][\w.-]*) (?P<port>\d{2,5})\b",
        r"(?:server at|host) \"(?P<host>[\w.-]+)\"(?: \([\d.]+\))?, port (?P<port>\d+)",
        r"(?P<host>\b[a-z][\w-]*(?:\.[\w-]+)*|\b\d{1,3}(?:\.\d{1,3}){3}):(?P<port>\d{2,5})\b",
        r"(?:waiting for|wait for|reach|reachable:|connect to|upstream[:=]?) [\"']?(?P<host>[a-z][\w-]*(?:\.[\w-]+)+|[a-z]+-[\w-]+)",
    )
)
_SCHEME_PORTS = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432, "redis": 6379, "mysql": 3306}
_NO_HOST = re.compile(
    r"^(?:\d{1,2}|at|line|java|localhost|\d{4}-\d\d-\d\dT?\d*)$|\.(?:java|go|py|js|ts|rb|rs|c|so)$"
    r"|^(?:fail(?:ed|ure|s)?|errors?|errored|time(?:d|out)|attempt|request|returned|took|was|is|not|and|for|of|on|in|to"
    r"|from|the|an?|with|by|still|again|table|cache|result|retry(?:ing)?|unavailable|host(?:name)?|names?)$",
    re.IGNORECASE,
)


def hosts_in(line: str) -> list[tuple[str, int]]:
    """Host names and addresses that a line names, with ports (0 when it names none)."""
    found: dict[str, int] = {}
    for pattern in _HOSTS:
        for match in pattern.finditer(line):
            groups = match.groupdict()
            host = str(groups["host"]).rstrip(".")
            if _NO_HOST.search(host) or not re.search(r"[a-z0-9]", host):
                continue
            port = int(groups.get("port") or 0) or _SCHEME_PORTS.get(groups.get("scheme") or "", 0)
            found[host] = found.get(host) or port
    return list(found.items())
