"""What leaves for Stripe, byte by byte, and what is made of answers that are none."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from connectors.stripe.connector import Settings, Stripe
from hub.sdk import NotYet, Rejected, Transient
from tests.connectors.stripe.conftest import CUSTOMER, about, customer, invoice

BASE = "https://api.stripe.com"
MADE = {"id": "cus_1", "object": "customer", "metadata": {"o2c_id": CUSTOMER}}


def connector(**settings: Any) -> Stripe:
    known = {"api_key": "sk_test_very_secret_key", "deadline": 2}
    return Stripe(Settings.model_validate({**known, **settings}))


def failed(kind: str, **facts: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "no", **facts}}


@respx.mock
def test_every_call_carries_key_version_and_account() -> None:
    route = respx.get(f"{BASE}/v1/balance").respond(json={"livemode": True})
    assert not connector(account="acct_ours").check().ok
    sent = route.calls[0].request.headers
    assert sent["authorization"] == "Bearer sk_test_very_secret_key"
    assert (sent["stripe-version"], sent["stripe-account"]) == ("2026-10-28.endive", "acct_ours")


@respx.mock
def test_a_repeat_has_the_same_key_and_the_same_bytes() -> None:
    route = respx.post(f"{BASE}/v1/customers").respond(json=MADE)
    for _ in range(2):
        connector().push(customer())
    first, second = (call.request for call in route.calls)
    assert (
        first.content
        == second.content
        == b"email=ann%40blue.test&metadata%5Bo2c_id%5D=" + CUSTOMER.encode() + (b"&name=Blue+Widgets")
    )
    keys = {one.headers["idempotency-key"] for one in (first, second)}
    assert keys == {f"o2c:{CUSTOMER}:1:create"}
    assert all(len(key) <= 255 for key in keys)


@respx.mock
def test_another_version_has_another_key() -> None:
    route = respx.post(f"{BASE}/v1/customers/cus_1").respond(json=MADE)
    for version in (2, 3):
        known = customer()._replace(external_id="cus_1", idempotency_key=f"{CUSTOMER}:{version}")
        connector().push(known)
    assert len({call.request.headers["idempotency-key"] for call in route.calls}) == 2


@respx.mock
def test_a_stored_failure_is_looked_behind_before_the_next_key() -> None:
    stored = httpx.Response(500, json=failed("api_error"), headers={"idempotent-replayed": "true"})
    route = respx.post(f"{BASE}/v1/customers").mock(side_effect=[stored, httpx.Response(200, json=MADE)])
    lists = respx.get(f"{BASE}/v1/customers").respond(json={"data": [], "has_more": False})
    search = respx.get(f"{BASE}/v1/customers/search").respond(json={"data": [], "has_more": False})
    assert connector().push(customer()) == "cus_1"
    assert lists.called
    assert search.called
    keys = [call.request.headers["idempotency-key"] for call in route.calls]
    assert keys == [f"o2c:{CUSTOMER}:1:create", f"o2c:{CUSTOMER}:1:create:1"]


@respx.mock
def test_a_fresh_failure_is_not_answered_with_another_key() -> None:
    route = respx.post(f"{BASE}/v1/customers").respond(500, json=failed("api_error"))
    with pytest.raises(Transient):
        connector().push(customer())
    assert len({call.request.headers["idempotency-key"] for call in route.calls}) == 1


@respx.mock
def test_keys_that_are_all_spent_end_in_a_retry_and_not_in_a_loop() -> None:
    route = respx.post(f"{BASE}/v1/customers").respond(
        500, json=failed("api_error"), headers={"idempotent-replayed": "true"}
    )
    respx.get(url__startswith=f"{BASE}/v1/customers").respond(json={"data": []})
    with pytest.raises(Transient, match="stored failures"):
        connector().push(customer())
    assert len(route.calls) == 8


@respx.mock
def test_a_total_that_is_not_ours_deletes_the_draft_and_says_both() -> None:
    draft = {"id": "in_1", "status": "draft", "currency": "usd", "customer": "cus_1", "total": 0}
    wrong = {**draft, "total": 11_901, "customer": {"id": "cus_1", "balance": 0}}
    respx.post(f"{BASE}/v1/invoices").respond(json=draft)
    respx.post(f"{BASE}/v1/invoices/in_1/add_lines").respond(json=wrong)
    gone = respx.delete(f"{BASE}/v1/invoices/in_1").respond(json={"id": "in_1", "deleted": True})
    with pytest.raises(
        Rejected, match="11901 USD in smallest units for cus_1 of invoice in_1, ours is 11900"
    ):
        connector().push(invoice("cus_1"))
    assert gone.called


@respx.mock
def test_an_amount_that_stripe_carries_over_is_told() -> None:
    draft = {"id": "in_1", "status": "draft", "currency": "usd", "customer": "cus_1", "total": 11_900}
    paid = {**draft, "status": "paid", "number": "INV-1", "amount_due": 0, "amount_paid": 0}
    respx.post(f"{BASE}/v1/invoices").respond(json=draft)
    respx.post(f"{BASE}/v1/invoices/in_1/add_lines").respond(json=draft)
    respx.post(f"{BASE}/v1/invoices/in_1/finalize").respond(json=paid)
    with pytest.raises(Rejected, match="wants 0 paid of invoice INV-1 over 11900"):
        connector().push(invoice("cus_1"))


@respx.mock
@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"", b'{"data": 5}', b'{"data": ["x"]}'])
def test_an_answer_that_is_none_is_an_unknown_outcome(answer: bytes) -> None:
    respx.get(f"{BASE}/v1/events").respond(content=answer)
    with pytest.raises(Transient):
        connector().poll(None)


@respx.mock
def test_an_answer_about_somebody_else_is_not_taken_for_ours() -> None:
    respx.post(f"{BASE}/v1/customers").respond(json={**MADE, "metadata": {"o2c_id": "other"}})
    with pytest.raises(Transient, match="instead"):
        connector().push(customer())


@respx.mock
def test_a_list_that_never_ends_is_given_up() -> None:
    page = {"data": [{"id": "re_1", "balance_transaction": None}], "has_more": True}
    charge = {
        "id": "ch_1", "status": "succeeded", "captured": True, "amount": 1, "amount_captured": 1,
        "amount_refunded": 1, "currency": "usd", "balance_transaction": None,
    }  # fmt: skip
    respx.get(f"{BASE}/v1/charges/ch_1").respond(json=charge)
    with pytest.raises(NotYet):
        list(connector().read(about("charge", "ch_1")))
    moved = {"id": "txn_1", "currency": "usd", "fee": 0, "created": 1, "amount": 1, "available_on": 1}
    respx.get(f"{BASE}/v1/charges/ch_1").respond(json={**charge, "balance_transaction": moved})
    route = respx.get(f"{BASE}/v1/refunds").respond(json=page)
    with pytest.raises(Rejected, match="over 10 pages"):
        list(connector().read(about("charge", "ch_1")))
    assert len(route.calls) == 10


def test_no_secret_is_in_what_a_person_may_see() -> None:
    stripe = connector(webhook_secrets="whsec_a_secret_of_ours")
    shown = f"{stripe!r}{vars(stripe)!r}{stripe._settings!r}{stripe._settings.model_dump_json()}"
    assert "very_secret_key" not in shown
    assert "whsec_a_secret" not in shown
