"""Signature v3: the published vectors pass, and everything that was changed on the way does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.hubspot.connector import HubSpot, Settings
from connectors.hubspot.signatures import check_signature, old_signature, signature, signed_address
from hub.sdk import AuthFailed, Delivery

# The vendor's published example, and a second timestamp computed from the same recipe.
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://www.example.com/webhook_uri"
BODY = b"{'example_field':'example_value'}"
VECTORS = {
    "1693657560000": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
    "1700000300000": "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
}
SENT = 1_693_657_560_000
AT = datetime.fromtimestamp(SENT / 1000, UTC)
EVENTS = b'[{"subscriptionType":"deal.creation","subscriptionId":1,"objectId":5,"occurredAt":1}]'


def delivery(
    body: bytes = EVENTS, secret: str = SECRET, sent: str = str(SENT), at: datetime = AT, **changes: str
) -> Delivery:
    url = changes.get("url", URL)
    headers = {
        "x-hubspot-signature-v3": changes.get("claimed") or signature(secret, "POST", url, body, sent),
        "x-hubspot-request-timestamp": sent,
    }
    return Delivery(headers=headers, body=body, url=url, received_at=at)


def connector(**settings: object) -> HubSpot:
    known = {"access_token": "t", "client_secret": SECRET}
    return HubSpot(Settings.model_validate({**known, **settings}))


@pytest.mark.parametrize(("timestamp", "expected"), VECTORS.items())
def test_published_vectors_agree(timestamp: str, expected: str) -> None:
    assert signature(SECRET, "POST", URL, BODY, timestamp) == expected


def test_a_signed_delivery_is_let_in() -> None:
    assert len(connector().verify(delivery())) == 1


def test_the_vendors_vector_passes_the_whole_check() -> None:
    signed = delivery(body=BODY, claimed=VECTORS[str(SENT)])
    assert check_signature(signed, URL, [SECRET]) is None


def test_a_forged_signature_is_refused() -> None:
    with pytest.raises(AuthFailed, match="does not match"):
        connector().verify(delivery(secret="another secret"))


def test_a_changed_body_is_refused_even_if_it_means_the_same() -> None:
    signed = delivery()
    with pytest.raises(AuthFailed):
        connector().verify(signed._replace(body=signed.body.replace(b":", b": ")))


def test_a_truncated_body_is_refused() -> None:
    signed = delivery()
    with pytest.raises(AuthFailed):
        connector().verify(signed._replace(body=signed.body[:-1]))


@pytest.mark.parametrize("method", ["GET", "PUT", "post"])
def test_another_method_is_refused(method: str) -> None:
    with pytest.raises(AuthFailed):
        connector().verify(delivery()._replace(method=method))


def test_another_address_is_refused() -> None:
    with pytest.raises(AuthFailed):
        connector().verify(delivery()._replace(url=URL + "?a=1"))


@pytest.mark.parametrize(
    ("minutes", "ok"), [(0, True), (5, True), (-5, True), (5.001, False), (-5.001, False)]
)
def test_five_minutes_are_the_limit_on_both_sides(minutes: float, ok: bool) -> None:
    signed = delivery(at=AT + timedelta(minutes=minutes))
    if ok:
        assert connector().verify(signed)
    else:
        with pytest.raises(AuthFailed, match="5 minutes"):
            connector().verify(signed)


@pytest.mark.parametrize(
    "sent", ["", "NaN", "-1", "1e12", " 1693657560000", "１６９３６５７５６００００", "9" * 5000]
)
def test_a_timestamp_that_is_none_is_refused(sent: str) -> None:
    with pytest.raises(AuthFailed, match="milliseconds"):
        connector().verify(delivery(sent=sent))


def test_older_signature_versions_are_refused() -> None:
    headers = {
        "x-hubspot-signature": "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
        "x-hubspot-signature-version": "v2",
        "x-hubspot-request-timestamp": str(SENT),
    }
    with pytest.raises(AuthFailed, match="v1 and v2"):
        connector().verify(delivery()._replace(headers=headers))


# The vendor's published example of v2, and v1 of the same.
V2 = "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"
OLD_BODY = b'{"example_field":"example_value"}'


def older(version: str, claimed: str, body: bytes = EVENTS) -> Delivery:
    named = {"x-hubspot-signature-version": version} if version else {}
    headers = {"x-hubspot-signature": claimed, **named}
    return delivery(body=body)._replace(headers=headers)


def test_the_published_vector_of_v2_agrees() -> None:
    assert old_signature("v2", SECRET, "POST", URL, OLD_BODY) == V2
    assert check_signature(older("v2", V2, OLD_BODY), URL, [SECRET], ["v2"]) is None


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_older_version_is_accepted_only_where_it_is_enabled(version: str) -> None:
    signed = older(version, old_signature(version, SECRET, "POST", URL, EVENTS))
    assert connector(signature_versions=[version]).verify(signed)
    assert connector(signature_versions=["v3", version]).verify(signed)
    others = [one for one in ("v1", "v2", "v3") if one != version]
    with pytest.raises(AuthFailed, match="not enabled"):
        connector(signature_versions=others).verify(signed)
    with pytest.raises(AuthFailed, match="does not match"):
        connector(signature_versions=[version]).verify(signed._replace(body=EVENTS + b" "))


def test_a_request_without_a_version_is_of_the_first() -> None:
    signed = older("", old_signature("v1", SECRET, "POST", URL, EVENTS))
    assert connector(signature_versions=["v1"]).verify(signed)


def test_nobody_can_choose_a_weaker_version_for_a_request_with_v3() -> None:
    forged = delivery(secret="another secret")
    weak = old_signature("v1", SECRET, "POST", URL, EVENTS)
    both = forged._replace(headers={**forged.headers, **older("v1", weak).headers})
    with pytest.raises(AuthFailed, match="does not match"):
        connector(signature_versions=["v1", "v3"]).verify(both)


def test_an_older_version_without_signature_or_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(AuthFailed, match="x-hubspot-signature is missing"):
        connector(signature_versions=["v1"]).verify(older("v1", ""))
    with pytest.raises(AuthFailed, match="not enabled"):
        connector(signature_versions=["v1", "v2"]).verify(older("v9", "00"))


@pytest.mark.parametrize("claimed", ["é" * 44, "\ud800", "=" * 44, "x"])
def test_a_signature_of_odd_characters_is_refused_and_no_crash(claimed: str) -> None:
    with pytest.raises(AuthFailed):
        connector().verify(delivery(claimed=claimed))


def test_the_previous_secret_passes_while_rotating_and_a_third_does_not() -> None:
    rotating = connector(client_secret="new", previous_client_secret=SECRET)
    assert rotating.verify(delivery())
    assert rotating.verify(delivery(secret="new"))
    with pytest.raises(AuthFailed):
        rotating.verify(delivery(secret="third"))


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_no_webhook_is_let_in(secret: str | None) -> None:
    signed = delivery(secret="")
    with pytest.raises(AuthFailed, match="no client secret"):
        connector(client_secret=secret, previous_client_secret="").verify(signed)


def test_a_replayed_delivery_has_the_same_event_ids() -> None:
    once, again = delivery(), delivery(sent=str(SENT + 1000), at=AT + timedelta(seconds=1))
    assert connector().verify(once) == connector().verify(again)


def test_public_url_stands_for_the_address_behind_a_proxy() -> None:
    behind = delivery()._replace(url="http://10.0.0.7:8000/webhook_uri")
    with pytest.raises(AuthFailed):
        connector().verify(behind)
    assert connector(public_url=URL).verify(behind)


def test_twelve_escapes_are_decoded_once_and_nothing_else() -> None:
    escaped = "https://h.test/a%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B?x=%20%25%3d%253A%26&y=?"
    assert signed_address(escaped) == "https://h.test/a:/?@!$'()*,;?x=%20%25%3d%253A%26&y=?"


def test_lower_case_escapes_are_the_same_escapes() -> None:
    assert signed_address("/a%3a%2fb") == "/a:/b"


def test_an_escaped_address_is_checked_in_its_decoded_form() -> None:
    plain, escaped = "https://h.test/w?to=a:b", "https://h.test/w?to=a%3Ab"
    assert connector().verify(delivery(url=plain)._replace(url=escaped))


def test_the_refusal_does_not_tell_the_right_signature_or_the_secret() -> None:
    with pytest.raises(AuthFailed) as caught:
        connector().verify(delivery(secret="another secret"))
    told = str(caught.value)
    assert SECRET not in told
    assert signature(SECRET, "POST", URL, EVENTS, str(SENT)) not in told
