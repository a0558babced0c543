"""AS2 receipts: ours as OpenSSL verifies them, the partner's believed only where they prove what we sent."""

from __future__ import annotations

import base64
import hashlib
from email import message_from_bytes
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.edi import as2, as2_mdn
from connectors.edi.as2 import agreement
from connectors.edi.transport import Transport, open_delivery, receipt
from hub.errors import AuthFailed, Invalid, Rejected
from tests.connectors.edi.as2_openssl import NOW, WANTED, X12, Partner, delivery, payload, settings


@pytest.fixture
def acme(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


def notice_of(report: bytes) -> Message:
    """The fields of a report, read by Python's mail package."""
    whole = message_from_bytes(report)
    assert whole.get_content_type() == "multipart/report"
    told: Any = whole.get_payload()
    assert [one.get_content_type() for one in told] == ["text/plain", "message/disposition-notification"]
    inner = told[1].get_payload()
    return inner[0] if isinstance(inner, list) else message_from_bytes(inner.encode())


def test_a_stored_message_gets_a_signed_receipt_that_openssl_verifies(acme: Partner) -> None:
    answer = Transport(settings()).response(acme.message(message_id="<m7@acme>", **WANTED))
    assert answer is not None
    whole = b"Content-Type: " + answer.content_type.encode() + b"\r\n\r\n" + answer.body
    report, _ = acme.verified(whole)
    told = notice_of(report)
    mic = base64.b64encode(hashlib.sha256(payload()).digest()).decode()
    assert told["Original-Message-ID"] == "<m7@acme>"
    assert told["Disposition"] == "automatic-action/MDN-sent-automatically; processed"
    assert told["Received-Content-MIC"] == f"{mic}, sha-256"
    assert (answer.headers["AS2-From"], answer.headers["AS2-To"]) == ("US-EDI", '"Acme Stores"')
    assert answer.headers["AS2-Version"] == "1.1"
    assert answer.headers["Message-ID"].startswith("<mdn-")


def test_the_digest_of_a_receipt_is_the_one_asked_for_else_that_of_the_signature(acme: Partner) -> None:
    wanted = {**WANTED, "disposition_notification_options": "signed-receipt-micalg=required, sha512"}
    found = Transport(settings()).response(acme.message(**wanted))
    assert found is not None
    mic = base64.b64encode(hashlib.sha512(payload()).digest()).decode()
    assert found.content_type.startswith("multipart/report")  # no signature was asked for
    assert f"Received-Content-MIC: {mic}, sha-512\r\n".encode() in found.body
    signed = acme.sealed(*acme.signed(payload(), "-md", "sha384"))
    wanted["disposition_notification_options"] = "signed-receipt-micalg=required, md5"
    found = Transport(settings()).response(delivery(*signed, **wanted))
    assert found is not None
    assert b", sha-384\r\n" in found.body


def test_who_asks_for_no_receipt_gets_none(acme: Partner) -> None:
    transport = Transport(settings())
    answer = transport.response(acme.message())
    assert answer is not None
    assert (answer.content_type, answer.body) == ("text/plain", b"")


def test_an_answer_never_fails(acme: Partner) -> None:
    message = acme.message(**WANTED)
    transport = Transport(settings())
    assert transport.response(message._replace(body=message.body[:-1])) is None
    assert transport.response(message._replace(headers={})) is None
    assert Transport(settings(as2_id="")).response(message) is None


@cache
def sent() -> str:
    """The Message-ID of what we sent."""
    return as2.outgoing(agreement(settings()), X12, "42.x12", "000000042").message_id


@cache
def mic() -> str:
    return base64.b64encode(bytes.fromhex(sent()[11:75])).decode()


def answered(acme: Partner, report: bytes, *, signed: bool = True) -> as2_mdn.Receipt:
    agreed = agreement(settings())
    kind, _, body = report.partition(b"\r\n\r\n")
    told = (kind.partition(b": ")[2].decode(), body)
    kind_told, content = acme.signed(report) if signed else told
    headers = {"content-type": kind_told, "message-id": "<r1@acme>"}
    return as2_mdn.expected(agreed, sent(), headers, content, NOW)


@pytest.mark.parametrize("by", ["sha-256", "SHA256", "sha256"])
def test_a_receipt_of_what_we_sent_is_believed(acme: Partner, by: str) -> None:
    found = answered(acme, acme.receipt(sent(), mic=mic(), by=by))
    assert (found.refusal, found.mismatch, found.message_id) == ("", "", "<r1@acme>")


@pytest.mark.parametrize(
    "said", ["processed/warning: duplicate-document", "processed/Error: duplicate-document"]
)
def test_a_repeat_that_the_partner_has_already_is_received(acme: Partner, said: str) -> None:
    assert answered(acme, acme.receipt(sent(), said=said, mic="none"))
    with pytest.raises(Rejected, match="MIC"):
        answered(acme, acme.receipt(sent(), b"other", said=said))


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize(
    "said",
    [
        "processed/Error: decryption-failed",
        "failed/Failure: unsupported format",
        "processed/error",
        "deleted",
        "",
    ],
)
def test_a_refusal_is_told_in_the_partners_words(acme: Partner, said: str, signed: bool) -> None:
    with pytest.raises(Rejected, match=r"refuses the message.*The words of a person") as caught:
        answered(acme, acme.receipt(sent(), mic=mic(), said=said), signed=signed)
    assert said in caught.value.message


@pytest.mark.parametrize(("told", "by"), [("b3RoZXI=", "sha-256"), ("none", ""), ("", "md5")])
def test_a_receipt_of_other_content_or_of_none_is_no_proof(acme: Partner, told: str, by: str) -> None:
    with pytest.raises(Rejected, match="MIC") as caught:
        answered(acme, acme.receipt(sent(), mic=told or mic(), by=by))
    assert caught.value.code == "mdn_mic"


def test_a_receipt_about_another_message_is_no_proof(acme: Partner) -> None:
    with pytest.raises(Rejected, match="about another message: <x@us>"):
        answered(acme, acme.receipt("<x@us>", mic=mic()))


def test_an_unsigned_receipt_proves_nothing(acme: Partner) -> None:
    with pytest.raises(Rejected, match="not signed"):
        answered(acme, acme.receipt(sent(), mic=mic()), signed=False)


def test_a_receipt_signed_by_somebody_else_or_changed_is_refused(acme: Partner, tmp_path: Path) -> None:
    report = acme.receipt(sent(), mic=mic())
    with pytest.raises(AuthFailed):
        answered(Partner(tmp_path, "mallory"), report)
    kind, body = acme.signed(report)
    changed = body.replace(b"000000042", b"000000043")
    with pytest.raises(AuthFailed, match="changed"):
        as2_mdn.expected(agreement(settings()), sent(), {"content-type": kind}, changed, NOW)


@pytest.mark.parametrize("body", [b"", b"<html>", b"--r1\r\n\r\n--r1--"])
def test_what_is_no_report_is_invalid(acme: Partner, body: bytes) -> None:
    for kind in ("text/html", 'multipart/report; boundary="r1"', "multipart/report", ""):
        with pytest.raises(Invalid):
            as2_mdn.expected(agreement(settings()), sent(), {"content-type": kind}, body, NOW)


def later(acme: Partner, about: str = "", said: str = "processed", told: str = "") -> Any:
    """A receipt in a call of its own."""
    report = acme.receipt(about or sent(), said=said, mic=told or mic())
    return delivery(*acme.signed(report), "<r9@acme>")


def test_a_receipt_that_comes_later_is_an_acknowledgment_of_the_interchange(acme: Partner) -> None:
    message = later(acme)
    (event,) = Transport(settings()).verify(message)
    assert event.startswith("mdn <r9@acme> ")
    change = receipt(settings(), message)
    assert change is not None
    assert change.record is not None
    assert change.external_id.startswith("MDN:000000042:")
    assert {name: change.record[name] for name in ("number", "direction", "level", "status")} == {
        "number": "000000042", "direction": "in", "level": "MDN", "status": "accepted"
    }  # fmt: skip
    answer = Transport(settings()).response(message)
    assert answer is not None
    assert answer.body == b""


@pytest.mark.parametrize(
    ("said", "told", "words"),
    [
        ("processed/error: authentication-failed", "", "authentication-failed"),
        ("processed", "b3RoZXI=", "MIC"),
    ],
)
def test_a_later_refusal_is_a_rejected_acknowledgment(
    acme: Partner, said: str, told: str, words: str
) -> None:
    change = receipt(settings(), later(acme, said=said, told=told))
    assert change is not None
    assert change.record is not None
    assert change.record["status"] == "rejected"
    assert words in change.record["technical"]["message"]


def test_a_later_receipt_about_no_message_of_ours_is_a_problem(acme: Partner) -> None:
    change = receipt(settings(), later(acme, about="<what@else>"))
    assert change is not None
    assert change.problem is not None
    assert "no message of ours" in str(change.problem)


def test_a_later_receipt_must_be_signed_by_the_partner(acme: Partner) -> None:
    report = acme.receipt(sent(), mic=mic())
    kind, _, body = report.partition(b"\r\n\r\n")
    with pytest.raises(AuthFailed):
        Transport(settings()).verify(delivery(kind.partition(b": ")[2].decode(), body))


def test_what_is_read_later_with_other_keys_says_so(acme: Partner) -> None:
    message = acme.message()
    assert receipt(settings(), message) is None
    assert open_delivery(settings(), message) == X12
    with pytest.raises(Rejected, match="keys or names were changed since"):
        open_delivery(settings(as2_id="NEW"), message)
    assert receipt(settings(as2_id="NEW"), message) is None
