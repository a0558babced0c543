"""Writing many: one answer per write, each object once, and nobody pays for another's mistake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hub.sdk import (
    AuthFailed,
    Conflict,
    ConnectorError,
    Idempotency,
    QuotaSpent,
    RateLimited,
    Rejected,
    Transient,
    Unmappable,
    Write,
)
from sandbox.kit import Fault
from tests.connectors.hubspot.account import Account

DEALS, INVOICES = "deals/batch/update", "invoices/batch/upsert"


def order(deal: str, n: int = 1, version: int = 1, notes: Any = None, **properties: Any) -> Write:
    known = {"o2c_order_number": f"SO-{n}", "o2c_open_amount": Decimal(version), **properties}
    record = {"properties": known, **({"notes": notes} if notes else {})}
    return Write("order", record, deal, reference=f"order-{n}", idempotency_key=f"order-{n}:{version}")


def invoice(n: int, deal: str = "", company: str = "", **properties: Any) -> Write:
    known = {"hs_currency": "EUR", "hs_number": f"INV-{n}", "hs_due_date": date(2026, 12, 1), **properties}
    ends = {"deals": deal, "companies": company}
    record = {"properties": known, "associations": {far: id for far, id in ends.items() if id}}
    return Write("invoice", record, None, reference=f"inv-{n}", idempotency_key=f"inv-{n}:1")


def payment(n: int, company: str, deals: Sequence[str]) -> Write:
    known = {"hs_initial_amount": Decimal("9.50"), "hs_initiated_date": date(2026, 10, 5)}
    record = {"properties": known, "associations": {"companies": company, "deals": list(deals)}}
    return Write("payment", record, None, reference=f"pay-{n}", idempotency_key=f"pay-{n}:1")


def deals(account: Account, count: int) -> list[str]:
    return [account.sandbox.create_deal(dealname=f"Deal {n}") for n in range(count)]


def made(account: Account, kind: str) -> list[dict[str, Any]]:
    return [one for one in account.sandbox.kit.effects if one["kind"] == kind]


def linked(account: Account, kind: str, far: str, id: str) -> list[str]:
    return list(account.sandbox.portal.linked(kind, far, id))


def test_a_hundred_orders_are_one_call(account: Account) -> None:
    ids = deals(account, 100)
    before = account.sandbox.kit.calls
    answers = account.connect().push_many([order(id, n) for n, id in enumerate(ids)])
    assert list(answers) == ids
    assert account.sandbox.kit.calls - before == 1
    assert account.sandbox.properties("deals", ids[7])["o2c_order_number"] == "SO-7"


def test_the_guilty_one_of_a_batch_is_told_alone(account: Account) -> None:
    ids = deals(account, 3)
    gone = ids[1]
    account.sandbox.delete("deals", gone)
    writes = [order(ids[0], 1), order(gone, 2), order(ids[2], 3), order(ids[2], 4, o2c_typo="x")]
    first, second, third, fourth = account.connect().push_many(writes)
    assert (first, third) == (ids[0], ids[2])
    assert isinstance(second, Rejected)
    assert f"deal {gone} is no longer in HubSpot" in second.message
    assert isinstance(fourth, Rejected)
    assert "o2c_typo" in fourth.message


def test_a_batch_refused_as_a_whole_is_halved_until_the_guilty_is_found(account: Account) -> None:
    ids = deals(account, 16)
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=DEALS, status=400, body={}, times=1))
    answers = account.connect().push_many([order(id, n) for n, id in enumerate(ids)])
    assert list(answers) == ids


def test_a_batch_that_is_always_refused_costs_a_bounded_number_of_calls(account: Account) -> None:
    ids = deals(account, 8)
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=DEALS, status=400, body={}, times=-1))
    before = account.sandbox.kit.calls
    answers = account.connect().push_many([order(id, n) for n, id in enumerate(ids)])
    assert all(isinstance(one, Rejected) for one in answers)
    assert account.sandbox.kit.calls - before == 15


def test_two_writes_for_one_deal_are_carried_out_one_after_the_other(account: Account) -> None:
    (deal,) = deals(account, 1)
    answers = account.connect().push_many([order(deal, 1, version=1), order(deal, 1, version=2)])
    assert list(answers) == [deal, deal]
    assert account.sandbox.properties("deals", deal)["o2c_open_amount"] == "2"


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (401, AuthFailed), (500, Transient), (503, Transient)]
)
def test_trouble_of_the_first_call_is_the_whole_calls(
    account: Account, status: int, kind: type[ConnectorError]
) -> None:
    ids = deals(account, 2)
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=DEALS, status=status, body={}, times=-1))
    with pytest.raises(kind):
        account.connect().push_many([order(id, n) for n, id in enumerate(ids)])


def test_trouble_after_some_answers_is_the_answer_of_the_rest(account: Account) -> None:
    ids = deals(account, 150)
    account.sandbox.rate_limit("DAILY", path=DEALS)
    account.sandbox.kit.faults[0].skip = 1
    answers = account.connect().push_many([order(id, n) for n, id in enumerate(ids)])
    assert list(answers[:100]) == ids[:100]
    assert all(isinstance(one, QuotaSpent) for one in answers[100:])


@pytest.mark.parametrize("fault", ["lost_reply", "truncate"])
def test_a_batch_whose_reply_was_lost_is_repeated_with_the_same_effect(account: Account, fault: str) -> None:
    (deal,) = deals(account, 1)
    account.sandbox.kit.faults.append(Fault(kind=fault, path="batch"))
    writes = [order(deal), invoice(1, deal), invoice(2, deal)]
    answers = account.connect().push_many(writes)
    assert not [one for one in answers if isinstance(one, ConnectorError)]
    assert len({one["id"] for one in made(account, "invoices") if one["action"] == "create"}) == 2


def test_an_invoice_is_mirrored_once_and_updated_afterwards(account: Account) -> None:
    deal = account.won_deal()
    (company,) = linked(account, "deals", "companies", deal)
    connector = account.connect()
    id = connector.push(
        invoice(1, deal, company, hs_invoice_billable="false", o2c_open_amount=Decimal("9.50"))
    )
    again = connector.push(invoice(1, deal, company, hs_invoice_status="paid", o2c_open_amount=Decimal(0)))
    assert again == id
    seen = account.sandbox.properties("invoices", id)
    assert (seen["o2c_external_id"], seen["hs_number"], seen["hs_invoice_billable"]) == (
        "inv-1",
        "INV-1",
        "false",
    )
    assert (seen["hs_invoice_status"], seen["o2c_open_amount"]) == ("paid", "0")
    assert linked(account, "invoices", "deals", id) == [deal]
    assert linked(account, "invoices", "companies", id) == [company]
    assert [one["action"] for one in made(account, "invoices")].count("create") == 1


def test_a_hundred_invoices_cost_five_calls(account: Account) -> None:
    deal = account.won_deal()
    (company,) = linked(account, "deals", "companies", deal)
    before = account.sandbox.kit.calls
    answers = account.connect().push_many([invoice(n, deal, company) for n in range(100)])
    assert len({one for one in answers if isinstance(one, str)}) == 100
    assert account.sandbox.kit.calls - before == 5  # upsert; two kinds of labels and associations


def test_a_payment_is_on_its_company_and_the_deals_it_pays(account: Account) -> None:
    first = account.won_deal()
    (company,) = linked(account, "deals", "companies", first)
    second = account.sandbox.create_deal(company, dealname="B")
    connector = account.connect()
    id = connector.push(payment(1, company, [first, second]))
    assert connector.push(payment(1, company, [first, second])) == id
    assert account.sandbox.properties("commerce_payments", id)["hs_initial_amount"] == "9.50"
    assert sorted(linked(account, "commerce_payments", "deals", id)) == sorted([first, second])
    assert linked(account, "commerce_payments", "companies", id) == [company]


def test_an_invoice_of_a_deal_that_is_gone_is_told_and_the_others_are_linked(account: Account) -> None:
    gone, fine = deals(account, 2)
    account.sandbox.delete("deals", gone)
    lost, good = account.connect().push_many([invoice(1, gone), invoice(2, fine)])
    assert isinstance(lost, Rejected)
    assert isinstance(good, str)
    assert linked(account, "invoices", "deals", good) == [fine]


def test_labelled_associations_use_the_id_that_the_account_gives(account: Account) -> None:
    (deal,) = deals(account, 1)
    labels = {"results": [{"category": "HUBSPOT_DEFINED", "typeId": 175, "label": "Billed"}]}
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="invoices/deals/labels", status=200, body=labels)
    )
    id = account.connect().push(invoice(1, deal))
    assert linked(account, "invoices", "deals", id) == [deal]


def test_types_that_hubspot_does_not_associate_are_told(account: Account) -> None:
    (deal,) = deals(account, 1)
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="labels", status=200, body={"results": []}, times=-1)
    )
    with pytest.raises(Rejected, match="no association from invoices to deals"):
        account.connect().push(invoice(1, deal))


@pytest.mark.parametrize("id", ["x", "../1", 5])
def test_an_end_that_is_no_object_is_unmappable(account: Account, id: Any) -> None:
    with pytest.raises(Unmappable, match=r"associations\.deals"):
        account.connect().push(
            invoice(1)._replace(record={"properties": {"a": "b"}, "associations": {"deals": id}})
        )
    assert account.sandbox.kit.calls == 0


def test_in_a_batch_the_unmappable_and_the_unknown_are_told_and_the_others_written(account: Account) -> None:
    (deal,) = deals(account, 1)
    nothing = order(deal, 2)._replace(record={})
    no_deal = order(deal, 3)._replace(external_id=None)
    other = order(deal, 4)._replace(kind="shipment")
    answers = account.connect().push_many([order(deal), nothing, no_deal, other, invoice(1), invoice(2)])
    assert answers[0] == deal
    assert [getattr(one, "code", "") for one in answers[1:4]] == ["unmappable", "no_deal", "unknown_kind"]
    assert all(isinstance(one, str) for one in answers[4:])


def test_an_answer_that_says_nothing_of_a_write_is_asked_again_and_then_an_unknown_outcome(
    account: Account,
) -> None:
    ids = deals(account, 2)
    silent = {"status": "COMPLETE", "results": []}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=DEALS, status=200, body=silent, times=2))
    first, second = account.connect().push_many([order(id, n) for n, id in enumerate(ids)])
    assert isinstance(first, Transient)
    assert second == ids[1]


def test_an_echo_of_another_document_is_no_success(account: Account) -> None:
    body = {
        "results": [{"id": "5", "objectWriteTraceId": "inv-1:1", "properties": {"o2c_external_id": "inv-9"}}]
    }
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=INVOICES, status=200, body=body))
    with pytest.raises(Rejected, match="inv-9' instead of inv-1"):
        account.connect().push(invoice(1))


def test_mirrored_kinds_are_written_only_where_their_order_or_customer_is_known(account: Account) -> None:
    kinds = account.connect().manifest.kinds
    assert {kind: kinds[kind].only_with for kind in kinds} == {
        "customer": "",
        "order": "order",
        "invoice": "order",
        "payment": "customer",
    }
    assert all(kinds[kind].idempotency is Idempotency.NATIVE for kind in ("order", "invoice", "payment"))
    assert account.connect().manifest.limits.batch == 100


NOTES = {"credit": "Over the limit <by> 5", "paid": [{"text": "Invoice INV-1 is paid"}, {"text": ""}]}


def test_notes_are_written_once_for_each_text_and_only_where_they_are_wanted(account: Account) -> None:
    (deal,) = deals(account, 1)
    account.connect().push(order(deal, notes=NOTES))
    assert made(account, "notes") == []
    connector = account.connect(notes=True)
    connector.push(order(deal, notes=NOTES))
    connector.push_many([order(deal, notes=NOTES, version=2), order(deal, notes=NOTES, version=3)])
    bodies = [
        account.sandbox.properties("notes", id)["hs_note_body"]
        for id in linked(account, "deals", "notes", deal)
    ]
    assert sorted(bodies) == ["Invoice INV-1 is paid", "Over the limit &lt;by&gt; 5"]


def test_a_note_whose_reply_was_lost_is_found_again(account: Account) -> None:
    (deal,) = deals(account, 1)
    connector = account.connect(notes=True)
    account.sandbox.kit.faults.append(Fault(kind="lost_reply", path="notes/batch/create"))
    with pytest.raises(Transient):
        connector.push(order(deal, notes=NOTES))
    assert connector.push(order(deal, notes=NOTES)) == deal
    assert len(linked(account, "deals", "notes", deal)) == 2


def test_faults_of_every_kind_leave_each_of_a_thousand_writes_done_once(account: Account) -> None:
    """What the hub does, in short: again with what failed, until nothing is left."""
    ids = deals(account, 500)
    writes = [order(id, n) for n, id in enumerate(ids)] + [invoice(n, id) for n, id in enumerate(ids)]
    account.sandbox.kit.faults += [
        Fault(kind=kind, path="batch", chance=0.12, times=-1)
        for kind in ("lost_reply", "truncate", "fail_after")
    ]
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="batch", status=429, chance=0.1, times=-1))
    connector = account.connect()
    left = writes
    for _ in range(60):
        left = again(connector, left)
        if not left:
            break
    assert left == []
    created = [one for one in made(account, "invoices") if one["action"] == "create"]
    assert len(created) == 500
    assert {account.sandbox.properties("deals", id)["o2c_order_number"] for id in ids} == {
        f"SO-{n}" for n in range(500)
    }


def again(connector: Any, writes: Sequence[Write]) -> list[Write]:
    """One pass in batches of 100; what must come again."""
    left: list[Write] = []
    for start in range(0, len(writes), 100):
        part = writes[start : start + 100]
        try:
            answers = connector.push_many(part)
        except Transient:
            left += part
            continue
        left += [write for write, answer in zip(part, answers, strict=True) if not isinstance(answer, str)]
    return left


def test_a_type_that_is_not_associated_is_the_answer_of_its_writes_only(account: Account) -> None:
    (deal,) = deals(account, 1)
    nothing: dict[str, list[Any]] = {"results": []}
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="invoices/deals/labels", status=200, body=nothing, times=-1)
    )
    company = account.sandbox.create_company(name="Blue")
    answers = account.connect().push_many([invoice(1, deal), invoice(2), payment(1, company, [])])
    assert [getattr(one, "code", "") for one in answers] == ["no_association", "", ""]


def test_notes_that_cannot_be_written_are_told_of_their_own_orders_only(account: Account) -> None:
    first, second = deals(account, 2)
    nothing: dict[str, list[Any]] = {"results": []}
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="notes/deals/labels", status=200, body=nothing, times=-1)
    )
    connector = account.connect(notes=True)
    noted, plain = connector.push_many([order(first, 1, notes=NOTES), order(second, 2)])
    assert getattr(noted, "code", "") == "no_association"
    assert plain == second


def test_a_note_takes_hubspots_own_association_and_no_label_of_people(account: Account) -> None:
    (deal,) = deals(account, 1)
    types = [
        {"category": "USER_DEFINED", "typeId": 1, "label": "Ours"},
        {"category": "HUBSPOT_DEFINED", "typeId": 214, "label": None},
    ]
    account.sandbox.kit.faults.append(
        Fault(kind="refuse", path="notes/deals/labels", status=200, body={"results": types}, times=-1)
    )
    assert account.connect(notes=True).push(order(deal, notes=NOTES)) == deal
    assert len(linked(account, "deals", "notes", deal)) == 2


def test_a_conflict_inside_a_batch_is_tried_again_like_one_outside_of_it(account: Account) -> None:
    ids = deals(account, 2)
    body = {
        "results": [{"id": ids[1]}],
        "errors": [{"category": "CONFLICT", "message": "busy", "context": {"ids": [ids[0]]}}],
    }
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=DEALS, status=207, body=body))
    answers = account.connect().push_many([order(id, n) for n, id in enumerate(ids)])
    assert isinstance(answers[0], Conflict)
    assert answers[1] == ids[1]


def test_an_amount_that_is_no_number_is_not_sent(account: Account) -> None:
    (deal,) = deals(account, 1)
    with pytest.raises(Unmappable, match="o2c_paid_amount"):
        account.connect().push(order(deal, o2c_paid_amount=Decimal("NaN")))
