"""Logging in: what is sent for a session, whose session is accepted, and when a new one is asked for."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pydantic import ValidationError

from connectors.salesforce.auth import Login, trusted
from connectors.salesforce.settings import Settings
from hub.sdk import AuthFailed, RateLimited, Transient

ORG, USER = "00D5g000004ABCDEAU", "0055g00000FGHIJAAU"
HOME = "https://acme.my.salesforce.com"
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
SECRET = "a-consumer-secret"

Flow = Generator[httpx.Request, httpx.Response, None]


def settings(**changed: Any) -> Settings:
    known = {"org_id": ORG, "consumer_key": "3MVG9key", "username": "hub@acme.test", "private_key": PEM}
    return Settings.model_validate({"base_url": HOME, **known, **changed})


def told(**changed: Any) -> httpx.Response:
    body = {
        "access_token": "00D!first",
        "instance_url": HOME,
        "id": f"https://login.salesforce.com/id/{ORG}/{USER}",
        "token_type": "Bearer",
    }
    return httpx.Response(200, json={**body, **changed})


def denied(why: str) -> httpx.Response:
    return httpx.Response(400, json={"error": "invalid_grant", "error_description": why})


def ask(login: Login) -> tuple[Flow, httpx.Request]:
    flow = login.sync_auth_flow(httpx.Request("GET", f"{HOME}/services/data/v68.0/limits"))
    return flow, next(flow)


def form(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def opened(login: Login) -> httpx.Request:
    """The request as it leaves, after a first login."""
    flow, request = ask(login)
    assert request.url.path == "/services/oauth2/token"
    signed = flow.send(told())
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(200, json={}))
    return signed


def refuse(answer: httpx.Response, **changed: Any) -> Exception:
    flow, _ = ask(settings(**changed).login())
    with pytest.raises((AuthFailed, Transient)) as caught:
        flow.send(answer)
    return caught.value


def test_a_jwt_is_signed_with_rs256_and_ends_within_three_minutes_in_seconds() -> None:
    _, request = ask(settings().login())
    sent = form(request)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = sent["assertion"].split(".")
    unpack = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, claims, signature)]
    assert json.loads(unpack[0])["alg"] == "RS256"
    said = json.loads(unpack[1])
    assert (said["iss"], said["sub"]) == ("3MVG9key", "hub@acme.test")
    assert 0 < said["exp"] - time.time() <= 180
    KEY.public_key().verify(unpack[2], f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("base_url", "audience"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        (HOME, "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_the_audience_tells_production_from_sandbox(base_url: str, audience: str) -> None:
    assert settings(base_url=base_url).jwt_audience == audience
    assert settings(base_url=base_url, audience="https://site.test").jwt_audience == "https://site.test"


def test_client_credentials_and_refresh_send_their_own_fields() -> None:
    _, request = ask(settings(auth="client_credentials", consumer_secret=SECRET).login())
    assert form(request) == {
        "grant_type": "client_credentials",
        "client_id": "3MVG9key",
        "client_secret": SECRET,
    }
    _, request = ask(settings(auth="refresh", refresh_token="5Aep-token").login())
    assert form(request) == {
        "grant_type": "refresh_token",
        "refresh_token": "5Aep-token",
        "client_id": "3MVG9key",
    }


def test_one_login_serves_many_calls() -> None:
    login = settings().login()
    assert opened(login).headers["authorization"] == "Bearer 00D!first"
    flow, request = ask(login)
    assert request.url.path == "/services/data/v68.0/limits"
    assert request.headers["authorization"] == "Bearer 00D!first"
    flow.close()


def test_calls_go_to_the_address_of_the_token_answer() -> None:
    login = settings(base_url="https://login.salesforce.com").login()
    flow = login.sync_auth_flow(
        httpx.Request("GET", "https://login.salesforce.com/services/data/v68.0/limits")
    )
    assert next(flow).url.host == "login.salesforce.com"
    signed = flow.send(told())
    assert (signed.url.host, signed.headers["host"]) == ("acme.my.salesforce.com", "acme.my.salesforce.com")
    flow.close()


def test_a_session_is_replaced_before_it_ends() -> None:
    login = Login(HOME, settings().login()._grant, org_id=ORG, lifetime_seconds=0)
    opened(login)
    assert login.session is None
    _, request = ask(login)
    assert request.url.path == "/services/oauth2/token"


def test_an_ended_session_is_renewed_once_and_the_call_repeated_once() -> None:
    login = settings().login()
    opened(login)
    flow, _ = ask(login)
    ended = httpx.Response(401, json=[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}])
    assert flow.send(ended).url.path == "/services/oauth2/token"
    again = flow.send(told(access_token="00D!second"))
    assert again.headers["authorization"] == "Bearer 00D!second"
    with pytest.raises(StopIteration):  # a second refusal is the answer
        flow.send(httpx.Response(401, json=[{"errorCode": "INVALID_SESSION_ID"}]))


def test_a_401_of_another_kind_is_not_repeated() -> None:
    login = settings().login()
    opened(login)
    flow, _ = ask(login)
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(401, json=[{"errorCode": "INVALID_AUTH_HEADER"}]))


def test_a_fresh_session_that_is_refused_is_not_replaced_again() -> None:
    flow, _ = ask(settings().login())
    flow.send(told())
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(401, json=[{"errorCode": "INVALID_SESSION_ID"}]))


def test_the_login_of_another_org_is_refused_naming_both() -> None:
    other = "00D000000000XYZEA2"
    error = refuse(told(id=f"https://login.salesforce.com/id/{other}/{USER}"))
    assert isinstance(error, AuthFailed)
    assert other in str(error)
    assert ORG in str(error)
    assert isinstance(refuse(told(id="")), AuthFailed)


def test_an_org_id_of_15_characters_is_the_same_org_and_its_case_counts() -> None:
    assert opened(settings(org_id=ORG[:15]).login())
    assert isinstance(refuse(told(), org_id=ORG[:15].swapcase().replace("00d", "00D")), AuthFailed)


@pytest.mark.parametrize(
    ("login_url", "instance_url", "fine"),
    [
        ("https://login.salesforce.com", "https://acme.my.salesforce.com", True),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com", True),
        ("https://test.salesforce.com", "https://acme--dev.sandbox.my.salesforce.com", True),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("https://login.salesforce.com", "http://acme.my.salesforce.com", False),
        ("https://login.salesforce.com", "https://acme.my.salesforce.com.evil.test", False),
        ("https://login.salesforce.com", "https://evilsalesforce.com", False),
        ("https://login.salesforce.com", "https://user@acme.my.salesforce.com", False),
        ("https://login.salesforce.com", "https://acme.my.salesforce.com:8443", False),
        ("https://login.salesforce.com", "https://169.254.169.254", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:9090", False),
        ("http://127.0.0.1:8080", "https://acme.my.salesforce.com", False),
        ("https://login.salesforce.com", "https://acme.my.salesforce.mil", False),
        ("https://login.salesforce.com", "", False),
    ],
)
def test_only_an_address_of_the_same_house_is_trusted(login_url: str, instance_url: str, fine: bool) -> None:
    assert trusted(login_url, instance_url) is fine


def test_an_untrusted_address_ends_the_login() -> None:
    error = refuse(told(instance_url="https://evil.test"))
    assert isinstance(error, AuthFailed)
    assert error.code == "untrusted_instance"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            denied("user hasn't approved this consumer"),
            AuthFailed,
            "pre-authorise",
        ),
        (
            denied("expired access/refresh token"),
            AuthFailed,
            "clock",
        ),
        (httpx.Response(401, json={"error": "invalid_client"}), AuthFailed, "invalid_client"),
        (httpx.Response(200, json={"error": "odd"}), AuthFailed, "odd"),
        (httpx.Response(400, json={"error": "login_rate_exceeded"}), RateLimited, "too many logins"),
        (httpx.Response(429, json={}), RateLimited, "busy"),
        (httpx.Response(503, text="<html>"), Transient, "failed"),
        (httpx.Response(200, text="x" * 300_000), Transient, "too large"),
        (httpx.Response(200, text="<html>sign in to the network</html>"), Transient, "no JSON"),
        (httpx.Response(200, text="[" * 5_000), Transient, "no JSON"),
        (denied(f"we got {SECRET}"), AuthFailed, "we got ***"),
    ],
)  # fmt: skip
def test_a_refused_login_says_why_and_never_what_was_sent(
    answer: httpx.Response, kind: type[Exception], words: str
) -> None:
    error = refuse(
        httpx.Response(answer.status_code, content=iter([answer.content])),
        auth="client_credentials",
        consumer_secret=SECRET,
    )
    assert type(error) is kind
    assert words in str(error)
    assert SECRET not in f"{error!s}{error!r}"
    assert error.sent is False  # type: ignore[attr-defined]  # of every error of the hub


def test_a_refresh_token_that_was_exchanged_is_used_and_reported() -> None:
    login = settings(auth="refresh", refresh_token="5Aep-old").login()
    flow, _ = ask(login)
    flow.send(told(refresh_token="5Aep-new"))
    flow.close()
    assert login.rotates
    assert "5Aep-new" in login._form().values()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"auth": "client_credentials"}, "consumer_secret"),
        ({"auth": "refresh"}, "refresh_token"),
        ({"username": ""}, "username"),
        ({"private_key": "none"}, "PEM"),
        (
            {"auth": "client_credentials", "consumer_secret": "x", "base_url": "https://login.salesforce.com"},
            "My Domain",
        ),
        ({"org_id": "0015g000004ABCDEAU"}, "org_id"),
        ({"base_url": "https://acme.my.salesforce.com/services"}, "base_url"),
        ({"path_token": "short"}, "path_token"),
        ({"account_fields": ("Name FROM User--",)}, "API names"),
        ({"client_name": "a;b"}, "client_name"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_by_name(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        settings(**changed)
    assert PEM.splitlines()[1] not in str(caught.value)


def test_a_key_of_another_kind_is_refused_without_showing_it() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValidationError, match="RSA") as caught:
        settings(private_key=curve.decode())
    assert "PRIVATE KEY" not in str(caught.value)


def test_no_secret_is_printed() -> None:
    known = settings(auth="refresh", refresh_token="5Aep-token", consumer_secret=SECRET, path_token="p" * 20)
    login = known.login()
    opened(login)
    shown = f"{known!r}{known.model_dump_json()}{login!r}{login.session!r}{login._grant!r}"
    for secret in (SECRET, "5Aep-token", "00D!first", "p" * 20, PEM.splitlines()[1]):
        assert secret not in shown
