"""Whatever comes to the AS2 door is a message or refused in one of two ways: nothing crashes, none passes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as paced
from hypothesis import strategies as st

from connectors.edi import as2, as2_ber, as2_cms, as2_mdn, as2_mime
from connectors.edi.as2 import agreement
from hub.errors import AuthFailed, Invalid, Rejected
from tests.connectors.edi.as2_openssl import NOW, X12, Partner, delivery, payload, settings

FEW = paced(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4
)  # where, how many bytes are lost, what takes their place


@cache
def messages() -> tuple[tuple[str, bytes], ...]:
    """One signed only, one encrypted, a receipt: content type and body."""
    with TemporaryDirectory() as folder:
        acme = Partner(Path(folder))
        signed = acme.signed(payload())
        return signed, acme.sealed(*signed), acme.signed(acme.receipt("<1@us>", b"x"))


def edited(body: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, lost, new in edits:
        at = int(place * len(body))
        body = body[:at] + new + body[at + lost :]
    return body


@FEW
@given(st.integers(0, 2), EDITS)
def test_a_message_with_any_bytes_changed_is_refused_or_says_the_same(which: int, edits: list) -> None:
    kind, body = messages()[which]
    agreed = agreement(settings(as2_encryption="none"))
    try:
        found = as2.opened(agreed, delivery(kind, edited(body, edits)))
    except (AuthFailed, Invalid):
        return
    if which < 2:  # what changed was outside the signature, such as the preamble
        assert as2.document(found) == X12


@FEW
@given(st.text(max_size=60), st.sampled_from(["multipart/signed; ", "application/pkcs7-mime; ", ""]))
def test_any_content_type_is_refused_or_understood(told: str, head: str) -> None:
    for _, body in messages():
        try:
            found = as2.opened(agreement(settings()), delivery(head + told, body))
        except (AuthFailed, Invalid):
            continue
        assert as2.document(found) == X12  # the encrypted one, without saying that it is


@FEW
@given(st.binary(max_size=60))
def test_any_bytes_are_ber_or_invalid(body: bytes) -> None:
    for read in (as2_ber.read, lambda one: as2_cms.decompress(one, 100), as2_mime.part):
        try:
            read(body)
        except Invalid:
            continue


@FEW
@given(EDITS)
def test_an_unsigned_answer_never_counts_as_a_receipt(edits: list) -> None:
    with TemporaryDirectory() as folder:
        report = Partner(Path(folder)).receipt("<1@us>", b"x")
    kind, _, body = report.partition(b"\r\n\r\n")
    headers = {"content-type": kind.decode().partition(": ")[2]}
    with pytest.raises((Rejected, Invalid)):
        as2_mdn.expected(agreement(settings()), "<1@us>", headers, edited(body, edits), NOW)
