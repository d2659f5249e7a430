"""A small API server over real HTTP: objects in a dict, and every failure a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.cluster.clusters import Clusters
from agents.runtime.settings import KubernetesSettings

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class FakeApi:
    """Answers `METHOD path` with what was put in `answers`; a list of answers is used up one by one."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.seen: list[web.Request] = []
        self.bodies: list[Any] = []

    def objects(self, path: str, *items: dict[str, Any]) -> None:
        """Serves a list at the path, in pages when `limit` is asked for, without kinds, as the real API does."""
        self.answers[f"LIST {path}"] = (200, list(items))

    def requests(self, prefix: str = "") -> list[str]:
        """What was asked for, as `METHOD path?query`."""
        made = [f"{request.method} {request.path_qs}" for request in self.seen]
        return [text for text in made if text.startswith(prefix)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.seen.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        listed = self.answers.get(f"LIST {request.path}")
        if listed is not None and request.method == "GET":
            return self._page(request, listed[1])  # type: ignore[index]
        found = self.answers.get(f"{request.method} {request.path}")
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is None:
            found = status(404, "NotFound", f"{request.path} not found")
        code, body, *headers = found
        extra = headers[0] if headers else {}
        if isinstance(body, str | bytes):
            return web.Response(status=code, body=body, headers=extra)
        return web.json_response(body, status=code, headers=extra)

    @staticmethod
    def _page(request: web.Request, items: list[dict[str, Any]]) -> web.Response:
        start, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", 0))
        page = items[start : start + limit] if limit else items
        rest = len(items) - start - len(page)
        metadata = {"resourceVersion": "1"} | ({"continue": str(start + limit)} if rest > 0 else {})
        return web.json_response({"kind": "List", "metadata": metadata, "items": page})


def status(code: int, reason: str, message: str, headers: dict[str, str] | None = None, **details: Any) -> Answer:
    """An error answer."""
    body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "details": details}
    return (code, body, headers or {})


@asynccontextmanager
async def serving(
    api: FakeApi, folder: Path, contexts: tuple[str, ...] = ("test",), **settings: Any
) -> AsyncIterator[Clusters]:
    """Serves the fake, writes a kubeconfig for it, and opens the clusters in it."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", api.answer)
    async with TestServer(app) as server:
        path = write_kubeconfig(folder, str(server.make_url("")).rstrip("/"), contexts)
        clusters = Clusters(KubernetesSettings(kubeconfig=path, **settings))
        async with clusters.lifespan():
            yield clusters


def write_kubeconfig(folder: Path, url: str, contexts: tuple[str, ...]) -> Path:
    """A kubeconfig without a current context, with a token."""
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "server", "cluster": {"server": url}}],
        "users": [{"name": "user", "user": {"token": "let-me-in"}}],
        "contexts": [{"name": name, "context": {"cluster": "server", "user": "user"}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(config))
    return path
