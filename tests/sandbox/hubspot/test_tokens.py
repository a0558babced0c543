"""OAuth on the wire: codes, refresh tokens, access tokens that last half an hour, scopes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.hubspot.place import SECRET, Place

BACK = "https://app.test/back"


def form(place: Place, path: str, **asked: str) -> httpx.Response:
    app = {"client_id": place.box.oauth.client_id, "client_secret": SECRET}
    return place.http.post(path, data={**app, **asked})


def as_app(place: Place, token: str, path: str = "/crm/objects/2026-09/deals") -> httpx.Response:
    return place.http.get(path, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("version", ["v1", "v3", "2026-03", "2026-09"])
def test_a_code_is_good_once_and_a_refresh_token_for_ever(place: Place, version: str) -> None:
    path = f"/oauth/{version}/token"
    asked = {"grant_type": "authorization_code", "code": place.box.authorize(BACK), "redirect_uri": BACK}
    given = form(place, path, **asked).json()
    assert (given["token_type"], given["expires_in"], given["hub_id"]) == ("bearer", 1800, 24_681_357)
    assert form(place, path, **asked).json()["status"] == "BAD_AUTH_CODE"
    for _ in range(2):
        again = form(place, path, grant_type="refresh_token", refresh_token=given["refresh_token"]).json()
        assert again["refresh_token"] == given["refresh_token"]
        assert as_app(place, again["access_token"]).status_code == 200


def test_a_code_belongs_to_its_address_and_to_ten_minutes(place: Place) -> None:
    asked = {"grant_type": "authorization_code", "code": place.box.authorize(BACK)}
    other = form(place, "/oauth/v3/token", **asked, redirect_uri="https://other.test")
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    place.clock.forward(minutes=10)
    late = form(place, "/oauth/v3/token", **asked, redirect_uri=BACK)
    assert late.json()["status"] == "BAD_AUTH_CODE"


def test_an_access_token_expires_after_half_an_hour(place: Place) -> None:
    token = place.box.oauth.issue(place.box.install())
    place.clock.forward(seconds=1799)
    assert as_app(place, token).status_code == 200
    place.clock.forward(seconds=8)
    late = as_app(place, token)
    assert (late.status_code, late.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert late.json()["message"].endswith("expired 7 second(s) ago.")
    assert place.http.get("/crm/objects/2026-09/deals").status_code == 200, "the static token stays"


@pytest.mark.parametrize("version", ["v1", "2026-09"])
def test_a_revoked_grant_is_refused_for_good(place: Place, version: str) -> None:
    grant = place.box.install()
    token = place.box.oauth.issue(grant)
    place.box.uninstall()
    asked = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    refused = form(place, f"/oauth/{version}/token", **asked)
    assert refused.status_code == 400
    assert (refused.json()["status"], refused.json()["error"]) == ("BAD_REFRESH_TOKEN", "invalid_grant")
    assert as_app(place, token).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"client_id": "x"}, "BAD_CLIENT_ID"),
        ({"client_secret": "x"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
        ({"refresh_token": ""}, "BAD_REFRESH_TOKEN"),
    ],
)
def test_what_is_wrong_with_a_token_call_is_named(place: Place, wrong: dict[str, str], status: str) -> None:
    asked = {"grant_type": "refresh_token", "refresh_token": place.box.install().refresh_token}
    answer = form(place, "/oauth/2026-03/token", **{**asked, **wrong})
    assert (answer.status_code, answer.json()["status"]) == (400, status)


def test_later_versions_read_no_secret_from_the_address(place: Place) -> None:
    asked: dict[str, Any] = {
        "client_id": place.box.oauth.client_id,
        "client_secret": SECRET,
        "grant_type": "refresh_token",
        "refresh_token": place.box.install().refresh_token,
    }
    assert place.http.post("/oauth/v1/token", params=asked).status_code == 200
    assert place.http.post("/oauth/v3/token", params=asked).status_code == 400


def test_tokens_can_be_looked_at_and_revoked(place: Place) -> None:
    grant = place.box.install(["oauth"])
    token = place.box.oauth.issue(grant)
    seen = form(place, "/oauth/2026-09/token/introspect", token=token).json()
    assert (seen["active"], seen["token_use"], seen["expires_in"]) == (True, "access_token", 1800)
    place.clock.forward(hours=1)
    assert form(place, "/oauth/2026-09/token/introspect", token=token).json()["active"] is False
    assert form(place, "/oauth/v3/token/introspect", token="nobody's").json() == {"active": False}
    seen = form(place, "/oauth/v3/token/introspect", token=grant.refresh_token).json()
    assert (seen["active"], seen["token_use"]) == (True, "refresh_token")
    assert form(place, "/oauth/v3/token/revoke", token=grant.refresh_token).status_code == 200
    seen = form(place, "/oauth/v3/token/introspect", token=grant.refresh_token).json()
    assert seen["active"] is False
    assert form(place, "/oauth/v1/token/introspect", token=token).status_code == 404
    assert place.http.get(f"/oauth/v1/access-tokens/{token}").status_code == 401


def test_a_token_has_the_scopes_of_its_grant(place: Place) -> None:
    token = place.box.oauth.issue(place.box.install(["crm.objects.deals.read"]))
    assert as_app(place, token).status_code == 200
    assert as_app(place, token, "/crm/properties/2026-09/deals").status_code == 200
    for path, scope in (
        ("/crm/objects/2026-09/companies", "crm.objects.companies.read"),
        ("/crm/objects/2026-09/commerce_payments", "crm.objects.commercepayments.read"),
        ("/crm/objects/2026-09/notes", "crm.objects.contacts.read"),
        ("/crm/owners/2026-09", "crm.objects.owners.read"),
        ("/settings/currencies/2026-09/company-currency", "settings.currencies.read"),
    ):
        refused = as_app(place, token, path)
        assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
        assert refused.json()["errors"][0]["context"]["requiredGranularScopes"] == [scope]


def test_making_a_property_needs_a_scope_of_its_own(place: Place) -> None:
    place.box.gate.scopes.discard("crm.schemas.deals.write")
    refused = place.call("POST", "/crm/properties/2026-09/deals", {}, status=403)
    assert refused["errors"][0]["context"]["requiredGranularScopes"] == ["crm.schemas.deals.write"]
