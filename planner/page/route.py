"""Serves the page at `GET /`; `POST /` stays A2A's."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

_FILE = Path(__file__).with_name("index.html")


def page_router() -> APIRouter:
    """The page, under a policy that runs and styles only what is in the file itself and talks only to this service."""
    html = _FILE.read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": content_security_policy(html),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(html, headers=headers)

    return router


def content_security_policy(html: str) -> str:
    """Allows the inline script and style by their digests, so that injected ones do not run."""
    return (
        f"default-src 'none'; script-src {_digest(html, 'script')}; style-src {_digest(html, 'style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(html: str, tag: str) -> str:
    bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
    digests = (base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
