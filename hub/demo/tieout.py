"""Does it tie out? What went in against what each system shows, to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from hub.demo.crm import Crm, Mirrored, Shown
from hub.demo.erp import Booked, Erp
from hub.demo.money import Desk
from hub.demo.retailer import Retailer
from hub.demo.stage import Stage
from hub.demo.watch import Told
from hub.ledger import Account
from hub.model import Customer, Interchange, Money, Order, Payment
from hub.store import views
from hub.store.tx import Tx


class Line(NamedTuple):
    """One order across all systems."""

    order: Order
    customer: str
    crm: Crm
    erp: Erp
    shown: Shown
    invoiced: Money
    still_open: Money
    invoices: int
    erp_order: Decimal
    erp_invoiced: Decimal
    erp_open: Decimal


class Check(NamedTuple):
    """One thing that must be true, with the figures."""

    what: str
    ok: bool
    figures: str


def lines(stage: Stage, told: Told) -> list[Line]:
    """Every order of the story as its CRM, the hub and its ERP show it."""
    found = []
    with stage.parts.hub.store.look() as tx:
        for deal in told.deals.values():
            known = tx.xrefs.known(deal.crm.connection, "order", deal.id)
            assert known is not None, deal
            order = tx.documents.get(known.document_id)
            assert isinstance(order, Order)
            customer = tx.documents.get(order.customer)
            assert isinstance(customer, Customer)
            invoices = tx.reader.invoices_of(order.id)
            zero = Money.zero(order.currency)
            erp = next((one for one in stage.erps if one.seller == order.seller), stage.erps[0])
            booked = [one for invoice in invoices if (one := erp.invoice(invoice.id))]
            found.append(
                Line(
                    order=order,
                    customer=customer.name,
                    crm=deal.crm,
                    erp=erp,
                    shown=deal.crm.shown(deal.id),
                    invoiced=sum((x.payable_amount for x in invoices), zero),
                    still_open=sum((tx.reader.open_amount(x) for x in invoices), zero),
                    invoices=len(invoices),
                    erp_order=_total(erp.order(order.id)),
                    erp_invoiced=sum((one.total for one in booked), Decimal(0)),
                    erp_open=sum((one.open for one in booked), Decimal(0)),
                )
            )
    return found


def _total(booked: Booked | None) -> Decimal:
    return booked.total if booked else Decimal(0)


def checks(stage: Stage, told: Told, rows: Sequence[Line]) -> Iterator[Check]:
    """Everything that must hold at the end of the story."""
    yield from _per_order(stage, told, rows)
    for crm in stage.crms:
        mine = [row.order for row in rows if row.crm is crm]
        yield _mirror(stage, crm, mine, told.retail if crm is stage.crms[-1] else ())
    yield from _money(stage, told, rows)
    if stage.retailer:
        yield from _trade(stage, stage.retailer, told)
    with stage.parts.hub.store.look() as tx:
        waiting = [f"{row.reason}: {row.title}" for row in views.cases(tx.conn)]
    yield Check("no question is left open", not waiting, "\n".join(waiting) or "0 open cases")


def _per_order(stage: Stage, told: Told, rows: Sequence[Line]) -> Iterator[Check]:
    orders = [one for erp in stage.erps for one in erp.made("order")]
    invoices = [one for erp in stage.erps for one in erp.made("invoice")]
    yield Check(
        "one sales order per won deal and purchase order",
        sorted(orders) == sorted([*(r.order.id for r in rows), *told.retail]),
        f"{len(orders)} of {len(rows) + len(told.retail)}",
    )
    with stage.parts.hub.store.look() as tx:
        retail = sum(len(tx.reader.invoices_of(one)) for one in told.retail)
    count = sum(r.invoices for r in rows) + retail
    unique = len(set(invoices)) == len(invoices) == count
    yield Check(f"each invoice once in {_titles(stage)}", unique, f"{len(invoices)} of {count}")
    for row in rows:
        shown = (row.shown.status, row.shown.payment)
        yield Check(
            f"{row.order.number}: {row.crm.title} shows closed and paid",
            shown == ("Closed", "paid"),
            " / ".join(shown),
        )


def _mirror(stage: Stage, crm: Crm, orders: Sequence[Order], others: Sequence[str]) -> Check:
    """Has the CRM each invoice and payment of its own orders once, with its figures, and no other?

    `others`: orders from elsewhere of customers that it knows; it hears of their payments too.
    """
    with stage.parts.hub.store.look() as tx:
        found = [one for other in others if isinstance(one := tx.documents.get(other), Order)]
        invoices, payments = _invoices(tx, orders), _payments(tx, [*orders, *found])
    there = sorted(crm.invoices()), sorted(crm.payments())
    same = there == (sorted(invoices), sorted(payments))
    figures = f"{len(there[0])} of {len(invoices)}, {len(there[1])} of {len(payments)}"
    differing = sorted({*there[0], *there[1]} ^ {*invoices, *payments})
    figures += "".join(f"\n{one.number}: {one.amount:,.2f}" for one in differing)
    what = f"{crm.title} has the same invoices and payments"
    return Check(what, same and bool(invoices) and bool(payments), figures)


def _invoices(tx: Tx, orders: Sequence[Order]) -> list[Mirrored]:
    found = [one for order in orders for one in tx.reader.invoices_of(order.id)]
    return [Mirrored(one.number, tx.reader.open_amount(one).amount) for one in found]


def _payments(tx: Tx, orders: Sequence[Order]) -> list[Mirrored]:
    """What has paid for these orders, also in part."""
    invoices = [one for order in orders for one in tx.reader.invoices_of(order.id)]
    ids = {part.payment for one in invoices for part in tx.reader.allocations(invoice=one.id)}
    found = [one for id in sorted(ids) if isinstance(one := tx.documents.get(id), Payment)]
    return [Mirrored(one.number, one.amount.amount) for one in found]


def _money(stage: Stage, told: Told, rows: Sequence[Line]) -> Iterator[Check]:
    invoiced = sum((r.invoiced.amount for r in rows), Decimal(0))
    erp = sum((r.erp_invoiced for r in rows), Decimal(0))
    yield Check(
        f"invoiced here = booked in {_titles(stage)}", invoiced == erp, f"{invoiced:,.2f} = {erp:,.2f}"
    )
    ordered = sum((r.order.payable_amount.amount for r in rows), Decimal(0))
    cent_per_invoice = Decimal("0.01") * sum(r.invoices for r in rows)  # tax is rounded once per invoice
    yield Check(
        "ordered = invoiced (tax is rounded per invoice)",
        abs(ordered - invoiced) <= cent_per_invoice,
        f"{ordered:,.2f} / {invoiced:,.2f}",
    )
    with stage.parts.hub.store.look() as tx:
        balances = {account: money.amount for account, money in tx.books.balances()}
    cash = balances.get(Account.CASH, Decimal(0))
    yield Check("bank credits = cash in the ledger", told.banked == cash, f"{told.banked:,.2f} = {cash:,.2f}")
    if stage.desk:
        yield from _provider(stage.desk, told, balances)
    left = (balances.get(Account.RECEIVABLE, Decimal(0)), balances.get(Account.UNAPPLIED, Decimal(0)))
    yield Check("nothing owed, nothing unapplied", not any(left), " / ".join(f"{x:,.2f}" for x in left))
    total = sum(balances.values(), Decimal(0))
    yield Check("the ledger balances", not total, f"{total:,.2f}")
    booked = sum((one.received() for one in stage.erps), Decimal(0))
    yield Check(
        f"payments in {_titles(stage)} = paid by customers",
        booked == told.paid_in,
        f"{booked:,.2f} = {told.paid_in:,.2f}",
    )
    still = sum((r.erp_open for r in rows), Decimal(0))
    yield Check(f"{_titles(stage)}: nothing is open", not still, f"{still:,.2f}")


def _provider(desk: Desk, told: Told, balances: Mapping[str, Decimal]) -> Iterator[Check]:
    """Between what customers paid and what the bank credited stands what Stripe kept, and nothing else."""
    held, there = balances.get(Account.HELD, Decimal(0)), desk.balance()
    yield Check(
        f"held by {desk.title} in the ledger = its balance", held == there, f"{held:,.2f} = {there:,.2f}"
    )
    fees = balances.get(Account.FEE, Decimal(0))
    yield Check(
        f"paid by customers = bank credits + fees of {desk.title}",
        told.paid_in == told.banked + fees and fees == desk.fees(),
        f"{told.paid_in:,.2f} = {told.banked:,.2f} + {fees:,.2f}",
    )


def _trade(stage: Stage, retailer: Retailer, told: Told) -> Iterator[Check]:
    """The retailer's own books against ours, and what it complains about."""
    theirs = [retailer.desk.told(number) for number in retailer.numbers()]
    with stage.parts.hub.store.look() as tx:
        ours = [invoice for one in told.retail for invoice in tx.reader.invoices_of(one)]
        envelopes = [tx.documents.get(row.id) for row in views.documents(tx.conn, kind="interchange")]
    billed = sum((one.payable_amount.amount for one in ours), Decimal(0))
    booked = sum((Decimal(str(one["invoiced"])) for one in theirs), Decimal(0))
    yield Check(
        f"billed here = booked at {retailer.title}", billed == booked, f"{billed:,.2f} = {booked:,.2f}"
    )
    paid = sum((Decimal(str(one["paid"])) for one in theirs), Decimal(0))
    yield Check(
        f"{retailer.title}: billed = paid + deducted",
        billed == paid + told.withheld,
        f"{billed:,.2f} = {paid:,.2f} + {told.withheld:,.2f}",
    )
    sent = [one for one in envelopes if isinstance(one, Interchange) and one.direction == "out"]
    numbers = sorted(int(one.number) for one in sent)
    answered = all(str(one.state) in ("accepted", "delivered") for one in sent)
    yield Check(
        "every interchange acknowledged, their numbers without a gap",
        answered and numbers == list(range(1, len(numbers) + 1)),
        f"{len(sent)} interchanges",
    )
    complaints = retailer.desk.chargebacks()
    told_of = "".join(f"\n{one.rule}: {one.words}" for one in complaints)
    yield Check(f"{retailer.title} charges nothing back", not complaints, f"{len(complaints)}{told_of}")


