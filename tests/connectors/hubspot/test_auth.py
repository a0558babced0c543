"""OAuth: a token is fetched once, before the last one ends, and a grant that is gone says what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from pydantic import ValidationError

from connectors.hubspot.auth import Refreshing
from connectors.hubspot.connector import HubSpot, Settings
from hub.sdk import AuthFailed, RateLimited, SecretStr, Transient
from sandbox.kit import Fault
from tests.connectors.hubspot.account import SECRET, Account, changed_deal, orders


def connect(account: Account, **settings: Any) -> HubSpot:
    known = {
        "access_token": None,
        "client_id": account.sandbox.oauth.client_id,
        "refresh_token": account.sandbox.install().refresh_token,
    }
    return account.connect(**{**known, **settings})


def test_an_app_with_oauth_reads_with_one_token_for_all_calls(account: Account) -> None:
    deal = account.won_deal()
    connector = connect(account)
    assert deal in orders(list(connector.read(changed_deal(deal))))
    assert list(connector.read(changed_deal(deal)))
    assert len(account.sandbox.oauth.access) == 1


def test_threads_that_start_together_fetch_one_token(account: Account) -> None:
    deal = account.won_deal()
    connector = connect(account)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: list(connector.read(changed_deal(deal))), range(4)))
    assert all(deal in orders(answer) for answer in answers)
    assert len(account.sandbox.oauth.access) == 1


def test_check_passes_with_oauth(account: Account) -> None:
    health = connect(account).check()
    assert health.ok, health.findings


def test_a_removed_app_says_to_connect_again(account: Account) -> None:
    connector = connect(account)
    account.sandbox.uninstall()
    with pytest.raises(AuthFailed, match="connect the account again") as caught:
        list(connector.read(changed_deal("5")))
    assert caught.value.code in ("invalid_grant", "BAD_REFRESH_TOKEN")
    assert "connect the account again" in connector.check().summary


def test_a_wrong_client_secret_is_told_without_it(account: Account) -> None:
    connector = connect(account, client_secret="not-the-right-one")
    with pytest.raises(AuthFailed, match="check client_id, client_secret") as caught:
        list(connector.read(changed_deal("5")))
    assert "not-the-right-one" not in str(caught.value)


def test_a_token_that_hubspot_forgot_is_replaced_once(account: Account) -> None:
    deal = account.won_deal()
    connector = connect(account)
    assert list(connector.read(changed_deal(deal)))
    account.sandbox.oauth.access.clear()
    assert list(connector.read(changed_deal(deal)))
    assert len(account.sandbox.oauth.access) == 1


def test_a_refusal_of_a_fresh_token_pauses_the_connection(account: Account) -> None:
    refusal = {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no"}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="/crm/", status=401, body=refusal, times=-1))
    with pytest.raises(AuthFailed) as caught:
        list(connect(account).read(changed_deal("5")))
    assert caught.value.status == 401
    assert len(account.sandbox.oauth.access) == 1


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (500, Transient), (503, Transient)])
def test_trouble_of_the_token_endpoint_is_no_refusal(
    account: Account, status: int, kind: type[Exception]
) -> None:
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="/oauth/", status=status, times=-1))
    with pytest.raises(Transient) as caught:
        list(connect(account).read(changed_deal("5")))
    assert type(caught.value) is kind
    assert caught.value.sent is False


class Endpoint:
    """A token endpoint in a test, and everything else behind it."""

    def __init__(self, expires_in: int = 1800) -> None:
        self.time, self.expires_in, self.given = 0.0, expires_in, 0
        self.forms: list[dict[str, str]] = []
        self.body: Any = None
        self.auth = Refreshing(
            url="https://h.test/oauth/2026-09/token",
            client_id="id-1",
            client_secret=SecretStr("s-1"),
            refresh_token=SecretStr("r-1"),
            clock=lambda: self.time,
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/oauth/2026-09/token":
            return httpx.Response(200, text=request.headers["authorization"])
        self.given += 1
        self.forms.append(dict(parse_qsl(request.content.decode())))
        told = {"access_token": f"t-{self.given}", "expires_in": self.expires_in}
        return httpx.Response(200, json=self.body or told)

    def get(self) -> str:
        with httpx.Client(transport=httpx.MockTransport(self), auth=self.auth) as client:
            return client.get("https://h.test/crm").text


@pytest.mark.parametrize(
    ("seconds", "token"), [(0, "t-1"), (1499, "t-1"), (1500, "t-2"), (1799, "t-2"), (9999, "t-2")]
)
def test_a_token_is_replaced_five_minutes_before_it_ends(seconds: float, token: str) -> None:
    endpoint = Endpoint()
    assert endpoint.get() == "Bearer t-1"
    endpoint.time = seconds
    assert endpoint.get() == f"Bearer {token}"


def test_a_token_of_a_short_life_is_still_used() -> None:
    endpoint = Endpoint(expires_in=60)
    endpoint.get()
    endpoint.time = 20
    assert endpoint.get() == "Bearer t-1"


def test_the_form_is_what_the_specification_wants() -> None:
    endpoint = Endpoint()
    endpoint.get()
    assert endpoint.forms == [
        {"grant_type": "refresh_token", "client_id": "id-1", "client_secret": "s-1", "refresh_token": "r-1"}
    ]


def test_a_refresh_token_that_was_exchanged_is_used_from_then_on() -> None:
    endpoint = Endpoint()
    endpoint.body = {"access_token": "t", "refresh_token": "r-2", "expires_in": 60}
    endpoint.get()
    endpoint.time = 60
    endpoint.get()
    assert [form["refresh_token"] for form in endpoint.forms] == ["r-1", "r-2"]


@pytest.mark.parametrize("body", [{"odd": 1}, [1], {"access_token": ""}])
def test_an_answer_without_a_token_is_a_refusal(body: object) -> None:
    endpoint = Endpoint()
    endpoint.body = body
    with pytest.raises(AuthFailed, match="gave no access token"):
        endpoint.get()


def test_an_endless_token_answer_is_cut(account: Account) -> None:
    huge = {"access_token": "t" * 100_000}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="/oauth/", status=200, body=huge, times=-1))
    with pytest.raises(Transient, match="too large"):
        list(connect(account).read(changed_deal("5")))


def test_no_secret_of_oauth_is_shown(account: Account) -> None:
    connector = connect(account)
    list(connector.read(changed_deal("5")))
    (token,) = account.sandbox.oauth.access
    (refresh,) = account.sandbox.oauth.grants
    echo = {"message": f"{token} {refresh} {SECRET}", "category": "FORBIDDEN"}
    account.sandbox.kit.faults.append(Fault(kind="refuse", path="/crm/", status=403, body=echo, times=-1))
    with pytest.raises(Exception, match=r"\*\*\*") as caught:
        list(connector.read(changed_deal("5")))
    shown = str(caught.value) + repr(vars(caught.value)) + repr(connector._settings) + repr(vars(connector))
    assert not [one for one in (token, refresh, SECRET) if one in shown]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"client_id": "i", "client_secret": "s"},
        {"client_id": "i", "refresh_token": "secret-r"},
        {"client_secret": "s", "refresh_token": "secret-r"},
        {"access_token": "secret-t", "client_id": "i", "client_secret": "s", "refresh_token": "secret-r"},
    ],
)
def test_half_a_credential_or_two_of_them_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give access_token") as caught:
        Settings.model_validate(settings)
    assert "secret-" not in str(caught.value)
