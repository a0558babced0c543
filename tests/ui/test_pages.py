"""What the pages show and what their forms do."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.api.actions import save_connection
from hub.store import views
from hub.store.tables import INBOX
from tests.ui import company as companies
from tests.ui.company import ADMIN, Company

ATTACK = "<script>alert(1)</script>"
CANARIES = ("canary-webhook-secret-7731", "canary-erp-token-9912")


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """A company of the test's own, empty."""
    return companies.empty(tmp_path)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# -- what is shown ---------------------------------------------------------------
def test_the_overview_shows_money_cases_queues_and_events(visit: Any) -> None:
    seen = text_of(visit("viewer").get("/").text)
    for words in ("Open receivables 35,722.50 USD", "Unapplied cash 15,912.75 USD", "Credit hold", "erp"):
        assert words in seen


def test_an_empty_hub_says_what_to_do_first(visit: Any, own: Company) -> None:
    with companies.served(own) as base:
        visitor = visit(base=base)
        visitor.login(own.tokens["admin"])
        assert "Add a connection" in visitor.get("/").text
        hints = {
            "/orders": "Connect your CRM",
            "/cases": "No open cases",
            "/outbox": "has what it should have",
        }
        for path, hint in hints.items():
            assert hint in visitor.get(path).text


def test_the_order_page_tells_the_whole_story(visit: Any, company: Company) -> None:
    seen = text_of(visit("viewer").get(f"/orders/{company.ids['SO-4711']}").text)
    for words in (
        "Order SO-4711", "Northwind Traders", "Closed", "18,835.50 USD", "Credit limit 150,000.00 USD",
        "Webhook from crm", "Order approved", "known there as OR-1001", "Invoice INV-2026-000001 to erp",
        "Payment received", "Order closed", "Room left",
    ):  # fmt: skip
        assert words in seen, words


def test_a_held_order_shows_the_figures_that_decided(visit: Any, company: Company) -> None:
    seen = text_of(visit("viewer").get(f"/orders/{company.ids['SO-4731']}").text)
    for words in ("On credit hold", "Exposure 56,528.15 USD", "Over the limit by 16,528.15 USD"):
        assert words in seen, words


def test_lists_search_filter_and_say_when_nothing_fits(visit: Any) -> None:
    viewer = visit("viewer")
    assert "SO-4722" in viewer.get("/orders?search=initech").text
    assert "SO-4711" not in viewer.get("/orders?search=initech").text
    assert "SO-4731" in viewer.get("/orders?state=held").text
    assert "Nothing fits" in viewer.get("/orders?search=zzz").text
    assert "Overdue" in viewer.get("/invoices").text


def test_a_document_number_leads_an_order_to_its_own_page(visit: Any, company: Company) -> None:
    answer = visit("viewer").get(f"/documents/{company.ids['SO-4711']}")
    assert answer.headers["location"] == f"/orders/{company.ids['SO-4711']}"


@pytest.mark.parametrize("path", ["/nothing", "/orders/x", "/documents/x", "/cases/x", "/deliveries/x",
                                  "/connections/x"])  # fmt: skip
def test_what_is_not_there_gets_a_page_of_the_house(path: str, visit: Any) -> None:
    answer = visit("viewer").get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "/static/console.css" in answer.text


def test_what_broke_is_told_by_an_id_only(visit: Any, own: Company) -> None:
    with companies.served(own) as base:
        visitor = visit(base=base)
        visitor.login(own.tokens["viewer"])
        with own.hub.store.begin() as tx:
            tx.conn.exec_driver_sql("DROP TABLE audit")
        answer = visitor.get("/audit")
    assert answer.status_code == 500
    assert re.search(r"in the log as [0-9a-f]{12}", answer.text)
    assert "Traceback" not in answer.text
    assert "sqlite" not in answer.text.lower()


def test_everything_a_stranger_writes_is_shown_as_text(visit: Any, own: Company) -> None:
    made = companies.customer(own, f"Evil {ATTACK}", "10")
    save_connection(own.hub, ADMIN, "crm", connector="http", given={"secret": "s" * 20}, poll_seconds=0)
    order = companies.order(own, made, f"SO-{ATTACK}"[:60], (f"sku{ATTACK}", "5", "100.00"))
    run = companies.run(
        own, "crm", _customer(f'"><img src=x onerror=alert(2)>{ATTACK}'), f'{{"x": "{ATTACK}"}}'
    )
    with own.hub.store.begin() as tx:
        tx.conn.execute(INBOX.update().values(url=f"/{ATTACK}", last_error=ATTACK))
        delivery = tx.conn.execute(INBOX.select()).first()
    with companies.served(own) as base:
        visitor = visit(base=base)
        visitor.login(own.tokens["admin"])
        case = f"/cases/{own.case('credit_hold')}"
        paths = ["/", "/orders", f"/orders/{order}", "/customers", f"/documents/{run}", "/cases", case,
                 "/deliveries", f"/deliveries/{delivery.id}", f"/orders?search={ATTACK}"]  # fmt: skip
        for path in paths:
            html = visitor.get(path).text
            assert "<script>alert" not in html, path
            assert "<img src=x" not in html, path
        assert "&lt;script&gt;alert(1)" in visitor.get(f"/orders/{order}").text


