"""The vendor's own library drives the simulator through a whole story, and trusts its webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from sandbox.stripe.methods import Fate
from tests.sandbox.stripe.place import Inbox, Place


def _invoice(place: Place, amount: int = 10_000, **fields: Any) -> Any:
    v1 = place.client.v1
    customer = v1.customers.create(
        {"name": "Bolt AG", "email": "ap@bolt.example", "metadata": {"o2c": "C-1"}}
    )
    draft = v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30, **fields}
    )
    v1.invoice_items.create(
        {
            "customer": customer.id,
            "invoice": draft.id,
            "amount": amount,
            "currency": "usd",
            "description": "Pump",
        }
    )
    return v1.invoices.finalize_invoice(draft.id)


def test_an_invoice_is_drafted_finalized_paid_in_parts_refunded_disputed_and_paid_out(place: Place) -> None:
    v1 = place.client.v1
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    made = _invoice(place, default_tax_rates=[rate.id], metadata={"order": "SO-7"})
    assert (made.status, made.total, made.amount_remaining) == ("open", 11_900, 11_900)
    assert made.number
    assert made.hosted_invoice_url
    assert made.due_date == made.created + 30 * 86_400
    place.box.pay(made.id, 1900)
    part = v1.invoices.retrieve(made.id, {"expand": ["payments.data.payment.payment_intent"]})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 1900, 10_000)
    assert [(one.is_default, one.status) for one in part.payments.data] == [(False, "paid"), (True, "open")]
    assert part.payments.data[1].payment.payment_intent.amount == 10_000
    rest = place.box.pay(made.id)
    assert v1.invoices.retrieve(made.id).status == "paid"
    refund = v1.refunds.create({"payment_intent": rest["id"], "amount": 1000})
    assert refund.status == "succeeded"
    dispute = place.box.dispute(rest["id"])
    assert v1.disputes.retrieve(dispute["id"]).status == "needs_response"
    place.box.advance(days=7)
    payouts = v1.payouts.list().data
    assert len(payouts) == 0, "the dispute took more than there was"
    place.box.decide(dispute["id"], "won")
    place.box.advance(days=3)
    payout = v1.payouts.list({"expand": ["data.balance_transaction"]}).data[0]
    assert (payout.status, payout.reconciliation_status) == ("paid", "completed")
    items = v1.balance_transactions.list({"payout": payout.id}).auto_paging_iter()
    assert sum(one.net for one in items) == 0
    assert payout.amount == place.box.bank_lines()[0]["amount"]
    assert payout.trace_id.value == place.box.bank_lines()[0]["trace_id"]


def test_which_invoice_a_payment_was_for_is_asked_of_invoice_payments(place: Place) -> None:
    made = _invoice(place)
    intent = place.box.pay(made.id)
    found = place.client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
    )
    assert [one.invoice for one in found.data] == [made.id]


def test_pages_are_walked_by_the_library(place: Place) -> None:
    for at in range(23):
        place.customer(name=f"Customer {at}")
    names = [one.name for one in place.client.v1.customers.list({"limit": 5}).auto_paging_iter()]
    assert names == [f"Customer {at}" for at in range(22, -1, -1)]


def test_errors_arrive_as_the_classes_of_the_library(place: Place) -> None:
    v1 = place.client.v1
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        v1.customers.retrieve("cus_none")
    assert (unknown.value.code, unknown.value.http_status, unknown.value.param) == (
        "resource_missing",
        404,
        "id",
    )
    assert unknown.value.request_id
    assert unknown.value.request_id.startswith("req_")
    with pytest.raises(stripe.CardError) as declined:
        v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )
    assert declined.value.code == "card_declined"
    assert declined.value.error.decline_code == "generic_decline"
    assert declined.value.error.payment_intent.status == "requires_payment_method"
    with pytest.raises(stripe.AuthenticationError):
        place.official("sk_test_wrong").v1.balance.retrieve()
    place.box.add_key("rk_test_reader", {"customer": "read"})
    reader = place.official("rk_test_reader")
    assert reader.v1.customers.list().data == []
    with pytest.raises(stripe.PermissionError, match="rak_customer_write"):
        reader.v1.customers.create({"name": "No"})


def test_the_library_repeats_a_lock_timeout_but_not_a_rate_limit(place: Place) -> None:
    client = place.official(retries=2)
    place.box.trouble("lock_timeout", path="/v1/customers")
    assert client.v1.customers.create({"name": "Bolt"}).id
    place.http.post(
        "/_sandbox/faults",
        json={"kind": "refuse", "status": 429, "body": {"error": {"message": "slow down"}}, "method": "GET"},
    )
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.list()


def test_a_lost_reply_is_repeated_under_the_same_key_and_makes_one_customer(place: Place) -> None:
    client = place.official(retries=2)
    place.http.post("/_sandbox/faults", json={"kind": "lost_reply", "path": "/v1/customers"})
    made = client.v1.customers.create({"name": "Bolt"})
    assert [one.id for one in client.v1.customers.list().data] == [made.id]


def _verified(got: tuple[dict[str, str], bytes], secret: str, now: datetime) -> Any:
    headers, body = got
    stamp = int(headers["stripe-signature"].split(",")[0].removeprefix("t="))
    assert stamp == int(now.timestamp())
    # the library compares with the real time of day; the story's clock stands in another year
    stripe.WebhookSignature.verify_header(body.decode(), headers["stripe-signature"], secret, tolerance=None)
    return json.loads(body)


def test_the_library_verifies_what_the_simulator_signs(place: Place, mail: Inbox) -> None:
    hook = place.client.v1.webhook_endpoints.create({"url": mail.url, "enabled_events": ["invoice.paid"]})
    made = _invoice(place)
    place.box.pay(made.id)
    place.box.send_pending()
    event = _verified(mail.got[0], hook.secret, place.clock())
    assert event["type"] == "invoice.paid"
    assert event["data"]["object"]["id"] == made.id
    with pytest.raises(stripe.SignatureVerificationError):
        _verified((mail.got[0][0], mail.got[0][1] + b" "), hook.secret, place.clock())


def test_construct_event_takes_a_delivery_made_now(place: Place, mail: Inbox) -> None:
    hook = place.client.v1.webhook_endpoints.create({"url": mail.url, "enabled_events": ["*"]})
    place.clock.time = datetime.now(UTC)
    place.customer()
    place.box.send_pending()
    headers, body = mail.got[0]
    event = place.client.construct_event(body, headers["stripe-signature"], hook.secret)
    assert event.type == "customer.created"
    place.box.webhooks.skew = -3600
    place.box.webhooks.resend()
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        place.client.construct_event(mail.got[1][1], mail.got[1][0]["stripe-signature"], hook.secret)


def test_a_thin_event_is_parsed_and_its_object_fetched(place: Place, mail: Inbox) -> None:
    place.clock.time = datetime.now(UTC)
    sent = {
        "name": "thin", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.charge.succeeded"], "webhook_endpoint": {"url": mail.url},
        "include": ["webhook_endpoint.signing_secret"],
    }  # fmt: skip
    secret = place.http.post("/v2/core/event_destinations", json=sent).json()["webhook_endpoint"][
        "signing_secret"
    ]
    intent = place.box.pay_freely(4200)
    place.box.send_pending()
    headers, body = mail.got[0]
    told = place.client.parse_event_notification(body, headers["stripe-signature"], secret)
    assert told.type == "v1.charge.succeeded"
    assert b"4200" not in body
    charge = told.fetch_related_object()
    assert (charge.id, charge.amount) == (intent["latest_charge"], 4200)
    assert told.fetch_event().snapshot_event == told.id


def test_a_debit_succeeds_days_later_and_another_fails(place: Place) -> None:
    v1 = place.client.v1
    good, bad = _invoice(place), _invoice(place)
    place.box.pay(good.id, method="us_bank_account")
    place.box.pay(bad.id, method="us_bank_account", fate=Fate("fails", "insufficient_funds", 3))
    assert {v1.invoices.retrieve(one.id).status for one in (good, bad)} == {"open"}
    place.box.advance(days=4)
    assert [v1.invoices.retrieve(one.id).status for one in (good, bad)] == ["paid", "open"]
    failed = v1.charges.list({"limit": 10}).data
    back = next(one for one in failed if one.status == "failed")
    assert back.failure_code == "insufficient_funds"
    assert back.failure_balance_transaction
    found = {
        one.type for one in v1.events.list({"types": ["payment_intent.payment_failed", "charge.failed"]}).data
    }
    assert found == {"payment_intent.payment_failed", "charge.failed"}
