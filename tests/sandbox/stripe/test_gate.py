"""Keys, versions, accounts and limits."""

from __future__ import annotations

import base64

from sandbox.stripe import KEY
from tests.sandbox.stripe.place import Place


def test_a_key_is_needed_and_shown_masked_when_wrong(place: Place) -> None:
    nobody = place.http.get("/v1/balance", headers={"authorization": ""})
    assert nobody.status_code == 401
    assert "API key" in nobody.json()["error"]["message"]
    wrong = place.http.get("/v1/balance", headers={"authorization": "Bearer sk_test_thisisnotakey1234"})
    told = wrong.json()["error"]
    assert wrong.status_code == 401
    assert "thisisnotakey" not in told["message"]
    assert "1234" in told["message"]


def test_basic_auth_with_the_key_as_user_works(place: Place) -> None:
    sent = base64.b64encode(f"{KEY}:".encode()).decode()
    assert place.http.get("/v1/balance", headers={"authorization": f"Basic {sent}"}).status_code == 200


def test_a_rolled_key_is_good_until_it_expires(place: Place) -> None:
    new = place.box.roll_key(keep_seconds=3600)
    assert place.http.get("/v1/balance").status_code == 200
    assert place.http.get("/v1/balance", headers={"authorization": f"Bearer {new}"}).status_code == 200
    place.box.advance(3600)
    old = place.http.get("/v1/balance")
    assert old.status_code == 401
    assert old.json()["error"]["code"] == "api_key_expired"


def test_a_restricted_key_is_refused_what_it_may_not(place: Place) -> None:
    place.box.add_key("rk_test_1", {"invoice": "read", "customer": "write"})
    bearer = {"authorization": "Bearer rk_test_1"}
    assert place.http.get("/v1/invoices", headers=bearer).status_code == 200
    assert place.http.post("/v1/customers", data={"name": "A"}, headers=bearer).status_code == 200
    refused = place.http.post("/v1/invoices", data={"customer": "cus_1"}, headers=bearer)
    assert refused.status_code == 403
    assert "rak_invoice_write" in refused.json()["error"]["message"]
    assert place.http.get("/v1/balance", headers=bearer).status_code == 403


def test_each_answer_tells_request_id_and_version(place: Place) -> None:
    answer = place.http.get("/v1/balance", headers={"stripe-version": "2023-08-16"})
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-version"] == "2023-08-16"
    assert place.http.get("/v1/balance").headers["stripe-version"] == "2026-10-28.endive"


def test_an_unknown_version_is_refused(place: Place) -> None:
    told = place.call("GET", "/v1/balance", status=400, stripe_version="2031-01-01.zucchini")
    assert "Invalid Stripe API version" in told["error"]["message"]


def test_a_connected_account_has_objects_of_its_own(place: Place) -> None:
    other = place.box.connect("Branch").id
    customer = place.call("POST", "/v1/customers", {"name": "Theirs"}, stripe_account=other)["id"]
    assert place.get(f"/v1/customers/{customer}", stripe_account=other)["name"] == "Theirs"
    place.call("GET", f"/v1/customers/{customer}", status=404)
    told = place.call("GET", "/v1/balance", status=403, stripe_account="acct_unknown")
    assert told["error"]["code"] == "account_invalid"


def test_over_the_limit_is_429_with_its_reason(place: Place) -> None:
    place.box.set(per_second=3)
    answers = [place.http.get("/v1/balance") for _ in range(5)]
    last = answers[-1]
    assert [one.status_code for one in answers[:3]] == [200] * 3
    assert last.status_code == 429
    assert last.headers["stripe-rate-limited-reason"] == "global-rate"
    assert last.json()["error"]["code"] == "rate_limit"
    assert "stripe-should-retry" not in last.headers


def test_a_locked_object_is_429_that_asks_to_be_repeated(place: Place) -> None:
    place.box.trouble("lock_timeout", path="/v1/customers")
    answer = place.http.post("/v1/customers", data={"name": "A"})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "lock_timeout"
    assert answer.headers["stripe-should-retry"] == "true"
    assert place.listed("/v1/customers") == []


def test_unknown_addresses_are_404_and_unknown_parameters_400(place: Place) -> None:
    told = place.call("GET", "/v1/kustomers", status=404)
    assert "Unrecognized request URL" in told["error"]["message"]
    wrong = place.call("POST", "/v1/customers", {"address[street]": "x"}, status=400)["error"]
    assert (wrong["code"], wrong["param"]) == ("parameter_unknown", "address[street]")
    lacking = place.call("POST", "/v1/refunds", {}, status=400)["error"]
    assert lacking["type"] == "invalid_request_error"
    text = place.call("GET", "/v1/customers?limit=many", status=400)["error"]
    assert (text["code"], text["param"]) == ("parameter_invalid_integer", "limit")
    json_sent = place.http.post("/v1/customers", json={"name": "A"})
    assert json_sent.status_code == 400


def test_admin_actions_tell_what_is_wrong_with_them(place: Place) -> None:
    assert place.http.post("/_sandbox/pay", json={"colour": "red"}).status_code == 400
    assert place.http.post("/_sandbox/pay", json={"invoice": "in_none"}).status_code == 404
    assert place.http.post("/_sandbox/webhooks", json={"mode": "backwards"}).status_code == 400


def test_an_id_of_the_other_mode_is_missing_with_a_hint(place: Place) -> None:
    place.box.world.elsewhere.add("cus_live1")
    told = place.call("GET", "/v1/customers/cus_live1", status=404)["error"]
    assert told["code"] == "resource_missing"
    assert "exists in live mode" in told["message"]
    assert "live" not in place.call("GET", "/v1/customers/cus_2", status=404)["error"]["message"]


def test_storms_and_outages_pass(place: Place) -> None:
    place.box.rate_limit(2, reason="endpoint-concurrency")
    answers = [place.http.get("/v1/balance") for _ in range(3)]
    assert [one.status_code for one in answers] == [429, 429, 200]
    assert answers[0].headers["stripe-rate-limited-reason"] == "endpoint-concurrency"
    place.box.outage(503, path="/v1/customers")
    assert place.http.post("/v1/customers", data={"name": "A"}).status_code == 503
    assert place.listed("/v1/customers") == []
