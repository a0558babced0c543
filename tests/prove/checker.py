"""The checker: counts, at the vendors, what came of every acknowledged event. It shares nothing with the hub.

It reads the driver's journal, the sandboxes' effects and books, and, once everything is drained, the hub's
public API. The names in brackets are the invariants of docs/durability.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import orjson

from tests.prove.market import Market, Places
from tests.prove.plan import ATTEMPTS_MAX

READERS = 4
SHOWN = 12


@dataclass
class Findings:
    """What does not hold, by sort; and the figures."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Does everything hold?"""
        return not (self.lost or self.duplicated or self.wrong)

    def lines(self) -> Iterator[str]:
        """For a person."""
        for name in ("lost", "duplicated", "wrong"):
            found: list[str] = getattr(self, name)
            yield from (f"{name}: {one}" for one in found[:SHOWN])
            if len(found) > SHOWN:
                yield f"{name}: and {len(found) - SHOWN} more"


class Api:
    """The hub's public API, as any program reads it."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False)

    def get(self, path: str, **params: Any) -> Any:
        """One answer."""
        return self.client.get(f"/api/v1{path}", params=params).raise_for_status().json()

    def every(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.get(path, limit=200, **({"after": after} if after else {}), **params)
            found += page["items"]
            after = page["after"] or ""
            if not after:
                return found

    def details(self, path: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The details of many, several at a time."""
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(lambda id: self.get(f"{path}/{id}"), ids))

    def pending(self) -> int:
        """Rows of both queues that are not done."""
        return sum(
            count
            for one in self.get("/connections")
            for name, count in one["backlog"].items()
            if name.endswith("pending")
        )


def duplicates(places: Places) -> list[str]:
    """Objects that NetSuite has more than once, by what they are about. Needs no hub and no drain."""
    books = places.get("/books")
    found = []
    for kind, key in (("orders", "po"), ("invoices", "po"), ("payments", "applied")):
        names = [_name(one[key]) for one in books[kind]]
        found += [f"{kind[:-1]} for {name}: {n} times" for name, n in Counter(names).items() if n > 1]
    created = Counter((e["kind"], e["id"]) for e in places.effects("erp") if e["action"] == "create")
    return found + [f"effect {kind} {id} created {n} times" for (kind, id), n in created.items() if n > 1]


def _name(key: Any) -> str:
    return "+".join(sorted(key)) if isinstance(key, dict) else str(key)


def check(places: Places, market: Market, api: Api) -> Findings:
    """Everything, after the drain."""
    findings = Findings()
    books = places.get("/books")
    findings.duplicated += duplicates(places)
    _acknowledged(findings, market, api)
    _vendor(findings, market, books)
    _effects(findings, places, books)
    _payments(findings, market, books)
    _money(findings, market, books, api)
    _known_alike(findings, books, api)
    _at_rest(findings, market, api)
    _shown(findings, market, books)
    return findings


def _acknowledged(findings: Findings, market: Market, api: Api) -> None:
    """[I1] Every event that got a 2xx is in the hub's inbox."""
    rows = api.every("/deliveries")
    held: set[int] = set()
    for one in api.details("/deliveries", [row["id"] for row in rows if row["connection"] == "hubspot"]):
        held |= {event["eventId"] for event in orjson.loads(one["body"])}
    journal = market.driver.journal
    findings.lost += [f"event {event}, acknowledged" for event in sorted(set(journal.acked) - held)]
    files = sum(1 for one in journal.deliveries if one.path.startswith("/files") and one.acked_at)
    kept = sum(1 for row in rows if row["connection"] == "bank")
    if kept < files:
        findings.lost.append(f"{files - kept} of {files} bank files, acknowledged")
    findings.figures |= {"events": len(journal.acked) + files, "inbox rows": len(rows)}
    cap = max((row["attempts"] for row in rows), default=0)
    findings.figures["most attempts"] = cap
    if cap > ATTEMPTS_MAX:
        findings.wrong.append(f"[I11] a delivery was tried {cap} times, the cap is {ATTEMPTS_MAX}")


def _vendor(findings: Findings, market: Market, books: dict[str, Any]) -> None:
    """[I3] [I4] [I5] Each order and its invoice exist exactly once, over the amount that was sold."""
    for kind in ("orders", "invoices"):
        totals: dict[str, list[Decimal]] = defaultdict(list)
        for one in books[kind]:
            totals[one["po"]].append(Decimal(one["total"]))
        for po, sold in market.sold.items():
            if sold.acked_at and not totals[po]:
                findings.lost.append(f"{kind[:-1]} for {po} (sold in cycle {sold.order.cycle})")
            if wrong := [total for total in totals[po] if total != sold.order.total]:
                findings.wrong.append(f"[I5] {kind[:-1]} for {po} is {wrong[0]}, not {sold.order.total}")
        strange = set(totals) - set(market.sold)
        findings.wrong += [f"[I5] {kind[:-1]} for {po}, which nobody sold" for po in strange if totals[po]]
        findings.figures[kind] = len(books[kind])


def _effects(findings: Findings, places: Places, books: dict[str, Any]) -> None:
    """[I3] What was written is what the books show: nothing was created and taken away again."""
    made = Counter(e["kind"] for e in places.effects("erp") if e["action"] == "create")
    names = (("salesOrder", "orders"), ("invoice", "invoices"), ("customerPayment", "payments"))
    for record, kind in names:
        if made[record] != len(books[kind]):
            findings.wrong.append(
                f"[I3] {made[record]} {kind} were created, the books show {len(books[kind])}"
            )
    extra = len(books["customers"]) - len({one["name"] for one in books["customers"]})
    if extra:
        findings.duplicated.append(f"{extra} customers exist twice")


