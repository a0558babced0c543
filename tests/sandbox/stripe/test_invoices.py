"""Invoices: amounts to the cent, states, credit, partial payments, credit notes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.stripe.place import Place


def _note(place: Place, invoice: str, **fields: Any) -> Any:
    return place.call("POST", "/v1/credit_notes", {"invoice": invoice, **fields})


def _rate(place: Place, percentage: str, *, inclusive: bool = False) -> str:
    sent = {"display_name": "VAT", "percentage": percentage, "inclusive": str(inclusive).lower()}
    return str(place.call("POST", "/v1/tax_rates", sent)["id"])


def test_an_invoice_adds_up_lines_and_taxes_on_top(place: Place) -> None:
    made = place.draft(1001, 333, **{"default_tax_rates[]": _rate(place, "8.875")})
    # each line is rounded for itself: 88.84 and 29.55
    assert [line["taxes"][0]["amount"] for line in made["lines"]["data"]] == [89, 30]
    assert (made["subtotal"], made["total"], made["total_taxes"][0]["amount"]) == (1334, 1453, 119)
    assert made["total_taxes"][0]["taxable_amount"] == 1334
    assert made["amount_due"] == 1453


def test_an_inclusive_tax_is_contained_in_the_total(place: Place) -> None:
    made = place.draft(11_900, **{"default_tax_rates[]": _rate(place, "19", inclusive=True)})
    assert (made["subtotal"], made["total"], made["total_excluding_tax"]) == (11_900, 11_900, 10_000)
    assert made["total_taxes"][0] == {
        **made["total_taxes"][0], "amount": 1900, "taxable_amount": 10_000, "tax_behavior": "inclusive"
    }  # fmt: skip


def test_quantity_times_unit_price_is_rounded_once(place: Place) -> None:
    draft = place.draft()
    item = {"customer": draft["customer"], "invoice": draft["id"], "currency": "usd"}
    made = place.call("POST", "/v1/invoiceitems", {**item, "unit_amount_decimal": "33.335", "quantity": 3})
    assert (made["amount"], made["pricing"]["unit_amount_decimal"]) == (100, "33.335")
    changed = place.call("POST", f"/v1/invoiceitems/{made['id']}", {"quantity": 4})
    assert changed["amount"] == 133
    assert place.get(f"/v1/invoices/{draft['id']}")["total"] == 133


def test_taxes_worked_out_elsewhere_are_taken_as_they_are(place: Place) -> None:
    draft = place.draft()
    tax = {
        "display_name": "Sales tax",
        "inclusive": "false",
        "percentage": "7.25",
        "country": "US",
        "state": "CA",
    }
    sent = {
        "lines[0][amount]": 1000, "lines[0][description]": "Pump",
        "lines[0][tax_amounts][0][amount]": 73, "lines[0][tax_amounts][0][taxable_amount]": 1000,
        **{f"lines[0][tax_amounts][0][tax_rate_data][{name}]": value for name, value in tax.items()},
    }  # fmt: skip
    made = place.call("POST", f"/v1/invoices/{draft['id']}/add_lines", sent)
    assert (made["total"], made["total_taxes"][0]["amount"]) == (1073, 73)
    rate = place.get(f"/v1/tax_rates/{made['total_taxes'][0]['tax_rate_details']['tax_rate']}")
    assert (rate["percentage"], rate["state"]) == (7.25, "CA")


def test_finalizing_gives_a_number_a_page_and_a_document(place: Place) -> None:
    first = place.invoice(900)
    second = place.invoice(900, customer=first["customer"])
    assert first["number"].endswith("-0001")
    assert second["number"].endswith("-0002")
    page = place.http.get(first["hosted_invoice_url"])
    assert first["number"] in page.text
    assert "Pay by card" in page.text
    assert place.http.get(first["invoice_pdf"]).content.startswith(b"%PDF-")
    assert place.http.get(first["hosted_invoice_url"] + "x").status_code == 404
    place.http.post(first["hosted_invoice_url"], data={"method": "card"})
    assert place.get(f"/v1/invoices/{first['id']}")["status"] == "paid"


def test_a_number_of_our_own_is_kept_and_used_once(place: Place) -> None:
    made = place.invoice(900, number="INV-2026-0042")
    assert made["number"] == "INV-2026-0042"
    sent = {"customer": made["customer"], "number": "INV-2026-0042"}
    assert place.call("POST", "/v1/invoices", sent, status=400)["error"]["param"] == "number"


def test_terms_need_send_invoice_and_send_invoice_needs_terms(place: Place) -> None:
    customer = place.customer()
    lacking = {"customer": customer, "collection_method": "send_invoice"}
    assert place.call("POST", "/v1/invoices", lacking, status=400)["error"]["param"] == "days_until_due"
    wrong = {"customer": customer, "days_until_due": 30}
    assert place.call("POST", "/v1/invoices", wrong, status=400)["error"]["param"] == "days_until_due"
    past = {**lacking, "due_date": 1_000_000_000}
    assert place.call("POST", "/v1/invoices", past, status=400)["error"]["param"] == "due_date"


def test_a_finalized_invoice_is_not_edited(place: Place) -> None:
    made = place.invoice(900)
    item = {"customer": made["customer"], "invoice": made["id"], "amount": 5, "currency": "usd"}
    assert place.call("POST", "/v1/invoiceitems", item, status=400)["error"]["code"] == "invoice_not_editable"
    told = place.call("POST", f"/v1/invoices/{made['id']}", {"footer": "x"}, status=400)
    assert told["error"]["code"] == "invoice_not_editable"
    assert place.call("POST", f"/v1/invoices/{made['id']}", {"metadata[a]": "b"})["metadata"] == {"a": "b"}
    again = place.call("POST", f"/v1/invoices/{made['id']}/finalize", {}, status=400)
    assert again["error"]["code"] == "invoice_not_editable"
    place.call("DELETE", f"/v1/invoices/{made['id']}", status=400)
    empty = place.draft()
    told = place.call("POST", f"/v1/invoices/{empty['id']}/finalize", {}, status=400)
    assert told["error"]["code"] == "invoice_no_customer_line_items"


def test_pending_items_are_taken_in_when_asked_for(place: Place) -> None:
    customer = place.customer()
    place.call("POST", "/v1/invoiceitems", {"customer": customer, "amount": 700, "currency": "usd"})
    base = {"customer": customer, "currency": "usd"}
    assert place.call("POST", "/v1/invoices", base)["total"] == 0
    taken = place.call("POST", "/v1/invoices", {**base, "pending_invoice_items_behavior": "include"})
    assert taken["total"] == 700
    assert place.get("/v1/invoiceitems?pending=true")["data"] == []


def test_parts_of_an_invoice_are_paid_and_the_default_payment_asks_for_the_rest(place: Place) -> None:
    made = place.invoice(10_000)
    intent = place.call(
        "POST",
        "/v1/payment_intents",
        {
            "amount": 4000, "currency": "usd", "customer": made["customer"], "confirm": "true",
            "payment_method": "pm_card_visa",
        },
    )  # fmt: skip
    at = f"/v1/invoices/{made['id']}"
    part = place.call(
        "POST", f"{at}/attach_payment", {"payment_intent": intent["id"], "expand[]": "payments"}
    )
    assert (part["status"], part["amount_paid"], part["amount_remaining"]) == ("open", 4000, 6000)
    open_one = next(one for one in part["payments"]["data"] if one["status"] == "open")
    assert (open_one["is_default"], open_one["amount_requested"]) == (True, 6000)
    assert "invoice.paid" not in place.types()
    assert "invoice_payment.paid" in place.types()
    place.box.pay(made["id"], 6000)
    whole = place.get(f"{at}?expand[]=payments")
    assert (whole["status"], whole["amount_remaining"]) == ("paid", 0)
    assert sorted(one["status"] for one in whole["payments"]["data"]) == ["canceled", "paid", "paid"]
    twice = place.call("POST", f"{at}/attach_payment", {"payment_intent": intent["id"]}, status=400)
    assert twice["error"]["code"] == "invoice_already_paid"


def test_what_is_paid_too_much_becomes_credit_that_the_next_invoice_uses(place: Place) -> None:
    made = place.invoice(1000)
    place.box.pay(made["id"], 1500)
    over = place.get(f"/v1/invoices/{made['id']}")
    assert (over["status"], over["amount_overpaid"], over["amount_remaining"]) == ("paid", 500, 0)
    assert "invoice.overpaid" in place.types()
    assert place.get(f"/v1/customers/{made['customer']}")["balance"] == -500
    after = place.invoice(800, customer=made["customer"])
    assert (after["total"], after["starting_balance"], after["amount_due"]) == (800, -500, 300)
    small = place.get(f"/v1/customers/{made['customer']}/balance_transactions")["data"]
    assert [(one["type"], one["amount"]) for one in small] == [
        ("applied_to_invoice", 500),
        ("invoice_overpaid", -500),
    ]
    assert small[0]["ending_balance"] == 0 == after["ending_balance"]


def test_paid_out_of_band_makes_no_charge(place: Place) -> None:
    made = place.invoice(1000)
    paid = place.call("POST", f"/v1/invoices/{made['id']}/pay", {"paid_out_of_band": "true"})
    assert (paid["status"], paid["amount_paid_off_stripe"], paid["amount_remaining"]) == ("paid", 1000, 0)
    assert place.listed("/v1/charges") == []
    assert place.listed("/v1/balance_transactions") == []
    old = place.get(f"/v1/invoices/{made['id']}", stripe_version="2023-08-16")
    assert old["paid_out_of_band"] is True
    assert old["charge"] is None
    again = place.call("POST", f"/v1/invoices/{made['id']}/pay", {"paid_out_of_band": "true"}, status=400)
    assert again["error"]["code"] == "invoice_already_paid"
    told = place.call("GET", f"/v1/payment_intents/{old['payment_intent']}")
    assert told["status"] == "canceled"


def test_part_of_an_invoice_is_reported_as_paid_at_the_bank(place: Place) -> None:
    made = place.invoice(1000)
    record = place.reported(400)
    at = f"/v1/invoices/{made['id']}/attach_payment"
    part = place.call("POST", at, {"payment_record": record})
    assert (part["status"], part["amount_paid_off_stripe"], part["amount_remaining"]) == ("open", 400, 600)
    place.call("POST", at, {"payment_record": record}, status=400)


def test_void_and_uncollectible_end_an_invoice(place: Place) -> None:
    made = place.invoice(1000)
    at = f"/v1/invoices/{made['id']}"
    assert place.call("POST", f"{at}/mark_uncollectible", {})["status"] == "uncollectible"
    void = place.call("POST", f"{at}/void", {})
    assert void["status"] == "void"
    assert void["status_transitions"]["voided_at"]
    assert place.call("POST", f"{at}/pay", {"payment_method": "pm_card_visa"}, status=400)["error"]["code"]
    assert place.http.post("/_sandbox/pay", json={"invoice": made["id"]}).status_code == 400
    assert {"invoice.marked_uncollectible", "invoice.voided", "payment_intent.canceled"} <= set(place.types())


def test_an_invoice_is_told_overdue_on_its_due_date(place: Place) -> None:
    place.invoice(1000)
    place.box.advance(days=29)
    assert "invoice.overdue" not in place.types()
    place.box.advance(days=2)
    assert place.types().count("invoice.overdue") == 1


def test_a_declined_card_leaves_the_invoice_open_and_says_why(place: Place) -> None:
    made = place.invoice(1000)
    told = place.call(
        "POST",
        f"/v1/invoices/{made['id']}/pay",
        {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"},
        status=402,
    )["error"]
    assert (told["type"], told["code"], told["decline_code"]) == (
        "card_error",
        "card_declined",
        "insufficient_funds",
    )
    after = place.get(f"/v1/invoices/{made['id']}")
    assert (after["status"], after["attempt_count"]) == ("open", 1)
    assert {"charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"} <= set(place.types())
    assert (
        place.call("POST", f"/v1/invoices/{made['id']}/pay", {"payment_method": "pm_card_visa"})["status"]
        == "paid"
    )


def test_a_credit_note_takes_off_what_is_owed_with_its_share_of_tax(place: Place) -> None:
    made = place.invoice(10_000, **{"default_tax_rates[]": _rate(place, "19")})
    note = _note(place, made["id"], amount=1190, reason="order_change")
    assert (note["type"], note["pre_payment_amount"], note["subtotal"]) == ("pre_payment", 1190, 1000)
    assert note["total_taxes"][0]["amount"] == 190
    assert note["number"] == f"{made['number']}-CN-01"
    left = place.get(f"/v1/invoices/{made['id']}")
    assert (left["amount_remaining"], left["pre_payment_credit_notes_amount"]) == (10_710, 1190)
    place.call("POST", f"/v1/credit_notes/{note['id']}/void", {})
    assert place.get(f"/v1/invoices/{made['id']}")["amount_remaining"] == 11_900
    rest = {
        "lines[0][type]": "invoice_line_item",
        "lines[0][invoice_line_item]": made["lines"]["data"][0]["id"],
    }
    whole = _note(place, made["id"], **rest)
    assert whole["amount"] == 11_900
    assert place.get(f"/v1/invoices/{made['id']}")["status"] == "paid"


def test_a_credit_note_on_a_paid_invoice_says_how_the_money_goes_back(place: Place) -> None:
    made = place.invoice(1000)
    place.box.pay(made["id"])
    lacking = place.call("POST", "/v1/credit_notes", {"invoice": made["id"], "amount": 500}, status=400)
    assert lacking["error"]["param"] == "amount"
    note = _note(place, made["id"], amount=600, refund_amount=100, credit_amount=200, out_of_band_amount=300)
    assert (note["type"], note["post_payment_amount"], note["out_of_band_amount"]) == (
        "post_payment",
        600,
        300,
    )
    assert place.get(f"/v1/refunds/{note['refunds'][0]['refund']}")["amount"] == 100
    assert place.get(f"/v1/customers/{made['customer']}")["balance"] == -200
    assert place.get(f"/v1/invoices/{made['id']}")["post_payment_credit_notes_amount"] == 600
    over = place.call("POST", "/v1/credit_notes", {"invoice": made["id"], "amount": 401}, status=400)
    assert over["error"]["code"] == "amount_too_large"
    place.call("POST", f"/v1/credit_notes/{note['id']}/void", {}, status=400)


def test_a_credit_note_that_is_refused_leaves_nothing_behind(place: Place) -> None:
    made = place.invoice(1000)
    place.call("POST", f"/v1/invoices/{made['id']}/pay", {"paid_out_of_band": "true"})
    told = place.call(
        "POST", "/v1/credit_notes", {"invoice": made["id"], "amount": 400, "refund_amount": 400}, status=400
    )
    assert told["error"]["param"] == "refund_amount"
    assert place.listed("/v1/credit_notes") == []


def test_more_lines_than_fit_are_followed_by_the_url(place: Place) -> None:
    made = place.draft(*range(1, 13))
    lines = made["lines"]
    assert len(lines["data"]) == 10
    assert lines["has_more"] is True
    assert made["total"] == 78
    assert [one["amount"] for one in place.listed(lines["url"])] == list(range(1, 13))


def test_customers_merge_metadata_and_unset_with_empty_text(place: Place) -> None:
    id = place.customer(**{"metadata[a]": "1", "metadata[b]": "2", "address[line1]": "Weg 1"})
    changed = place.call("POST", f"/v1/customers/{id}", {"metadata[a]": "", "metadata[c]": "3", "phone": ""})
    assert changed["metadata"] == {"b": "2", "c": "3"}
    assert changed["phone"] is None
    assert changed["address"] == {**changed["address"], "line1": "Weg 1", "city": None}
    assert place.call("POST", f"/v1/customers/{id}", {"metadata": ""})["metadata"] == {}
    assert place.call("DELETE", f"/v1/customers/{id}")["deleted"] is True
    assert place.get(f"/v1/customers/{id}") == {"id": id, "object": "customer", "deleted": True}
    place.call("POST", f"/v1/customers/{id}", {"name": "x"}, status=404)
    assert place.call("POST", "/v1/invoices", {"customer": id}, status=400)["error"]["param"] == "customer"


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"email": "nobody"}, "email"),
        ({"metadata[" + "k" * 41 + "]": "v"}, "metadata[" + "k" * 41 + "]"),
        ({"metadata[k]": "v" * 501}, "metadata[k]"),
        ({"name": "n" * 5001}, "name"),
        ({"balance": "1.5"}, "balance"),
        ({"address": "Weg 1"}, "address"),
        ({"tax_exempt": "maybe"}, "tax_exempt"),
        ({"tax_id_data[0][type]": "eu_vat"}, "tax_id_data[0][value]"),
        ({"expand[]": "name.first"}, "expand"),
    ],
)
def test_what_a_customer_cannot_be_is_refused_with_the_name_of_the_parameter(
    place: Place, form: dict[str, str], param: str
) -> None:
    assert place.call("POST", "/v1/customers", form, status=400)["error"]["param"] == param


def test_an_invoice_charged_automatically_is_advanced_after_an_hour(place: Place) -> None:
    customer = place.customer()
    card = place.call("POST", "/v1/payment_methods", {"type": "card", "card[number]": "4242424242424242"})[
        "id"
    ]
    place.call("POST", f"/v1/payment_methods/{card}/attach", {"customer": customer})
    place.call("POST", f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": card})
    place.call("POST", "/v1/invoiceitems", {"customer": customer, "amount": 700, "currency": "usd"})
    sent = {"customer": customer, "auto_advance": "true", "pending_invoice_items_behavior": "include"}
    made = place.call("POST", "/v1/invoices", sent)
    place.box.advance(3599)
    assert place.get(f"/v1/invoices/{made['id']}")["status"] == "draft"
    place.box.advance(1)
    assert place.get(f"/v1/invoices/{made['id']}")["status"] == "paid"
