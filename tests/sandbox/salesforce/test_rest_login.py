"""OAuth, sessions, versions and limits of the simulated org."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.salesforce.wire import START, Running, error, running

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def org():
    with running() as one:
        yield one


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def assertion(org: Running, *, key: str = "", alg: str = "RS256", **changes: Any) -> str:
    ends = int((org.clock() + timedelta(seconds=170)).timestamp())
    claims = {"iss": org.sandbox.consumer_key, "sub": org.sandbox.username, "exp": ends}
    claims = {**claims, "aud": "https://login.salesforce.com", **changes}
    text = f"{_b64(json.dumps({'alg': alg}).encode())}.{_b64(json.dumps(claims).encode())}"
    private = serialization.load_pem_private_key((key or org.sandbox.private_key).encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return f"{text}.{_b64(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def ask(org: Running, **form: str) -> httpx.Response:
    return org.client.post(f"{org.base}/services/oauth2/token", data=form)


def test_a_signed_assertion_buys_a_session_that_names_the_org(org: Running) -> None:
    answer = ask(org, grant_type=JWT, assertion=assertion(org))
    body = answer.json()
    assert answer.status_code == 200
    assert {"access_token", "scope", "instance_url", "id", "token_type", "issued_at"} == set(body)
    assert body["instance_url"] == org.base
    assert body["id"].split("/id/")[1].split("/")[0] == org.org.org_id
    told = {"Authorization": f"Bearer {body['access_token']}"}
    assert org.client.get(f"{org.base}/services/data/v68.0/limits", headers=told).status_code == 200


@pytest.mark.parametrize(
    ("changes", "wrong", "why"),
    [
        ({"iss": "nobody"}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"sub": "stranger@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"exp": int(START.timestamp()) - 1}, "invalid_grant", "expired authorization code"),
        ({"exp": int(START.timestamp()) + 3600}, "invalid_grant", "expired authorization code"),
        ({"exp": (int(START.timestamp()) + 100) * 1000}, "invalid_grant", "expired authorization code"),
        ({"alg": "none"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_a_claim_that_is_wrong_is_refused(org: Running, changes: Any, wrong: str, why: str) -> None:
    answer = ask(org, grant_type=JWT, assertion=assertion(org, **changes))
    assert answer.status_code == 400
    assert answer.json() == {"error": wrong, "error_description": why}


def test_another_key_does_not_open_the_org(org: Running) -> None:
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    answer = ask(org, grant_type=JWT, assertion=assertion(org, key=pem))
    assert answer.json()["error_description"] == "invalid assertion"


def test_an_app_that_is_not_preauthorised_is_told_so(org: Running) -> None:
    org.sandbox.login.preauthorised = False
    try:
        answer = ask(org, grant_type=JWT, assertion=assertion(org))
    finally:
        org.sandbox.login.preauthorised = True
    assert answer.json()["error_description"] == "user hasn't approved this consumer"


def test_client_credentials_work_from_form_and_basic_header(org: Running) -> None:
    client = {"client_id": org.sandbox.consumer_key, "client_secret": org.sandbox.consumer_secret}
    assert ask(org, grant_type="client_credentials", **client).status_code == 200
    url = f"{org.base}/services/oauth2/token"
    basic = (org.sandbox.consumer_key, org.sandbox.consumer_secret)
    assert org.client.post(url, data={"grant_type": "client_credentials"}, auth=basic).status_code == 200
    wrong = ask(org, grant_type="client_credentials", **{**client, "client_secret": "x"})
    assert wrong.json()["error"] == "invalid_client"


def test_a_refresh_token_is_replaced_only_where_rotation_is_on(org: Running) -> None:
    client = {"client_id": org.sandbox.consumer_key, "client_secret": org.sandbox.consumer_secret}
    old = org.sandbox.login.refresh_token
    assert "refresh_token" not in ask(org, grant_type="refresh_token", refresh_token=old, **client).json()
    org.sandbox.login.rotating = True
    made = ask(org, grant_type="refresh_token", refresh_token=old, **client).json()["refresh_token"]
    assert made != old
    again = ask(org, grant_type="refresh_token", refresh_token=old, **client)
    assert again.json()["error_description"] == "expired access/refresh token"
    org.sandbox.login.rotating = False


def test_the_web_server_flow_ends_in_a_refresh_token(org: Running) -> None:
    asked = {"client_id": org.sandbox.consumer_key, "redirect_uri": "https://hub.example/cb", "state": "s1"}
    sent = org.client.get(f"{org.base}/services/oauth2/authorize", params=asked)
    told = parse_qs(urlsplit(sent.headers["location"]).query)
    assert (sent.status_code, told["state"]) == (302, ["s1"])
    client = {"client_id": org.sandbox.consumer_key, "client_secret": org.sandbox.consumer_secret}
    form = {"grant_type": "authorization_code", "code": told["code"][0], **client}
    body = ask(org, **form, redirect_uri=asked["redirect_uri"]).json()
    assert body["refresh_token"] == org.sandbox.login.refresh_token
    assert ask(org, **form, redirect_uri=asked["redirect_uri"]).status_code == 400


def test_unknown_grant_types_are_refused(org: Running) -> None:
    assert ask(org, grant_type="password").json()["error"] == "unsupported_grant_type"


def test_a_session_ends_without_calls_and_at_any_moment() -> None:
    with running() as org:
        org.clock.move(hours=1, minutes=59)
        assert org.get("/limits").status_code == 200
        org.clock.move(hours=1, minutes=59)
        assert org.get("/limits").status_code == 200
        org.clock.move(hours=2)
        assert error(org.get("/limits")) == (401, "INVALID_SESSION_ID")
        org.sandbox.access_token = org.sandbox.login.open()
        org.sandbox.expire_sessions()
        answer = org.get("/query", params={"q": "SELECT Id FROM Account"})
        assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_who_am_i_names_user_and_org(org: Running) -> None:
    told = {"Authorization": f"Bearer {org.sandbox.access_token}"}
    body = org.client.get(f"{org.base}/services/oauth2/userinfo", headers=told).json()
    assert (body["organization_id"], body["preferred_username"]) == (org.org.org_id, org.sandbox.username)
    rows = org.query("SELECT Id, IsSandbox FROM Organization")
    assert rows[0]["Id"] == org.org.org_id


def test_versions_are_listed_and_others_refused(org: Running) -> None:
    listed = org.client.get(f"{org.base}/services/data").json()
    assert listed[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}
    assert "sobjects" in org.get("").json()
    assert error(org.get("/limits", version="69.0")) == (404, "NOT_FOUND")
    assert error(org.get("/limits", version="25.0")) == (410, "UNSUPPORTED_API_VERSION")


def test_every_answer_tells_the_usage_and_the_day_is_a_rolling_window() -> None:
    with running() as org:
        org.org.limit = 10
        org.sandbox.use_calls(8)
        org.clock.move(hours=12)
        session = org.sandbox.login.open
        org.sandbox.access_token = session()
        assert org.get("/limits").headers["sforce-limit-info"] == "api-usage=9/10"
        told = org.get("/limits").json()["DailyApiRequests"]
        assert told == {"Max": 10, "Remaining": 0}
        refused = org.get("/limits")
        assert error(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert refused.headers["sforce-limit-info"] == "api-usage=10/10"
        org.clock.move(hours=12, seconds=1)
        org.sandbox.access_token = session()
        assert org.get("/limits").status_code == 200


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("CONCURRENT_REQUESTS", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("REQUEST_LIMIT_EXCEEDED", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("SERVER_UNAVAILABLE", 503, "SERVER_UNAVAILABLE"),
        ("UNABLE_TO_LOCK_ROW", 400, "UNABLE_TO_LOCK_ROW"),
    ],
)
def test_refusals_come_on_demand(org: Running, code: str, status: int, told: str) -> None:
    org.sandbox.refuse(code)
    answer = org.get("/limits")
    assert error(answer) == (status, told)
    assert "api-usage" in answer.headers["sforce-limit-info"]
    assert org.get("/limits").status_code == 200


def test_unknown_addresses_and_bodies_that_are_no_json_are_refused(org: Running) -> None:
    assert error(org.get("/nowhere")) == (404, "NOT_FOUND")
    assert error(org.call("PUT", "/sobjects/Account")) == (405, "METHOD_NOT_ALLOWED")
    broken = org.call("POST", "/sobjects/Account", content=b'{"Name": ')
    assert error(broken) == (400, "JSON_PARSER_ERROR")
    strange = [("/composite/sobjects", {"records": [{"attributes": 5}]}), ("/sobjects/Account", [1])]
    strange += [("/composite", {"compositeRequest": [1]}), ("/composite/tree/Account", {"records": ["x"]})]
    for path, body in strange:
        assert error(org.post(path, body)) == (400, "JSON_PARSER_ERROR"), path


def test_reset_leaves_an_org_as_new() -> None:
    with running() as org:
        org.sandbox.add_field("Account", "X__c")
        first = org.sandbox.add_account("Acme", X__c="1")
        org.sandbox.reset()
        assert org.query("SELECT Id FROM Account") == []
        assert org.refusal("SELECT X__c FROM Account")[0] == "INVALID_FIELD"
        assert org.sandbox.add_account("Acme") == first
        assert org.query("SELECT COUNT() FROM OpportunityStage") == []
