"""Secrets: what may be known of one without reading it. Values never leave this module."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

METADATA_OBJECT = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class SecretShape:
    """A Secret without its values."""

    namespace: str
    name: str
    type: str
    lengths: dict[str, int] = field(default_factory=dict)
    """Key name to the length of its value in bytes."""
    not_before: datetime | None = None
    not_after: datetime | None = None
    """Of the first certificate under `tls.crt`, when there is one that can be read."""
    certificate_error: str | None = None
    """Why `tls.crt` is no certificate."""


def without_secrets(found: dict[str, Any]) -> dict[str, Any]:
    """The object as it is, except for a Secret: metadata and type alone.

    The server is asked for metadata only, but an older one, or a dry run of a write, answers in full. The
    last-applied annotation repeats the whole manifest and is dropped too.
    """
    if found.get("kind") != "Secret" or found.get("apiVersion") != "v1":
        return found
    metadata = dict(found.get("metadata") or {})
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
    shown = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    return shown | {"type": found["type"]} if "type" in found else shown


def shape_of(secret: dict[str, Any]) -> SecretShape:
    """The shape of a Secret as the API returns it, with data."""
    metadata, data = secret.get("metadata") or {}, secret.get("data") or {}
    decoded = {key: _decoded(value) for key, value in data.items()}
    not_before, not_after, problem = None, None, None
    if "tls.crt" in decoded:
        try:
            certificate = x509.load_pem_x509_certificate(decoded["tls.crt"])
            not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except ValueError:
            # The parser's own words may quote the input.
            problem = "tls.crt holds no PEM certificate that can be read"
    return SecretShape(
        namespace=metadata.get("namespace", ""),
        name=metadata.get("name", ""),
        type=secret.get("type", "Opaque"),
        lengths={key: len(value) for key, value in decoded.items()},
        not_before=not_before,
        not_after=not_after,
        certificate_error=problem,
    )


def _decoded(value: Any) -> bytes:
    try:
        return base64.b64decode(str(value or ""), validate=True)
    except binascii.Error:
        return str(value).encode()
