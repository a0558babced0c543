"""The shipped mappings turn Stripe's objects into sound documents, and documents into what Stripe is sent."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.stripe.translate import (
    dispute_record,
    invoice_record,
    is_payment,
    payment_record,
    payout_record,
    refund_record,
)
from hub.mapping import Translator, load
from hub.merge import make
from hub.model import Money
from hub.sdk import NotYet, Unmappable

FOLDER = Path(__file__).resolve().parents[3] / "mappings" / "stripe"
T0 = 1_763_640_000  # 2025-11-20 12:00 UTC


class Known:
    """Every id is known, by its own name."""

    def xref(self, kind: str, value: str) -> str:
        if "unknown" in value:
            raise NotYet(f"{kind} {value} is not known yet")
        return f"doc:{value}"


def translator(name: str) -> Translator:
    return Translator(load(FOLDER / f"{name}.yaml"))


def document(kind: str, record: Any) -> Any:
    return make(kind, "d" * 8, translator(f"{kind}.in").apply(record, Known()), "test")


def moved(amount: int, fee: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "txn_1", "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee,
        "currency": "eur", "created": T0, "available_on": T0 + 172_800, **more,
    }  # fmt: skip


def charge(**more: Any) -> dict[str, Any]:
    return {
        "id": "ch_1", "object": "charge", "amount": 10_000, "amount_captured": 10_000, "amount_refunded": 0,
        "currency": "eur", "status": "succeeded", "captured": True, "payment_intent": "pi_1",
        "customer": {"id": "cus_1", "metadata": {"o2c_id": "d1"}}, "description": "Payment for Invoice",
        "billing_details": {"name": "Ann Lee", "email": "ann@blue.test"}, "metadata": {"order": "SO-1"},
        "payment_method_details": {"type": "us_bank_account"}, "balance_transaction": moved(10_000, 320),
        "failure_balance_transaction": None, **more,
    }  # fmt: skip


def paid(amount: int | None, *, ours: bool = True, status: str = "paid") -> dict[str, Any]:
    invoice = {"id": "in_1", "number": "INV-1", "metadata": {"o2c_id": "doc"} if ours else {}}
    return {
        "id": "inpay_1",
        "status": status,
        "amount_paid": amount,
        "amount_requested": 6_000,
        "invoice": invoice,
    }


def payment(found: dict[str, Any], *shares: dict[str, Any]) -> Any:
    return document("payment", payment_record(found, shares, zone=UTC, keys=("order",)))


def test_a_charge_is_a_payment_with_fee_and_what_it_paid() -> None:
    made = payment(charge(), paid(6_000))
    assert made.amount == Money(amount=Decimal("100.00"), currency="EUR")
    assert made.fee == Money(amount=Decimal("3.20"), currency="EUR")
    assert (made.held_by, made.method, made.customer) == ("stripe", "ach_debit", "doc:cus_1")
    assert (made.booked_on, made.value_on) == (date(2025, 11, 20), date(2025, 11, 22))
    assert [(one.invoice, one.amount.amount) for one in made.applications] == [("doc:in_1", Decimal(60))]
    assert (made.payer.name, made.remittance_information) == ("Ann Lee", ("Payment for Invoice", "SO-1"))
    assert (made.end_to_end_id, made.bank_reference, made.cancelled_on) == ("pi_1", "ch_1", None)


def test_an_invoice_that_is_not_ours_is_only_a_reference() -> None:
    stranger = {"id": "cus_2", "metadata": {}}
    made = payment(charge(customer=stranger), paid(6_000, ours=False))
    assert made.applications == ()
    assert made.customer == ""
    assert [(one.number, one.paid) for one in made.documents] == [
        ("INV-1", Money(amount=Decimal(60), currency="EUR"))
    ]


def test_a_debit_that_fails_days_after_its_success_is_taken_back() -> None:
    failed = charge(status="failed", failure_balance_transaction=moved(-10_000, created=T0 + 3 * 86_400))
    made = payment(failed, paid(None, status="canceled"))
    assert made.cancelled_on == date(2025, 11, 23)
    assert (made.amount.amount, made.fee.amount) == (Decimal(100), Decimal("3.20"))
    assert made.applications[0].amount.amount == Decimal(60)  # what it had settled is still told


def test_what_moved_no_money_is_no_payment() -> None:
    assert is_payment(charge())
    assert not is_payment(charge(status="pending"))
    assert not is_payment(charge(captured=False))
    assert not is_payment(charge(status="failed", balance_transaction=None))


def test_money_held_in_another_currency_has_its_fee_from_the_payout() -> None:
    made = payment(charge(balance_transaction=moved(10_800, 340, currency="usd")))
    assert (made.amount, made.fee) == (Money(amount=Decimal(100), currency="EUR"), None)
    told = {
        "id": "dp_1", "object": "dispute", "amount": 10_000, "currency": "eur", "status": "lost",
        "reason": "general", "created": T0, "balance_transactions": [moved(-10_800, 1_500, currency="usd")],
    }  # fmt: skip
    found = document("dispute", dispute_record(told, "ch_1", zone=UTC))
    assert (found.withdrawn, found.fee) == (Money(amount=Decimal(100), currency="EUR"), None)
    with pytest.raises(Unmappable, match="in usd"):
        payout_record(payout(), [item("txn_1", "charge", 100) | {"currency": "usd"}], zone=UTC)


def test_yen_have_no_decimals() -> None:
    yen = charge(
        currency="jpy", amount=500, amount_captured=500, balance_transaction=moved(500, 18, currency="jpy")
    )
    made = payment(yen)
    assert (made.amount.amount, made.fee.amount) == (Decimal(500), Decimal(18))


def test_a_refund_and_one_that_failed() -> None:
    told = {
        "id": "re_1", "object": "refund", "amount": 2_500, "currency": "eur", "status": "succeeded",
        "reason": "requested_by_customer", "balance_transaction": moved(-2_500),
    }  # fmt: skip
    made = document("refund", refund_record(told, "ch_1", zone=UTC))
    assert (made.amount.amount, made.payment, made.cancelled_on) == (Decimal(25), "doc:ch_1", None)
    failed = {**told, "status": "failed", "failure_balance_transaction": moved(2_500, created=T0 + 86_400)}
    made = document("refund", refund_record(failed, "ch_1", zone=UTC))
    assert made.cancelled_on == date(2025, 11, 21)


@pytest.mark.parametrize(
    ("status", "moves", "outcome", "withdrawn", "fee"),
    [
        ("warning_needs_response", [], "open", None, 0),
        ("warning_closed", [], "won", None, 0),
        ("needs_response", [(-10_000, 1_500)], "open", 100, 15),
        ("under_review", [(-10_000, 1_500)], "open", 100, 15),
        ("lost", [(-10_000, 1_500)], "lost", 100, 15),
        ("won", [(-10_000, 1_500), (10_000, -1_500)], "won", None, 0),
        ("won", [(-10_000, 1_500), (10_000, 0)], "won", None, 15),
        ("prevented", [], "won", None, 0),
    ],
)
def test_a_dispute_tells_what_it_took_so_far(
    status: str, moves: list[tuple[int, int]], outcome: str, withdrawn: int | None, fee: int
) -> None:
    told = {
        "id": "dp_1", "object": "dispute", "amount": 10_000, "currency": "eur", "status": status,
        "reason": "fraudulent", "network_reason_code": "10.4", "created": T0, "evidence": {"x": "secret"},
        "evidence_details": {"due_by": T0 + 7 * 86_400},
        "balance_transactions": [moved(*one) for one in moves],
    }  # fmt: skip
    record = dispute_record(told, "ch_1", zone=UTC)
    assert "evidence" not in record
    made = document("dispute", record)
    assert (made.outcome, made.amount.amount, made.reason) == (outcome, Decimal(100), "fraudulent 10.4")
    assert (made.withdrawn and int(made.withdrawn.amount)) == withdrawn
    assert made.fee is not None  # told also where it is nothing: a fee may be given back
    assert int(made.fee.amount) == fee
    assert (made.opened_on, made.respond_by) == (date(2025, 11, 20), date(2025, 11, 27))


def payout(**more: Any) -> dict[str, Any]:
    return {
        "id": "po_1", "object": "payout", "amount": 5_000, "currency": "eur", "arrival_date": 1_763_596_800,
        "automatic": True, "created": T0, "status": "paid", "balance_transaction": "txn_po",
        "reconciliation_status": "completed", "destination": {"id": "ba_1", "last4": "6789"},
        "trace_id": {"status": "supported", "value": "TRACE1"}, "statement_descriptor": None,
        "failure_balance_transaction": None, **more,
    }  # fmt: skip


def item(id: str, category: str, amount: int, fee: int = 0, source: str | None = None) -> dict[str, Any]:
    return {
        **moved(amount, fee), "id": id, "reporting_category": category, "source": source, "type": category
    }  # fmt: skip


def test_a_payout_is_made_of_its_items_to_the_cent() -> None:
    moves = [
        item("txn_po", "payout", -5_000, source="po_1"),
        item("txn_1", "charge", 10_000, 320, "ch_1"),
        item("txn_2", "refund", -2_500, 0, "re_1"),
        item("txn_3", "dispute", -1_000, 1_500, "dp_1"),
        item("txn_4", "fee", -200),
        item("txn_5", "charge_failure", -300, 400, "ch_2"),
        item("txn_6", "payout_reversal", 1_100, 0, "po_0"),
        item("txn_7", "topup", 120, 0, "tu_1"),
    ]
    made = document("payout", payout_record(payout(), moves, zone=UTC))
    assert sum(one.net.amount for one in made.items) == made.amount.amount == Decimal(50)
    assert all(one.gross.amount - one.fee.amount == one.net.amount for one in made.items)
    assert [(one.reference, one.type, one.document) for one in made.items] == [
        ("txn_1", "payment", "doc:ch_1"),
        ("txn_2", "refund", "doc:re_1"),
        ("txn_3", "dispute", "doc:dp_1"),
        ("txn_4", "fee", ""),
        ("txn_5", "payment", "doc:ch_2"),
        ("txn_5#fee", "fee", ""),  # a failed debit carries no fee of its own
        ("txn_6", "failed_payout", "doc:po_0"),
        ("txn_7", "other", ""),
    ]
    assert (made.trace, made.descriptor, made.account) == ("TRACE1", "STRIPE", "6789")
    assert (made.arrives_on, made.failed_on) == (date(2025, 11, 20), None)


def test_a_payout_waits_for_what_it_is_made_of() -> None:
    moves = [item("txn_1", "charge", 5_000, 0, "ch_unknown")]
    with pytest.raises(NotYet):
        document("payout", payout_record(payout(), moves, zone=UTC))


def test_a_failed_payout_says_when_it_came_back() -> None:
    failed = payout(status="failed", failure_balance_transaction=moved(5_000, created=T0 + 86_400))
    assert document("payout", payout_record(failed, [], zone=UTC)).failed_on == date(2025, 11, 21)


def test_an_invoice_in_stripe_brings_its_page_to_pay() -> None:
    lines = [{"id": "il_1", "amount": 10_000, "description": "Bolt", "metadata": {"o2c_sku": "B-1"}}]
    told = {
        "id": "in_1", "object": "invoice", "number": "INV-1", "currency": "eur", "customer": "cus_1",
        "total": 11_900, "total_taxes": [{"amount": 1_900}], "created": T0, "due_date": T0 + 86_400,
        "metadata": {"o2c_id": "doc"}, "hosted_invoice_url": "https://pay.test/1", "status": "open",
        "status_transitions": {"finalized_at": T0, "voided_at": None},
        "lines": {"data": lines},
    }  # fmt: skip
    record = invoice_record(told, zone=UTC)
    made = document("invoice", record)
    assert (made.payment_link, made.cancelled_on) == ("https://pay.test/1", None)
    assert (made.payable_amount.amount, made.tax_exclusive_amount.amount) == (Decimal(119), Decimal(100))
    assert not translator("invoice.in").applies({**record, "metadata": {}}, Known())
    with pytest.raises(NotYet):  # not before the hub has noted the id
        translator("invoice.in").apply({**record, "id": "in_unknown"}, Known())


def test_an_invoice_goes_out_with_its_lines_and_tax_groups() -> None:
    eur = {"currency": "EUR"}
    shown = {
        "number": "INV-1", "customer": "c1", "currency": "EUR", "issue_date": date(2026, 11, 20),
        "due_date": date(2026, 12, 20), "state": "issued", "order_number": "SO-1", "payment_terms": "NET30",
        "purchase_order": "PO 7", "payable_amount": {"amount": Decimal(119), **eur},
        "lines": [
            {
                "sku": "B-1", "name": "Bolt", "quantity": Decimal(10), "unit_price": Decimal("10.00"),
                "line_extension_amount": {"amount": Decimal(100), **eur}, "tax_category": "S",
                "tax_percent": Decimal(19),
            }
        ],
        "tax_subtotals": [
            {
                "category": "S", "percent": Decimal(19), "taxable_amount": {"amount": Decimal(100), **eur},
                "tax_amount": {"amount": Decimal(19), **eur},
            }
        ],
    }  # fmt: skip
    record = translator("invoice.out").apply(shown, Known())
    assert record["customer"] == "doc:c1"
    assert (record["currency"], record["number"], record["expected"]) == (
        "eur",
        "INV-1",
        {"total": Decimal(119)},
    )
    assert record["lines"][0]["description"] == "Bolt (10 x 10.00)"
    assert record["custom_fields"] == [{"name": "Purchase order", "value": "PO 7"}]
    assert "cancelled" not in record
    assert translator("invoice.out").apply({**shown, "state": "cancelled"}, Known())["cancelled"] is True


def test_what_stripe_collected_is_never_written_back_to_it() -> None:
    shown = {
        "held_by": "stripe",
        "state": "applied",
        "allocations": [{"invoice": "i1", "amount": {"amount": 1}}],
    }
    out = translator("payment.out")
    assert not out.applies(shown, Known())
    assert out.applies({**shown, "held_by": ""}, Known())
    assert not out.applies({"held_by": "", "state": "unapplied", "allocations": []}, Known())
