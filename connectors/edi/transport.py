"""How interchanges come and go: uploads, files fetched and put by SFTP, HTTP posts, AS2.

What leaves may be sent again: the same number has the same bytes, file name and Message-ID. There is no
folder of our own disk to write to: whoever may edit a connection could write anywhere by it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from connectors.edi import as2, as2_later, as2_mdn, tokens
from connectors.edi.as2 import Agreement
from connectors.edi.as2_mdn import Receipt
from connectors.edi.settings import Settings
from hub.sdk import (
    REFUSED,
    Answer,
    Arrival,
    AuthFailed,
    Change,
    ConnectorError,
    Delivery,
    Door,
    Folder,
    Health,
    Invalid,
    Page,
    Rejected,
    SftpDoor,
    SftpPickup,
    Transient,
    Unmappable,
    verdict,
)

EXPIRES_DAYS = 30  # before its end a certificate is told of
CONTENT_TYPE = "application/edi-x12"  # RFC 1767


class Transport:
    """The doors of one connection; made in the connector's constructor. Raises Invalid for wrong settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.agreed = as2.agreement(settings) if settings.as2_id else None
        self.way = _way(settings)
        self._sftp = SftpDoor(settings.account_there()) if settings.sftp_host else None
        self._pickup: SftpPickup | None = None
        if self._sftp and settings.sftp_in:
            self._pickup = SftpPickup(self._sftp, _folder(settings))
        self._http = Door(settings.http_url) if settings.http_url else None
        self._as2 = Door(settings.as2_url) if settings.as2_url else None

    def send(self, name: str, body: bytes, number: str) -> str:
        """Carry an interchange to the partner, however often; returns its number. Raises ConnectorError."""
        if number.startswith(as2_later.MARK) and self._as2:
            self._receipt(self._as2, body)
        elif self.way == "sftp" and self._sftp:
            with self._sftp.session() as session:
                session.put(self.settings.sftp_out.rstrip("/") or "/", name, body)
        elif self.way == "http" and self._http:
            self._post(self._http, name, body)
        elif self.way == "as2" and self._as2 and self.agreed:
            self._message(self._as2, self.agreed, name, body, number)
        else:
            raise Rejected(
                "this connection has no way to send: set as2_url, sftp_out or http_url", code="no_way",
                sent=False,
            )  # fmt: skip
        return number

    def _post(self, door: Door, name: str, body: bytes) -> None:
        plain = as2.plain_name(name)
        headers = {"content-type": CONTENT_TYPE, "content-disposition": f'attachment; filename="{plain}"'}
        if key := self.settings.http_key.get_secret_value():
            headers["authorization"] = f"Bearer {key}"
        reply = door.call("POST", self.settings.http_url, content=body, headers=headers, idempotent=True)
        if error := verdict(reply):
            raise error

    def _message(self, door: Door, agreed: Agreement, name: str, body: bytes, number: str) -> None:
        now = datetime.now(UTC)
        if agreed.theirs[0].not_valid_after_utc < now:
            raise Rejected(
                f"the partner's certificate ended on {agreed.theirs[0].not_valid_after_utc:%Y-%m-%d}: "
                "ask for the one in use", code="as2_expired", sent=False,
            )  # fmt: skip
        wants = self.settings.as2_mdn
        made = as2.outgoing(agreed, body, name, number)
        asked = as2_mdn.asked(wants, self.settings.as2_mdn_url or agreed.our_id, self.settings.as2_mdn_url)
        reply = door.call(
            "POST",
            self.settings.as2_url,
            content=made.body,
            headers={**made.headers, **asked},
            idempotent=True,
        )
        if error := verdict(reply):
            raise error
        if wants != "sync":
            return
        headers = {name.lower(): value for name, value in reply.headers.items()}
        try:
            as2_mdn.expected(agreed, made.message_id, headers, reply.body, now)
        except Invalid as error:
            raise Transient(f"the partner's answer is no receipt: {error}", code="no_mdn") from None

    def _receipt(self, door: Door, body: bytes) -> None:
        try:
            address, headers, content = as2_later.unpacked(self.settings, body)
        except Invalid as wrong:
            raise Rejected(str(wrong), code="mdn", sent=False) from None
        reply = door.call("POST", address, content=content, headers=headers, idempotent=True)
        if error := verdict(reply):
            raise error

    def poll(self, cursor: str | None) -> Page:
        """Files that came to the partner's folder. Raises ConnectorError, Rejected where none is set."""
        if self._pickup is None:
            raise Rejected(
                "there is no SFTP folder to fetch from: set sftp_host and sftp_in, or leave the interval of "
                "polls at 0", code="no_server",
            )  # fmt: skip
        page = self._pickup.poll(cursor)
        return page._replace(arrivals=[_named(one) for one in page.arrivals])

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """Event ids of an upload or an AS2 message that is authentic. Raises AuthFailed or Invalid."""
        # to the minute: what the partner sends again, and that is not answered at once, is answered again
        minute = f"{delivery.received_at.astimezone(UTC):%Y-%m-%dT%H:%M}"
        if as2.is_as2(delivery.headers):
            if self.agreed is None:
                raise AuthFailed("this connection has no AS2: set as2_id", code="no_as2")
            found = as2.opened(self.agreed, delivery)
            later = "" if found.is_report else as2_mdn.wanted_later(delivery.headers)
            if not later:
                return [found.event_id]
            as2_later.allowed(self.settings, later)
            if self.settings.mailbox:
                words = "a mailbox of several partners gives receipts in the answer only: ask for it there"
                raise Invalid(words, field="receipt-delivery-option")
            return [f"{found.event_id}:{minute}"]
        self._keyed(delivery)
        _plausible(delivery.body)
        return [f"{hashlib.sha256(delivery.body).hexdigest()}:{minute}"]

    def _keyed(self, delivery: Delivery) -> None:
        key = self.settings.upload_key.get_secret_value().encode()
        sent = delivery.headers.get("authorization", "").encode("utf-8", "replace")
        if not key:
            raise AuthFailed("this connection has no upload key: set one to upload files over HTTP")
        if not hmac.compare_digest(sent, b"Bearer " + key):
            raise AuthFailed("the upload key is missing or wrong")

    def response(self, delivery: Delivery) -> Answer | None:
        """The receipt of an AS2 message that is stored; None for uploads. Never raises."""
        if self.agreed is None or not as2.is_as2(delivery.headers):
            return None
        try:
            found = as2.opened(self.agreed, delivery)
        except (ConnectorError, Invalid):
            return None
        if found.is_report:
            return Answer("text/plain")
        return as2_mdn.answer(self.agreed, delivery.headers, found)

    def check(self) -> Health:
        """Looks into the SFTP folders; tells which doors are open and which certificates end soon."""
        told, findings = self._doors(), self._certificates()
        ended = [one for one in findings if " ended " in one]
        try:
            findings += self._folders()
        except ConnectorError as error:
            return Health(False, f"SFTP does not work: {error}", findings)
        if self.way in ("as2", "http"):
            findings.append(
                "whether the partner takes what we post, only sending tells: send a test document"
            )
        if not self.way:
            findings.append("no way to send is set: nothing leaves, acknowledgments neither")
        return Health(not ended, ended[0] if ended else told, findings)

    def _doors(self) -> str:
        ways = {
            "the console": True, "the watched folder": True,
            "uploads": bool(self.settings.upload_key.get_secret_value()), "AS2": self.agreed is not None,
            f"SFTP from {self.settings.sftp_host}": self._pickup is not None,
        }  # fmt: skip
        by = {"as2": "AS2", "sftp": "SFTP", "http": "HTTP"}.get(self.way, "")
        return f"reads from {', '.join(name for name, there in ways.items() if there)}" + (
            f"; sends by {by}" if by else ""
        )

    def _certificates(self) -> list[str]:
        if self.agreed is None:
            return []
        now = datetime.now(UTC)
        owned = {"our": self.agreed.ours[0].certificate, "the partner's": self.agreed.theirs[0]}
        found = []
        for whose, one in owned.items():
            end = one.not_valid_after_utc
            if end < now + timedelta(days=EXPIRES_DAYS):
                found.append(f"{whose} certificate {'ends' if end > now else 'ended'} on {end:%Y-%m-%d}")
        return found

    def _folders(self) -> list[str]:
        found = list(self._pickup.check()) if self._pickup else []
        if self._sftp and self.way == "sftp":
            with self._sftp.session() as session:
                session.has_folder(self.settings.sftp_out)
        return found


