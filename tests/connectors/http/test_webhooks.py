"""Webhooks in: which deliveries are believed, what identifies them, what they become."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.http.connector import Http
from connectors.http.settings import Settings
from hub.sdk import AuthFailed, Change, Delivery, Invalid

SECRET, OLD = "current-secret", "previous-secret"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp())


def http(**settings: Any) -> Http:
    return Http(Settings.model_validate({"secret": SECRET, **settings}))


def signature(body: bytes, secret: str = SECRET, stamp: str = "") -> str:
    signed = f"{stamp}.".encode() + body if stamp else body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def delivery(body: bytes, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery({"x-signature": signature(body), **named}, body, "https://hub.example/webhooks/x", NOW)


def changes(body: bytes, **settings: Any) -> list[Change]:
    return list(http(**settings).read(delivery(body)))


def test_genuine_delivery_has_a_stable_id() -> None:
    one = delivery(b'{"id": 1}')
    assert http().verify(one) == http().verify(one) == [hashlib.sha256(one.body).hexdigest()]


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"signature_header": "X-Hub-Signature-256", "signature_prefix": "sha256="}, "x-hub-signature-256"),
        ({"signature_encoding": "base64"}, "x-signature"),
    ],
)
def test_other_ways_to_sign(settings: dict[str, Any], headers: str) -> None:
    body = b'{"id": 1}'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    sent = base64.b64encode(digest).decode() if "signature_encoding" in settings else f"sha256={digest.hex()}"
    one = Delivery({headers: sent}, body, "", NOW)
    assert http(**settings).verify(one)
    with pytest.raises(AuthFailed):
        http(**settings).verify(one._replace(headers={headers: digest.hex()}))


def test_previous_secret_is_accepted_while_rotating_and_no_longer() -> None:
    body = b'{"id": 1}'
    old = delivery(body, x_signature=signature(body, OLD))
    assert http(previous_secret=OLD).verify(old)
    assert http(previous_secret=OLD).verify(delivery(body))
    with pytest.raises(AuthFailed):
        http().verify(old)


@pytest.mark.parametrize(
    "sent", ["", "0" * 64, "é" * 32, signature(b'{"id": 2}'), signature(b'{"id": 1}', "x")]
)
def test_forged_signatures_are_refused(sent: str) -> None:
    with pytest.raises(AuthFailed) as caught:
        http(previous_secret=OLD).verify(delivery(b'{"id": 1}', x_signature=sent))
    assert signature(b'{"id": 1}') not in str(caught.value)


def test_missing_header_and_truncated_body_are_refused() -> None:
    one = delivery(b'{"id": 1}')
    for wrong in (one._replace(headers={}), one._replace(body=one.body[:-1]), one._replace(body=b"")):
        with pytest.raises(AuthFailed):
            http().verify(wrong)


@pytest.mark.parametrize("secret", ["", None])
def test_without_a_secret_nothing_is_believed(secret: str | None) -> None:
    connector = Http(Settings.model_validate({"secret": secret} if secret is not None else {}))
    body = b'{"id": 1}'
    with pytest.raises(AuthFailed, match="no secret"):
        connector.verify(delivery(body, x_signature=signature(body, "")))


def stamped(stamp: str, body: bytes = b'{"id": 1}') -> Delivery:
    return delivery(body, x_time=stamp, x_signature=signature(body, stamp=stamp))


@pytest.mark.parametrize("stamp", [STAMP, STAMP - 300, STAMP + 300, STAMP * 1000])
def test_recent_timestamp_is_accepted(stamp: int) -> None:
    assert http(timestamp_header="x-time").verify(stamped(str(stamp)))


@pytest.mark.parametrize("stamp", [str(STAMP - 301), str(STAMP + 301), "0", "soon", "-5", "1" * 17, "1e9"])
def test_stale_or_senseless_timestamp_is_refused(stamp: str) -> None:
    with pytest.raises(AuthFailed, match=r"x-time|old"):
        http(timestamp_header="x-time").verify(stamped(stamp))


def test_timestamp_cannot_be_exchanged_or_left_out() -> None:
    old = stamped(str(STAMP - 4_000))
    fresh = {**old.headers, "x-time": str(STAMP)}
    bare = {"x-signature": signature(old.body)}
    for headers in (fresh, bare):
        with pytest.raises(AuthFailed):
            http(timestamp_header="x-time").verify(old._replace(headers=headers))


def test_event_ids_come_from_the_body_or_a_header() -> None:
    body = b'{"meta": {"events": [{"id": "e7"}]}}'
    assert http(event_id="meta.events.0.id").verify(delivery(body)) == ["e7"]
    assert http(event_id="header:X-Event-Id").verify(delivery(body, x_event_id="e9")) == ["e9"]


def test_list_carries_one_event_per_item() -> None:
    body = b'[{"id": "a"}, {"id": 2}]'
    assert http(event_id="id").verify(delivery(body)) == ["a", "2"]
    assert [c.external_id for c in changes(body)] == ["a", "2"]


def test_long_numbers_keep_every_digit_of_an_event_id() -> None:
    long = "123456789012345678901234567890"
    assert http(event_id="id").verify(delivery(f'{{"id": {long}}}'.encode())) == [long]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"id":' * 50_000,
        b"\xff\xfe",
        b'{"id": "\xff"}',
        b"NaN",
        b"[]",
        b"3",
        b"{}",
        b'{"id": null}',
        b'{"id": ""}',
        b'{"id": " "}',
        b'{"id": true}',
        b'{"id": 1.5}',
        b'{"id": {}}',
        b'{"id": "' + b"x" * 501 + b'"}',
    ],
)
def test_unusable_body_is_invalid_and_quickly_so(body: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(Invalid):
        http(event_id="id").verify(delivery(body))
    with pytest.raises(Invalid):
        changes(body)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "body",
    [b'{"id": 1, "x": 1e999999999999999999999}', b'{"id": 1, "x": 1e401}', b'{"id": 1, "x": Infinity}'],
)
def test_absurd_numbers_are_invalid_before_anything_expands_them(body: bytes) -> None:
    with pytest.raises(Invalid, match="not JSON"):
        changes(body)


def test_missing_event_id_header_is_invalid() -> None:
    with pytest.raises(Invalid, match="x-event-id"):
        http(event_id="header:x-event-id").verify(delivery(b"{}"))


def test_too_many_records_are_invalid() -> None:
    body = b"[" + b",".join([b'{"id":1}'] * 10_001) + b"]"
    with pytest.raises(Invalid, match="10001 records"):
        changes(body)


def test_numbers_are_exact_and_whole_numbers_stay_whole() -> None:
    (change,) = changes(b'{"id": 5, "price": 0.1, "quantity": 3, "big": 12345678901234567890.123456789}')
    assert change.record == {
        "id": 5,
        "price": Decimal("0.1"),
        "quantity": 3,
        "big": Decimal("12345678901234567890.123456789"),
    }


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ('"2026-03-02T13:00:00+01:00"', NOW),
        ('"2026-03-02T12:00:00Z"', NOW),
        (str(STAMP), NOW),
        (str(STAMP * 1000 + 250), NOW.replace(microsecond=250_000)),
    ],
)
def test_revision_is_a_time_in_utc(written: str, moment: datetime) -> None:
    (change,) = changes(f'{{"id": 1, "at": {written}}}'.encode(), revision="at")
    assert change.revision == moment


@pytest.mark.parametrize(
    "written", ['"2026-03-02T12:00:00"', '"soon"', "null", "true", "1.5", "9" * 30, "[]"]
)
def test_revision_that_is_no_time_is_invalid(written: str) -> None:
    with pytest.raises(Invalid, match="is no time"):
        changes(f'{{"id": 1, "at": {written}}}'.encode(), revision="at")


def test_kind_and_object_id_are_configured() -> None:
    (change,) = changes(b'{"order": {"no": "SO-1"}}', kind="order", object_id="order.no")
    assert (change.kind, change.external_id) == ("order", "SO-1")


def test_verify_is_fast_enough_for_the_receiver() -> None:
    items = [{"sku": f"SKU-{n}", "price": "10.00", "quantity": n, "name": "x" * 250} for n in range(20)]
    body = json.dumps({"id": "e1", "items": items}).encode()
    assert 6_000 < len(body) < 8_000
    connector, one = http(event_id="id", previous_secret=OLD), delivery(body)
    connector.verify(one)
    rounds = []
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(50):
            connector.verify(one)
        rounds.append((time.perf_counter() - started) / 50)
    assert min(rounds) < 150e-6  # some 30 microseconds on an idle machine; tests run on busy ones
