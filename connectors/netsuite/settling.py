"""Who settles what: applications of payments, deposits, credit memos and journals, from the link table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.netsuite import suiteql
from connectors.netsuite.client import Wire
from connectors.netsuite.translate import decimal, lines_of

LINKED = 200  # ids per question: each may have many pairs of lines


class Link(NamedTuple):
    """One pair of lines: `before` is the invoice or refund, `after` the credit that settles it."""

    kind: str  # Payment, or DepAppl from a deposit to its application
    before: str
    before_type: str
    after: str
    after_type: str
    amount: Decimal


class Links:
    """All links of some transactions. Which of the two stands first is not relied upon."""

    def __init__(self, found: Iterable[Link]) -> None:
        self._by_id: dict[str, list[Link]] = {}
        for link in dict.fromkeys(found):
            for id in {link.before, link.after}:
                self._by_id.setdefault(id, []).append(link)

    def others(self, id: str, code: str) -> Mapping[str, Decimal]:
        """The transactions of one type that this one is linked with, and for how much."""
        found: dict[str, Decimal] = {}
        for link in self._by_id.get(id, ()):
            other, type = (
                (link.after, link.after_type) if link.before == id else (link.before, link.before_type)
            )
            if type == code:
                found[other] = found.get(other, Decimal(0)) + link.amount
        return {other: found[other] for other in sorted(found, key=int)}

    def settled(self, id: str) -> Mapping[str, Decimal]:
        """Invoices this transaction settles; a deposit does it through its applications."""
        found = dict(self.others(id, "CustInvc"))
        for application in self.others(id, "DepAppl"):
            for invoice, amount in self.others(application, "CustInvc").items():
                found[invoice] = found.get(invoice, Decimal(0)) + amount
        return found

    def refunded(self, id: str) -> Decimal:
        """What of this payment or credit went back to the customer."""
        return sum(self.others(id, "CustRfnd").values(), Decimal(0))


def links_of(client: Wire, ids: Sequence[str]) -> Links:
    """The links of these transactions, and of the applications of those that are deposits."""
    found = list(_asked(client, ids))
    deeper = {x.after for x in found if x.after_type == "DepAppl"} - set(ids)
    return Links([*found, *_asked(client, sorted(deeper, key=int))])


def _asked(client: Wire, ids: Sequence[str]) -> Iterable[Link]:
    for portion in suiteql.chunks(ids, LINKED):
        yield from (_link(row) for row in client.rows(suiteql.links(portion)))


def _link(row: Mapping[str, Any]) -> Link:
    return Link(
        str(row.get("linktype")), str(row["previousdoc"]), str(row.get("previoustype")),
        str(row["nextdoc"]), str(row.get("nexttype")), abs(decimal(row.get("foreignamount") or 0, "link")),
    )  # fmt: skip


def applications(amounts: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """What is settled, as mappings see it."""
    return [
        {"invoice": {"id": id}, "amount": amount, "discount": Decimal(0)} for id, amount in amounts.items()
    ]


def told_by(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same from a record's own apply list, which alone tells of early-payment discounts.

    An application's amount is without the discount taken beside it ("Customer Payment": disc).
    """
    found = []
    for line in lines_of(record, "apply"):
        doc = line.get("doc")
        id = str(doc.get("id", "")) if isinstance(doc, Mapping) else str(doc or "")
        if line.get("apply") is True and id and line.get("type", "Invoice") == "Invoice":
            amount, taken = (decimal(line.get(name) or 0, f"apply.{name}") for name in ("amount", "disc"))
            found.append({"invoice": {"id": id}, "amount": amount, "discount": taken})
    return found
