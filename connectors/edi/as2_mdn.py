"""Receipts of AS2 messages (MDN: RFC 8098, RFC 4130 section 7): ours given, the partner's judged."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from connectors.edi import as2, as2_mime
from connectors.edi.as2 import REPORT, Agreement, Opened
from connectors.edi.as2_mime import Part
from hub.sdk import Answer, Invalid, Rejected

WORDS_MAX = 300
_NOTICE = "message/disposition-notification"
_TO, _OPTIONS, _LATER = (
    "disposition-notification-to", "disposition-notification-options", "receipt-delivery-option"
)  # fmt: skip
_DIGESTS = {
    "sha256": "sha256", "sha-256": "sha256", "sha384": "sha384", "sha-384": "sha384", "sha512": "sha512",
    "sha-512": "sha512",
}  # fmt: skip
_PROCESSED = "automatic-action/MDN-sent-automatically; processed"


class Receipt(NamedTuple):
    """What a partner says of a message: about which, in which words, and the digest of what they got."""

    about: str  # Original-Message-ID
    disposition: str
    mic: str
    words: str
    message_id: str = ""

    @property
    def refusal(self) -> str:
        """Why the partner does not take the message; empty where it does."""
        verb, _, modifier = self.disposition.lower().partition(";")[2].strip().partition("/")
        modifier = modifier.strip()
        fine = not modifier or modifier.startswith("warning") or "duplicate-document" in modifier
        return "" if verb.strip() == "processed" and fine else self._told("refuses the message")

    @property
    def mismatch(self) -> str:
        """Why it is no proof of what we sent; empty where it is one. By the Message-ID alone."""
        sent = as2.ours(self.about)
        if sent is None:
            return "the receipt is about a message that we did not send"
        repeated = "duplicate-document" in self.disposition.lower()
        if (repeated and not self.mic) or _same(self.mic, sent[1]):
            return ""  # of a repeat they need not say what they got: its id is of this content alone
        return self._told("got other content than we sent, or does not say what (MIC)")

    def _told(self, what: str) -> str:
        said = f": {self.words}" if self.words else ""
        return f"the partner {what}: {self.disposition or 'no disposition'}{said}"


def _same(mic: str, digest: str) -> bool:
    """Is it the SHA-256 that we asked for?"""
    value, _, algorithm = mic.partition(",")
    known = _DIGESTS.get(algorithm.strip().lower() or "sha256")
    return known == "sha256" and value.strip() == base64.b64encode(bytes.fromhex(digest)).decode()


def asked(settings_mdn: str, our_address: str, later: str) -> dict[str, str]:
    """Headers that ask for a signed receipt: at once, or `later` at that address of ours."""
    if settings_mdn == "none":
        return {}
    found = {
        "Disposition-Notification-To": our_address,
        "Disposition-Notification-Options": "signed-receipt-protocol=required, pkcs7-signature; "
        "signed-receipt-micalg=required, sha-256",
    }
    return {**found, "Receipt-Delivery-Option": later} if settings_mdn == "async" else found


def expected(agreed: Agreement, sent: str, headers: Mapping[str, str], body: bytes, at: datetime) -> Receipt:
    """The receipt in the answer to message `sent`. Raises Rejected where it is not one that proves receipt.

    A refusal is believed without a signature: a partner who cannot tell who we are cannot sign.
    """
    found = as2.proven(agreed, headers, body, at)
    inner = found.inner if found else Part(headers, body, b"")
    if inner.type != REPORT:
        raise Invalid("the answer is no receipt", field="body")
    receipt = read(inner, headers.get("message-id", ""))
    if receipt.refusal:
        raise Rejected(receipt.refusal, code="mdn_refused")
    if receipt.about.strip() != sent:
        raise Rejected(f"the receipt is about another message: {receipt.about[:100]}", code="mdn_about")
    if found is None:
        raise Rejected("the receipt is not signed: it proves nothing", code="mdn_unsigned")
    if receipt.mismatch:
        raise Rejected(receipt.mismatch, code="mdn_mic")
    return receipt


def read(report: Part, message_id: str = "") -> Receipt:
    """What a report says. Raises Invalid where it says nothing of a message."""
    parts = as2_mime.pieces(report)
    notices = [one for one in parts if one.type == _NOTICE]
    if len(notices) != 1:
        raise Invalid("the receipt has not one disposition notification", field="body")
    told = as2_mime.fields(notices[0].content)
    plain = next((one.content.decode("utf-8", "replace") for one in parts if one.type == "text/plain"), "")
    words = " ".join(re.sub(r"[^\x20-\x7e\xa0-\uffff]", " ", plain).split())[:WORDS_MAX]
    return Receipt(
        told.get("original-message-id", "").strip(), told.get("disposition", "")[:WORDS_MAX],
        told.get("received-content-mic", "")[:WORDS_MAX], words, message_id,
    )  # fmt: skip


def wanted_later(headers: Mapping[str, str]) -> str:
    """The address that a sender wants its receipt at, in a call of ours; empty: in the answer, or none."""
    return headers.get(_LATER, "").strip() if headers.get(_TO) else ""


class Wish(NamedTuple):
    """The receipt that a sender wants: of which message, the digest of what came, signed or not."""

    about: str
    mic: str
    is_signed: bool


def wish(headers: Mapping[str, str], found: Opened) -> Wish:
    """What the headers of a message ask for."""
    options = headers.get(_OPTIONS, "").lower()
    digest = _digest(options, found.digest)
    mic = base64.b64encode(hashlib.new(digest, found.signed).digest()).decode()
    return Wish(found.message_id, f"{mic}, {digest[:3]}-{digest[3:]}", "pkcs7-signature" in options)


def answer(agreed: Agreement, headers: Mapping[str, str], found: Opened) -> Answer:
    """What a sender hears whose message is stored: its receipt, unless it wants none or wants it later."""
    if not headers.get(_TO) or wanted_later(headers):
        return Answer("text/plain", b"")
    return given(agreed, wish(headers, found))


def given(agreed: Agreement, wanted: Wish) -> Answer:
    """A receipt: the message came whole and is kept."""
    boundary = f"report-{uuid4().hex}"
    kind = f'{REPORT}; report-type=disposition-notification; boundary="{boundary}"'
    body = as2_mime.joined((_words(wanted), _notice(agreed, wanted)), boundary)
    if wanted.is_signed:
        kind, body = as2.signed(agreed, as2_mime.made({"Content-Type": kind}, body))
    place = re.sub(r"[^A-Za-z0-9-]+", "-", agreed.our_id)
    mine = as2.heading(agreed, f"<mdn-{uuid4().hex}@{place}>", "Receipt")
    return Answer(kind, body, mine)


def _words(wanted: Wish) -> bytes:
    said = (
        f"The message {wanted.about} was received, its signature verified, and it is stored. "
        "Whether its content is accepted is said by an acknowledgment of its own.\r\n"
    )
    return as2_mime.made(
        {"Content-Type": "text/plain; charset=us-ascii", "Content-Transfer-Encoding": "7bit"},
        said.encode("ascii", "replace"),
    )


def _notice(agreed: Agreement, wanted: Wish) -> bytes:
    told = {
        "Reporting-UA": "O2C Hub",
        "Original-Recipient": f"rfc822; {as2.quoted(agreed.our_id)}",
        "Final-Recipient": f"rfc822; {as2.quoted(agreed.our_id)}",
        "Original-Message-ID": wanted.about,
        "Disposition": _PROCESSED,
        "Received-Content-MIC": wanted.mic,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    heading = {"Content-Type": _NOTICE, "Content-Transfer-Encoding": "7bit"}
    return as2_mime.made(heading, lines.encode("ascii", "replace"))


def _digest(options: str, signed_by: str) -> str:
    """The first algorithm of those wanted that we have, else the one the signature was made with."""
    told = re.search(r"signed-receipt-micalg\s*=([^;]*)", options)
    names = [name.strip() for name in told[1].split(",")] if told else []
    return next((_DIGESTS[name] for name in names if name in _DIGESTS), signed_by)
