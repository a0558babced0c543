"""Deliveries: signed, repeated, duplicated, reordered, late, and for connected accounts."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx

from sandbox.stripe.webhooks import signature
from tests.sandbox.stripe.place import Inbox, Place


def _endpoint(place: Place, mail: Inbox, *types: str, **more: str) -> Any:
    sent = {
        "url": mail.url,
        **{f"enabled_events[{at}]": one for at, one in enumerate(types or ("*",))},
        **more,
    }
    return place.call("POST", "/v1/webhook_endpoints", sent)


def _parts(headers: dict[str, str], name: str) -> list[str]:
    pairs = (one.split("=", 1) for one in headers["stripe-signature"].split(","))
    return [value for key, value in pairs if key == name]


def test_the_signature_is_that_of_the_published_example() -> None:
    body = b'{"id":"evt_1","object":"event","type":"payout.paid"}'
    told = "ed000f133135da7ceac89ab7458c79e8061901ff466ee36ec1081a26f7c42675"
    assert signature("whsec_test_secret", 1_700_000_000, body) == told


def test_a_delivery_is_signed_over_its_time_and_raw_body(place: Place, mail: Inbox) -> None:
    secret = _endpoint(place, mail)["secret"]
    place.customer()
    place.box.send_pending()
    headers, body = mail.got[0]
    time = _parts(headers, "t")[0]
    wanted = hmac.new(secret.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert _parts(headers, "v1") == [wanted]
    assert len(_parts(headers, "v0")) == 1
    place.box.webhooks.spoilt = True
    place.box.webhooks.resend()
    assert _parts(mail.got[1][0], "v1") != [wanted]


def test_the_secret_is_told_only_when_the_endpoint_is_made(place: Place, mail: Inbox) -> None:
    made = _endpoint(place, mail)
    assert made["secret"].startswith("whsec_")
    assert "secret" not in place.get(f"/v1/webhook_endpoints/{made['id']}")


def test_both_secrets_sign_while_one_is_rolled(place: Place, mail: Inbox) -> None:
    made = _endpoint(place, mail)
    new = place.box.roll_secret(made["id"], keep_seconds=3600)
    place.customer()
    place.box.send_pending()
    headers, body = mail.got[0]
    time = int(_parts(headers, "t")[0])
    assert _parts(headers, "v1") == [signature(one, time, body) for one in (new, made["secret"])]
    place.box.advance(3600)
    place.box.webhooks.resend()
    assert len(_parts(mail.got[1][0], "v1")) == 1


def test_only_enabled_types_are_sent_and_unknown_ones_refused(place: Place, mail: Inbox) -> None:
    _endpoint(place, mail, "customer.updated")
    customer = place.customer()
    place.call("POST", f"/v1/customers/{customer}", {"name": "Nut AG"})
    place.box.send_pending()
    event = json.loads(mail.got[0][1])
    assert len(mail.got) == 1
    assert event["data"]["previous_attributes"] == {"name": "Bolt AG"}
    sent = {"url": mail.url, "enabled_events[]": "customer.exploded"}
    assert (
        place.call("POST", "/v1/webhook_endpoints", sent, status=400)["error"]["param"] == "enabled_events[0]"
    )


def test_refused_deliveries_are_repeated_with_growing_gaps_for_three_days(place: Place, mail: Inbox) -> None:
    _endpoint(place, mail)
    mail.status = 500
    event = place.get(f"/v1/customers/{place.customer()}") and place.listed("/v1/events")[0]
    for _ in range(80):
        place.box.send_pending()
        place.box.advance(3600)
    assert 9 <= len(mail.got) <= 12
    assert len(place.box.webhooks.given_up) == 1
    assert {json.loads(body)["id"] for _, body in mail.got} == {event["id"]}
    assert place.get(f"/v1/events/{event['id']}")["pending_webhooks"] == 1
    assert place.get("/v1/events?delivery_success=false")["data"][0]["id"] == event["id"]


def test_an_answer_that_comes_late_counts_and_ends_the_repeats(place: Place, mail: Inbox) -> None:
    _endpoint(place, mail)
    mail.status = 302
    place.customer()
    assert [one.status for one in place.box.send_pending()] == [302]
    mail.status = 200
    assert place.box.send_pending() == [], "not due yet"
    place.box.advance(60)
    assert [(one.status, one.attempt) for one in place.box.send_pending()] == [(200, 1)]
    assert place.listed("/v1/events")[0]["pending_webhooks"] == 0


def test_duplicates_reordering_and_delay_are_modes(place: Place, mail: Inbox) -> None:
    _endpoint(place, mail, "customer.created")
    control = place.http.post("/_sandbox/webhooks", json={"mode": "duplicate"})
    assert control.status_code == 200
    place.customer(name="first")
    place.box.send_pending()
    assert len({json.loads(body)["id"] for _, body in mail.got}) == 1
    assert len(mail.got) == 2
    mail.got.clear()
    place.http.post("/_sandbox/webhooks", json={"mode": "reorder"})
    place.customer(name="second")
    place.customer(name="third")
    place.http.post("/_sandbox/webhooks", json={"mode": "reorder", "send": True})
    assert [json.loads(body)["data"]["object"]["name"] for _, body in mail.got] == ["third", "second"]
    mail.got.clear()
    place.http.post("/_sandbox/webhooks", json={"mode": "delay", "seconds": 900})
    place.customer(name="fourth")
    assert place.box.send_pending() == []
    place.box.advance(900)
    assert len(place.box.send_pending()) == 1


def test_a_disabled_or_deleted_endpoint_gets_nothing(place: Place, mail: Inbox) -> None:
    made = _endpoint(place, mail)
    place.call("POST", f"/v1/webhook_endpoints/{made['id']}", {"disabled": "true"})
    place.customer()
    assert place.box.send_pending() == []
    place.call("POST", f"/v1/webhook_endpoints/{made['id']}", {"disabled": "false"})
    place.customer()
    place.call("DELETE", f"/v1/webhook_endpoints/{made['id']}")
    assert [one.status for one in place.box.send_pending()] == [None]
    assert mail.got == []


def test_events_of_connected_accounts_go_to_connect_endpoints_and_name_the_account(
    place: Place, mail: Inbox
) -> None:
    _endpoint(place, mail, "customer.created")
    hook = _endpoint(place, mail, "customer.created", connect="true")
    other = place.box.connect("Branch").id
    place.call("POST", "/v1/customers", {"name": "Theirs"}, stripe_account=other)
    sent = place.box.send_pending()
    assert [one.endpoint for one in sent] == [hook["id"]]
    assert json.loads(mail.got[0][1])["account"] == other


def test_the_sender_works_by_itself_when_it_is_let(place: Place, mail: Inbox) -> None:
    _endpoint(place, mail, "customer.created")
    place.http.post("/_sandbox/webhooks", json={"auto": True})
    place.customer()
    for _ in range(200):
        if mail.got:
            break
        httpx.get(f"{place.url}/_sandbox/receipts", timeout=5)
    assert [json.loads(body)["type"] for _, body in mail.got] == ["customer.created"]


def test_the_clock_of_the_api_can_be_wrong(place: Place, mail: Inbox) -> None:
    _endpoint(place, mail)
    place.customer()
    place.box.webhooks.skew = 7200
    place.box.send_pending()
    assert int(_parts(mail.got[0][0], "t")[0]) == int(place.clock().timestamp()) + 7200


def test_thin_events_tell_what_they_are_about_and_no_more(place: Place, mail: Inbox) -> None:
    sent = {
        "name": "thin", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.payout.paid", "v1.customer.created"], "webhook_endpoint": {"url": mail.url},
    }  # fmt: skip
    assert place.http.post("/v2/core/event_destinations", json=sent).status_code == 200
    customer = place.customer(name="Secret Ltd")
    place.box.send_pending()
    told = json.loads(mail.got[0][1])
    assert told["object"] == "v2.core.event"
    assert told["type"] == "v1.customer.created"
    assert told["related_object"] == {"id": customer, "type": "customer", "url": f"/v1/customers/{customer}"}
    assert b"Secret" not in mail.got[0][1]
    assert place.get(told["related_object"]["url"])["name"] == "Secret Ltd"
    assert place.get(f"/v2/core/events/{told['id']}")["related_object"]["id"] == customer
    wrong = {**sent, "enabled_events": ["payout.paid"]}
    assert place.http.post("/v2/core/event_destinations", json=wrong).status_code == 400


def test_events_are_kept_for_thirty_days(place: Place) -> None:
    place.customer()
    old = place.listed("/v1/events")[0]["id"]
    place.box.advance(days=29)
    place.customer(name="later")
    since = place.get(f"/v1/events?ending_before={old}")["data"]
    assert [one["type"] for one in since] == ["customer.created"]
    place.box.advance(days=2)
    assert place.call("GET", f"/v1/events/{old}", status=404)["error"]["code"] == "resource_missing"
    gone = place.call("GET", f"/v1/events?ending_before={old}", status=400)["error"]
    assert (gone["code"], gone["param"]) == ("resource_missing", "ending_before")
