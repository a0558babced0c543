"""Webhooks: every kind of event, batches, signatures, retries, and misbehaviour on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sandbox.hubspot.webhooks import EVENTS, RETRIES, plain_signature, signed
from tests.sandbox.hubspot.place import OBJECTS, SECRET, Place


class Receiver:
    """A web server that answers with `status` and keeps what it is sent, with the address it was sent to."""

    def __init__(self) -> None:
        self.status, self.got = 204, list[tuple[str, dict[str, str], bytes]]()
        outer = self

        class Keeper(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Keeper)
        self.root = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver(place: Place) -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    place.box.webhooks.target = found.root + "/hooks"
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join(5)


def told(place: Place) -> list[dict[str, Any]]:
    events, place.box.webhooks.pending = place.box.webhooks.pending, []
    return events


@pytest.mark.parametrize("kind", ["deals", "companies", "contacts", "line_items", "products"])
def test_every_event_of_an_objects_life(place: Place, kind: str) -> None:
    hooks = place.box.webhooks
    hooks.subscriptions.clear()
    for event in sorted(EVENTS):
        hooks.subscribe(event)
    one, two = place.box.create(kind), place.box.create(kind)
    name = {"deals": "dealname", "contacts": "firstname"}.get(kind, "name")
    place.box.update(kind, one, {name: "A"})
    place.box.delete(kind, one)
    place.box.restore(kind, one)
    if kind != "products":
        far = "companies" if kind in ("deals", "contacts") else "deals"
        far_id = place.box.create(far)
        place.box.associate(kind, one, far, far_id)
        place.box.dissociate(kind, one, far, far_id)
    if kind in ("deals", "companies", "contacts"):
        place.box.merge(kind, one, two)
    word = {"deals": "deal", "companies": "company", "contacts": "contact"}.get(kind, kind[:-1])
    events = told(place)
    classic = {event["subscriptionType"] for event in events if event["subscriptionType"].startswith(word)}
    wanted = {event for event in EVENTS if event.startswith(f"{word}.")}
    if kind in ("line_items", "products"):
        wanted.discard(f"{word}.merge")
    assert classic == wanted
    generic = [event for event in events if event["subscriptionType"].startswith("object.")]
    assert len(generic) * 2 == len(events)
    assert all(event["objectTypeId"].startswith("0-") for event in generic)
    assert not any("objectTypeId" in event for event in events if event not in generic)


def test_a_generic_subscription_is_about_one_type(place: Place) -> None:
    hooks = place.box.webhooks
    hooks.subscriptions.clear()
    hooks.subscribe("object.creation", type_id="0-53")
    hooks.subscribe("object.propertyChange", "hs_title", "0-53")
    place.box.create_deal(dealname="A")
    invoice = place.create("invoices", hs_currency="EUR")
    place.call("PATCH", f"{OBJECTS}/invoices/{invoice}", {"properties": {"hs_title": "T", "hs_number": "1"}})
    created, changed = told(place)
    assert (created["subscriptionType"], created["objectTypeId"]) == ("object.creation", "0-53")
    assert (changed["propertyName"], changed["propertyValue"]) == ("hs_title", "T")
    assert changed["objectId"] == int(invoice)
    assert (changed["changeSource"], changed["sourceId"]) == ("INTEGRATION", "appId:4410021")


def test_an_association_change_tells_both_ends_and_its_undoing(place: Place) -> None:
    hooks = place.box.webhooks
    deal, company = place.box.create_deal(dealname="A"), place.box.create_company(name="C")
    told(place)
    place.box.associate("deals", deal, "companies", company, primary=True)
    place.box.dissociate("deals", deal, "companies", company)
    made, gone = told(place)
    assert made["associationType"] == "DEAL_TO_COMPANY"
    assert (made["fromObjectId"], made["toObjectId"]) == (int(deal), int(company))
    assert [one["associationRemoved"] for one in (made, gone)] == [False, True]
    assert [one["isPrimaryAssociation"] for one in (made, gone)] == [True, True]
    assert "objectId" not in made
    assert hooks.pending == []


@pytest.mark.parametrize(
    ("event", "property"),
    [("deal.mood", ""), ("deal.propertyChange", "hs_lastmodifieddate"), ("deal.creation", "dealname")],
)
def test_not_everything_can_be_subscribed_to(place: Place, event: str, property: str) -> None:
    with pytest.raises(ValueError, match=r"no event|cannot be subscribed"):
        place.box.webhooks.subscribe(event, property)


def test_events_travel_in_batches_of_a_hundred(place: Place, receiver: Receiver) -> None:
    for n in range(250):
        place.box.create_deal(dealname=str(n))
    assert [len(receipt.events) for receipt in place.box.send_pending()] == [100, 100, 50]


@pytest.mark.parametrize("escaped", ["/hooks/a%3Ab%2Fc%40d%21?x=%24%27%28%29%2A%2C%3B&y=a%20b%25"])
def test_the_twelve_escapes_are_decoded_before_signing_and_no_others(
    place: Place, receiver: Receiver, escaped: str
) -> None:
    place.box.webhooks.target = receiver.root + escaped
    place.box.create_deal(dealname="A")
    place.box.send_pending()
    ((path, headers, body),) = receiver.got
    assert path == escaped
    stamp = headers["x-hubspot-request-timestamp"]
    plain = receiver.root + "/hooks/a:b/c@d!?x=$'()*,;&y=a%20b%25"
    assert headers["x-hubspot-signature-v3"] == signed(SECRET, "POST", plain, body, stamp)


def test_signatures_agree_with_published_vectors() -> None:
    secret, address = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri"
    body = b"{'example_field':'example_value'}"
    v3 = signed(secret, "POST", address, body, "1693657560000")
    assert v3 == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    v2 = plain_signature(secret, "v2", "POST", address, body.replace(b"'", b'"'))
    assert v2 == "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"


def test_old_signatures_can_come_beside_the_new_one_or_alone(place: Place, receiver: Receiver) -> None:
    hooks = place.box.webhooks
    for versions in (("v1", "v3"), ("v2",)):
        asked = {"signatures": list(versions), "send": True}
        place.box.create_deal(dealname="A")
        assert place.http.post("/_sandbox/webhooks", json=asked).status_code == 200
        _, headers, body = receiver.got[-1]
        plain = plain_signature(SECRET, versions[0], "POST", hooks.target, body)
        assert headers["x-hubspot-signature"] == plain
        assert ("x-hubspot-signature-v3" in headers) == ("v3" in versions)
    refused = place.http.post("/_sandbox/webhooks", json={"signatures": ["v9"]})
    assert refused.status_code == 400
    hooks.spoilt = True
    honest = plain_signature(SECRET, "v2", "POST", hooks.target, b"")
    assert hooks.signed(b"")["x-hubspot-signature"] != honest


def test_a_refused_batch_comes_ten_more_times_within_a_day(place: Place, receiver: Receiver) -> None:
    receiver.status = 500
    place.box.create_deal(dealname="A")
    place.box.send_pending()
    attempts = []
    for seconds in RETRIES:
        place.clock.forward(seconds=seconds - 1)
        assert place.box.send_pending() == []
        place.clock.forward(seconds=1)
        (receipt,) = place.box.send_pending()
        attempts.append(receipt.attempt)
    assert attempts == list(range(1, 11))
    assert sum(RETRIES) <= 24 * 3600
    assert len(place.box.webhooks.given_up) == 1
    place.clock.forward(days=2)
    assert place.box.send_pending() == []


def test_batches_can_be_doubled_turned_round_and_held_back(place: Place, receiver: Receiver) -> None:
    hooks = place.box.webhooks
    first, second = (int(place.box.create_deal(dealname=name)) for name in "AB")
    hooks.mode = "reorder"
    (receipt,) = place.box.send_pending()
    assert [event["objectId"] for event in receipt.events] == [second, first]
    hooks.mode = "duplicate"
    place.box.create_deal(dealname="C")
    assert len(place.box.send_pending()) == 2
    hooks.mode, hooks.hold = "delay", 60.0
    place.box.create_deal(dealname="D")
    assert place.box.send_pending() == []
    place.clock.forward(seconds=60)
    assert len(place.box.send_pending()) == 1
    assert len(place.box.resend(2)) == 2


def test_an_account_without_an_app_announces_nothing(place: Place) -> None:
    place.box.webhooks.listening = False
    place.box.create_deal(dealname="A")
    assert told(place) == []
