"""The keys and the cryptography behind agents.runtime.card_signature: imported when a key is configured."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from a2a.types import AgentCard
from a2a.utils.signing import (
    NoSignatureError,
    ProtectedHeader,
    SignatureVerificationError,
    create_agent_card_signer,
    create_signature_verifier,
)
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.exceptions import InvalidKeyError

from agents.runtime.card_signature import Sign, UntrustedCardError, Verify
from agents.runtime.settings import SettingsError

ALGORITHM = "ES256"
HELP = "make one with: openssl ecparam -name prime256v1 -genkey -noout -out card.key"


def signer_with(path: Path) -> Sign:
    """What signs our cards with the key in that file. Raises SettingsError for a key that cannot be used."""
    key = _private_key(path)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # No `jku`: verifiers have their keys from their own settings.
    header = cast(ProtectedHeader, {"kid": key_id(key.public_key()), "alg": ALGORITHM, "typ": "JOSE"})
    add_signature = create_agent_card_signer(pem, header)

    def sign(card: AgentCard) -> AgentCard:
        signed = AgentCard()
        signed.CopyFrom(card)
        del signed.signatures[:]
        return add_signature(signed)

    return sign


def verifier_with(paths: Sequence[Path]) -> Verify:
    """What checks others' cards against the keys in those files. Raises SettingsError for a key that cannot be used."""
    keys = {key_id(key): _pem(key) for key in map(_public_key, paths)}

    def find(kid: str | None, _jku: str | None) -> bytes:
        # Keys come from the settings alone: a card that brings its own key proves nothing.
        if kid not in keys:
            raise InvalidKeyError(f"key {kid} is not trusted")
        return keys[kid]

    check = create_signature_verifier(find, [ALGORITHM])

    def verify(card: AgentCard) -> None:
        try:
            check(card)
        except NoSignatureError as error:
            raise UntrustedCardError("it is not signed") from error
        except SignatureVerificationError as error:
            raise UntrustedCardError("no trusted key has signed it as it is") from error

    return verify


def key_id(key: EllipticCurvePublicKey) -> str:
    """Names a key: the beginning of the SHA-256 of its DER form."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


def _pem(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private_key(path: Path) -> EllipticCurvePrivateKey:
    where = f"cards.signing_key ({path})"
    try:
        key = load_pem_private_key(_read(path, where), None)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where}: not an unencrypted PEM private key; {HELP}") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise SettingsError(f"{where}: ES256 needs a key on the curve P-256; {HELP}")
    return key


def _public_key(path: Path) -> EllipticCurvePublicKey:
    where = f"cards.trusted_keys ({path})"
    try:
        key = load_pem_public_key(_read(path, where))
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where}: not a PEM public key; make one with: openssl ec -pubout") from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise SettingsError(f"{where}: ES256 needs a key on the curve P-256")
    return key


def _read(path: Path, where: str) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise SettingsError(f"{where}: cannot read it: {error}") from error
