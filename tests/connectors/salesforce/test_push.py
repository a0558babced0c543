"""Writing: one answer per document, nothing twice, nobody is blamed for the fault of another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hub.sdk import AuthFailed, ConnectorError, QuotaSpent, RateLimited, Rejected, Transient, Write
from sandbox.kit import Fault
from tests.connectors.salesforce.company import ORDERS_PACKAGE, Company


def order(deal: str | None, number: str = "SO-1", reference: str = "doc-1", **more: Any) -> Write:
    record = {"O2C_Order_Number__c": number, "O2C_Order_Status__c": "Approved", **more}
    return Write("order", record, deal, reference, f"{reference}:1")


def invoice(deal: str, reference: str = "inv-doc", **more: Any) -> Write:
    record = {
        **{"Name": "INV-1", "Opportunity__c": deal, "Currency__c": "USD", "Due_Date__c": date(2026, 12, 1)},
        **{"Payable_Amount__c": Decimal("300.00"), "Overdue__c": False, **more},
    }
    return Write("invoice", record, None, reference, f"{reference}:1")


def mirrors(company: Company, sobject: str = "ERP_Invoice__c") -> list[dict[str, Any]]:
    return [dict(row) for row in company.sandbox.org.rows(sobject).values() if not row["IsDeleted"]]


def test_an_orders_progress_is_written_to_its_own_opportunity(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    write = order(deal, O2C_Open_Amount__c=Decimal("12.345"), O2C_Due_Date__c=date(2026, 12, 1))
    assert salesforce.push(write) == deal
    row = company.sandbox.row("Opportunity", deal)
    assert (row["O2C_Order_Number__c"], row["O2C_Open_Amount__c"]) == ("SO-1", Decimal("12.345"))
    assert row["O2C_Due_Date__c"] == date(2026, 12, 1)


def test_empty_text_clears_fields_of_every_type(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    salesforce.push(order(deal, O2C_Open_Amount__c=Decimal("1"), O2C_Due_Date__c=date(2026, 12, 1)))
    salesforce.push(order(deal, number="", O2C_Open_Amount__c="", O2C_Due_Date__c=""))
    row = company.sandbox.row("Opportunity", deal)
    for name in ("O2C_Order_Number__c", "O2C_Open_Amount__c", "O2C_Due_Date__c"):
        assert row.get(name) is None


def test_an_invoice_is_one_record_however_often_it_is_written(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    id = salesforce.push(invoice(deal))
    assert salesforce.push(invoice(deal, Open_Amount__c=Decimal("10"))) == id
    assert len(mirrors(company)) == 1
    assert mirrors(company)[0]["Opportunity__c"] == deal
    assert mirrors(company)[0]["Open_Amount__c"] == Decimal("10")
    assert salesforce.find("invoice", "inv-doc") == id
    assert salesforce.find("invoice", "never") is None
    assert salesforce.find("order", "doc-1") is None


def test_a_payment_is_kept_beside_the_account(company: Company) -> None:
    deal = company.won()
    account = company.account_of(deal)
    record = {"Name": "P-1", "Account__c": account, "Amount__c": Decimal("300")}
    id = company.connect().push(Write("payment", record, None, "pay-doc", "k"))
    assert id.startswith("a0")
    assert mirrors(company, "ERP_Payment__c")[0]["Account__c"] == account


def test_two_hundred_of_each_kind_take_one_call_each(company: Company) -> None:
    box = company.sandbox
    account = box.add_account()
    with box.org.transaction():
        deals = [box.add_opportunity(account, f"D{n}") for n in range(200)]
    salesforce = company.connect()
    salesforce.check()
    before = company.calls()
    writes = [one for n, deal in enumerate(deals) for one in (order(deal), invoice(deal, f"i{n}"))]
    answers = salesforce.push_many(writes)
    assert all(isinstance(answer, str) for answer in answers)
    assert answers[0::2] == deals
    assert company.calls() - before == 2


def test_each_write_has_its_own_answer_in_a_200(company: Company) -> None:
    first, gone, third = company.won(), company.won(), company.won()
    company.sandbox.delete("Opportunity", gone)
    company.sandbox.org.trip("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Not on Sundays", matching="SO-3")
    answers = company.connect().push_many(
        [
            order(first),
            order(gone, reference="doc-2"),
            order(third, "SO-3", "doc-3"),
            order(None),
            order("006"),
        ]
    )
    assert answers[0] == first
    errors = [answer for answer in answers[1:] if isinstance(answer, Rejected)]
    assert len(errors) == 4
    assert "no longer in Salesforce" in errors[0].message
    assert "Not on Sundays" in errors[1].message
    assert "has no Opportunity" in errors[2].message


def test_a_locked_row_comes_back_and_the_others_are_written(company: Company) -> None:
    first, second = company.won(), company.won()
    company.sandbox.org.trip("UNABLE_TO_LOCK_ROW", matching="SO-LOCKED")
    salesforce = company.connect()
    writes = [order(first, "SO-LOCKED"), order(second, reference="doc-2")]
    answers = salesforce.push_many(writes)
    assert isinstance(answers[0], Transient)
    assert answers[0].sent is False
    assert answers[1] == second
    assert salesforce.push(writes[0]) == first


def test_a_record_named_twice_is_written_twice_in_order(company: Company) -> None:
    deal = company.won()
    answers = company.connect().push_many(
        [order(deal, "SO-OLD"), order(deal, "SO-NEW", "doc-2"), invoice(deal), invoice(deal, "INV-DOC")]
    )
    assert [isinstance(answer, str) for answer in answers] == [True] * 4
    assert company.sandbox.row("Opportunity", deal)["O2C_Order_Number__c"] == "SO-NEW"
    assert len(mirrors(company)) == 1


def test_one_unreadable_row_does_not_take_the_others_with_it(company: Company) -> None:
    deals = [company.won(f"D{n}") for n in range(9)]
    writes = [order(deal, reference=f"doc-{n}") for n, deal in enumerate(deals)]
    writes[4] = order(deals[4], reference="doc-4", O2C_Due_Date__c="someday")
    answers = company.connect().push_many(writes)
    assert isinstance(answers[4], Rejected)
    assert [answer for n, answer in enumerate(answers) if n != 4] == [
        d for n, d in enumerate(deals) if n != 4
    ]


def test_a_fault_of_the_mapping_is_everybodys_and_costs_few_calls(company: Company) -> None:
    deals = [company.won(f"D{n}") for n in range(40)]
    before = company.calls()
    answers = company.connect().push_many(
        [order(deal, reference=f"doc-{n}", Nowhere__c="x") for n, deal in enumerate(deals)]
    )
    assert all(isinstance(answer, Rejected) for answer in answers)
    assert "Nowhere__c" in str(answers[0])
    assert company.calls() - before <= 3


def test_where_nothing_of_a_batch_got_through_the_whole_call_fails(company: Company) -> None:
    deals = [company.won(), company.won()]
    company.sandbox.refuse("REQUEST_LIMIT_EXCEEDED", times=-1)
    with pytest.raises(QuotaSpent):
        company.connect().push_many([order(deal) for deal in deals])


def test_after_a_limit_no_further_call_of_the_batch_is_made(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    salesforce.push(order(deal))
    fault = Fault(kind="refuse", status=429, path="ERP_Invoice__c", times=-1)
    company.sandbox.kit.faults.append(fault)
    before = company.sandbox.kit.calls
    payment = Write("payment", {"Name": "P"}, None, "pay", "k")
    answers = salesforce.push_many([order(deal), invoice(deal), payment])
    assert answers[0] == deal
    assert isinstance(answers[1], RateLimited)
    assert answers[2] is answers[1]
    assert company.sandbox.kit.calls - before == 2


def test_a_lost_answer_of_a_batch_is_settled_by_repeating_it(company: Company) -> None:
    deals = [company.won(f"D{n}") for n in range(20)]
    writes = [invoice(deal, f"inv-{n}") for n, deal in enumerate(deals)]
    company.sandbox.kit.faults.append(Fault(kind="lost_reply", method="PATCH", times=3))
    salesforce = company.connect()
    with pytest.raises(Transient) as caught:
        salesforce.push_many(writes)
    assert caught.value.sent
    assert all(isinstance(answer, str) for answer in salesforce.push_many(writes))
    assert len(mirrors(company)) == 20


def test_duplicate_rules_do_not_stop_us_and_our_changes_carry_our_name(company: Company) -> None:
    deal = company.won()
    heard: list[Any] = []
    company.sandbox.org.listen(heard.append)
    company.connect(client_name="o2c-test").push(order(deal))
    assert [one.client for one in heard] == ["o2c-test"]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (Write("shipment", {}, None, "d", "k"), "not a shipment"),
        (order("0065g0000000001AAA", O2C_Open_Amount__c=Decimal("0.1234")), "more digits"),
        (order("0065g0000000001AAA", O2C_Open_Amount__c=Decimal("1e15")), "more digits"),
        (order("0065g0000000001AAA", O2C_Open_Amount__c=[1]), "list"),
    ],
)
def test_what_has_no_place_there_is_refused_before_it_is_sent(
    company: Company, write: Write, words: str
) -> None:
    before = company.calls()
    with pytest.raises(Rejected, match=words) as caught:
        company.connect().push(write)
    assert caught.value.sent is False
    assert company.calls() == before


def test_orders_are_written_to_order_records_where_these_are_the_source(company: Company) -> None:
    box = company.sandbox
    box.install(ORDERS_PACKAGE)
    account = box.add_account()
    facts = {"AccountId": account, "EffectiveDate": company.clock().date(), "Status": "Draft"}
    made = box.add("Order", facts)
    assert company.connect(order_source="order").push(order(made)) == made
    assert box.row("Order", made)["O2C_Order_Number__c"] == "SO-1"


def test_an_ambiguous_reference_is_for_people(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    id = salesforce.push(invoice(deal))
    box = company.sandbox
    with box.org.transaction():
        twin = {**box.row("ERP_Invoice__c", id), "Id": id[:14] + "9" + id[15:]}
        box.org.table("ERP_Invoice__c").put(twin["Id"], twin)
    with pytest.raises(ConnectorError, match="several records"):
        salesforce.find("invoice", "inv-doc")
    with pytest.raises(Rejected):
        salesforce.push(invoice(deal))


def test_a_batch_logged_out_for_good_fails_as_a_whole(company: Company) -> None:
    deal = company.won()
    salesforce = company.connect()
    salesforce.push(order(deal))
    company.sandbox.expire_sessions()
    company.sandbox.login.consumer_secret = "changed-meanwhile"
    with pytest.raises(AuthFailed) as caught:
        salesforce.push_many([order(deal), invoice(deal)])
    assert "changed-meanwhile" not in str(caught.value)


def test_decimals_travel_as_json_numbers_with_their_own_digits(company: Company) -> None:
    deal = company.won()
    company.connect().push(order(deal, O2C_Open_Amount__c=Decimal("12345678901234.567")))
    assert company.sandbox.row("Opportunity", deal)["O2C_Open_Amount__c"] == Decimal("12345678901234.567")


def test_a_key_that_an_unanswered_call_is_writing_just_now_comes_again(company: Company) -> None:
    deal = company.won()
    text = "duplicate value found: O2C_Id__c duplicates value on record with id: a00000000000001"
    error = {"statusCode": "DUPLICATE_VALUE", "message": text, "fields": []}
    refused = [{"success": False, "created": False, "errors": [error]}]
    fault = Fault(kind="refuse", status=200, path="composite/sobjects/ERP_Invoice__c", body=refused)
    company.sandbox.kit.faults.append(fault)
    salesforce = company.connect()
    (answer,) = salesforce.push_many([invoice(deal), invoice(deal)])[:1]
    assert isinstance(answer, Transient)
    assert answer.sent is False
    assert isinstance(salesforce.push(invoice(deal)), str)
    assert len(mirrors(company)) == 1


def test_a_duplicate_in_a_field_of_the_customers_own_is_for_people(company: Company) -> None:
    deal = company.won()
    text = "duplicate value found: Their_Number__c duplicates value on record with id: a00000000000001"
    error = {"statusCode": "DUPLICATE_VALUE", "message": text, "fields": []}
    refused = [{"success": False, "created": False, "errors": [error]}]
    fault = Fault(kind="refuse", status=200, path="composite/sobjects/ERP_Invoice__c", body=refused)
    company.sandbox.kit.faults.append(fault)
    with pytest.raises(Rejected, match="Their_Number__c"):
        company.connect().push(invoice(deal))
