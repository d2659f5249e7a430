"""Approvals: who decided what on which Action, signed. The planner signs, the executor verifies; both read this file.

An Approval is a token: `kta1.<payload>.<mac>`, the payload base64url JSON, the mac HMAC-SHA256 over `kta1.<payload>`.
It names one proposal and its digest, holds for minutes, and works once (the executor's ledger sees to that).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from binascii import Error as NotBase64
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.runtime.findings import Action, Wire
from agents.runtime.settings import Settings, SettingsError

AUTOMATIC = "policy:"
"""Prefix of the approver when the policy approves by itself. Nobody from outside may call themselves so."""

MIN_KEY_BYTES = 32
_VERSION = "kta1"
_MAX_TOKEN = 8192
_CLOCK_SKEW = timedelta(minutes=2)

Verdict = Literal["approve", "reject"]


class ApprovalRefused(Exception):
    """A decision that does not count. The text says why, for the person who decided; nothing was executed."""


class Decision(Wire):
    """What a person decides, before it is signed."""

    proposal: str
    digest: str
    """Of the Action that the person saw."""
    decision: Verdict
    reason: str = Field("", max_length=2000)


class Approval(BaseModel):
    """A decision by a named person, as signed. Strict: a token with anything unknown in it is not ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proposal: str
    digest: str
    decision: Verdict
    reason: str = ""
    approver: str = Field(min_length=1)
    groups: list[str] = Field(default_factory=list)
    issued_at: datetime
    expires_at: datetime
    nonce: str = Field(min_length=16)


class ApprovedAction(Wire):
    """An entry of `SubtaskInput.inputs["approvals"]`, in order of application: the proposed Action and its token."""

    action: Action
    approval: str
    cluster_id: str | None = None


def approve(
    decision: Decision,
    *,
    approver: str,
    key: bytes,
    now: datetime,
    lifetime: timedelta,
    groups: list[str] | None = None,
) -> str:
    """Signs a decision. Only call it with a name that has been verified: this is where a click becomes a right.

    Raises ApprovalRefused for an approver without a name, or with one that is reserved.
    """
    if not approver.strip():
        raise ApprovalRefused("a decision needs the name of the person who decides")
    if approver.startswith(AUTOMATIC):
        raise ApprovalRefused(f"nobody may be called {approver!r}: such names are the policy's own")
    return sign_approval(decision, approver, groups or [], key, now, lifetime)


def sign_approval(
    decision: Decision, approver: str, groups: list[str], key: bytes, now: datetime, lifetime: timedelta
) -> str:
    """The token, without the checks of `approve`: for the policy's own approvals."""
    approval = Approval(
        **decision.model_dump(),
        approver=approver,
        groups=groups,
        issued_at=now,
        expires_at=now + lifetime,
        nonce=secrets.token_urlsafe(18),
    )
    body = f"{_VERSION}.{_encode(approval.model_dump_json().encode())}"
    return f"{body}.{_encode(_mac(body, key))}"


def verify(token: str, *, key: bytes, now: datetime, max_lifetime: timedelta = timedelta(days=1)) -> Approval:
    """The Approval in a token. Raises ApprovalRefused when it was not signed with this key, is altered, or is late."""
    body, _, mac = token.strip().rpartition(".") if len(token) <= _MAX_TOKEN else ("", "", "")
    if not body.startswith(f"{_VERSION}."):
        raise ApprovalRefused("this is no signed approval; words do not approve anything")
    try:
        genuine = hmac.compare_digest(_decode(mac), _mac(body, key))
        approval = Approval.model_validate_json(_decode(body.partition(".")[2])) if genuine else None
    except (NotBase64, ValidationError, ValueError) as error:
        raise ApprovalRefused("the approval is damaged") from error
    if approval is None:
        raise ApprovalRefused("the approval was not signed by this team's key, or was altered afterwards")
    if approval.expires_at <= now:
        raise ApprovalRefused(
            f"the approval expired at {approval.expires_at.isoformat(timespec='seconds')}; decide again"
        )
    if approval.issued_at > now + _CLOCK_SKEW or approval.expires_at - approval.issued_at > max_lifetime:
        raise ApprovalRefused("the approval's times make no sense; check the clocks")
    return approval


def load_key(settings: Settings) -> bytes:
    """The signing key: `approvals.key`, else `approvals.key_file`, else a file in the store's folder, made when absent.

    Raises SettingsError for a key that is too short, or a file that others may read.
    """
    if settings.approvals.key is not None:
        return _checked(settings.approvals.key.get_secret_value().encode(), "approvals.key")
    named = settings.approvals.key_file
    path = (named or settings.store.folder / "approval.key").expanduser()
    if named is None and not path.exists():
        _make_key(path)
    try:
        if path.stat().st_mode & 0o007:
            raise SettingsError(f"approvals.key_file: everybody may read or write {path}; run: chmod 600 {path}")
        return _checked(path.read_bytes().strip(), f"approvals.key_file ({path})")
    except OSError as error:
        raise SettingsError(f"approvals.key_file: cannot read {path}: {error}") from error


def _make_key(path: Path) -> None:
    """Makes the key file in one step, so that two services that start together end up with one key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_hex(MIN_KEY_BYTES).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # the other service was faster; its key is the one
    finally:
        draft.unlink()


def _checked(key: bytes, where: str) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise SettingsError(f"{where}: a signing key needs at least {MIN_KEY_BYTES} characters, this has {len(key)}")
    return key


def _mac(body: str, key: bytes) -> bytes:
    return hmac.new(key, body.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    data: Any = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    return bytes(data)
