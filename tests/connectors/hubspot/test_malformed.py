"""Answers that are a success by their status and nonsense by their content: come again, never a crash."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.hubspot.auth import Refreshing
from connectors.hubspot.connector import Settings
from hub.sdk import SecretStr, Transient, Write
from sandbox.kit import Fault
from tests.connectors.hubspot.account import Account, changed_deal

NO_OBJECTS: list[Any] = [
    [],
    "text",
    {"results": ["x"]},
    {"results": [{}]},
    {"results": [{"id": "a", "properties": {}}]},
    {"results": [{"id": "5"}]},
    {"results": [], "errors": ["x"]},
]


def answers(account: Account, path: str, body: Any) -> None:
    account.sandbox.kit.faults.append(Fault(kind="refuse", path=path, status=200, body=body, times=-1))


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_a_batch_read_without_objects_is_asked_again_later(account: Account, body: Any) -> None:
    deal = account.won_deal()
    answers(account, "deals/batch/read", body)
    with pytest.raises(Transient):
        list(account.connect().read(changed_deal(deal)))


@pytest.mark.parametrize("link", [{}, {"from": {}, "to": []}, {"from": {"id": "1"}, "to": [{}]}, {"to": 5}])
def test_associations_without_ids_are_asked_again_later(account: Account, link: Any) -> None:
    deal = account.won_deal()
    answers(account, "deals/companies/batch/read", {"results": [link]})
    with pytest.raises(Transient, match="has no ids"):
        list(account.connect().read(changed_deal(deal)))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pipelines", {"results": [{"id": "p", "stages": [{}]}]}),
        ("account-info", []),
        ("deals/search", {"results": [{"id": "x", "properties": {}}]}),
        ("deals/search", {"results": [{"id": "5", "properties": {}}]}),
    ],
)
def test_what_surrounds_a_deal_may_be_malformed_too(account: Account, path: str, body: Any) -> None:
    deal = account.won_deal()
    answers(account, path, body)
    connector = account.connect(poll_from="2026-01-01T00:00:00Z")
    work = (lambda: connector.poll(None)) if "search" in path else lambda: connector.read(changed_deal(deal))
    with pytest.raises(Transient):
        work()


@pytest.mark.parametrize("body", [[], "text", {"results": ["x"]}, {"errors": ["x"]}, {"errors": 5}])
def test_a_write_with_a_malformed_answer_is_an_unknown_outcome(account: Account, body: Any) -> None:
    account.sandbox.create_deal(dealname="A")
    answers(account, "invoices/batch/upsert", body)
    write = Write("invoice", {"properties": {"hs_currency": "EUR"}}, None, "inv-1", "inv-1:1")
    with pytest.raises(Transient) as caught:
        account.connect().push(write)
    assert caught.value.sent is True


def test_a_token_answer_that_is_no_json_is_not_held_against_the_credentials() -> None:
    access = Refreshing(
        url="https://hubspot.test/token",
        client_id="c",
        client_secret=SecretStr("s"),
        refresh_token=SecretStr("r"),
    )
    for page in (b"<html>", b"[" * 5_000):
        flow = access.sync_auth_flow(httpx.Request("GET", "https://hubspot.test/x"))
        next(flow)
        with pytest.raises(Transient) as caught:
            flow.send(httpx.Response(200, content=page))
        assert caught.value.sent is False


@pytest.mark.parametrize("life", ["soon", -5, 10**12, None, True])
def test_a_token_with_an_odd_life_is_used_for_half_an_hour(life: Any) -> None:
    access = Refreshing(
        url="https://hubspot.test/token",
        client_id="c",
        client_secret=SecretStr("s"),
        refresh_token=SecretStr("r"),
        clock=lambda: 0.0,
    )
    flow = access.sync_auth_flow(httpx.Request("GET", "https://hubspot.test/x"))
    next(flow)
    sent = flow.send(httpx.Response(200, json={"access_token": "t", "expires_in": life}))
    assert sent.headers["authorization"] == "Bearer t"
    assert access._good_until == 1_500


@pytest.mark.parametrize("token", ["pat-1\n", "pat 1", "pät"])
def test_a_token_that_would_break_a_header_is_refused_in_the_settings(token: str) -> None:
    with pytest.raises(ValueError, match="copy it again") as caught:
        Settings.model_validate({"access_token": token})
    assert token not in str(caught.value)
