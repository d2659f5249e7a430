"""Takes secrets out of text and objects before anybody, or any model, sees them.

Rules know shapes (PEM keys, JWTs, cloud keys), places (`Authorization:`, passwords in URLs) and names (`password=…`).
There is deliberately no rule for "looks random": it would eat image digests, UIDs and pod names, which diagnosis needs.
Every pattern starts only at the beginning of a word, so the work is linear in the text.
"""

from __future__ import annotations

import re
from typing import Any

REDACTED = "[redacted]"

_WORDS = (
    r"(?:passwords?|passwd|passphrase|[_-]pwd|secret|token|api[_-]?key|apikey|access[_-]?key(?:[_-]?(?:id|secret))?"
    r"|secret[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|client[_-]?secret|credentials?|auth[_-]?key"
    r"|dsn|connection[_-]?string)"
)
_SECRET_NAME = re.compile(rf".*{_WORDS}", re.IGNORECASE)

_PEM = re.compile(r"-----BEGIN ([A-Z ]{0,30})PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)", re.DOTALL)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # JSON web token
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS
    r"|LTAI[A-Za-z0-9]{12,24}"  # Alibaba Cloud
    r"|AIza[0-9A-Za-z_-]{35}"  # Google
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|sk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic
    r")(?![A-Za-z0-9_-])"
)
_HEADER = re.compile(
    r"(?i)(?<![\w-])((?:proxy-)?authorization[\"']?[ \t]*[:=][ \t]*\\?[\"']?"
    r"(?:(?:bearer|basic|token|digest|negotiate|apikey)[ \t]+)?)([^\s\"',;\\]+)"
)
_BEARER = re.compile(r"(?i)(?<![\w-])((?:bearer|basic)[ \t]+)([A-Za-z0-9+/_.~=-]{16,})")
_COOKIE = re.compile(r"(?i)(?<![\w-])((?:set-)?cookie[\"']?[ \t]*[:=][ \t]*[\"']?)([^\s\"';]+=[^\"'\n]+)")
_URL = re.compile(r"(?<![\w+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@\"']{0,200}:)([^\s/@\"']{1,500})(?=@)")
_ENV_ENTRY = re.compile(
    rf"(?i)(name\\?[\"']?[ \t]*:[ \t]*\\?[\"']?(?:[\w.-]{{0,80}}[_.-])?{_WORDS}\\?[\"']?[ \t]*,?\s{{0,40}}"
    r"\\?[\"']?value\\?[\"']?[ \t]*:[ \t]*)(\\?\"[^\"\n]*\"|'[^'\n]*'|[^\s,}]+)"
)
_NAMED = re.compile(
    rf"(?i)(?<![\w.-])(?P<quote>\\?[\"']?)(?P<name>[\w.-]{{0,80}}?{_WORDS})(?P=quote)"
    r"(?P<sign>[ \t]*(?::=|=>|[:=])[ \t]*)"
    r"(?P<value>\\\"(?:[^\"\\]|\\[^\"])*\\\"|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s,;&}\"'\])<>]+)"
)
_PLAIN = re.compile(
    r"true|false|null|none|nil|yes|no|not|is|was|are|missing|invalid|expired|empty|required|unset|undefined|unknown"
    r"|failed|error|denied|rejected|the|an?|in|for|from|of|to|must|cannot|has",
    re.IGNORECASE,
)
_SECRET_KIND = re.compile(r"kind\\?[\"']?[ \t]*:[ \t]*\\?[\"']?Secret\b")
_SECRET_JSON = re.compile(r"(\\?\"(?:data|stringData)\\?\"\s*:\s*\{)([^{}]*)(\})")
_JSON_VALUE = re.compile(r"(:\s*)\\?\"(?:[^\"\\]|\\[^\"])*\\?\"")
_YAML_BLOCK = re.compile(r"^([ \t]*)(?:data|stringData):[ \t]*$")
_YAML_VALUE = re.compile(r"^([ \t]*[\w.-]+:[ \t]+)\S.*$")


