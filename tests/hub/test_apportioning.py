"""A part of an invoice is split over its tax groups to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hub.model import CreditMemo, Invoice, InvoiceLine, Money
from hub.model.tax import subtotals
from hub.stages.apportioning import part_of
from hub.stages.footing import faults

nets = st.decimals(min_value="0.01", max_value="99999.99", places=2)
RATES = {"S": Decimal(19), "R": Decimal("8.25"), "Z": Decimal(0)}


def eur(amount: Decimal) -> Money:
    return Money(amount=amount, currency="EUR")


def invoice(rows: list[tuple[str, Decimal]], *, grouped: bool) -> Invoice:
    lines = tuple(
        InvoiceLine(
            sku=f"A{n}", quantity=Decimal(1), unit_price=net, line_extension_amount=eur(net),
            tax_category=category, tax_percent=RATES[category],
        )
        for n, (category, net) in enumerate(rows)
    )  # fmt: skip
    groups = subtotals("EUR", [(x.tax_category, x.tax_percent, x.line_extension_amount) for x in lines])
    net = sum((x.line_extension_amount.amount for x in lines), Decimal(0))
    tax = sum((x.tax_amount.amount for x in groups), Decimal(0))
    return Invoice(
        id="i", number="INV-1", customer="c", currency="EUR", issue_date=date(2026, 3, 1),
        due_date=date(2026, 3, 31), lines=lines, tax_subtotals=groups if grouped else (),
        tax_exclusive_amount=eur(net), payable_amount=eur(net + tax),
    )  # fmt: skip


def memo(of: Invoice, amount: Money) -> CreditMemo:
    part = part_of(of, amount, "Part of INV-1")
    return CreditMemo(
        id="m", customer="c", currency="EUR", issue_date=of.issue_date, lines=part.lines,
        tax_subtotals=part.taxes, tax_exclusive_amount=part.net, payable_amount=amount,
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(sorted(RATES)), nets), min_size=1, max_size=6),
    st.decimals(min_value="0.001", max_value="1", places=3),
)
def test_net_and_tax_of_a_part_add_up_to_it_and_foot(rows: list[tuple[str, Decimal]], share: Decimal) -> None:
    bill = invoice(rows, grouped=True)
    amount = eur(bill.payable_amount.amount * share).rounded()
    if amount:
        assert list(faults(memo(bill, amount))) == []


def test_the_whole_of_an_invoice_is_its_own_lines() -> None:
    bill = invoice([("S", Decimal("10.01")), ("R", Decimal("20.02"))], grouped=True)
    part = part_of(bill, bill.payable_amount, "all")
    assert (part.lines, part.taxes, part.net) == (bill.lines, bill.tax_subtotals, bill.tax_exclusive_amount)


def test_where_no_tax_groups_were_told_all_of_it_is_one() -> None:
    bill = invoice([("S", Decimal("100.00"))], grouped=False)
    part = part_of(bill, eur(Decimal("59.50")), "half")
    [line] = part.lines
    assert (str(line.line_extension_amount), str(part.taxes[0].tax_amount)) == ("50.00 EUR", "9.50 EUR")
