"""Idempotency keys: one answer per key, errors of the server included, for a day."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from tests.sandbox.stripe.place import Place


def _create(place: Place, key: str, name: str = "Bolt", path: str = "/v1/customers") -> httpx.Response:
    return place.http.post(path, data={"name": name}, headers={"idempotency-key": key})


def _customers(place: Place) -> int:
    return len(place.listed("/v1/customers"))


def test_the_same_key_and_body_is_answered_the_same_and_written_once(place: Place) -> None:
    first, again = _create(place, "k1"), _create(place, "k1")
    assert first.content == again.content
    assert first.status_code == again.status_code == 200
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"] != again.headers["request-id"]
    assert _customers(place) == 1
    assert len(place.box.kit.effects) == 1


def test_another_body_under_the_key_is_an_idempotency_error(place: Place) -> None:
    _create(place, "k1")
    other = _create(place, "k1", "Nut")
    assert other.status_code == 400
    assert other.json()["error"]["type"] == "idempotency_error"
    elsewhere = _create(place, "k1", path="/v1/products")
    assert elsewhere.status_code == 400
    assert "/v1/customers" in elsewhere.json()["error"]["message"]
    assert _customers(place) == 1


def test_a_server_error_sticks_to_its_key_and_hides_whether_it_was_carried_out(place: Place) -> None:
    for committed in (False, True):
        place.box.trouble("sticky_error", path="/v1/customers", committed=committed)
        key, before = f"k-{committed}", _customers(place)
        first, again = _create(place, key), _create(place, key)
        assert first.status_code == again.status_code == 500
        assert first.content == again.content
        assert again.headers["idempotent-replayed"] == "true"
        assert _customers(place) - before == committed
    assert _create(place, "another").status_code == 200


def test_what_fails_validation_leaves_the_key_free(place: Place) -> None:
    wrong = place.http.post("/v1/customers", data={"colour": "red"}, headers={"idempotency-key": "k1"})
    assert wrong.json()["error"]["code"] == "parameter_unknown"
    assert _create(place, "k1").status_code == 200


def test_a_declined_card_is_answered_the_same_under_its_key(place: Place) -> None:
    sent = {"amount": 900, "currency": "usd", "confirm": "true", "payment_method": "pm_card_chargeDeclined"}
    ask = {"data": sent, "headers": {"idempotency-key": "k1"}}
    first = place.http.post("/v1/payment_intents", **ask)
    again = place.http.post("/v1/payment_intents", **ask)
    assert first.status_code == again.status_code == 402
    assert first.content == again.content
    assert len(place.listed("/v1/payment_intents")) == 1


def test_a_key_is_forgotten_after_a_day_and_then_writes_again(place: Place) -> None:
    first = _create(place, "k1").json()["id"]
    place.box.advance(24 * 3600 - 1)
    assert _create(place, "k1").json()["id"] == first
    place.box.advance(1)
    assert _create(place, "k1").json()["id"] != first
    assert _customers(place) == 2


def test_a_second_request_while_the_first_runs_is_refused(place: Place) -> None:
    place.box.trouble("busy", path="/v1/customers", seconds=0.4)
    answers: list[Any] = []
    running = threading.Thread(target=lambda: answers.append(_create(place, "k1")))
    running.start()
    for _ in range(100):
        if place.box.answers.kept:
            break
        time.sleep(0.01)
    with httpx.Client(base_url=place.url, headers=place.http.headers, trust_env=False) as other:
        second = other.post("/v1/customers", data={"name": "Bolt"}, headers={"idempotency-key": "k1"})
    running.join()
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "idempotency_key_in_use"
    assert answers[0].status_code == 200
    assert _create(place, "k1").content == answers[0].content


def test_a_lost_reply_after_the_write_is_answered_by_the_repeat(place: Place) -> None:
    place.box.kit.faults.clear()
    place.http.post(
        "/_sandbox/faults", json={"kind": "lost_reply", "path": "/v1/customers", "method": "POST"}
    )
    try:
        _create(place, "k1")
    except httpx.HTTPError:
        pass
    else:
        raise AssertionError("the reply should have been lost")
    assert _create(place, "k1").headers["idempotent-replayed"] == "true"
    assert _customers(place) == 1


def test_keys_of_two_accounts_do_not_meet(place: Place) -> None:
    other = place.box.connect("Branch").id
    _create(place, "k1")
    answer = place.http.post(
        "/v1/customers", data={"name": "Other"}, headers={"idempotency-key": "k1", "stripe-account": other}
    )
    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers
