"""A webhook is let in only with a fresh signature of one of our secrets."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.stripe.connector import Settings, Stripe
from connectors.stripe.signatures import signature
from hub.sdk import AuthFailed, Delivery, Invalid

SECRET, OLD = "whsec_current_secret", "whsec_previous_secret"
BODY = json.dumps(
    {
        "id": "evt_1Pay",
        "object": "event",
        "type": "charge.succeeded",
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"id": "ch_1Pay", "object": "charge"}},
    }
).encode()
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def connector(**settings: object) -> Stripe:
    known = {"api_key": "sk_test_very_secret_key", "webhook_secrets": f"{SECRET} {OLD}"}
    return Stripe(Settings.model_validate({**known, **settings}))


def delivered(
    body: bytes = BODY, *, header: str | None = None, at: datetime = NOW, **headers: str
) -> Delivery:
    stamp = str(int(at.timestamp()))
    made = f"t={stamp},v1={signature(SECRET, stamp, body)}" if header is None else header
    return Delivery({"stripe-signature": made, **headers}, body, "https://hub.test/webhooks/stripe", NOW)


def stamped(**signatures: str) -> str:
    return ",".join([f"t={int(NOW.timestamp())}", *(f"{name}={value}" for name, value in signatures.items())])


def test_the_published_vector_is_understood() -> None:
    body = b'{"id":"evt_1","object":"event","type":"payout.paid"}'
    made = signature("whsec_test_secret", "1700000000", body)
    assert made == "ed000f133135da7ceac89ab7458c79e8061901ff466ee36ec1081a26f7c42675"


def test_a_genuine_event_gives_its_id() -> None:
    assert connector().verify(delivered()) == ["evt_1Pay"]


def test_what_the_official_library_signs_is_accepted() -> None:
    library = pytest.importorskip("stripe", reason="the official library is not installed")
    stamp = int(NOW.timestamp())
    theirs = library.WebhookSignature._compute_signature(f"{stamp}.{BODY.decode()}", SECRET)
    assert connector().verify(delivered(header=f"t={stamp},v1={theirs}")) == ["evt_1Pay"]


def test_while_a_secret_is_rotated_either_counts() -> None:
    stamp = str(int(NOW.timestamp()))
    old, new = signature(OLD, stamp, BODY), signature(SECRET, stamp, BODY)
    for one in (old, new):
        assert connector().verify(delivered(header=f"t={stamp},v1={one}")) == ["evt_1Pay"]
    both = f"t={stamp}, v1={'0' * 64}, v1={old}, v0={'1' * 64}"
    assert connector(webhook_secrets=OLD).verify(delivered(header=both)) == ["evt_1Pay"]


def test_other_schemes_do_not_count() -> None:
    stamp = str(int(NOW.timestamp()))
    header = f"t={stamp},v0={signature(SECRET, stamp, BODY)}"
    with pytest.raises(AuthFailed, match="scheme v1"):
        connector().verify(delivered(header=header))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_far_from_our_clock_is_refused_on_both_sides(minutes: int) -> None:
    with pytest.raises(AuthFailed, match="5 minutes"):
        connector().verify(delivered(at=NOW + timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=abc",
        "t=x,v1=abc",
        "t=1,t=2,v1=abc",
        "t=²,v1=abc",
        "nonsense",
        "t=" + "9" * 40 + ",v1=a",
    ],
)
def test_a_header_without_time_or_signature_is_refused(header: str) -> None:
    with pytest.raises(AuthFailed):
        connector().verify(delivered(header=header))


def test_a_changed_body_or_time_is_refused() -> None:
    genuine = delivered()
    with pytest.raises(AuthFailed, match="does not match"):
        connector().verify(genuine._replace(body=BODY.replace(b"ch_1Pay", b"ch_2Pay")))
    later = genuine.headers["stripe-signature"].replace(f"t={int(NOW.timestamp())}", "t=1800000000")
    with pytest.raises(AuthFailed, match="does not match"):
        connector().verify(delivered(header=later))


def test_without_a_secret_nothing_is_let_in_not_even_what_an_empty_key_signs() -> None:
    stamp = str(int(NOW.timestamp()))
    forged = hmac.digest(b"", f"{stamp}.".encode() + BODY, "sha256").hex()
    for settings in ({"webhook_secrets": None}, {"webhook_secrets": " "}):
        with pytest.raises(AuthFailed, match="no signing secret"):
            connector(**settings).verify(delivered(header=f"t={stamp},v1={forged}"))


def test_an_event_of_the_other_mode_or_account_is_refused() -> None:
    live = BODY.replace(b'"livemode": false', b'"livemode": true')
    foreign = BODY.replace(b'"livemode"', b'"account": "acct_other", "livemode"')
    for body in (live, foreign):
        with pytest.raises(AuthFailed, match="another account"):
            connector().verify(delivered(body))


def test_a_platform_gets_events_of_all_its_accounts_and_reads_only_ours() -> None:
    ours = connector(account="acct_ours")
    foreign = delivered(BODY.replace(b'"livemode"', b'"account": "acct_other", "livemode"'))
    assert ours.verify(foreign) == ["evt_1Pay"]
    assert list(ours.read(foreign)) == []


def test_a_thin_event_names_its_object() -> None:
    body = json.dumps(
        {
            "id": "evt_thin_1",
            "object": "v2.core.event",
            "type": "v1.charge.succeeded",
            "livemode": False,
            "related_object": {"id": "ch_1Pay", "type": "charge", "url": "/v1/charges/ch_1Pay"},
        }
    ).encode()
    assert connector().verify(delivered(body)) == ["evt_thin_1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"object": "event"}',
        b'{"object": "event", "id": "evt_1 x", "type": "a"}',
        b'{"object": "event", "id": "evt_1"}',
        b'{"object": "event", "id": "evt_1", "type": "a"}',
        b'{"object": "event", "id": "evt_1", "type": "a", "livemode": "yes"}',
        b'{"object": "event", "id": "evt_1", "type": "charge.updated", "livemode": false,'
        b' "data": {"object": {"object": "charge", "id": "../../refunds"}}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_told_so(body: bytes) -> None:
    with pytest.raises(Invalid):
        connector().verify(delivered(body))


def test_an_event_about_nothing_of_ours_is_accepted_and_brings_nothing() -> None:
    for about in ({"object": "balance"}, {"object": "customer", "id": "cus_1"}):
        told = {"id": "evt_2", "object": "event", "type": "x.y", "livemode": False, "data": {"object": about}}
        delivery = delivered(json.dumps(told).encode())
        assert connector().verify(delivery) == ["evt_2"]
        assert list(connector().read(delivery)) == []
