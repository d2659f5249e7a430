"""Signatures of agent cards (ES256): ours are signed with one key, others' are checked against the trusted ones."""

from __future__ import annotations

from collections.abc import Callable

from a2a.types import AgentCard

from agents.runtime.settings import CardSettings

Sign = Callable[[AgentCard], AgentCard]
"""Gives a signed copy; the card itself stays as it is."""
Verify = Callable[[AgentCard], None]
"""Raises UntrustedCardError."""


class UntrustedCardError(RuntimeError):
    """A card that no trusted key has signed as it is. The text says what is wrong with it."""


def signer(settings: CardSettings) -> Sign | None:
    """What signs our cards, None without a key. Raises SettingsError for a key that cannot be used."""
    if settings.signing_key is None:
        return None
    from agents.runtime.card_keys import signer_with  # cryptography and PyJWT only for those who sign

    return signer_with(settings.signing_key)


def verifier(settings: CardSettings) -> Verify | None:
    """What checks others' cards, None when no key is trusted. Raises SettingsError for a key that cannot be used."""
    if not settings.trusted_keys:
        return None
    from agents.runtime.card_keys import verifier_with  # cryptography and PyJWT only for those who check

    return verifier_with(settings.trusted_keys)