def _way(settings: Settings) -> str:
    """How interchanges leave; empty: they do not. Raises Invalid where that is not clear."""
    for name, needs in (("as2_url", "as2_id"), ("sftp_in", "sftp_host"), ("sftp_out", "sftp_host")):
        if getattr(settings, name) and not getattr(settings, needs):
            raise Invalid(f"{name} is set: this is needed with it", field=needs)
    there = {"as2": settings.as2_url, "http": settings.http_url, "sftp": settings.sftp_out}
    ways = [name for name, place in there.items() if place]
    if settings.send_by and settings.send_by not in ways:
        raise Invalid(f"what {settings.send_by} needs is not set", field="send_by")
    if len(ways) > 1 and not settings.send_by:
        raise Invalid(f"say how interchanges leave: {', '.join(ways)} are all set", field="send_by")
    way = settings.send_by or "".join(ways)
    if way == "as2" and settings.as2_mdn == "async" and not settings.as2_mdn_url:
        raise Invalid("receipts that come later need an address to come to", field="as2_mdn_url")
    return way


def _folder(settings: Settings) -> Folder:
    return Folder(
        settings.sftp_in, settings.sftp_pattern, settings.sftp_processed, settings.sftp_settled, as2.BYTES_MAX
    )


def _named(arrival: Arrival) -> Arrival:
    """With its name in the event id: the same content under another name is sent again, and answered."""
    name = hashlib.sha256(arrival.delivery.headers.get("x-file-name", "").encode()).hexdigest()[:16]
    return arrival._replace(event_ids=[f"{one}:{name}" for one in arrival.event_ids])


