"""expand[]: references replaced by what they name; what cannot be is refused before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.calls import Op
from sandbox.stripe.refusals import invalid
from sandbox.stripe.shapes import listed, rendered, snapshot
from sandbox.stripe.versions import BASIL, before

DEPTH = 4
PATHS_MAX = 20


class Many(NamedTuple):
    """A list of a kind within an object; `asked` when it is only shown expanded."""

    kind: str
    asked: bool = False


# What can be expanded: a field to the kind it names (empty: a kind that is not simulated), to a hash, a list.
_TXN, _CUSTOMER, _INTENT = "balance_transaction", "customer", "payment_intent"
TABLE: dict[str, dict[str, Any]] = {
    "balance_transaction": {"source": "charge"},
    "charge": {
        "application": "",
        "application_fee": "",
        "balance_transaction": _TXN,
        "customer": _CUSTOMER,
        "failure_balance_transaction": _TXN,
        "invoice": "invoice",
        "on_behalf_of": "",
        "payment_intent": _INTENT,
        "refunds": Many("refund", asked=True),
        "review": "",
        "source_transfer": "",
        "transfer": "",
    },
    "credit_note": {
        "customer": _CUSTOMER,
        "customer_balance_transaction": "customer_balance_transaction",
        "invoice": "invoice",
        "lines": Many("credit_note_line_item"),
        "refund": "refund",
        "refunds": {"refund": "refund"},
    },
    "customer": {
        "default_source": "",
        "invoice_settings": {"default_payment_method": "payment_method"},
        "sources": "",
        "subscriptions": "",
        "tax": "",
        "tax_ids": Many("tax_id", asked=True),
        "test_clock": "",
    },
    "customer_balance_transaction": {
        "credit_note": "credit_note",
        "customer": _CUSTOMER,
        "invoice": "invoice",
    },
    "dispute": {"charge": "charge", "payment_intent": _INTENT},
    "invoice": {
        "account_tax_ids": "tax_id",
        "application": "",
        "charge": "charge",
        "confirmation_secret": "",
        "customer": _CUSTOMER,
        "default_payment_method": "payment_method",
        "default_source": "",
        "discounts": "",
        "latest_revision": "invoice",
        "lines": Many("line_item"),
        "on_behalf_of": "",
        "payment_intent": _INTENT,
        "payments": Many("invoice_payment", asked=True),
        "test_clock": "",
    },
    "invoice_payment": {
        "invoice": "invoice",
        "payment": {"charge": "charge", "payment_intent": _INTENT, "payment_record": "payment_record"},
    },
    "invoiceitem": {
        "customer": _CUSTOMER,
        "discounts": "",
        "invoice": "invoice",
        "pricing": {"price_details": {"price": "price"}},
        "test_clock": "",
    },
    "line_item": {"discounts": "", "pricing": {"price_details": {"price": "price"}}, "subscription": ""},
    "payment_intent": {
        "application": "",
        "charges": Many("charge"),
        "customer": _CUSTOMER,
        "invoice": "invoice",
        "latest_charge": "charge",
        "on_behalf_of": "",
        "payment_method": "payment_method",
        "review": "",
    },
    "payment_method": {"customer": _CUSTOMER},
    "payout": {
        "balance_transaction": _TXN,
        "destination": "bank_account",
        "failure_balance_transaction": _TXN,
        "original_payout": "payout",
        "reversed_by": "payout",
    },
    "product": {"default_price": "price", "tax_code": ""},
    "refund": {
        "balance_transaction": _TXN,
        "charge": "charge",
        "customer": _CUSTOMER,
        "failure_balance_transaction": _TXN,
        "payment_intent": _INTENT,
        "payment_method": "payment_method",
    },
    "tax_id": {"customer": _CUSTOMER, "owner": {"customer": _CUSTOMER}},
}
_GONE_WITH_BASIL = {
    ("invoice", "charge"),
    ("invoice", "payment_intent"),
    ("charge", "invoice"),
    (_INTENT, "invoice"),
}


def kind_of(op: Op) -> str:
    """The kind of object that an operation answers."""
    parts = [one for one in op.path.split("/")[2:] if one not in ("{}", "search")]
    first, last = parts[0], parts[-1]
    if len(parts) > 1 and last == "lines":
        return "credit_note_line_item" if first == "credit_notes" else "line_item"
    if len(parts) > 1 and first == "customers":
        return {"tax_ids": "tax_id", "balance_transactions": "customer_balance_transaction"}[last]
    return "refund" if last == "refunds" else first.removesuffix("s")


def check(op: Op, paths: list[str], version: str) -> None:
    """Raises Refused for a path that cannot be expanded in what the operation answers."""
    if len(paths) > PATHS_MAX:
        raise invalid(f"You can expand at most {PATHS_MAX} properties.", "expand")
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEPTH:
            raise invalid(
                f"You cannot expand more than {DEPTH} levels of a property. Property: {path}", "expand"
            )
        if "limit" in op.spec:
            if parts[0] != "data":
                raise invalid(f"This property cannot be expanded ({parts[0]}). Try data.{path}.", "expand")
            parts = parts[1:]
        _walk(kind_of(op), parts, version)


def _walk(kind: str, parts: list[str], version: str) -> None:
    at: Any = TABLE.get(kind, {})
    can = False
    for name in parts:
        found = at.get(name) if isinstance(at, dict) else None
        if found is None or ((kind, name) in _GONE_WITH_BASIL and not before(version, BASIL)):
            can = False
            break
        can = isinstance(found, str) or (isinstance(found, Many) and found.asked)
        kind = found if isinstance(found, str) else ""
        at = _within(found)
    if not can:
        raise invalid(f"This property cannot be expanded ({'.'.join(parts)}).", "expand")


def _within(found: Any) -> Any:
    if isinstance(found, Many):
        return {"data": TABLE.get(found.kind, {})}
    return TABLE.get(found, {}) if isinstance(found, str) else found


def _payments(account: Account, shown: Thing) -> Thing:
    return listed(
        account.of("invoice_payment", "invoice", shown["id"])[::-1],
        f"/v1/invoice_payments?invoice={shown['id']}",
    )


def _secret(account: Account, shown: Thing) -> Thing | None:
    intent = account.things.get(account.things[shown["id"]].get("_intent") or "")
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def _refunds(account: Account, shown: Thing) -> Thing:
    return listed(account.of("refund", "charge", shown["id"])[::-1], f"/v1/charges/{shown['id']}/refunds")


def _tax_ids(account: Account, shown: Thing) -> Thing:
    return listed(account.of("tax_id", "customer", shown["id"])[::-1], f"/v1/customers/{shown['id']}/tax_ids")


# Left out unless asked for by expand[].
_ON_REQUEST: dict[tuple[str, str], Callable[[Account, Thing], Thing | None]] = {
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _secret,
    ("charge", "refunds"): _refunds,
    ("customer", "tax_ids"): _tax_ids,
}


def expanded(account: Account, shown: Any, paths: list[str], version: str) -> Any:
    """The answer with what these paths, checked before, name in the place of ids."""
    for path in paths:
        _expand(account, shown, path.split("."), version)
    return shown


def _expand(account: Account, node: Any, parts: list[str], version: str) -> None:
    if isinstance(node, list):
        for one in node:
            _expand(account, one, parts, version)
        return
    if not parts or not isinstance(node, dict):
        return
    name, rest = parts[0], parts[1:]
    on_request = _ON_REQUEST.get((node.get("object", ""), name))
    if on_request and name not in node and account.things.get(node["id"]):
        node[name] = rendered(on_request(account, node), version)
    value = node.get(name)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        node[name] = [_found(account, one, version) for one in value]
    elif isinstance(value, str):
        node[name] = _found(account, value, version)
    _expand(account, node.get(name), rest, version)


def _found(account: Account, id: str, version: str) -> Thing | str:
    found = account.things.get(id)
    return id if found is None else rendered(snapshot(account, found), version)