def redact(text: str) -> str:
    """The text without secrets. Redacting twice changes nothing more."""
    if _SECRET_KIND.search(text):
        text = _redact_manifest(text)
    if "PRIVATE KEY" in text:
        text = _PEM.sub(REDACTED, text)
    text = _SHAPES.sub(REDACTED, text)
    if "://" in text:
        text = _URL.sub(rf"\g<1>{REDACTED}", text)
    text = _HEADER.sub(rf"\g<1>{REDACTED}", text)
    text = _BEARER.sub(rf"\g<1>{REDACTED}", text)
    text = _COOKIE.sub(rf"\g<1>{REDACTED}", text)
    text = _ENV_ENTRY.sub(rf"\g<1>{REDACTED}", text)
    return _NAMED.sub(_redact_named, text)


def redact_object(value: Any, *, name: str = "") -> Any:
    """The same for JSON-like values: also by key, by the name of an env entry, and all data of Secrets."""
    if isinstance(value, str):
        return REDACTED if value and is_secret_name(name) else redact(value)
    if isinstance(value, list | tuple):
        return [redact_object(item, name=name) for item in value]
    if not isinstance(value, dict):
        return value
    closed: set[str] = set()
    if value.get("kind") == "Secret":
        closed |= {"data", "stringData"}
    if isinstance(value.get("name"), str) and "value" in value and is_secret_name(value["name"]):
        closed.add("value")
    return {key: _masked(item) if key in closed else redact_object(item, name=str(key)) for key, item in value.items()}


def is_secret_name(name: str) -> bool:
    """Whether a key or variable of that name holds a secret: `DB_PASSWORD`, `apiKey`; but not `secretName`."""
    return bool(name) and len(name) < 200 and _SECRET_NAME.fullmatch(name) is not None


def _masked(value: Any) -> Any:
    return dict.fromkeys(value, REDACTED) if isinstance(value, dict) else REDACTED


def _redact_named(match: re.Match[str]) -> str:
    name, value, sign = match["name"], match["value"], match["sign"]
    bare = value.strip("\\\"'")
    if not bare or _PLAIN.fullmatch(bare) or value[0] in "{[|>":
        return match[0]
    if not is_secret_name(name):
        return match[0]
    if name.lower() == "secret" and re.fullmatch(r"[a-z0-9.-]+/[a-z0-9.-]+", bare):
        return match[0]  # controllers log which Secret object they mean: secret="web/tls"
    if not match["quote"] and value == bare and _is_prose(match, sign, bare):
        return match[0]
    if value == bare:
        return f"{match['quote']}{name}{match['quote']}{sign}{REDACTED}"
    edge = value[: len(value) - len(value.lstrip("\\\"'"))]
    return f"{match['quote']}{name}{match['quote']}{sign}{edge}{REDACTED}{edge}"


def _is_prose(match: re.Match[str], sign: str, value: str) -> bool:
    """`invalid token: signature is wrong` explains a failure; `token: swordfish` on its own is a setting."""
    if ":" not in sign or not sign.endswith(" ") or not re.fullmatch(r"[A-Za-z]{1,15}", value):
        return False
    line = match.string.rfind("\n", 0, match.start()) + 1
    before = match.string[line : match.start()].rstrip()
    return bool(before) and before[-1] not in "{[,;(-|&"


def _redact_manifest(text: str) -> str:
    """The data of Secret manifests in JSON (also escaped, as in last-applied annotations) and YAML."""
    text = _SECRET_JSON.sub(lambda match: match[1] + _JSON_VALUE.sub(rf'\g<1>"{REDACTED}"', match[2]) + match[3], text)
    lines, inside = text.split("\n"), -1
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if block := _YAML_BLOCK.match(line):
            inside = len(block[1])
        elif inside >= 0 and line.strip():
            if indent <= inside:
                inside = -1
            else:
                lines[number] = _YAML_VALUE.sub(rf"\g<1>{REDACTED}", line)
    return "\n".join(lines)
