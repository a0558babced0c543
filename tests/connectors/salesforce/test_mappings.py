"""The shipped mappings against the org: what is read becomes valid, what is written is accepted and stays."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.mapping import Translator, compile_mapping, load
from hub.model import Customer, Money, Order
from hub.sdk import Unmappable, Write
from tests.connectors.salesforce.company import Company, named
from tests.mappings.pairs import PAIRS, pair_of

MAPPINGS = Path(__file__).resolve().parents[3] / "mappings" / "salesforce"


class Known:
    """Cross-references as if every vendor id had a document."""

    def xref(self, kind: str, value: str) -> str:
        return f"{kind}-{value}"


def mapping(name: str) -> Translator:
    return compile_mapping(load(MAPPINGS / f"{name}.yaml"))


def records(company: Company, deal: str) -> dict[str, Any]:
    return {change.kind: change.record for change in company.connect().read(named(("Opportunity", deal)))}


def to_order(company: Company, deal: str) -> Order:
    return Order(id="doc-1", **mapping("order.in").apply(records(company, deal)["order"], Known()))


def test_a_won_opportunity_becomes_a_valid_order(company: Company) -> None:
    deal = company.won(O2C_PO_Number__c="PO-77", O2C_Payment_Terms__c="Net 30", close_date=date(2026, 10, 1))
    order = to_order(company, deal)
    assert order.customer == f"customer-{company.account_of(deal)}"
    assert (order.title, order.purchase_order, order.payment_terms) == ("Autumn order", "PO-77", "NET30")
    assert (order.currency, order.issue_date) == ("USD", date(2026, 10, 1))
    assert order.declared_amount == Money(amount=Decimal(300), currency="USD")
    assert order.tax_exclusive_amount == order.declared_amount
    assert [(line.sku, line.quantity, line.unit_price) for line in order.lines] == [
        ("BOLT", 10, 10),
        ("NUT", 4, 50),
    ]


def test_an_account_becomes_a_valid_customer(company: Company) -> None:
    record = records(company, company.won())["customer"]
    customer = Customer(id="doc-1", **mapping("customer.in").apply(record, Known()))
    assert (customer.name, customer.domain, customer.currency) == ("Blue Widgets", "blue.test", "USD")
    assert (customer.contact.name, customer.contact.email) == ("Ann Lee", "ann@blue.test")
    assert customer.address.country == "DE"


def test_an_opportunity_that_is_lost_is_not_for_us(company: Company) -> None:
    deal = company.won()
    translator = mapping("order.in")
    assert translator.applies(records(company, deal)["order"], Known())
    company.sandbox.lose(deal)
    assert not translator.applies(records(company, deal)["order"], Known())


def test_a_product_without_a_code_is_raised_with_its_place(company: Company) -> None:
    deal = company.won()
    product = company.sandbox.add("Product2", {"Name": "Nameless", "IsActive": True})
    company.sandbox.add_price(product, "5")
    company.sandbox.add_line(deal, product, "1", "5")
    with pytest.raises(Unmappable) as caught:
        to_order(company, deal)
    assert caught.value.field == "lines[2].sku"


@pytest.mark.parametrize(
    "pair", [p for p in PAIRS if p.vendor == "salesforce" and ".out" in p.mapping], ids=str
)
def test_what_the_outgoing_pairs_write_is_accepted_by_the_org(company: Company, pair: Any) -> None:
    deal = company.won()
    told = pair_of(pair)
    kind = pair.mapping.partition(".")[0]
    record = {**told.translator.apply(told.record, Known())}
    theirs = {"Account__c": company.account_of(deal), "Opportunity__c": deal}
    record |= {name: id for name, id in theirs.items() if record.get(name)}
    known = deal if kind == "order" else None
    salesforce = company.connect()
    id = salesforce.push(Write(kind, record, known, f"doc-{pair.case}", "k"))
    sobject = {"order": "Opportunity", "invoice": "ERP_Invoice__c", "payment": "ERP_Payment__c"}[kind]
    row = company.sandbox.row(sobject, id)
    for name, value in record.items():
        assert row.get(name) == (None if value == "" else value), name


@pytest.mark.parametrize("state", list(Order.model_fields["state"].annotation))
def test_every_state_has_a_name_people_understand(state: Any) -> None:
    told = pair_of(next(p for p in PAIRS if str(p) == "salesforce-order.out.minimal"))
    record = mapping("order.out").apply({**told.record, "state": state}, Known())
    assert record["O2C_Order_Status__c"]


def test_writing_our_progress_changes_nothing_we_would_read(company: Company) -> None:
    deal = company.won()
    before = to_order(company, deal)
    told = pair_of(next(p for p in PAIRS if str(p) == "salesforce-order.out.full"))
    company.clock.forward(minutes=1)
    company.connect().push(Write("order", told.translator.apply(told.record, Known()), deal, "doc-1", "k"))
    assert to_order(company, deal) == before


def paths(value: Any, path: str = "") -> set[str]:
    found = {path}
    if isinstance(value, dict):
        return found.union(*(paths(part, f"{path}.{name}") for name, part in value.items()))
    if isinstance(value, list):
        return found.union(*(paths(part, f"{path}[]") for part in value))
    return found


@pytest.mark.parametrize(("name", "kind"), [("customer.in", "customer"), ("order.in", "order")])
def test_golden_records_have_the_shape_that_is_really_read(company: Company, name: str, kind: str) -> None:
    real = records(company, company.won())[kind]
    for pair in (p for p in PAIRS if (p.vendor, p.mapping) == ("salesforce", name)):
        record = pair_of(pair).record
        if pair.case == "activated":
            continue  # an Order record has fields of its own
        assert paths(record) <= paths(real), pair
        assert set(record) == set(real)