def open_delivery(settings: Settings, delivery: Delivery) -> bytes:
    """The X12 in a delivery that was verified when it came. Raises Rejected or Invalid."""
    if told := delivery.headers.get(REFUSED):
        raise Invalid(told, field="body")
    body = delivery.body
    if as2.is_as2(delivery.headers):
        try:
            body = as2.document(as2.opened(as2.agreement(settings), delivery))
        except AuthFailed as error:
            raise Rejected(
                f"the message cannot be opened any more, keys or names were changed since it came: {error}",
                code=error.code,
            ) from None
    _plausible(body)
    return body


def _plausible(body: bytes) -> None:
    if not body.strip():
        raise Invalid("the file is empty", field="body")
    if len(body) > as2.BYTES_MAX:
        raise Invalid(f"the file is over {as2.BYTES_MAX} bytes: split it", field="body")
    tokens.check_unpacked(body)


def receipt(settings: Settings, delivery: Delivery) -> Change | None:
    """What a receipt says that came in a call of its own; None for any other delivery. Raises Invalid."""
    if not as2.is_as2(delivery.headers) or not settings.as2_id:
        return None
    try:
        found = as2.opened(as2.agreement(settings), delivery)
    except AuthFailed:
        return None  # open_delivery says why
    return _told(as2_mdn.read(found.inner, found.message_id)) if found.is_report else None


def receipt_due(settings: Settings, delivery: Delivery) -> Change | None:
    """Our receipt for a message that wants it in a call of its own; None for others. Raises Invalid."""
    if not as2.is_as2(delivery.headers) or not as2_mdn.wanted_later(delivery.headers):
        return None
    agreed = as2.agreement(settings)
    try:
        found = as2.opened(agreed, delivery)
    except AuthFailed:
        return None  # open_delivery says why
    return as2_later.due(agreed, delivery, found)


def _told(said: Receipt) -> Change:
    """A receipt as acknowledgment of level MDN, about the interchange by its number."""
    sent = as2.ours(said.about)
    mark = hashlib.sha256(f"{said.message_id} {said.about} {said.disposition}".encode()).hexdigest()[:12]
    if sent is None:
        problem = Unmappable(
            "edi.acknowledgment", "Original-Message-ID", "it is about no message of ours", said.about
        )  # fmt: skip
        return Change("acknowledgment", f"MDN:{mark}", None, problem=problem)
    fault = said.refusal or said.mismatch
    status = "rejected" if fault else "accepted"
    words = fault or said.disposition
    record = {
        "number": sent[0], "direction": "in", "level": "MDN", "groups": [], "status": status,
        "technical": {"number": sent[0], "status": status, "code": "MDN", "message": words[:300]},
    }  # fmt: skip
    return Change("acknowledgment", f"MDN:{sent[0]}:{mark}", record)
