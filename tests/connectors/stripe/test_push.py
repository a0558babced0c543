"""Every kind written to the simulated account: once, exactly, and as Stripe then shows it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.stripe.connector import Stripe
from hub.sdk import AuthFailed, Conflict, Rejected, Transient, Write
from tests.connectors.stripe.conftest import (
    CUSTOMER,
    INVOICE,
    PAYMENT,
    Account,
    customer,
    invoice,
    memo,
    transfer,
)


@pytest.fixture
def buyer(stripe: Stripe) -> str:
    return stripe.push(customer())


@pytest.fixture
def sent(stripe: Stripe, buyer: str) -> str:
    """An open invoice over 119.00."""
    return stripe.push(invoice(buyer))


def retried(stripe: Stripe, write: Write) -> str:
    """What the hub does after an unknown outcome: look first, then write."""
    known = write.external_id or stripe.find(write.kind, write.reference)
    return stripe.push(write._replace(external_id=known))


# customers


def test_a_customer_is_made_once_and_then_updated(account: Account, stripe: Stripe) -> None:
    id = stripe.push(customer())
    assert retried(stripe, customer()) == id
    newer = customer("Red Widgets")._replace(external_id=id, idempotency_key=f"{CUSTOMER}:2")
    assert stripe.push(newer) == id
    assert account.made("customer") == {id}
    assert account.thing(id)["name"] == "Red Widgets"
    assert account.thing(id)["metadata"] == {"o2c_id": CUSTOMER}


def test_a_customer_of_long_ago_is_found_by_search(account: Account, stripe: Stripe) -> None:
    id = stripe.push(customer())
    account.thing(id)["created"] -= 86_400
    account.box.advance(120)
    assert stripe.find("customer", CUSTOMER) == id
    assert stripe.find("customer", "nobody's") is None


def test_two_customers_with_our_id_are_told_and_not_guessed(account: Account, stripe: Stripe) -> None:
    stripe.push(customer())
    stripe.push(customer()._replace(idempotency_key="copied:1"))
    with pytest.raises(Conflict, match="several customers"):
        stripe.find("customer", CUSTOMER)


# invoices


def test_an_invoice_is_final_with_its_lines_tax_and_page(account: Account, sent: str) -> None:
    found = account.thing(sent)
    assert (found["status"], found["number"], found["total"]) == ("open", "INV-1", 11_900)
    assert found["auto_advance"] is False
    assert found["collection_method"] == "send_invoice"
    assert found["hosted_invoice_url"]
    assert found["metadata"]["o2c_id"] == INVOICE


def test_a_repeated_invoice_changes_nothing(account: Account, stripe: Stripe, buyer: str, sent: str) -> None:
    before = len(account.box.kit.effects)
    assert retried(stripe, invoice(buyer)) == sent
    assert stripe.push(invoice(buyer)) == sent  # even without looking: the key is known
    assert len(account.box.kit.effects) == before


def test_a_hundred_and_twenty_lines_arrive_in_order_and_add_up(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    amounts = [Decimal(n) / 100 for n in range(1, 121)]
    lines = [
        {"description": f"Part {n}", "amount": one, "category": "S", "percent": Decimal("7.5")}
        for n, one in enumerate(amounts, 1)
    ]
    whole = sum(amounts, Decimal(0))
    tax = Decimal("5.45")
    taxes = [{"category": "S", "percent": Decimal("7.5"), "taxable": whole, "amount": tax, "name": "Tax"}]
    told = invoice(buyer, lines=lines, taxes=taxes, expected={"total": whole + tax})
    id = stripe.push(told)
    assert account.thing(id)["total"] == int((whole + tax) * 100)
    there = stripe._client.invoice_lines(id)
    assert sorted(int(one["metadata"]["o2c_line"]) for one in there) == list(range(1, 121))


def test_yen_invoices_have_no_decimals(account: Account, stripe: Stripe, buyer: str) -> None:
    lines = [{"description": "x", "amount": Decimal(500), "category": "Z", "percent": Decimal(0)}]
    id = stripe.push(invoice(buyer, currency="jpy", lines=lines, taxes=[], expected={"total": Decimal(500)}))
    assert (account.thing(id)["currency"], account.thing(id)["total"]) == ("jpy", 500)


def test_a_customer_with_a_balance_is_refused_and_no_draft_is_left(
    account: Account, stripe: Stripe, buyer: str
) -> None:
    account.thing(buyer)["balance"] = -500
    with pytest.raises(Rejected, match="set off against this invoice"):
        stripe.push(invoice(buyer))
    things = account.box.platform.things.values()
    assert all(one.get("deleted") for one in things if one["object"] == "invoice")
    account.thing(buyer)["balance"] = 0
    assert account.thing(retried(stripe, invoice(buyer)))["status"] == "open"  # retried by a person


def test_an_invoice_cancelled_before_it_was_paid_becomes_void(
    account: Account, stripe: Stripe, buyer: str, sent: str
) -> None:
    gone = invoice(buyer, cancelled=True)._replace(external_id=sent, idempotency_key=f"{INVOICE}:2")
    assert stripe.push(gone) == sent
    assert stripe.push(gone) == sent
    assert account.thing(sent)["status"] == "void"
    assert account.actions("void") == [sent]
    with pytest.raises(Rejected, match="void in Stripe"):
        stripe.push(invoice(buyer)._replace(external_id=sent))


def test_a_paid_invoice_cannot_be_cancelled(account: Account, stripe: Stripe, buyer: str, sent: str) -> None:
    account.box.pay(sent)
    with pytest.raises(Rejected, match="is paid in Stripe"):
        stripe.push(invoice(buyer, cancelled=True)._replace(external_id=sent))


def test_an_invoice_cancelled_before_it_was_written_is_told(stripe: Stripe, buyer: str) -> None:
    with pytest.raises(Rejected, match="nothing to do in Stripe"):
        stripe.push(invoice(buyer, cancelled=True))


def test_a_draft_left_behind_is_gone_on_with(account: Account, stripe: Stripe, buyer: str) -> None:
    account.faults({"kind": "refuse", "status": 503, "method": "POST", "path": "add_lines", "times": -1})
    with pytest.raises(Transient):
        stripe.push(invoice(buyer))
    account.faults()
    id = retried(stripe, invoice(buyer))
    assert account.made("invoice") == {id}
    assert (account.thing(id)["status"], account.thing(id)["total"]) == ("open", 11_900)


STEPS = {
    "customer": (
        lambda buyer, sent: customer()._replace(reference="n" * 32, idempotency_key="n:1"),
        [r"/v1/customers\?"],
    ),
    "invoice": (
        lambda buyer, sent: invoice(buyer, reference="n" * 32, number="INV-2"),
        [r"/v1/invoices\?", "add_lines", "finalize"],
    ),
    "cancelled invoice": (
        lambda buyer, sent: invoice(buyer, cancelled=True)._replace(external_id=sent),
        ["void"],
    ),
    "credit memo": (lambda buyer, sent: memo(sent, "19.00"), [r"/v1/credit_notes\?"]),
    "payment": (lambda buyer, sent: transfer({sent: "119.00"}), [r"/v1/invoices/\w+\?", r"/pay\?"]),
    "part of a payment": (
        lambda buyer, sent: transfer({sent: "19.00"}),
        [r"/v1/invoices/\w+\?", "report_payment", "attach_payment"],
    ),
}
ONE_OF_EACH = {"customer": 1, "invoice": 1, "credit_note": 1, "payment_record": 1}


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, (_, paths) in STEPS.items() for path in paths]
)
@pytest.mark.parametrize("trouble", ["lost_reply", "sticky_done", "sticky_undone"])
def test_a_lost_answer_of_any_step_leaves_exactly_one(
    account: Account, stripe: Stripe, buyer: str, sent: str, kind: str, path: str, trouble: str
) -> None:
    make: Callable[[str, str], Write] = STEPS[kind][0]
    told = make(buyer, sent)
    if trouble == "lost_reply":
        account.faults({"kind": "lost_reply", "method": "POST", "path": path, "times": 3})
    else:
        account.box.trouble("sticky_error", path=path.replace(r"\?", "$"), committed=trouble == "sticky_done")
    before = {name: len(account.made(name)) for name in ONE_OF_EACH}
    with pytest.raises(Transient) as caught:
        stripe.push(told)
    assert caught.value.sent
    account.faults()
    id = retried(stripe, told)
    assert id
    made = {name: len(account.made(name)) - before[name] for name in ONE_OF_EACH}
    assert all(count <= 1 for count in made.values()), made
    _check_outcome(account, kind, id, sent)


def _check_outcome(account: Account, kind: str, id: str, sent: str) -> None:
    now = account.thing(sent)
    if kind == "invoice":
        assert (account.thing(id)["status"], account.thing(id)["total"]) == ("open", 11_900)
    expected = {
        "cancelled invoice": ("void", 11_900),
        "credit memo": ("open", 10_000),
        "payment": ("paid", 0),
        "part of a payment": ("open", 10_000),
    }
    if kind in expected:
        assert (now["status"], now["amount_remaining"]) == expected[kind]


def test_a_key_used_with_another_body_is_not_a_dead_end(account: Account, stripe: Stripe, buyer: str) -> None:
    first = stripe.push(invoice(buyer))
    changed = invoice(buyer, description="A mapping was changed meanwhile")
    assert stripe.push(changed) == first  # found by its reference before another key is used
    assert account.made("invoice") == {first}
    other = customer("Other")
    assert stripe.push(other) == buyer


# credit notes


def test_a_credit_memo_lowers_what_is_open(account: Account, stripe: Stripe, sent: str) -> None:
    id = stripe.push(memo(sent, "19.00"))
    assert stripe.push(memo(sent, "19.00")) == id
    assert account.thing(sent)["amount_remaining"] == 10_000
    with pytest.raises(Rejected, match="ours is"):
        stripe.push(memo(sent, "20.00"))


def test_a_credit_memo_of_a_paid_invoice_is_credited_off_stripe(
    account: Account, stripe: Stripe, buyer: str, sent: str
) -> None:
    account.box.pay(sent)
    id = stripe.push(memo(sent, "19.00"))
    assert account.thing(id)["out_of_band_amount"] == 1_900
    assert account.thing(buyer)["balance"] == 0  # Stripe would set it off against the next invoice


def test_a_cancelled_credit_memo_becomes_void(account: Account, stripe: Stripe, sent: str) -> None:
    id = stripe.push(memo(sent, "19.00"))
    assert stripe.push(memo(sent, "19.00", cancelled=True)) == id
    assert account.thing(sent)["amount_remaining"] == 11_900
    with pytest.raises(Rejected, match="nothing to do"):
        stripe.push(memo(sent, "19.00", "x" * 32, cancelled=True))


# payments from elsewhere


def test_a_bank_transfer_settles_the_whole_invoice(account: Account, stripe: Stripe, sent: str) -> None:
    id = stripe.push(transfer({sent: "119.00"}))
    assert stripe.push(transfer({sent: "119.00"})) == id == f"off_stripe_{PAYMENT}"
    assert account.thing(sent)["status"] == "paid"
    assert account.actions("pay") == [sent]


def test_two_transfers_settle_it_in_parts(account: Account, stripe: Stripe, sent: str) -> None:
    first, second = transfer({sent: "19.00"}), transfer({sent: "100.00"}, "4" * 32)
    for told in (first, first, second, second, first):
        stripe.push(told)
    now = account.thing(sent)
    assert (now["status"], now["amount_remaining"]) == ("paid", 0)
    assert len(account.made("payment_record")) <= 1
    assert account.actions("pay") == [sent]


def test_more_of_the_same_transfer_can_be_applied_later(account: Account, stripe: Stripe, sent: str) -> None:
    stripe.push(transfer({sent: "19.00"}))
    more = transfer({sent: "49.00"})._replace(external_id="x", idempotency_key=f"{PAYMENT}:2")
    stripe.push(more)
    stripe.push(more)
    assert account.thing(sent)["amount_remaining"] == 7_000


def test_what_stripe_has_collected_already_is_a_case(account: Account, stripe: Stripe, sent: str) -> None:
    account.box.pay(sent)
    with pytest.raises(Rejected, match="was it paid twice"):
        stripe.push(transfer({sent: "119.00"}))


def test_a_transfer_taken_back_cannot_reopen_an_invoice(stripe: Stripe, sent: str) -> None:
    id = stripe.push(transfer({sent: "119.00"}))
    with pytest.raises(Rejected, match="cannot reopen"):
        stripe.push(transfer({}, cancelled=True)._replace(external_id=id))
    assert stripe.push(transfer({}, "5" * 32, cancelled=True))  # it was never told of


# keys and limits


def test_a_rolled_key_pauses_and_a_key_without_permission_says_so(account: Account, stripe: Stripe) -> None:
    account.box.add_key("rk_test_reader", {"customer": "read"})
    with pytest.raises(AuthFailed):
        account.connect(api_key="rk_test_reader").push(customer())
    account.box.roll_key()
    with pytest.raises(AuthFailed):
        stripe.push(customer())


def test_a_locked_object_is_tried_again_and_nothing_was_done(
    account: Account, stripe: Stripe, sent: str
) -> None:
    account.box.trouble("lock_timeout", path="/void$")
    gone: Any = invoice("x", cancelled=True)._replace(external_id=sent)
    with pytest.raises(Transient) as caught:
        stripe.push(gone)
    assert (caught.value.code, caught.value.sent) == ("lock_timeout", False)
    assert stripe.push(gone) == sent


def test_an_unknown_kind_is_refused(stripe: Stripe) -> None:
    with pytest.raises(Rejected, match="not a order"):
        stripe.push(Write("order", {}, None, "x", "x:1"))
