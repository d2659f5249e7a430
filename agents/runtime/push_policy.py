"""Which URLs this service may be made to call: webhooks come from callers, and must not reach into the cluster."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from fnmatch import fnmatch
from urllib.parse import urlsplit


class PushPolicy:
    """Public addresses are fine; private ones only when the configuration names them.

    `allow` holds host names (`hooks.ops.svc`, `*.example.com`), addresses or networks (`10.0.0.0/8`), or `*`: anywhere.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._hosts = [entry.lower() for entry in allow if _network(entry) is None]
        self._networks = [network for entry in allow if (network := _network(entry)) is not None]

    async def refusal(self, url: str, *, resolve: bool = True) -> str | None:
        """Why the URL may not be called, or None. Without `resolve`, names are not looked up; delivery does it."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host:
            return "it is not an http(s) URL"
        if any(fnmatch(host, pattern) for pattern in self._hosts):
            return None
        try:
            addresses = [host] if _is_address(host) else await self._addresses(host) if resolve else []
        except OSError as error:
            return f"its host cannot be resolved ({error})"
        blocked = [address for address in addresses if not self._may(address)]
        return f"{blocked[0]} is not a public address (allow it in server.push_allow)" if blocked else None

    def _may(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return (ip.is_global and not ip.is_multicast) or any(ip in network for network in self._networks)

    @staticmethod
    async def _addresses(host: str) -> list[str]:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in found]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    return _network(host) is not None