def _customer(name: str) -> Any:
    from hub.model import Customer
    from hub.store.database import new_id

    return Customer(id=new_id(), name=name)


# -- cases -----------------------------------------------------------------------
def test_a_case_shows_evidence_and_says_what_each_answer_does(visit: Any, company: Company) -> None:
    seen = text_of(visit("operator").get(f"/cases/{company.case('credit_hold')}").text)
    for words in ("Release the order", "approved now", "Reject the order", "Credit limit 40,000.00 USD"):
        assert words in seen, words
    rejected = text_of(visit("operator").get(f"/cases/{company.case('rejected')}").text)
    assert "Invalid currency reference key 4" in rejected
    assert "Try again" in rejected


def test_the_payment_page_proposes_the_invoice_and_counts_the_rest(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unmatched_payment')}"
    html = operator.get(path).text
    assert "INV-2026-000003" in html
    assert "Same amount, payer has a similar name" in html
    invoice = re.search(r'name="invoice" value="(\w+)"', html).group(1)  # type: ignore[union-attr]  # a failing match fails the test

    def difference(amount: str) -> str:
        fields = {"invoice": invoice, f"amount-{invoice}": amount}
        return text_of(operator.submit(f"{path}/difference", path, **fields).text)

    assert "stays unapplied 912.75 USD" in difference("15,000.00")
    assert "nothing is left over" in difference("15912.75")
    assert "too much by 0.01 USD" in difference("15912.76")
    assert "is not an amount" in difference("lots")


def test_a_searched_invoice_joins_the_list_and_ticked_ones_stay(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unmatched_payment')}"
    with company.hub.store.look() as tx:
        (third,) = views.documents(tx.conn, kind="invoice", search="INV-2026-000003")
    fields = {"search": "000002", "invoice": third.id, f"amount-{third.id}": "7.50"}
    html = operator.submit(f"{path}/invoices", path, **fields).text
    assert "INV-2026-000002" in html
    assert re.search(rf'value="{third.id}"[^>]*checked', html)
    assert 'value="7.50"' in html


def test_a_refused_decision_is_explained_and_the_entries_are_kept(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unmatched_payment')}"
    with company.hub.store.look() as tx:
        (third,) = views.documents(tx.conn, kind="invoice", search="INV-2026-000003")
    fields = {
        "decision": "apply",
        "invoice": third.id,
        f"amount-{third.id}": "99999.00",
        "note": "from the mail",
    }
    refused = operator.submit(path, path, **fields)
    assert refused.status_code == 422
    assert "cannot be applied to INV-2026-000003: 15,912.75 USD is open" in text_of(refused.text)
    assert 'value="99999.00"' in refused.text
    assert 'value="from the mail"' in refused.text
    nothing = operator.submit(path, path, decision="apply")
    assert "at least one invoice" in nothing.text


def test_money_is_kept_on_account_for_the_chosen_customer(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unmatched_payment')}"
    found = operator.submit(f"{path}/customers", path, customer_search="northw").text
    assert "Northwind Traders" in found
    chosen = company.ids["Northwind Traders"]
    done = operator.submit(path, path, decision="on_account", customer=chosen, note="prepayment")
    assert done.status_code == 303
    after = operator.get(path).text
    assert "Done: keep on account." in after
    assert "prepayment" in after
    assert "Done: keep" not in operator.get(path).text  # told once
    assert "Northwind Traders" in operator.get(f"/documents/{company.ids['mystery']}").text


def test_an_unknown_outcome_is_settled_by_the_id_that_was_found(visit: Any, company: Company) -> None:
    operator, path = visit("operator"), f"/cases/{company.case('unknown_outcome')}"
    refused = operator.submit(path, path, decision="adopt", external_id=" ")
    assert refused.status_code == 422
    assert operator.submit(path, path, decision="adopt", external_id="OR-77", note="seen").status_code == 303
    seen = operator.get(f"/orders/{company.ids['SO-4725']}").text
    assert "OR-77" in seen


# -- connections -------------------------------------------------------------------
def test_a_connection_is_added_changed_and_never_shows_its_secrets(visit: Any, company: Company) -> None:
    admin = visit("admin")
    fields = {"connector": "http", "name": "shop", "setting.secret": "canary-shop-secret",
              "poll_seconds": "0", "setting.kind": "order", "setting.signature_header": "x-shop",
              "setting.object_id": "id",
              "setting.paths": "order: /orders\ninvoice: /bills", "setting.base_url": "http://127.0.0.1:9",
              "setting.tolerance_seconds": "300"}  # fmt: skip
    made = admin.submit("/connections/new", "/connections/new?connector=http", **fields)
    assert made.headers["location"] == "/connections/shop?check=1"
    settings = company.hub.registry.get("shop").connector.settings
    assert settings.paths == {"order": "/orders", "invoice": "/bills"}
    page = admin.get("/connections/shop").text
    assert "canary-shop-secret" not in page
    assert "https://o2c.example.com/webhooks/shop" in page
    changed = fields | {"setting.secret": "", "setting.signature_header": "x-other"}
    assert admin.submit("/connections/shop", "/connections/shop", **changed).status_code == 303
    settings = company.hub.registry.get("shop").connector.settings
    assert settings.secret.get_secret_value() == "canary-shop-secret"
    assert settings.signature_header == "x-other"


def test_a_wrong_setting_is_marked_and_what_was_entered_stays(visit: Any) -> None:
    admin = visit("admin")
    fields = {"connector": "http", "name": "shop9", "poll_seconds": "0", "setting.kind": "NOT OK",
              "setting.token": "canary with spaces", "setting.event_id": "my.path"}  # fmt: skip
    refused = admin.submit("/connections/new", "/connections/new?connector=http", **fields)
    assert refused.status_code == 422
    assert 'class="setting wrong"' in refused.text
    assert 'value="my.path"' in refused.text
    assert "canary" not in refused.text
    pairs = {"connector": "http", "name": "shop9", "setting.paths": "no colon here"}
    assert "name: value" in admin.submit("/connections/new", "/connections/new?connector=http", **pairs).text


def test_a_check_answers_with_findings(visit: Any) -> None:
    operator = visit("operator")
    token = operator.token("/connections/erp")
    answer = operator.post(
        "/connections/erp/check", data={"form_token": token}, headers={"hx-request": "true"}
    )
    assert "Well" in answer.text
    assert "<html" not in answer.text


def test_pausing_shows_and_resuming_lifts_it(visit: Any) -> None:
    admin = visit("admin")
    admin.submit("/connections/bank/pause", "/connections/bank")
    assert "paused by admin Kim" in admin.get("/connections/bank").text.lower().replace(
        "admin kim", "admin Kim"
    )
    admin.submit("/connections/bank/resume", "/connections/bank")
    assert "Paused" not in text_of(admin.get("/connections/bank").text).replace("can be paused", "")


def test_no_page_shows_a_secret(visit: Any, company: Company) -> None:
    admin = visit("admin")
    for path in ("/connections", "/connections/erp", "/connections/crm", "/audit", "/access"):
        html = admin.get(path).text
        for secret in (*CANARIES, *company.tokens.values()):
            assert secret not in html, path


# -- deliveries, access --------------------------------------------------------------
def test_a_delivery_shows_its_body_and_can_be_replayed(visit: Any, company: Company) -> None:
    operator = visit("operator")
    with company.hub.store.look() as tx:
        row = views.deliveries(tx.conn, connection="crm", limit=1)[0]
    html = operator.get(f"/deliveries/{row.id}").text
    assert "&#34;stage&#34;: &#34;closedwon&#34;" in html
    assert "Order received" in html
    assert operator.submit(f"/deliveries/{row.id}/replay", f"/deliveries/{row.id}").status_code == 303
    assert "processed once more" in operator.get(f"/deliveries/{row.id}").text
    assert row.id in operator.get("/audit").text


def test_a_token_made_in_the_console_is_shown_once(visit: Any, company: Company) -> None:
    admin = visit("admin")
    page = admin.submit("/access", "/access", name="Robin", role="viewer")
    token = re.search(r"o2c_[\w-]{20,}", page.text)
    assert token
    assert token.group(0) not in admin.get("/access").text
    robin = visit()
    assert robin.login(token.group(0)).status_code == 303
    assert admin.submit("/access/revoke", "/access", name="Robin").status_code == 303
    assert robin.get("/").status_code == 303
    assert "last admin" in admin.submit("/access/revoke", "/access", name="admin Kim").text


# -- words -----------------------------------------------------------------------------
def test_there_are_words_for_every_event_reason_decision_and_state() -> None:
    from hub.decide import _ROW_DECISIONS
    from hub.model.states import LEGAL
    from hub.process import DECISIONS, REACTIONS
    from hub.ui import words

    assert set(words._EVENTS) == set(REACTIONS)
    reasons = {**DECISIONS, **_ROW_DECISIONS}
    assert set(reasons) <= set(words.REASONS)
    assert all(words.decision(name, reason).meaning for reason, names in reasons.items() for name in names)
    assert all(words.state(str(state)).tone for moves in LEGAL.values() for state in moves)
    assert {str(state) for moves in LEGAL.values() for state in moves} <= set(words._STATES)


def test_money_is_never_rounded_on_its_way_to_the_page() -> None:
    from hub.model import Money
    from hub.ui import render

    assert render.money(Money(amount=Decimal("1234567.891"), currency="KWD")) == "1,234,567.891 KWD"
    assert render.money(Money(amount=Decimal("500"), currency="JPY")) == "500 JPY"
    assert render.quantity(Decimal("2.5000")) == "2.5"
    assert render.price(Decimal("0.12345")) == "0.12345"
    assert render.price(Decimal("310")) == "310.00"