def _payments(findings: Findings, market: Market, books: dict[str, Any]) -> None:
    """[I4] [I6] Each transfer is one customer payment, applied to the invoices it paid, and to no more."""
    po_of = {one["id"]: one["po"] for one in books["invoices"]}
    booked: dict[frozenset[str], list[Decimal]] = defaultdict(list)
    for one in books["payments"]:
        booked[frozenset(po_of.get(doc, doc) for doc in one["applied"])].append(Decimal(one["total"]))
    for paid in market.paid:
        found = booked.pop(frozenset(paid.pos), [])
        if not found:
            findings.lost.append(f"payment of {paid.amount} for {', '.join(paid.pos)}")
        elif len(found) > 1:
            findings.duplicated.append(f"payment for {', '.join(paid.pos)}: {len(found)} times")
        elif found[0] != paid.amount:
            findings.wrong.append(f"[I5] payment for {', '.join(paid.pos)} is {found[0]}, not {paid.amount}")
    findings.wrong += [f"[I5] a payment for {', '.join(key) or 'nothing'} that nobody made" for key in booked]
    for one in books["invoices"]:
        if Decimal(one["open"]) != 0:
            findings.wrong.append(f"[I6] invoice {one['number']} shows {one['open']} open in NetSuite")
    findings.figures["payments"] = len(books["payments"])


def _money(findings: Findings, market: Market, books: dict[str, Any], api: Api) -> None:
    """[I5] Money in = money booked: bank, ledger and NetSuite agree to the cent."""
    paid = sum((one.amount for one in market.paid), Decimal(0))
    balances = {one["account"]: Decimal(one["amount"]["amount"]) for one in api.get("/ledger/balances")}
    erp = sum((Decimal(one["total"]) for one in books["payments"]), Decimal(0))
    invoiced = sum((Decimal(one["total"]) for one in books["invoices"]), Decimal(0))
    ordered = sum((one.order.total for one in market.sold.values()), Decimal(0))
    billed = -sum((balances.get(account, Decimal(0)) for account in ("revenue", "tax")), Decimal(0))
    for what, ours, theirs in (
        ("bank credits and cash in the ledger", paid, balances.get("cash", Decimal(0))),
        ("bank credits and payments in NetSuite", paid, erp),
        ("sold and invoiced in NetSuite", ordered, invoiced),
        ("sold and billed in the ledger", ordered, billed),
        ("receivable and nothing", balances.get("receivable", Decimal(0)), Decimal(0)),
        ("unapplied and nothing", balances.get("unapplied", Decimal(0)), Decimal(0)),
        ("the sum of all accounts and nothing", sum(balances.values(), Decimal(0)), Decimal(0)),
    ):
        if ours != theirs:
            findings.wrong.append(f"[I5] {what} differ: {ours} and {theirs}")
    findings.figures |= {"money in": str(paid), "money booked": str(balances.get("cash", Decimal(0)))}


def _known_alike(findings: Findings, books: dict[str, Any], api: Api) -> None:
    """[I7] What the hub calls an object is what NetSuite calls it."""
    for kind, name in (("order", "orders"), ("invoice", "invoices"), ("payment", "payments")):
        theirs = {one["external_id"]: one["id"] for one in books[name]}
        rows = api.every("/documents", kind=kind)
        for one in api.details("/documents", [row["id"] for row in rows]):
            known = {x["connection"]: x["external_id"] for x in one["xrefs"]}.get("netsuite")
            if known is None or theirs.get(one["id"]) != known:
                real = theirs.get(one["id"])
                findings.wrong.append(
                    f"[I7] {kind} {one['number']} is {known} to the hub and {real} in NetSuite"
                )
        done = {"order": "closed", "invoice": "paid", "payment": "applied"}[kind]
        left = Counter(row["state"] for row in rows if row["state"] != done)
        findings.wrong += [f"[I2] {n} {kind}s are {state}, not {done}" for state, n in left.items()]


def _at_rest(findings: Findings, market: Market, api: Api) -> None:
    """[I10] [I11] Nothing stopped, nothing waits, nobody is asked."""
    for one in api.get("/connections"):
        for name, count in one["backlog"].items():
            if count:
                findings.wrong.append(f"[I10] {one['name']}: {count} rows {name}")
    for case in api.every("/cases", state="open"):
        findings.wrong.append(f"[I10] case {case['reason']}: {case['title']}")
    findings.wrong += [f"the proof itself stumbled: {one}" for one in market.troubles]


def _shown(findings: Findings, market: Market, books: dict[str, Any]) -> None:
    """[I8] HubSpot shows the end of the story, not an older state."""
    number = {one["po"]: one["number"] for one in books["invoices"]}
    for deal in books["deals"]:
        po = deal["po_number"]
        shown = (
            deal.get("o2c_order_status"),
            deal.get("o2c_payment_status"),
            deal.get("o2c_invoice_numbers"),
        )
        if po in number and po in market.sold and shown != ("Closed", "paid", number[po]):
            findings.wrong.append(f"[I8] the deal of {po} shows {shown}")
