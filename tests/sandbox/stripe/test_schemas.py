"""Every route of the simulator is called, and every answer fits the vendor's published schemas."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from sandbox.stripe.methods import Fate
from tests.sandbox.stripe import spec
from tests.sandbox.stripe.place import Place

pytestmark = spec.needs_spec
# Not in the derived schema: the object is described on the documentation's pages only.
UNDESCRIBED = {"v2.core.event", "v2.core.event_destination"}
# Fields of the published examples that are shown on request only, or that belong to another kind of business.
NOT_SHOWN = {
    "charge": {"refunds"},
    "invoice": {"subscription"},
    "payment_intent": {"managed_payments"},
    "payment_method": {"card"},
    "account": {"controller", "future_requirements", "requirements", "tos_acceptance"},
}


class Watch:
    """Checks each answer as it arrives, and remembers which operations were called."""

    def __init__(self, place: Place) -> None:
        self.ops = place.box.api.ops
        self.called: set[tuple[str, str]] = set()
        self.seen: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []
        self._checked: set[str] = set()
        place.http.event_hooks["response"].append(self)

    def __call__(self, answer: httpx.Response) -> None:
        answer.read()
        path, method = answer.request.url.path, answer.request.method
        if not path.startswith(("/v1/", "/v2/")) or answer.status_code != 200:
            return
        op = next(op for pattern, op in self.ops if op.method == method and pattern.match(path))
        self.called.add((op.method, op.path))
        told = answer.json()
        if told.get("deleted") or path.startswith("/v2/"):
            return
        for one in told["data"] if told["object"] in ("list", "search_result") else [told]:
            self.seen[one["object"]] = one
            text = json.dumps(one)
            if text not in self._checked:
                self._checked.add(text)
                self.faults += [f"{method} {path}: {fault}" for fault in spec.faults(one)]


def _billing(place: Place) -> dict[str, str]:
    """Everything that leads to invoices; the ids of what was made."""
    cu = place.customer(**{"tax_id_data[0][type]": "eu_vat", "tax_id_data[0][value]": "DE123456789"})
    place.call("POST", f"/v1/customers/{cu}", {"phone": "+49 30 1", "address[city]": "Berlin"})
    place.call("POST", f"/v1/customers/{cu}/tax_ids", {"type": "us_ein", "value": "12-3456789"})
    tax_id = place.get(f"/v1/customers/{cu}/tax_ids")["data"][0]["id"]
    place.get(f"/v1/customers/{cu}/tax_ids/{tax_id}")
    place.call("DELETE", f"/v1/customers/{cu}/tax_ids/{tax_id}")
    place.call("POST", f"/v1/customers/{cu}/balance_transactions", {"amount": -300, "currency": "usd"})
    place.get(f"/v1/customers/{cu}/balance_transactions")
    place.get(f"/v1/customers/{cu}?expand[]=tax_ids")
    rate = place.call(
        "POST", "/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": "false"}
    )
    place.call("POST", f"/v1/tax_rates/{rate['id']}", {"description": "German VAT"})
    place.get(f"/v1/tax_rates/{rate['id']}")
    product = place.call("POST", "/v1/products", {"name": "Pump"})["id"]
    place.call("POST", f"/v1/products/{product}", {"description": "A pump"})
    place.get(f"/v1/products/{product}")
    draft = place.draft(10_000, customer=cu, **{"default_tax_rates[]": rate["id"]})
    line = {"lines[0][amount]": 700, "lines[0][description]": "Freight", "lines[1][quantity]": 2}
    priced = {
        "lines[1][price_data][currency]": "usd",
        "lines[1][price_data][product]": product,
        "lines[1][price_data][unit_amount]": 450,
    }
    more = place.call("POST", f"/v1/invoices/{draft['id']}/add_lines", {**line, **priced})
    first, second, third = (one["id"] for one in more["lines"]["data"])
    place.call("POST", f"/v1/invoices/{draft['id']}/lines/{second}", {"amount": 800})
    gone = {"lines[0][id]": third, "lines[0][behavior]": "delete"}
    place.call("POST", f"/v1/invoices/{draft['id']}/remove_lines", gone)
    item = more["lines"]["data"][0]["parent"]["invoice_item_details"]["invoice_item"]
    place.call("POST", f"/v1/invoiceitems/{item}", {"description": "Pump, large"})
    place.get(f"/v1/invoiceitems/{item}")
    spare = place.call("POST", "/v1/invoiceitems", {"customer": cu, "amount": 5, "currency": "usd"})
    place.call("DELETE", f"/v1/invoiceitems/{spare['id']}")
    place.call("POST", f"/v1/invoices/{draft['id']}", {"footer": "Thank you", "metadata[order]": "SO-1"})
    return {"customer": cu, "invoice": draft["id"], "first": first}


def _documents(place: Place, ids: dict[str, str]) -> None:
    """What becomes of invoices."""
    at = f"/v1/invoices/{ids['invoice']}"
    place.call("POST", f"{at}/finalize", {"expand[]": "payments"})
    place.call("POST", f"{at}/send", {})
    line = {"lines[0][type]": "invoice_line_item", "lines[0][invoice_line_item]": ids["first"]}
    note = place.call(
        "POST", "/v1/credit_notes", {"invoice": ids["invoice"], **line, "lines[0][amount]": 100}
    )
    place.get(f"/v1/credit_notes/{note['id']}/lines")
    place.call("POST", f"/v1/credit_notes/{note['id']}", {"memo": "too much"})
    place.get(f"/v1/credit_notes/{note['id']}")
    place.call("POST", f"/v1/credit_notes/{note['id']}/void", {})
    place.box.pay(ids["invoice"], 900)
    place.call("POST", f"{at}/pay", {"payment_method": "pm_card_visa", "expand[]": "payments"})
    payment = place.get(f"/v1/invoice_payments?invoice={ids['invoice']}")["data"][0]["id"]
    place.get(f"/v1/invoice_payments/{payment}?expand[]=payment.payment_intent")
    place.get(f"{at}/lines?limit=1")
    place.get(
        f"{at}?expand[]=customer&expand[]=confirmation_secret&expand[]=payments.data.payment.payment_intent"
    )
    place.call("POST", f"/v1/invoices/{place.invoice(100)['id']}/void", {})
    given_up = place.invoice(8000)["id"]
    place.call("POST", f"/v1/invoices/{given_up}/mark_uncollectible", {})
    record = place.reported(3000)
    place.get(f"/v1/payment_records/{record}")
    place.call(
        "POST", f"/v1/invoices/{given_up}/attach_payment", {"payment_record": record, "expand[]": "payments"}
    )
    place.call("DELETE", f"/v1/invoices/{place.draft(1)['id']}")


def _money(place: Place, cu: str) -> None:
    """Payments and what comes of them."""
    made = {"amount": 5000, "currency": "usd", "customer": cu}
    held = place.call("POST", "/v1/payment_intents", {**made, "capture_method": "manual"})["id"]
    place.call("POST", f"/v1/payment_intents/{held}", {"description": "held"})
    place.call("POST", f"/v1/payment_intents/{held}/confirm", {"payment_method": "pm_card_createDispute"})
    place.call("POST", f"/v1/payment_intents/{held}/capture", {})
    place.get(f"/v1/payment_intents/{held}?expand[]=latest_charge.balance_transaction")
    other = place.call("POST", "/v1/payment_intents", made)["id"]
    place.call("POST", f"/v1/payment_intents/{other}/cancel", {"cancellation_reason": "abandoned"})
    dispute = place.get("/v1/disputes")["data"][0]["id"]
    place.call("POST", f"/v1/disputes/{dispute}", {"evidence[uncategorized_text]": "it was delivered"})
    place.get(f"/v1/disputes/{dispute}")
    place.call("POST", f"/v1/disputes/{dispute}/close", {})
    card = place.call("POST", "/v1/payment_methods", {"type": "card", "card[number]": "4242424242424242"})[
        "id"
    ]
    place.call("POST", f"/v1/payment_methods/{card}/attach", {"customer": cu})
    place.get(f"/v1/payment_methods/{card}")
    place.call("POST", f"/v1/payment_methods/{card}/detach", {})
    for fate in (Fate(), Fate("refund_fails"), Fate("refund_pends"), Fate("inquiry", "fraudulent")):
        place.box.pay(place.invoice(6000)["id"], fate=fate)
    for fate in (Fate(), Fate("fails", "no_account"), Fate("returned", "insufficient_funds", 2)):
        place.box.pay(place.invoice(7000)["id"], method="us_bank_account", fate=fate)
    place.box.pay(place.invoice(7000)["id"], method="sepa_debit")
    place.box.pay(place.invoice(7000)["id"], fate=Fate("declined", "insufficient_funds"))
    charge = place.get("/v1/charges?limit=100")["data"]
    for one in charge:
        if one["status"] == "succeeded" and not one["disputed"]:
            refund = place.call("POST", "/v1/refunds", {"charge": one["id"], "amount": 50})["id"]
    place.call("POST", f"/v1/refunds/{refund}", {"metadata[why]": "late"})
    place.get(f"/v1/refunds/{refund}")
    place.call("POST", f"/v1/charges/{charge[0]['id']}", {"description": "new"})
    place.get(f"/v1/charges/{charge[0]['id']}?expand[]=refunds")
    place.get(f"/v1/charges/{charge[0]['id']}/refunds")
    place.box.advance(days=12)
    payout = place.get("/v1/payouts")["data"][0]["id"]
    place.call("POST", f"/v1/payouts/{payout}", {"metadata[a]": "b"})
    place.get(f"/v1/payouts/{payout}?expand[]=balance_transaction&expand[]=destination")
    place.box.set(schedule="manual")
    place.box.pay_freely(90_000, fate=Fate("available"))
    hand = place.call("POST", "/v1/payouts", {"amount": 5000, "currency": "usd"})["id"]
    place.call("POST", f"/v1/payouts/{hand}/cancel", {})
    booked = place.get(f"/v1/balance_transactions?payout={payout}")["data"][0]["id"]
    place.get(f"/v1/balance_transactions/{booked}?expand[]=source")
    place.get("/v1/balance")


def _around(place: Place) -> None:
    """Accounts, endpoints and events."""
    place.get("/v1/account")
    other = place.box.connect("Branch").id
    place.get(f"/v1/accounts/{other}")
    hook = place.call("POST", "/v1/webhook_endpoints", {"url": place.url, "enabled_events[]": "*"})["id"]
    place.call("POST", f"/v1/webhook_endpoints/{hook}", {"disabled": "true"})
    place.get(f"/v1/webhook_endpoints/{hook}")
    listed = (
        *("accounts", "balance_transactions", "charges", "credit_notes", "customers", "disputes", "events"),
        *(
            "invoice_payments",
            "invoiceitems",
            "payment_records",
            "invoices",
            "payment_intents",
            "payment_methods",
            "payouts",
        ),
        *("products", "refunds", "tax_rates", "webhook_endpoints"),
    )
    for name in listed:
        assert place.get(f"/v1/{name}?limit=100")["data"], f"no {name}"
    place.call("DELETE", f"/v1/webhook_endpoints/{hook}")
    event = place.get("/v1/events?limit=1")["data"][0]["id"]
    place.get(f"/v1/events/{event}")
    for name in ("charges", "customers", "invoices", "payment_intents"):
        assert place.get(f"/v1/{name}/search?query=created>1")["data"], f"no {name} found"
    _second_interface(place, event)


def _second_interface(place: Place, event: str) -> None:
    place.get(f"/v2/core/events/{event}")
    sent = {
        "name": "thin", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.invoice.paid"], "webhook_endpoint": {"url": place.url},
    }  # fmt: skip
    made = place.http.post("/v2/core/event_destinations", json=sent).json()["id"]
    place.get("/v2/core/event_destinations")
    place.get(f"/v2/core/event_destinations/{made}")
    place.call("DELETE", f"/v2/core/event_destinations/{made}")


def test_every_route_answers_as_the_schemas_say(place: Place) -> None:
    watch = Watch(place)
    ids = _billing(place)
    _documents(place, ids)
    _money(place, ids["customer"])
    _around(place)
    place.call("DELETE", f"/v1/customers/{ids['customer']}")
    assert watch.faults == []
    every = {(op.method, op.path) for _, op in watch.ops}
    assert every - watch.called == set(), "routes that no call of this test reached"
    examples = spec.fixtures()
    for kind, one in watch.seen.items():
        lacking = set(examples.get(kind, ())) - set(one) - NOT_SHOWN.get(kind, set())
        assert not lacking, f"{kind} lacks {sorted(lacking)} of the published example"


def test_the_check_sees_a_wrong_type_a_missing_and_an_unknown_field(place: Place) -> None:
    customer = place.get(f"/v1/customers/{place.customer()}")
    assert spec.faults(customer) == []
    assert spec.faults({**customer, "created": "yesterday"})
    assert spec.faults({name: one for name, one in customer.items() if name != "livemode"})
    assert spec.faults({**customer, "colour": "red"})


# Parameters of operations here to their published names. What the simulator takes must be published.
PUBLISHED = {
    ("POST", "/v1/customers"): "CustomerCreateParams",
    ("POST", "/v1/customers/{}"): "CustomerUpdateParams",
    ("POST", "/v1/invoiceitems"): "InvoiceItemCreateParams",
    ("POST", "/v1/invoices"): "InvoiceCreateParams",
    ("POST", "/v1/invoices/{}"): "InvoiceUpdateParams",
    ("POST", "/v1/invoices/{}/pay"): "InvoicePayParams",
    ("POST", "/v1/invoices/{}/finalize"): "InvoiceFinalizeInvoiceParams",
    ("POST", "/v1/invoices/{}/attach_payment"): "InvoiceAttachPaymentParams",
    ("POST", "/v1/credit_notes"): "CreditNoteCreateParams",
    ("POST", "/v1/payment_intents"): "PaymentIntentCreateParams",
    ("POST", "/v1/payment_intents/{}/confirm"): "PaymentIntentConfirmParams",
    ("POST", "/v1/refunds"): "RefundCreateParams",
    ("POST", "/v1/payouts"): "PayoutCreateParams",
    ("POST", "/v1/disputes/{}"): "DisputeUpdateParams",
    ("POST", "/v1/tax_rates"): "TaxRateCreateParams",
    ("POST", "/v1/webhook_endpoints"): "WebhookEndpointCreateParams",
    ("GET", "/v1/invoices"): "InvoiceListParams",
    ("GET", "/v1/invoice_payments"): "InvoicePaymentListParams",
    ("GET", "/v1/charges"): "ChargeListParams",
    ("GET", "/v1/disputes"): "DisputeListParams",
    ("GET", "/v1/events"): "EventListParams",
    ("GET", "/v1/payouts"): "PayoutListParams",
    ("GET", "/v1/balance_transactions"): "BalanceTransactionListParams",
}


# Taken from callers of earlier versions only.
EARLIER = {
    ("POST", "/v1/payment_intents"): {"payment_method_types"},
    ("POST", "/v1/invoiceitems"): {"unit_amount"},
}


@pytest.mark.parametrize("at", PUBLISHED, ids=" ".join)
def test_only_published_parameters_are_taken_and_the_required_ones_required(
    place: Place, at: tuple[str, str]
) -> None:
    op = next(op for _, op in place.box.api.ops if (op.method, op.path) == at)
    published = spec.parameters()[PUBLISHED[at]]
    assert set(op.spec) - set(published["properties"]) - EARLIER.get(at, set()) == set()
    assert set(published.get("required", ())) == {name for name, one in op.spec.items() if one.required}
