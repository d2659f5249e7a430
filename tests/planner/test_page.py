"""The page runs only what is in its file."""

from __future__ import annotations

import httpx
from fastapi import FastAPI

from planner.page.route import content_security_policy, page_router


async def test_the_page_is_one_file_under_a_policy_that_lets_nothing_else_run() -> None:
    app = FastAPI()
    app.include_router(page_router())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://planner") as client:
        response = await client.get("/")
        assert (await client.post("/")).status_code == 405
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'sha256-" in policy
    html = response.text
    assert "http://" not in html and "https://" not in html and " onclick=" not in html
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in html


def test_a_changed_script_has_another_digest() -> None:
    one, two = (content_security_policy(f"<script>{body}</script><style></style>") for body in ("a", "b"))
    assert one != two
