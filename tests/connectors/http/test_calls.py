"""REST calls out: addresses, credentials, what is sent, what an answer means."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from connectors.http.connector import Http
from connectors.http.settings import Settings
from hub.sdk import (
    AuthFailed,
    Conflict,
    ConnectorError,
    Idempotency,
    RateLimited,
    Rejected,
    Transient,
    Write,
)
from sandbox.kit import serve
from sandbox.rest import RestSandbox

API = "https://erp.example/api"
TOKEN = "super-secret-token"


def searching(**settings: Any) -> Http:
    find = {"find_paths": {"order": "/orders?ref={reference}"}}
    return http(**{**find, "update_paths": {"order": "/orders/{external_id}"}, **settings})


def http(**settings: Any) -> Http:
    given = {"base_url": API, "token": TOKEN, "paths": {"order": "/orders"}, **settings}
    return Http(Settings.model_validate(given))


def write(**facts: Any) -> Write:
    given = {"kind": "order", "record": {"total": Decimal("10.10")}, "external_id": None}
    return Write(**{**given, "reference": "doc-1", "idempotency_key": "key-1", **facts})


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=API) as router:
        yield router


def test_record_is_posted_with_exact_decimals_and_the_token(wire: respx.MockRouter) -> None:
    call = wire.post("/orders").respond(201, json={"id": 77})
    assert http().push(write()) == "77"
    request = call.calls.last.request
    assert request.content == b'{"total":10.10}'
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"


def test_key_goes_into_its_own_header(wire: respx.MockRouter) -> None:
    call = wire.post("/orders").respond(201, json={"id": 1})
    http(token="", key_header="X-Api-Key", key="k-1").push(write())
    assert call.calls.last.request.headers["x-api-key"] == "k-1"
    assert "authorization" not in call.calls.last.request.headers


def test_idempotency_key_is_sent_and_stable_across_tries(wire: respx.MockRouter) -> None:
    answers = [httpx.ReadTimeout("slow"), httpx.Response(201, json={"id": 1})]
    call = wire.post("/orders").mock(side_effect=answers)
    assert http(idempotency_header="Idempotency-Key").push(write()) == "1"
    assert [c.request.headers["idempotency-key"] for c in call.calls] == ["key-1", "key-1"]


def test_write_that_is_not_idempotent_is_never_repeated(wire: respx.MockRouter) -> None:
    call = wire.post("/orders").mock(side_effect=httpx.ReadTimeout("slow"))
    with pytest.raises(Transient) as caught:
        http().push(write())
    assert call.call_count == 1
    assert caught.value.sent


@pytest.mark.parametrize(
    ("reference", "path"),
    [("doc-1", b"/api/o/doc-1"), ("a/../b?c#d e", b"/api/o/a%2F..%2Fb%3Fc%23d%20e"), ("ü", b"/api/o/%C3%BC")],
)
def test_reference_cannot_leave_its_place_in_the_path(
    wire: respx.MockRouter, reference: str, path: bytes
) -> None:
    call = wire.put(path__regex=r"/o/").respond(200, json={})
    http(paths={"order": "/o/{reference}"}, methods={"order": "PUT"}).push(write(reference=reference))
    assert call.calls.last.request.url.raw_path == path


@pytest.mark.parametrize("reference", ["", ".", ".."])
def test_reference_that_is_no_path_segment_is_rejected_unsent(reference: str) -> None:
    with pytest.raises(Rejected) as caught:
        http(paths={"order": "/o/{reference}"}).push(write(reference=reference))
    assert not caught.value.sent


def test_known_document_is_put_to_its_update_path(wire: respx.MockRouter) -> None:
    call = wire.put("/orders/77").respond(204)
    assert http(update_paths={"order": "/orders/{external_id}"}).push(write(external_id="77")) == "77"
    assert call.called


def test_unknown_external_id_cannot_be_written_to() -> None:
    with pytest.raises(Rejected, match="not known before the first write"):
        http(paths={"order": "/orders/{external_id}"}).push(write())


def test_kind_without_a_path_is_rejected() -> None:
    with pytest.raises(Rejected, match="no path for invoice"):
        http().push(write(kind="invoice"))


@pytest.mark.parametrize(
    ("answer", "id"),
    [({"id": "x"}, "x"), ({"id": None}, "doc-1"), ({}, "doc-1"), ([], "doc-1"), ({"id": ""}, "doc-1")],
)
def test_answer_without_an_id_means_our_reference(wire: respx.MockRouter, answer: Any, id: str) -> None:
    wire.post("/orders").respond(201, json=answer)
    assert http().push(write()) == id


def test_id_is_found_at_its_path(wire: respx.MockRouter) -> None:
    wire.post("/orders").respond(201, json={"result": [{"no": 5}]})
    assert http(id_path="result.0.no").push(write()) == "5"


def test_id_of_a_strange_type_is_rejected_and_says_what_to_correct(wire: respx.MockRouter) -> None:
    wire.post("/orders").respond(201, json={"id": {"a": 1}})
    with pytest.raises(Rejected, match="correct the id path"):
        http().push(write())


def test_answer_that_is_not_json_is_an_unknown_outcome(wire: respx.MockRouter) -> None:
    wire.post("/orders").respond(200, text="<html>login</html>")
    with pytest.raises(Transient) as caught:
        http().push(write())
    assert caught.value.sent


@pytest.mark.parametrize(
    ("status", "kind", "sent"),
    [
        (400, Rejected, True),
        (301, Rejected, True),
        (401, AuthFailed, True),
        (403, Rejected, True),
        (404, Rejected, True),
        (409, Conflict, True),
        (423, Transient, False),
        (429, RateLimited, False),
        (500, Transient, True),
        (503, Transient, True),
    ],
)
def test_status_means_what_the_house_says(
    wire: respx.MockRouter, status: int, kind: type[ConnectorError], sent: bool
) -> None:
    wire.post("/orders").respond(status, json={"why": "because"}, headers={"retry-after": "7"})
    with pytest.raises(kind) as caught:
        http().push(write())
    assert (type(caught.value), caught.value.status, caught.value.sent) == (kind, status, sent)
    assert caught.value.retry_after == 7
    assert "because" in str(caught.value)


def test_secret_that_the_system_repeats_is_not_in_the_error(wire: respx.MockRouter) -> None:
    wire.post("/orders").respond(400, text=f"bad header Authorization: Bearer {TOKEN}")
    with pytest.raises(Rejected) as caught:
        http().push(write())
    assert TOKEN not in f"{caught.value!s} {caught.value!r}"


def test_our_reference_is_written_where_it_is_searched_for(wire: respx.MockRouter) -> None:
    call = wire.post("/orders").respond(201, json={"id": 1})
    searching(reference_field="ref").push(write())
    assert call.calls.last.request.content == b'{"total":10.10,"ref":"doc-1"}'


def test_mapping_that_fills_the_reference_field_is_rejected() -> None:
    connector = searching()
    with pytest.raises(Rejected, match="rename one of them"):
        connector.push(write(record={"reference": "mine"}))


@pytest.mark.parametrize(
    ("status", "answer", "found"),
    [
        (200, [{"id": 5}], "5"),
        (200, [], None),
        (200, {"id": "7"}, "7"),
        (200, {}, None),
        (404, {"error": "not found"}, None),
    ],
)
def test_find_tells_the_id_or_nothing(
    wire: respx.MockRouter, status: int, answer: Any, found: str | None
) -> None:
    call = wire.get("/orders", params={"ref": "doc 1"}).respond(status, json=answer)
    connector = searching()
    assert connector.find("order", "doc 1") == found
    assert call.called


def test_find_walks_to_the_id_of_a_nested_answer(wire: respx.MockRouter) -> None:
    wire.get("/orders").respond(200, json={"items": [{"no": 9}]})
    connector = searching(find_id_path="items.0.no")
    assert connector.find("order", "doc-1") == "9"


def test_several_objects_with_our_reference_are_a_case(wire: respx.MockRouter) -> None:
    wire.get("/orders").respond(200, json=[{"id": 1}, {"id": 2}])
    with pytest.raises(Rejected, match="2 objects carry our reference"):
        searching().find("order", "doc-1")


def test_failed_search_is_not_mistaken_for_nothing_found(wire: respx.MockRouter) -> None:
    wire.get("/orders").respond(400, json={"error": "bad filter"})
    with pytest.raises(Rejected, match="bad filter"):
        searching().find("order", "doc-1")


def test_search_that_is_not_configured_is_rejected() -> None:
    with pytest.raises(Rejected, match="find_paths"):
        http().find("order", "doc-1")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Idempotency.NONE),
        ({"idempotency_header": "idempotency-key"}, Idempotency.NATIVE),
        (
            {"find_paths": {"order": "/o?r={reference}"}, "update_paths": {"order": "/o/{external_id}"}},
            Idempotency.LOOKUP,
        ),
        ({"paths": {"order": "/o/{reference}"}, "methods": {"order": "PUT"}}, Idempotency.NATIVE),
        ({"paths": {"order": "/o/{reference}"}}, Idempotency.NONE),
    ],
)
def test_manifest_declares_what_the_settings_allow(settings: dict[str, Any], expected: Idempotency) -> None:
    kind = http(**settings).manifest.kinds["order"]
    assert (kind.outbound, kind.inbound, kind.idempotency) == (True, False, expected)
    assert (kind.quiesce > 0) == (expected is Idempotency.LOOKUP)


def test_manifest_of_one_instance_leaves_the_others_alone() -> None:
    both = Http(
        Settings.model_validate({"secret": "s", "kind": "order", "base_url": API, "paths": {"order": "/o"}})
    )
    assert (both.manifest.kinds["order"].inbound, both.manifest.kinds["order"].outbound) == (True, True)
    assert set(Http(Settings()).manifest.kinds) == set()
    assert set(Http.manifest.kinds) == {"message"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"paths": {"order": "orders"}}, "starts with one /"),
        ({"paths": {"order": "//evil.example/orders"}}, "starts with one /"),
        ({"paths": {"order": "/o/{id}"}}, "unknown placeholder 'id'"),
        ({"paths": {"order": "/o/{reference.__class__}"}}, "unknown placeholder"),
        ({"paths": {"order": "/o/{reference!r}"}}, "unknown placeholder"),
        ({"paths": {"order": "/o/{"}}, "not a path template"),
        ({"methods": {"invoice": "PUT"}}, "no path for the kind invoice"),
        ({"methods": {"order": "DELETE"}}, "POST"),
        ({"find_paths": {"order": "/orders"}}, "find anything"),
        ({"find_paths": {"order": "/orders?ref={reference}"}}, "set update_paths too"),
        ({"base_url": ""}, "base_url is not"),
        ({"base_url": "ftp://erp.example"}, "http or https"),
        ({"base_url": "https://user:pass@erp.example"}, "no credentials"),
        ({"token": f"{TOKEN}\r\nx: y"}, "visible ASCII"),
        ({"key_header": "x-key"}, "belong together"),
        ({"idempotency_header": "bad header"}, "not a header name"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_secrets(
    settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        http(**settings)
    assert TOKEN not in str(caught.value)


def test_check_tells_health_credentials_and_what_is_unproven() -> None:
    sandbox = RestSandbox()
    with serve(sandbox.app) as url:
        good: dict[str, Any] = {"base_url": url, "token": sandbox.token, "check_path": "/me"}
        assert http(**good).check().ok
        assert not http(**{**good, "token": "wrong"}).check().ok
        assert not http(**{**good, "check_path": "/nothing/here"}).check().ok
        unproven = http(**{**good, "check_path": ""}).check()
        assert (unproven.ok, bool(unproven.findings)) == (True, True)
    gone = http(base_url="http://127.0.0.1:1").check()
    assert not gone.ok
    assert TOKEN not in str(gone)


def test_check_of_webhooks_only() -> None:
    assert Http(Settings.model_validate({"secret": "s"})).check().ok
    assert not Http(Settings()).check().ok
