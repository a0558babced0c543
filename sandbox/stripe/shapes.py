"""How a stored object is shown: embedded lists, the fields of the asked version, and expanded references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.older import reshaped

EMBEDDED = 10  # how many elements an embedded list shows


def listed(things: list[Thing], url: str, limit: int = EMBEDDED) -> Thing:
    """An embedded list."""
    return {"object": "list", "data": things[:limit], "has_more": len(things) > limit, "url": url}


def snapshot(account: Account, thing: Thing) -> Thing:
    """The object with what is embedded in it, as the newest version has it, hidden fields included."""
    compose = _COMPOSED.get(thing.get("object", ""))
    return compose(account, thing) if compose and not thing.get("deleted") else thing


def _invoice(account: Account, thing: Thing) -> Thing:
    lines = account.of("line_item", "invoice", thing["id"])
    return {**thing, "lines": listed(lines, f"/v1/invoices/{thing['id']}/lines")}


def _credit_note(account: Account, thing: Thing) -> Thing:
    lines = account.of("credit_note_line_item", "_note", thing["id"])
    return {**thing, "lines": listed(lines, f"/v1/credit_notes/{thing['id']}/lines")}


def _charge(account: Account, thing: Thing) -> Thing:
    return {**thing, "_refunds": account.of("refund", "charge", thing["id"])[::-1]}


def _intent(account: Account, thing: Thing) -> Thing:
    charges = account.of("charge", "payment_intent", thing["id"])[::-1]
    return {**thing, "_charges": [_charge(account, one) for one in charges[:EMBEDDED]]}


def _dispute(account: Account, thing: Thing) -> Thing:
    return {**thing, "balance_transactions": [account.things[id] for id in thing["_transactions"]]}


_COMPOSED: dict[str, Callable[[Account, Thing], Thing]] = {
    "invoice": _invoice,
    "credit_note": _credit_note,
    "charge": _charge,
    "payment_intent": _intent,
    "dispute": _dispute,
}


def rendered(node: Any, version: str) -> Any:
    """What goes over the wire in this version; a new structure throughout."""
    if isinstance(node, list):
        return [rendered(one, version) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("object") == "event":
        return node  # has its own version
    shaped = reshaped(node, version) if isinstance(node.get("object"), str) else node
    return {name: rendered(value, version) for name, value in shaped.items() if name[:1] != "_"}
