"""Parts of an update: metadata is merged key by key, addresses are replaced with all their fields."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.fields import METADATA_KEYS, Field
from sandbox.stripe.refusals import invalid


def metadata(old: dict[str, str], given: dict[str, Any]) -> dict[str, str]:
    """Keys sent are set, keys sent empty are taken away, "" takes all away. Raises Refused over 50 keys."""
    if "metadata" not in given:
        return old
    sent = given["metadata"]
    if sent is None:
        return {}
    both = {**old, **sent}
    kept = {key: value for key, value in both.items() if value != ""}
    if len(kept) > METADATA_KEYS:
        raise invalid(f"Metadata can have up to {METADATA_KEYS} keys.", "metadata")
    return kept


def merged(old: dict[str, Any] | None, given: dict[str, Any] | None, one: Field) -> dict[str, Any] | None:
    """A hash with all fields it can have: sent ones, then known ones, then null."""
    if given is None:
        return None
    known = old or {}
    return {name: given.get(name, known.get(name)) for name in one.spec}
