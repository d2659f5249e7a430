"""Agent cards: read from `cards/`, completed with the served URL, and served in the dialects of A2A 1.0 and 0.3."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import yaml
from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.types import AgentCapabilities, AgentCard, AgentExtension, AgentInterface, AgentProvider, AgentSkill
from google.protobuf.json_format import ParseDict, ParseError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.runtime.card_signature import Sign
from agents.runtime.findings import FINDING_EXTENSION, FINDING_MEDIA_TYPE, SUBTASK_MEDIA_TYPE
from agents.runtime.settings import Settings, SettingsError
from cards import FOLDER

CARD_PATH = "/.well-known/agent-card.json"
LEGACY_CARD_PATH = "/.well-known/agent.json"
REST_PATH = "/rest"
CACHE_CONTROL = "public, max-age=60"


class CardError(ValueError):
    """A card file that is missing or wrong; the text names the file."""


def load_card(name: str, settings: Settings, *, folder: Path = FOLDER) -> AgentCard:
    """The card of a built-in member, or one made of its entry in team.yaml, with the served URL filled in.

    Raises CardError for a broken file, SettingsError for a member that nobody declared.
    """
    path = folder / f"{name}.yaml"
    card = _read(path) if path.is_file() else _declared(name, settings)
    base = served_url(name, settings)
    for binding, url in (("JSONRPC", f"{base}/"), ("HTTP+JSON", f"{base}{REST_PATH}")):
        card.supported_interfaces.append(AgentInterface(url=url, protocol_binding=binding, protocol_version="1.0"))
    return card


def served_url(name: str, settings: Settings) -> str:
    """Where others reach the service, without a slash at the end."""
    if settings.server.public_url:
        return settings.server.public_url.rstrip("/")
    if settings.kagent.service_name:
        return f"http://{settings.kagent.service_name}.{settings.kagent.namespace}:{settings.port(name)}"
    host = settings.server.host
    if host in ("0.0.0.0", "::", ""):  # listening everywhere says nothing about where to be reached
        configured = settings.agent(name).url
        if configured:
            return configured.rstrip("/")
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port(name)}"


def _read(path: Path) -> AgentCard:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return ParseDict(content, AgentCard())
    except (OSError, yaml.YAMLError, ParseError, TypeError) as error:
        raise CardError(f"the card {path} is wrong: {error}") from error


def _declared(name: str, settings: Settings) -> AgentCard:
    agent = settings.agents.get(name)
    if agent is None:
        raise SettingsError(f"{name!r} is neither a built-in member nor declared under `agents` in team.yaml")
    skills = [
        AgentSkill(id=s.id, name=s.name, description=s.description, tags=s.tags, examples=s.examples)
        for s in agent.skills
    ]
    return AgentCard(
        name=name,
        description=agent.description or f"{name}: a specialist declared in team.yaml",
        version="0.1.0",
        provider=AgentProvider(organization="kubeteam", url="https://kubeteam.dev"),
        capabilities=AgentCapabilities(
            streaming=True,
            push_notifications=True,
            extensions=[AgentExtension(uri=FINDING_EXTENSION, description="Takes a subtask, adds a Finding.")],
        ),
        default_input_modes=["text/plain", "text/markdown", "application/json", SUBTASK_MEDIA_TYPE],
        default_output_modes=["text/markdown", "text/plain", FINDING_MEDIA_TYPE],
        skills=skills,
    )


def with_legacy_interface(card: AgentCard) -> AgentCard:
    """The card with a 0.3 interface on the JSON-RPC URL; written as JSON it then has the fields that 0.3 knows."""
    legacy = AgentCard()
    legacy.CopyFrom(card)
    url = next(i.url for i in card.supported_interfaces if i.protocol_binding == "JSONRPC")
    legacy.supported_interfaces.append(AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="0.3"))
    return legacy


def declares(card: AgentCard, extension: str) -> bool:
    """Whether the agent understands an extension."""
    return any(declared.uri == extension for declared in card.capabilities.extensions)


@dataclass(frozen=True)
class _Served:
    body: bytes
    etag: str

    @classmethod
    def of(cls, card: AgentCard) -> _Served:
        content = agent_card_to_dict(card)
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        # Weak, and without the signatures, which differ each time that the same card is signed.
        unsigned = json.dumps({k: v for k, v in content.items() if k != "signatures"}, sort_keys=True)
        return cls(body, f'W/"{hashlib.sha256(unsigned.encode()).hexdigest()[:32]}"')


def card_routes(card: AgentCard, dialect: str, sign: Sign | None = None) -> Sequence[Route]:
    """Routes that serve the card, signed when there is a key, with ETag, Last-Modified and Cache-Control."""
    forms = (card, with_legacy_interface(card))
    pure, legacy = (_Served.of(form if sign is None else sign(form)) for form in forms)
    modified = formatdate(usegmt=True)

    async def serve(request: Request) -> Response:
        version = request.headers.get("a2a-version") or request.query_params.get("A2A-Version") or dialect
        served = legacy if version.startswith("0.") or request.url.path == LEGACY_CARD_PATH else pure
        headers = {
            "ETag": served.etag,
            "Last-Modified": modified,
            "Cache-Control": CACHE_CONTROL,
            "Vary": "A2A-Version",
        }
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if served.etag.removeprefix("W/") in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(served.body, media_type="application/json", headers=headers)

    return [Route(path, serve, methods=["GET"]) for path in (CARD_PATH, LEGACY_CARD_PATH)]
