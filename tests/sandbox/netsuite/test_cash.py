"""Money in the simulator's books: what settles what, to the cent, whoever entered it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.netsuite.wire import Desk, lines, made, refusal

Billed = tuple[str, str, str]


@pytest.fixture
def billed(desk: Desk) -> Billed:
    """A customer in euro, and an order billed in full: 178.50 for ten bolts and the set-up."""
    customer = desk.customer()
    return customer, *desk.invoiced(customer)


def paid(customer: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"customer": {"id": customer}, "payment": amount, "tranDate": "2026-11-20", **more}


def on(doc: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"doc": {"id": doc}, "line": 0, "apply": True, "amount": amount, **more}


def open_amount(desk: Desk, invoice: str) -> Any:
    return desk.get(f"invoice/{invoice}")["amountRemaining"]


def test_a_payment_is_keyed_by_document_and_line_and_its_rest_is_on_account(
    desk: Desk, billed: Billed
) -> None:
    customer, _, invoice = billed
    path = "customerPayment/eid:P-1"
    id = made(desk.put(path, paid(customer, 100, apply=lines(on(invoice, 60, disc=1.5)))))
    seen = desk.get(path)
    assert (seen["applied"], seen["unapplied"], open_amount(desk, invoice)) == (60.0, 40.0, 117.0)
    made(desk.patch(path, {"apply": lines(on(invoice, 70))}))
    assert (desk.get(path)["applied"], open_amount(desk, invoice)) == (70.0, 107.0)
    made(desk.patch(path, {"apply": lines({"doc": {"id": invoice}, "line": 0, "apply": False})}))
    assert (desk.get(path)["unapplied"], open_amount(desk, invoice)) == (100.0, 178.5)
    assert made(desk.put(path, paid(customer, 100))) == id
    assert desk.problems() == []


def test_two_payments_never_settle_more_than_is_due(desk: Desk, billed: Billed) -> None:
    customer, _, invoice = billed
    made(desk.put("customerPayment/eid:P-1", paid(customer, 178, apply=lines(on(invoice, 178)))))
    over = desk.put("customerPayment/eid:P-2", paid(customer, 1, apply=lines(on(invoice, 1))))
    assert refusal(over)[:2] == (400, "USER_ERROR")
    stranger = desk.customer("C-2")
    theirs = desk.put("customerPayment/eid:P-3", paid(stranger, 1, apply=lines(on(invoice, 0.5))))
    assert "Unable to find a matching line" in refusal(theirs)[2]
    assert desk.account.count("customerPayment") == 1


def test_a_parent_pays_for_its_daughter(desk: Desk, billed: Billed) -> None:
    customer, _, invoice = billed
    parent = desk.customer("C-9", companyName="Acme Holding")
    made(desk.patch(f"customer/{customer}", {"parent": {"id": parent}}))
    made(desk.put("customerPayment/eid:P-1", paid(parent, 10, apply=lines(on(invoice, 10)))))
    assert open_amount(desk, invoice) == 168.5


def test_auto_apply_settles_the_oldest_first(desk: Desk, billed: Billed) -> None:
    customer, _, first = billed
    _, second = desk.invoiced(customer, "S-2", 1)
    made(desk.post("customerPayment", paid(customer, 200, autoApply=True)))
    assert (open_amount(desk, first), open_amount(desk, second)) == (0.0, 49.9)


def test_a_credit_memo_of_its_own_applies_itself_to_the_oldest_unless_told_not_to(
    desk: Desk, billed: Billed
) -> None:
    customer, _, invoice = billed
    told = {"entity": {"id": customer}, "item": lines({"item": desk.item("SETUP"), "amount": 20})}
    trap = made(desk.post("creditMemo", told))
    assert (open_amount(desk, invoice), desk.get(f"creditMemo/{trap}")["status"]["refName"]) == (
        158.5,
        "Fully Applied",
    )
    kept = made(desk.put("creditMemo/eid:CM-1", {**told, "autoApply": False}))
    assert (open_amount(desk, invoice), desk.get(f"creditMemo/{kept}")["unapplied"]) == (158.5, 20.0)
    made(desk.patch(f"creditMemo/{kept}", {"apply": lines(on(invoice, 15))}))
    assert (open_amount(desk, invoice), desk.get(f"creditMemo/{kept}")["unapplied"]) == (143.5, 5.0)


def test_a_credit_memo_made_from_an_invoice_takes_its_lines(desk: Desk, billed: Billed) -> None:
    _, _, invoice = billed
    path = f"invoice/{invoice}/!transform/creditMemo"
    made(desk.post(path, {"externalId": "CM-1", "item": lines({"orderLine": 1, "quantity": 2})}))
    whole = desk.get("creditMemo/eid:CM-1")
    assert (whole["total"], whole["createdFrom"]["id"], open_amount(desk, invoice)) == (83.3, invoice, 95.2)
    [applied] = [x for x in whole["apply"]["items"] if x["apply"]]
    assert (applied["doc"]["id"], applied["amount"]) == (invoice, 83.3)
    only = [{"orderLine": 2, "quantity": 1}]
    partly = desk.signed.post(
        f"/services/rest/record/v1/{path}", params={"replace": "item"}, json={"item": lines(*only)}
    )
    assert (desk.get(f"creditMemo/{made(partly)}")["total"], open_amount(desk, invoice)) == (59.5, 35.7)
    assert desk.problems() == []


def test_a_payment_is_made_from_an_invoice(desk: Desk, billed: Billed) -> None:
    _, _, invoice = billed
    id = made(desk.post(f"invoice/{invoice}/!transform/customerPayment", {"account": {"id": "1"}}))
    assert (desk.get(f"customerPayment/{id}")["payment"], open_amount(desk, invoice)) == (178.5, 0.0)


def test_a_deposit_is_applied_only_by_transform(desk: Desk, billed: Billed) -> None:
    customer, order, invoice = billed
    deposit = made(desk.post(f"salesOrder/{order}/!transform/customerDeposit", {"payment": 50}))
    assert desk.get(f"customer/{customer}")["depositBalance"] == 50.0
    assert desk.post("depositApplication", {"apply": lines(on(invoice, 50))}).status_code == 400
    path = f"customerDeposit/{deposit}/!transform/depositApplication"
    assert refusal(desk.post(path, {"apply": lines(on(invoice, 60))}))[1] == "USER_ERROR"
    made(desk.post(path, {"apply": lines(on(invoice, 30)), "externalId": "DA-1"}))
    assert (open_amount(desk, invoice), desk.get(f"customerDeposit/{deposit}")["unapplied"]) == (148.5, 20.0)
    back = made(desk.post(f"customerDeposit/{deposit}/!transform/customerRefund", {"account": {"id": "1"}}))
    assert desk.get(f"customerRefund/{back}")["total"] == 20.0
    assert desk.get(f"customerDeposit/{deposit}")["status"]["refName"] == "Fully Applied"
    assert desk.problems() == []


def test_a_refund_gives_back_what_is_on_account(desk: Desk, billed: Billed) -> None:
    customer, _, invoice = billed
    payment = desk.act("pay", customer=customer, amount="100", apply=[{"invoice": invoice, "amount": "60"}])
    too_much = {"apply": lines(on(payment, 41))}
    assert "40" in refusal(desk.post(f"customerPayment/{payment}/!transform/customerRefund", too_much))[2]
    desk.act("refund", source_record="customerPayment", source=payment, amount="15")
    assert desk.get(f"customerPayment/{payment}")["unapplied"] == 25.0
    assert desk.delete(f"customerPayment/{payment}").status_code == 400
    assert desk.problems() == []


def test_a_journal_writes_off_what_a_payment_says(desk: Desk, billed: Billed) -> None:
    """A write-off over the wire: the journal first, then a payment of nothing that applies it."""
    customer, _, invoice = billed
    sides = [{"account": {"id": "58"}, "debit": 5}, {"account": {"id": "119"}, "credit": 5}]
    told = {"currency": {"id": "4"}, "tranDate": "2026-11-20", "line": lines(*sides)}
    assert "need a customer" in refusal(desk.put("journalEntry/eid:W-1", told))[2]
    sides[1]["entity"] = {"id": customer}
    journal = made(desk.put("journalEntry/eid:W-1", told))
    assert open_amount(desk, invoice) == 178.5
    credit = lines({"doc": {"id": journal}, "line": 2, "apply": True, "amount": 5})
    settle = paid(customer, 0, apply=lines(on(invoice, 5)), credit=credit)
    made(desk.put("customerPayment/eid:W-1", settle))
    assert open_amount(desk, invoice) == 173.5
    assert "matching line for sublist credit" in refusal(desk.put("customerPayment/eid:W-2", settle))[2]
    sides[0]["debit"] = 6
    assert "must balance" in refusal(desk.put("journalEntry/eid:W-3", {**told, "line": lines(*sides)}))[2]
    assert desk.problems() == []


def test_people_write_off_void_delete_and_reapply(desk: Desk, billed: Billed) -> None:
    customer, _, invoice = billed
    journal = desk.act("write_off", invoice=invoice, amount="8.50")
    assert open_amount(desk, invoice) == 170.0
    payment = desk.act("pay", customer=customer, amount="170", apply=[{"invoice": invoice, "amount": "170"}])
    assert desk.get(f"invoice/{invoice}")["status"]["refName"] == "Paid In Full"
    desk.act("reapply", record="customerPayment", id=payment, apply=[{"invoice": invoice, "amount": "20"}])
    assert open_amount(desk, invoice) == 150.0
    refused = desk.plain.post("/_sandbox/actions/void", json={"record": "invoice", "id": invoice})
    assert (refused.status_code, "applied to it" in refused.text) == (400, True)
    desk.act("void", record="customerPayment", id=payment)
    desk.act("delete", record="journalEntry", id=journal)
    assert open_amount(desk, invoice) == 178.5
    assert desk.get(f"customerPayment/{payment}")["status"]["refName"] == "Voided"
    desk.act("void", record="invoice", id=invoice)
    assert desk.account.balance(customer) == 0
    assert desk.problems() == []


def test_an_amount_that_people_edit_changes_what_is_owed_but_not_below_what_was_paid(
    desk: Desk, billed: Billed
) -> None:
    customer, _, invoice = billed
    desk.act("pay", customer=customer, amount="100", apply=[{"invoice": invoice, "amount": "100"}])
    cheaper = {"item": lines({"orderLine": 1, "rate": 5})}
    desk.act("edit", record="invoice", id=invoice, values=cheaper)
    assert desk.get(f"invoice/{invoice}")["total"] == 119.0
    answer = desk.plain.post(
        "/_sandbox/actions/edit",
        json={"record": "invoice", "id": invoice, "values": {"item": lines({"orderLine": 1, "rate": 1})}},
    )
    assert "already paid" in answer.json()["error"]


def test_credit_in_part_by_amount_and_unapplied(desk: Desk, billed: Billed) -> None:
    customer, _, invoice = billed
    memo = desk.act("credit", invoice=invoice, amount="10.00", apply=False)
    seen = desk.get(f"creditMemo/{memo}")
    assert (seen["total"], seen["unapplied"], open_amount(desk, invoice)) == (11.9, 11.9, 178.5)
    desk.act("credit", invoice=invoice, quantities={"1": 3})
    assert open_amount(desk, invoice) == 142.8
    assert str(desk.account.balance(customer)) == "130.90"


def test_closed_periods_and_locks_are_refused_in_the_vendors_words(desk: Desk, billed: Billed) -> None:
    customer, _, invoice = billed
    desk.act("lock", record="invoice", id=invoice)
    assert refusal(desk.patch(f"invoice/{invoice}", {"memo": "x"}))[1] == "RCRD_LOCKED_BY_WF"
    desk.act("unlock", record="invoice", id=invoice)
    desk.act("close_period", through="2026-11-30")
    for answer in (
        desk.patch(f"invoice/{invoice}", {"memo": "x"}),
        desk.delete(f"invoice/{invoice}"),
        desk.put("customerPayment/eid:P-1", paid(customer, 1)),
    ):
        assert "posting period is closed" in refusal(answer)[2]
    [december] = desk.query("SELECT id, closed FROM accountingperiod WHERE periodname = 'Dec 2026'")
    assert december["closed"] == "F"
    later = paid(customer, 1, postingPeriod={"id": december["id"]})
    made(desk.put("customerPayment/eid:P-1", later))
    desk.act("open_period")
    made(desk.patch(f"invoice/{invoice}", {"memo": "x"}))
