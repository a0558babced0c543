"""One record made from another: which pairs there are, and what the new one takes from the old."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.netsuite.books import ZERO, Body, Row
from sandbox.netsuite.fields import RECORDS
from sandbox.netsuite.parsing import merged
from sandbox.netsuite.refusals import Refusal, user_error

if TYPE_CHECKING:
    from sandbox.netsuite.rules import Rules

_COPIED: tuple[str, ...] = (
    "currency",
    "exchangeRate",
    "subsidiary",
    "terms",
    "otherRefNum",
    "location",
    "department",
)
_COPIED += ("class", "shippingAddress", "billingAddress")


def made_from(rules: Rules, source: Row, target: str, body: Body) -> Body:
    """The body of the new record. Raises Refusal for a pair that cannot be transformed."""
    make = PAIRS.get((source.type, target))
    if make is None:
        raise Refusal(
            f"You cannot transform {source.type} to {target}.",
            "INVALID_RCRD_TRANSFRM",
            where=target,
            soap="INVALID_INITIALIZE_REF",
        )
    if source.voided:
        raise user_error("This transaction has been voided and cannot be changed.")
    return make(rules, source, target, body)


def _taken(source: Row, target: str, body: Body, **more: Any) -> dict[str, Any]:
    """The new record's header: the old one's fields, then what the body says."""
    kind = RECORDS[target]
    taken = {k: v for k, v in source.values.items() if k in kind.body and (k in _COPIED or _custom(k))}
    who = "customer" if "customer" in kind.body else "entity"
    return {who: source.customer, **taken, **body.values, **more}


def _custom(name: str) -> bool:
    return name.startswith("cseg_")


def _from_order(rules: Rules, order: Row, target: str, body: Body) -> Body:
    """An order's lines, changed by the body's lines, which are keyed by orderLine."""
    if order.values["orderStatus"] in ("A", "C", "H"):
        state = rules.status(order)[1]
        raise user_error(f"The sales order is not approved yet: its status is {state}.")
    lines = list(_offered(rules, order, target))
    values = _taken(order, target, body, createdFrom=order.id)
    rest = {k: v for k, v in body.lines.items() if k != "item"}
    chosen = _chosen(lines, target, body)
    return Body(values, {**rest, "item": chosen}, body.external_id)


def _chosen(lines: list[dict[str, Any]], target: str, body: Body) -> list[dict[str, Any]]:
    offered = {line["orderLine"] for line in lines}
    for sent in body.lines.get("item", ()):
        if sent.get("orderLine") not in offered:
            raise user_error(
                "Unable to find a matching line for sublist item with key: [orderLine] "
                f"and value: [{sent.get('orderLine')}].",
                soap="INVALID_KEY_OR_REF",
            )
    sent_lines = body.lines.get("item", ())
    sublist = RECORDS[target].sublists["item"]
    lines = merged(sublist, lines, sent_lines, replace="item" in body.replace)
    chosen = [x for x in lines if x["quantity"] != 0 and x.pop("itemReceive", True)]
    if not chosen:
        raise user_error("You must enter at least one line item for this transaction.")
    return chosen


def _kept(line: Mapping[str, Any], *more: str) -> dict[str, Any]:
    names = ("item", "description", "location", "department", "class", *more)
    return {
        k: v
        for k, v in line.items()
        if (k.startswith("custcol") or _custom(k) or k in names) and v is not None
    }


def _offered(rules: Rules, order: Row, target: str) -> Iterable[dict[str, Any]]:
    for line in order.lines["item"]:
        keep = _kept(line)
        if target == "invoice":
            open = line["quantity"] > rules.made(order, "invoice", line["line"])
            quantity = rules.billable(order, line)
            keep = _kept(line, "rate", "taxRate1", "taxCode")
            if line.get("rate") is None:
                keep["rate"] = line["amount"] / line["quantity"]
        else:
            keep = {k: v for k, v in keep.items() if k not in ("department", "class")}
            done = rules.made(order, "itemFulfillment", line["line"])
            open = rules.ships(line) and line["quantity"] > done
            quantity = line["quantity"] - done
        if open and not line.get("isClosed"):
            yield {**keep, "orderLine": line["line"], "quantity": quantity}


def _credit_of(rules: Rules, invoice: Row, target: str, body: Body) -> Body:
    """An invoice's lines in full: NetSuite does not count what was credited before."""
    lines = [
        {
            **_kept(x, "rate", "taxRate1", "taxCode", "amount"),
            "orderLine": x["line"],
            "quantity": x["quantity"],
        }
        for x in invoice.lines["item"]
    ]
    values = _taken(invoice, target, body, createdFrom=invoice.id, account=invoice.values["account"])
    rest = {k: v for k, v in body.lines.items() if k != "item"}
    return Body(values, {**rest, "item": _chosen(lines, target, body)}, body.external_id)


def _payment_of(rules: Rules, invoice: Row, target: str, body: Body) -> Body:
    """A payment of all that is due, unless the body says what it pays."""
    values = _taken(invoice, target, body, arAcct=invoice.values["account"])
    applied = {"doc": invoice.id, "line": ZERO, "apply": True}
    sublist = RECORDS[target].sublists["apply"]
    lines = merged(sublist, [applied], body.lines.get("apply", ()), replace="apply" in body.replace)
    paid, due = values.get("payment"), rules.remaining(invoice)
    if lines and lines[0]["doc"] == invoice.id and lines[0].get("amount") is None:
        lines[0]["amount"] = due if paid is None else min(paid, due)
    return Body(values, {**body.lines, "apply": lines}, body.external_id)


def _deposit_for(rules: Rules, order: Row, target: str, body: Body) -> Body:
    return Body(_taken(order, target, body, salesOrder=order.id), body.lines, body.external_id)


def _application_of(rules: Rules, deposit: Row, target: str, body: Body) -> Body:
    values = _taken(deposit, target, body, deposit=deposit.id, createdFrom=deposit.id)
    return Body(values, body.lines, body.external_id)


def _refund_of(rules: Rules, credit: Row, target: str, body: Body) -> Body:
    """A refund of what is left of a payment, deposit or credit memo."""
    sublist = RECORDS[target].sublists["apply"]
    first = [{"doc": credit.id, "line": ZERO, "apply": True, "amount": rules.unapplied(credit)}]
    lines = merged(sublist, first, body.lines.get("apply", ()), replace="apply" in body.replace)
    return Body(_taken(credit, target, body), {"apply": lines}, body.external_id)


PAIRS: Mapping[tuple[str, str], Callable[[Any, Row, str, Body], Body]] = {
    ("salesOrder", "invoice"): _from_order,
    ("salesOrder", "itemFulfillment"): _from_order,
    ("salesOrder", "customerDeposit"): _deposit_for,
    ("invoice", "creditMemo"): _credit_of,
    ("invoice", "customerPayment"): _payment_of,
    ("customerDeposit", "depositApplication"): _application_of,
    ("customerPayment", "customerRefund"): _refund_of,
    ("creditMemo", "customerRefund"): _refund_of,
    ("customerDeposit", "customerRefund"): _refund_of,
}
