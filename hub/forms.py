"""Checks that settings of many connectors share: addresses on the web and names of time zones."""

from __future__ import annotations

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo


def web_address(url: str, like: str, *, root: bool = False) -> str:
    """An http or https address without credentials, its last slash taken off; empty stays empty.

    `root`: nothing may follow the host. Raises ValueError that shows what it should look `like`.
    """
    parts = urlsplit(url)
    more = bool(parts.path.strip("/") or parts.query or parts.fragment)
    whole = (
        parts.scheme in ("https", "http") and bool(parts.hostname) and not (parts.username or parts.password)
    )
    if url and (not whole or (root and more)):
        raise ValueError(f"must look like {like}")
    return url.rstrip("/")


def zone_name(name: str, like: str = "Europe/Berlin") -> str:
    """The name of a time zone. Raises ValueError for one that nobody knows."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"must be the IANA name of a time zone, such as {like}") from None
    return name
