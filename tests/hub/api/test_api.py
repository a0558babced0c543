"""What the admin API answers, what it changes, and what it never shows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import structlog
from structlog.testing import capture_logs

from hub.store import views
from hub.store.tables import AUDIT, INBOX, XREF
from tests.ui import company as companies
from tests.ui.company import Company

CANARIES = ("canary-webhook-secret-7731", "canary-erp-token-9912")
GETS = (
    "/me", "/overview", "/ledger/balances", "/audit", "/cases", "/deliveries", "/outbox", "/connectors",
    "/connections", "/connections/crm", "/connections/erp", "/connections/bank", "/tokens", "/openapi.json",
    "/documents?kind=order", "/documents?kind=customer", "/documents?kind=payment",
)  # fmt: skip


def audited(company: Company, action: str) -> list[Any]:
    with company.hub.store.look() as tx:
        return list(tx.conn.execute(AUDIT.select().where(AUDIT.c.action == action)).all())


# -- reading -------------------------------------------------------------------
def test_the_overview_adds_up(call: Any) -> None:
    seen = call("GET", "/overview", role="viewer").json()
    dollars = seen["figures"][0]
    assert dollars["currency"] == "USD"
    assert dollars["cash_received"] == {"amount": "34748.25", "currency": "USD"}
    assert dollars["unapplied_cash"]["amount"] == "15912.75"
    assert dollars["paid"]["amount"] == "18835.50"
    assert seen["open_cases"]["unmatched_payment"] == 1


def test_balances_add_up_to_zero_per_currency(call: Any) -> None:
    from decimal import Decimal

    balances = call("GET", "/ledger/balances", role="viewer").json()
    assert {one["account"] for one in balances} >= {"cash", "receivable", "revenue", "tax", "unapplied"}
    assert sum(Decimal(one["amount"]["amount"]) for one in balances) == 0


def test_documents_are_found_by_number_customer_and_state(call: Any) -> None:
    def found(**query: str) -> list[str]:
        page = call("GET", "/documents", role="viewer", params={"kind": "order", **query}).json()
        return [one["number"] for one in page["items"]]

    assert found(search="so-47")[-1] == "SO-4711"
    assert found(search="northwind") == ["SO-4718", "SO-4711"]
    assert found(search="PO-4722") == ["SO-4722"]
    assert found(state="closed") == ["SO-4711"]
    assert found(search="100%") == []


def test_a_list_is_walked_page_by_page_without_gap_or_repeat(call: Any) -> None:
    seen, after = [], ""
    for _ in range(10):
        page = call("GET", "/documents", params={"kind": "order", "limit": 2, "after": after}).json()
        seen += [one["id"] for one in page["items"]]
        after = page["after"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize("path", ["/documents?kind=order", "/cases?", "/deliveries?", "/outbox?", "/audit?"])
def test_no_page_is_larger_than_two_hundred(path: str, call: Any) -> None:
    assert call("GET", f"{path}&limit=200").status_code == 200
    refused = call("GET", f"{path}&limit=201")
    assert refused.status_code == 422
    assert refused.json()["field"] == "limit"


def test_a_document_comes_with_its_references_postings_and_versions(call: Any, company: Company) -> None:
    told = call("GET", f"/documents/{company.ids['paid']}", role="viewer").json()
    assert told["body"]["payer"]["name"] == "NORTHWIND TRADERS LTD"
    assert {one["connection"]: one["external_id"] for one in told["xrefs"]}["erp"].startswith("PA-")
    assert {one["account"] for one in told["postings"]} == {"cash", "unapplied", "receivable"}
    assert [one["version"] for one in told["versions"]] == [1, 2]


def test_the_timeline_tells_what_came_in_what_followed_and_what_went_out(call: Any, company: Company) -> None:
    moments = call("GET", f"/orders/{company.ids['SO-4711']}/timeline", role="viewer").json()
    assert [one["at"] for one in moments] == sorted(one["at"] for one in moments)
    names = [(one["what"], one["name"]) for one in moments]
    assert names[:5] == [
        ("received", "webhook"),
        ("event", "order.received"),
        ("event", "order.validated"),
        ("event", "order.approved"),
        ("attempt", "done"),
    ]
    assert names.count(("attempt", "done")) == 3
    assert ("event", "order.closed") in names


def test_the_timeline_shows_attempts_that_failed_and_the_case(call: Any, company: Company) -> None:
    moments = call("GET", f"/orders/{company.ids['SO-4725']}/timeline").json()
    assert [one["name"] for one in moments if one["what"] == "attempt"] == ["unknown", "unknown_outcome"]
    assert [one["name"] for one in moments if one["what"] == "case"] == ["unknown_outcome"]


@pytest.mark.parametrize(
    "path",
    ["/documents/x", "/orders/x/timeline", "/cases/x", "/deliveries/x", "/connections/x", "/nothing"],
)
def test_what_does_not_exist_is_a_404_with_one_sentence(path: str, call: Any) -> None:
    answer = call("GET", path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "field"}


def test_a_customer_has_no_timeline(call: Any, company: Company) -> None:
    assert call("GET", f"/orders/{company.ids['Umbra Logistics']}/timeline").status_code == 404


# -- secrets -------------------------------------------------------------------
def test_no_answer_and_no_table_shows_a_secret(call: Any, company: Company) -> None:
    ids = call("GET", "/deliveries").json()["items"]
    paths = [*GETS, *(f"/deliveries/{one['id']}" for one in ids[:3])]
    for path in paths:
        answer = call("GET", path)
        assert answer.status_code == 200, path
        for secret in (*CANARIES, *company.tokens.values()):
            assert secret not in answer.text, path
    company.hub.store.database.engine.raw_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = b"".join(path.read_bytes() for path in company.folder.glob("hub.db*"))
    for secret in (*CANARIES, *company.tokens.values()):
        assert secret.encode() not in stored


def test_headers_that_carry_credentials_are_masked(call: Any, company: Company) -> None:
    row_id = call("GET", "/deliveries").json()["items"][0]["id"]
    with company.hub.store.begin() as tx:
        headers = orjson.dumps({"x-api-key": "canary-header-1", "x-request-id": "r-1"}).decode()
        tx.conn.execute(INBOX.update().where(INBOX.c.id == row_id).values(headers=headers))
    shown = call("GET", f"/deliveries/{row_id}").json()["headers"]
    assert shown == {"x-api-key": "***", "x-request-id": "r-1"}


# -- connections ---------------------------------------------------------------
def put(
    call: Any, name: str, settings: dict[str, Any], connector: str = "http", **more: Any
) -> httpx.Response:
    body = {"connector": connector, "settings": settings, **more}
    answer: httpx.Response = call("PUT", f"/connections/{name}", json=body)
    return answer


def opened(company: Company, name: str) -> Any:
    return company.hub.registry.get(name).connector.settings


def test_a_secret_that_is_left_out_keeps_its_value_and_null_removes_it(call: Any, company: Company) -> None:
    made = put(call, "shop", {"secret": "first-secret-123", "kind": "order"})
    assert made.status_code == 200
    assert made.json()["secrets_set"] == ["secret"]
    assert made.json()["webhook_path"] == "/webhooks/shop"
    kept = put(call, "shop", {"kind": "order", "signature_prefix": "sha256="}).json()
    assert kept["secrets_set"] == ["secret"]
    assert kept["settings"] == {"kind": "order", "signature_prefix": "sha256="}
    assert opened(company, "shop").secret.get_secret_value() == "first-secret-123"
    assert put(call, "shop", {"kind": "order", "secret": None}).json()["secrets_set"] == []
    assert opened(company, "shop").secret.get_secret_value() == ""


def test_a_refused_setting_names_its_field_and_never_repeats_a_secret(call: Any) -> None:
    wrong = put(call, "shop2", {"token": "canary with spaces 55"})
    assert wrong.status_code == 422
    assert wrong.json()["field"] == "token"
    assert "canary" not in wrong.text
    unknown = put(call, "shop2", {"colour": "red"})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "colour")
    assert call("GET", "/connections/shop2").status_code == 404


@pytest.mark.parametrize("name", ["inbox", "new", "A", "a b", "x" * 41, "1st", "ümlaut"])
def test_a_name_that_could_be_mistaken_is_refused(name: str, call: Any) -> None:
    answer = put(call, name, {})
    assert (answer.status_code, answer.json()["field"]) == (422, "name")


def test_a_connection_cannot_change_its_connector(call: Any) -> None:
    assert put(call, "crm", {}, connector="bank").json()["field"] == "name"
    assert put(call, "other", {}, connector="no-such").json()["field"] == "connector"


def test_a_broken_mapping_is_refused_before_it_can_stop_the_hub(call: Any, company: Company) -> None:
    folder = company.folder / "mappings" / "fresh"
    folder.mkdir()
    (folder / "order.in.yaml").write_text(
        "mapping: x.y -> order\nversion: 1\nfields: { number: { frum: a } }\n"
    )
    refused = put(call, "fresh", {})
    assert refused.status_code == 422
    assert "order.in.yaml" in refused.json()["error"]
    assert call("GET", "/connections/fresh").status_code == 404


def test_only_a_connection_without_history_can_be_deleted(call: Any, company: Company) -> None:
    put(call, "mistake", {})
    assert call("DELETE", "/connections/mistake").json() == {"done": True}
    assert call("GET", "/connections/mistake").status_code == 404
    refused = call("DELETE", "/connections/erp")
    assert refused.status_code == 422
    assert "pause it instead" in refused.json()["error"]
    assert [row.subject for row in audited(company, "connection.delete")] == ["mistake"]


def test_a_check_is_kept_and_tells_what_to_repair(call: Any, company: Company) -> None:
    put(call, "dead-end", {"base_url": "http://127.0.0.1:9", "paths": {"order": "/o"}})
    report = call("POST", "/connections/dead-end/check", role="operator").json()
    assert report["ok"] is False
    assert report["findings"]
    assert call("GET", "/connections/dead-end").json()["health"] == report
    assert call("POST", "/connections/erp/check", role="operator").json()["ok"] is True


def test_pause_and_resume_are_kept_with_a_name(call: Any, company: Company) -> None:
    assert call("POST", "/connections/bank/pause", json={"why": "year end"}).status_code == 200
    told = call("GET", "/connections/bank").json()
    assert (told["state"], told["paused_why"]) == ("paused", "paused by admin Kim: year end")
    assert call("POST", "/connections/bank/poll", role="operator").json()["field"] == "state"
    assert call("POST", "/connections/bank/resume").status_code == 200
    assert call("GET", "/connections/bank").json()["state"] == "active"
    assert [row.actor for row in audited(company, "connection.pause")] == ["admin Kim"]


def test_what_cannot_be_polled_says_so(call: Any) -> None:
    refused = call("POST", "/connections/bank/poll", role="operator")
    assert (refused.status_code, refused.json()["field"]) == (422, "connector")


def test_connectors_tell_their_form_with_secrets_marked(call: Any) -> None:
    told = {one["name"]: one for one in call("GET", "/connectors", role="viewer").json()}
    assert told["http"]["settings_schema"]["properties"]["token"]["writeOnly"] is True
    assert "payment" in told["bank"]["inbound"]


# -- cases ---------------------------------------------------------------------
def test_a_credit_hold_is_released_once_with_name_and_note(call: Any, company: Company) -> None:
    case_id = company.case("credit_hold")
    shown = call("GET", f"/cases/{case_id}", role="viewer").json()
    assert shown["choices"] == ["release", "revise", "reject"]
    assert shown["evidence"]["limit"] == "40,000.00 USD"
    answer = {"decision": "release", "note": "their CFO called"}
    done = call("POST", f"/cases/{case_id}/decision", role="operator", json=answer)
    assert done.status_code == 200
    assert (done.json()["resolved_by"], done.json()["note"]) == ("operator Kim", "their CFO called")
    order = call("GET", f"/documents/{company.ids['SO-4731']}").json()
    assert order["state"] == "approved"
    assert order["body"]["credit"]["decided_by"] == "operator Kim"
    again = call("POST", f"/cases/{case_id}/decision", role="operator", json=answer)
    assert again.status_code == 422
    assert "answered by operator Kim" in again.json()["error"]
    assert [row.actor for row in audited(company, "case.release")] == ["operator Kim"]


def test_a_payment_is_applied_only_up_to_what_is_there(call: Any, company: Company) -> None:
    case_id = company.case("unmatched_payment")
    with company.hub.store.look() as tx:
        (invoice,) = views.documents(tx.conn, kind="invoice", search="INV-2026-000003")

    def apply(amount: str) -> httpx.Response:
        values = {"invoices": [{"invoice": invoice.id, "amount": amount}]}
        body = {"decision": "apply", "values": values}
        answer: httpx.Response = call("POST", f"/cases/{case_id}/decision", role="operator", json=body)
        return answer

    assert apply("15912.76").json()["field"] == "invoices"
    assert apply("many").json()["field"] == "amount"
    assert apply("15912.75").status_code == 200
    assert call("GET", f"/documents/{invoice.id}").json()["state"] == "paid"


def test_a_decision_that_does_not_answer_changes_nothing(call: Any, company: Company) -> None:
    case_id = company.case("rejected")
    refused = call("POST", f"/cases/{case_id}/decision", role="operator", json={"decision": "release"})
    assert (refused.status_code, refused.json()["field"]) == (422, "decision")
    assert call("GET", f"/cases/{case_id}").json()["state"] == "open"


@pytest.mark.parametrize("extra", ["state", "resolved_by", "tenant_id", "role"])
def test_fields_that_nobody_asked_for_are_refused(extra: str, call: Any, company: Company) -> None:
    body = {"decision": "drop", extra: "x"}
    refused = call("POST", f"/cases/{company.case('rejected')}/decision", role="operator", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, extra)


# -- queues --------------------------------------------------------------------
def test_a_delivery_is_replayed_and_its_case_answered(call: Any, company: Company) -> None:
    row_id = call("GET", "/deliveries").json()["items"][0]["id"]
    with company.hub.store.begin() as tx:
        tx.conn.execute(INBOX.update().where(INBOX.c.id == row_id).values(state="dead"))
        case_id = tx.cases.open(reason="dead_letter", title="t", now=tx.now, row_id=row_id)
    assert call("POST", f"/deliveries/{row_id}/replay", role="operator").json() == {"done": True}
    assert call("GET", f"/deliveries/{row_id}").json()["state"] == "pending"
    assert call("GET", f"/cases/{case_id}").json()["decision"] == "replay"
    assert [row.subject for row in audited(company, "delivery.replay")] == [row_id]
    assert call("POST", "/deliveries/none/replay", role="operator").status_code == 404


def test_a_stopped_row_of_the_outbox_is_tried_again(call: Any, company: Company) -> None:
    (row,) = (
        one for one in call("GET", "/outbox?state=dead&connection=erp").json()["items"]
        if one["document"] == company.ids["SO-4722"]
    )  # fmt: skip
    assert call("POST", f"/outbox/{row['id']}/retry", role="operator").status_code == 200
    with company.hub.store.look() as tx:
        now = tx.conn.execute(XREF.select().where(XREF.c.id == row["id"])).one()
    assert now.state == "pending"
    assert call("POST", "/outbox/none/retry", role="operator").status_code == 404


# -- tokens --------------------------------------------------------------------
def test_a_token_is_shown_once_works_and_ends(call: Any, company: Company) -> None:
    made = call("POST", "/tokens", json={"name": "night job", "role": "viewer"})
    assert made.status_code == 201
    token = made.json()["token"]
    assert call("GET", "/me", token=token).json() == {"name": "night job", "role": "viewer"}
    assert token not in call("GET", "/tokens").text
    twice = call("POST", "/tokens", json={"name": "night job", "role": "admin"})
    assert (twice.status_code, twice.json()["field"]) == (422, "name")
    assert call("DELETE", "/tokens/night job").json() == {"done": True}
    assert call("GET", "/me", token=token).status_code == 401
    assert call("DELETE", "/tokens/night job").status_code == 404


def test_the_last_admin_cannot_lock_everybody_out(call: Any) -> None:
    refused = call("DELETE", "/tokens/admin Kim")
    assert refused.status_code == 422
    assert "last admin" in refused.json()["error"]


# -- the edge ------------------------------------------------------------------
def test_every_answer_carries_the_safe_headers(call: Any) -> None:
    for answer in (call("GET", "/me"), call("GET", "/nothing"), call("GET", "/me", role="")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_bodies_are_bounded_in_size_and_depth(call: Any) -> None:
    long = call("POST", "/tokens", content=b'{"name":"' + b"x" * 1_000_001 + b'"}')
    assert long.status_code == 413
    began = time.monotonic()
    deep = call("POST", "/tokens", content=b"[" * 100_000)
    assert 400 <= deep.status_code < 500
    assert time.monotonic() - began < 1


def test_an_unexpected_error_shows_an_id_that_is_in_the_log_and_nothing_else(tmp_path: Path) -> None:
    broken = companies.empty(tmp_path)
    with broken.hub.store.begin() as tx:
        tx.conn.exec_driver_sql("DROP TABLE audit")
    structlog.reset_defaults()
    headers = {"authorization": f"Bearer {broken.tokens['viewer']}"}
    with companies.served(broken) as url, capture_logs() as logs:
        answer = httpx.get(f"{url}/api/v1/audit", headers=headers)
    assert answer.status_code == 500
    (entry,) = (one for one in logs if one["event"] == "request_failed")
    assert entry["error_id"] in answer.json()["error"]
    assert "audit" not in answer.text
    assert "Traceback" not in answer.text
    assert "SELECT" not in entry["error"]