def show(stage: Stage, told: Told, console: Console) -> bool:
    """Print both tables; True when everything ties out."""
    rows = lines(stage, told)
    console.print(_across(rows))
    result = list(checks(stage, told, rows))
    proof = Table(title="Does it tie out?", title_justify="left", show_header=False)
    for check in result:
        proof.add_row("[green]yes[/]" if check.ok else "[red bold]NO[/]", check.what, check.figures)
    console.print(proof)
    return all(check.ok for check in result)


def _across(rows: Sequence[Line]) -> Table:
    table = Table(title="What went in, and what each system shows (USD)", title_justify="left")
    table.add_column("")
    for row in rows:
        table.add_column(
            f"{row.order.number}\n{row.crm.title}, {row.erp.title}\n{row.customer}", justify="right"
        )
    table.add_column("\n\nTotal", justify="right")
    figures: Sequence[tuple[str, Callable[[Line], Decimal]]] = (
        ("CRM: deal, before tax", lambda r: r.shown.amount),
        ("Hub: order with tax", lambda r: r.order.payable_amount.amount),
        ("ERP: sales order (SAP: before tax)", lambda r: r.erp_order),
        ("Hub: invoiced", lambda r: r.invoiced.amount),
        ("ERP: invoices", lambda r: r.erp_invoiced),
        ("Paid", lambda r: (r.invoiced - r.still_open).amount),
        ("Hub: still open", lambda r: r.still_open.amount),
        ("ERP: still open", lambda r: r.erp_open),
    )
    for label, figure in figures:
        total = sum(map(figure, rows), Decimal(0))
        table.add_row(label, *(f"{figure(r):,.2f}" for r in rows), f"{total:,.2f}")
    table.add_row(
        "Hub: invoices issued", *(str(r.invoices) for r in rows), str(sum(r.invoices for r in rows))
    )
    table.add_row("CRM shows", *(r.shown.payment for r in rows), "")
    return table


def _titles(stage: Stage) -> str:
    return " and ".join(erp.title for erp in stage.erps)
