"""Transport: uploads with a key, SFTP both ways, HTTP posts, AS2 over real sockets to and from a partner."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connectors.edi import transport as transport_module
from connectors.edi.connector import Edi
from connectors.edi.settings import Settings
from connectors.edi.transport import Transport, open_delivery, receipt_due
from hub.connector import Delivery, Manifest, Write
from hub.errors import AuthFailed, Invalid, Rejected, Transient
from hub.model import Interchange
from hub.store.intake import Intake
from sandbox.kit import serve
from tests.connectors.edi.as2_openssl import WANTED, X12, Partner, keys, payload, settings
from tests.sftp_server import SSHD, Server, openssh
from tests.world import Vendor, World, make_world
from webhooks.receiver import Receiver

AT = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
KEY = "a-long-upload-key"


@pytest.fixture
def acme(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


def plain(**changed: Any) -> Settings:
    return Settings.model_validate({"our_id": "US", "partner_id": "ACME", **changed})


def upload(body: bytes = X12, key: str = KEY, at: datetime = AT) -> Delivery:
    return Delivery({"authorization": f"Bearer {key}"}, body, "https://hub.example/files/edi", at)


@dataclass
class Inbox:
    """A partner's server: what reached it, and what it answers."""

    acme: Partner | None = None
    status: int = 200
    said: str = "processed"
    about: str = ""
    mic: str = ""
    signs: bool = True
    answer: tuple[str, bytes] | None = None
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers, body = dict(request.headers), await request.body()
        self.calls.append((headers, body))
        kind, content = self.answer or ("text/plain", b"")
        if self.acme and "disposition-notification-to" in headers and not self.answer:
            kind, content = self._receipt(self.acme, headers, body)
        await Response(content, self.status, {"content-type": kind})(scope, receive, send)

    def _receipt(self, acme: Partner, headers: dict[str, str], body: bytes) -> tuple[str, bytes]:
        signed, _ = acme.opened(headers, body)
        report = acme.receipt(self.about or headers["message-id"], signed, self.said, self.mic)
        if self.signs:
            return acme.signed(report)
        kind, _, content = report.partition(b"\r\n\r\n")
        return kind.partition(b": ")[2].decode(), content


@pytest.fixture
def inbox(acme: Partner) -> Iterator[tuple[Inbox, str]]:
    there = Inbox(acme)
    with serve(there) as url:
        yield there, f"{url}/as2/in"


def test_an_upload_needs_the_key_and_the_same_file_counts_again_a_minute_later() -> None:
    door = Transport(plain(upload_key=KEY))
    (event,) = door.verify(upload())
    assert event == f"{hashlib.sha256(X12).hexdigest()}:2026-11-22T12:00"
    assert door.verify(upload()) == [event]
    assert door.verify(upload(at=AT.replace(minute=1))) != [event]
    for wrong in ("", "other", KEY + "x", "k\xe9y"):
        with pytest.raises(AuthFailed):
            door.verify(upload(key=wrong))
    with pytest.raises(AuthFailed, match="no upload key"):
        Transport(plain()).verify(upload(key=""))
    with pytest.raises(Invalid, match="empty"):
        door.verify(upload(b" \r\n"))
    assert open_delivery(plain(), upload(key="none: it is not kept")) == X12
    assert door.response(upload()) is None


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module.as2, "BYTES_MAX", 10)
    with pytest.raises(Invalid, match="over 10 bytes"):
        Transport(plain(upload_key=KEY)).verify(upload())
    told = Delivery({"x-file-refused": "the file has 11 bytes"}, b"", "sftp:x", AT, "FILE")
    with pytest.raises(Invalid, match="11 bytes"):
        open_delivery(plain(), told)


def test_as2_is_refused_where_none_is_agreed(acme: Partner) -> None:
    with pytest.raises(AuthFailed, match="no AS2"):
        Transport(plain(upload_key=KEY)).verify(acme.message())


def test_http_posts_the_bytes_with_the_key_and_takes_any_2xx(inbox: tuple[Inbox, str]) -> None:
    there, url = inbox
    door = Transport(plain(http_url=url, http_key="a-partner-key"))
    assert door.send("000000007.x12", X12, "000000007") == "000000007"
    headers, body = there.calls[0]
    assert (body, headers["content-type"]) == (X12, "application/edi-x12")
    assert headers["authorization"] == "Bearer a-partner-key"
    for status, error in ((401, AuthFailed), (400, Rejected), (503, Transient)):
        there.status = status
        with pytest.raises(error) as caught:
            door.send("000000007.x12", X12, "000000007")
        assert "partner-key" not in f"{caught.value!r} {caught.value}"


def test_as2_sends_what_the_partner_opens_and_believes_its_receipt(
    acme: Partner, inbox: tuple[Inbox, str]
) -> None:
    there, url = inbox
    door = Transport(settings(as2_url=url))
    for _ in range(2):
        assert door.send("000000007.x12", X12, "000000007") == "000000007"
    (first, body), (again, other) = there.calls
    assert acme.opened(first, body)[1] == X12
    assert first["message-id"] == again["message-id"]
    assert body != other
    assert first["message-id"].startswith("<000000007.")
    assert "content-transfer-encoding" not in first


@pytest.mark.parametrize(
    ("told", "error", "words"),
    [
        ({"said": "processed/error: authentication-failed"}, Rejected, "authentication-failed"),
        ({"said": "failed/failure: unsupported format", "signs": False}, Rejected, "unsupported format"),
        ({"mic": "b3RoZXI="}, Rejected, "MIC"),
        ({"about": "<another@us>"}, Rejected, "another message"),
        ({"signs": False}, Rejected, "not signed"),
        ({"answer": ("text/html", b"<p>Thanks")}, Transient, "no receipt"),
        ({"answer": ("text/plain", b"")}, Transient, "no receipt"),
        ({"status": 500}, Transient, "status 500"),
        ({"status": 403}, Rejected, "status 403"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_without_a_receipt_that_proves_it_nothing_counts_as_sent(
    inbox: tuple[Inbox, str], told: dict[str, Any], error: type[Exception], words: str
) -> None:
    there, url = inbox
    for name, value in told.items():
        setattr(there, name, value)
    with pytest.raises(error, match=words) as caught:
        Transport(settings(as2_url=url)).send("7.x12", X12, "000000007")
    assert "PRIVATE" not in repr(caught.value)


def test_a_receipt_by_somebody_else_is_refused(tmp_path: Path) -> None:
    class Forger(Inbox):
        def _receipt(self, acme: Partner, headers: dict[str, str], body: bytes) -> tuple[str, bytes]:
            return acme.signed(acme.receipt(headers["message-id"], b""))

    with serve(Forger(Partner(tmp_path, "mallory"))) as url, pytest.raises(AuthFailed):
        Transport(settings(as2_url=url)).send("7.x12", X12, "000000007")


def test_no_receipt_or_a_later_one_is_asked_for_as_the_settings_say(inbox: tuple[Inbox, str]) -> None:
    there, url = inbox
    there.answer = ("text/plain", b"")
    Transport(settings(as2_url=url, as2_mdn="none")).send("7.x12", X12, "000000007")
    ours = "https://hub.example/webhooks/edi-acme"
    Transport(settings(as2_url=url, as2_mdn="async", as2_mdn_url=ours)).send("8.x12", X12, "000000008")
    (none, _), (later, _) = there.calls
    assert "disposition-notification-to" not in none
    assert later["receipt-delivery-option"] == ours
    assert "required, pkcs7-signature" in later["disposition-notification-options"]


def test_nothing_is_encrypted_for_a_certificate_that_has_ended(inbox: tuple[Inbox, str]) -> None:
    there, url = inbox
    ended = keys("acme", -20, -1).certificate
    door = Transport(settings(as2_url=url, as2_partner_certificate=ended))
    with pytest.raises(Rejected, match="certificate ended"):
        door.send("7.x12", X12, "000000007")
    assert not there.calls
    told = door.check()
    assert (told.ok, "the partner's certificate ended" in told.summary) == (False, True)


def test_a_certificate_that_ends_soon_is_told_of() -> None:
    told = Transport(settings(as2_partner_certificate=keys("acme", -20, 10).certificate)).check()
    assert told.ok
    assert any("certificate ends on" in one for one in told.findings)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"as2_url": "https://a.example/as2"}, "as2_id"),
        ({"sftp_out": "in"}, "sftp_host"),
        ({"send_by": "sftp"}, "send_by"),
        ({"http_url": "https://a.example/", "sftp_host": "h", "sftp_user": "u", "sftp_out": "in"}, "send_by"),
    ],
    ids=str,
)
def test_ways_that_are_not_clear_are_refused_when_they_are_saved(told: dict[str, str], name: str) -> None:
    host_key = {"sftp_host_key": "ssh-ed25519 AAAA"} if "sftp_host" in told else {}
    with pytest.raises(Invalid) as caught:
        Transport(plain(**told, **host_key))
    assert caught.value.field == name


def test_a_later_receipt_needs_an_address_and_addresses_are_web_addresses() -> None:
    with pytest.raises(Invalid) as caught:
        Transport(settings(as2_url="https://a.example/as2", as2_mdn="async"))
    assert caught.value.field == "as2_mdn_url"
    for name in ("as2_url", "as2_mdn_url", "http_url"):
        for wrong in ("ftp://a.example/", "https://u:p@a.example/", "gopher://a"):
            with pytest.raises(ValueError, match="must look like"):
                settings(**{name: wrong})


def test_with_no_way_to_send_it_is_said() -> None:
    door = Transport(plain())
    with pytest.raises(Rejected, match="no way to send"):
        door.send("7.x12", X12, "000000007")
    with pytest.raises(Rejected, match="no SFTP folder"):
        door.poll(None)
    assert any("nothing leaves" in one for one in door.check().findings)


LATER = {**WANTED, "receipt_delivery_option": "http://127.0.0.1:1/receipts"}


def test_a_receipt_that_is_wanted_later_is_kept_as_our_acknowledgment_and_posted(
    acme: Partner, inbox: tuple[Inbox, str]
) -> None:
    there, url = inbox
    there.answer = ("text/plain", b"")
    edi = Edi(settings(as2_url=url))
    message = acme.message(X12, **{**LATER, "receipt_delivery_option": f"{url}/mdn"})
    due = receipt_due(edi.settings, message)
    assert due is not None
    assert due.record is not None
    assert (due.record["direction"], due.record["level"], due.record["groups"]) == ("out", "MDN", [])
    write = Write("acknowledgment", {"answer": due.record["answer"]}, None, "doc-1", "k")
    order = Write("nothing", {}, None, "doc-2", "k")
    made, refused = edi.compose([order, write], lambda series: 1, AT)
    assert (list(refused), [one.members for one in made]) == ([0], [{1: made[0].fields["number"]}])
    fields = made[0].fields
    Interchange.model_validate({**fields, "id": "i1"})
    assert fields["answers"] == "doc-1"
    carried = {"number": fields["number"], "body": fields["body"], "name": "TA1.edi"}
    for _ in range(2):
        edi.push(Write("interchange", carried, None, "doc-3", "k"))
    (headers, body), repeated = there.calls
    assert (repeated[1], repeated[0]["message-id"]) == (body, headers["message-id"])
    assert "receipt-delivery-option" not in headers
    assert (headers["as2-from"], headers["as2-to"]) == ("US-EDI", '"Acme Stores"')
    report, _ = acme.verified(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
    assert b"Original-Message-ID: <m1@acme>" in report
    assert b"MIC: " + base64.b64encode(hashlib.sha256(payload()).digest()) in report
    answer = edi.response(message)
    assert answer is not None
    assert answer.body == b""


def test_a_repeat_that_wants_its_receipt_later_is_answered_again(acme: Partner) -> None:
    door = Transport(settings(as2_url="http://127.0.0.1:1/as2"))
    first, again = (acme.message(**LATER)._replace(received_at=AT.replace(minute=one)) for one in (0, 9))
    assert door.verify(first) != door.verify(again)
    one, two = receipt_due(door.settings, first), receipt_due(door.settings, again)
    assert one is not None
    assert two is not None
    assert one.external_id == two.external_id
    assert one.record != two.record  # when it came


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:2/x", "https://127.0.0.1:1/x", "http://127.0.0.1:1@evil.example/", "mailto:a@b",
     "http://169.254.169.254/", "http://u@127.0.0.1:1/", "http://127.0.0.1:x/", "http://localhost:1/"],
)  # fmt: skip
def test_a_receipt_goes_to_the_partners_own_host_only(acme: Partner, address: str) -> None:
    message = acme.message(**{**WANTED, "receipt_delivery_option": address})
    for url in ("http://127.0.0.1:1/as2", ""):
        with pytest.raises(Invalid, match="partner's AS2 address only"):
            Transport(settings(as2_url=url)).verify(message)
    moved = {"mdn": {"about": "<m1@acme>", "mic": "x, sha-256", "is_signed": True, "address": address}}
    write = Write("acknowledgment", {"answer": moved}, None, "doc-1", "k")
    edi = Edi(settings(as2_url="http://127.0.0.1:1/as2"))
    made, refused = edi.compose([write], lambda series: 1, AT)
    assert (list(made), list(refused)) == ([], [0])
    carried = {"number": "MDN-1", "body": f"receipt-delivery-option: {address}\r\n\r\n"}
    with pytest.raises(Rejected, match="AS2 address only"):
        edi.push(Write("interchange", carried, None, "doc-3", "k"))


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if SSHD is None:
        pytest.skip("no sshd is installed here")
    with openssh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def test_sftp_puts_what_leaves_and_fetches_what_came(sshd: Server, tmp_path: Path) -> None:
    for name in ("to-us", "from-us"):
        (tmp_path / name).mkdir()
    told = {"sftp_in": f"{tmp_path}/to-us", "sftp_out": f"{tmp_path}/from-us/", "sftp_settled": 0}
    door = Transport(plain(**sshd.settings, **told))
    assert door.check().ok
    for _ in range(2):
        assert door.send("000000007.x12", X12, "000000007") == "000000007"
    assert (tmp_path / "from-us" / "000000007.x12").read_bytes() == X12
    (tmp_path / "to-us" / "a.edi").write_bytes(X12)
    (tmp_path / "to-us" / "b.edi").write_bytes(X12)
    first, second = door.poll(None).arrivals
    assert first.event_ids != second.event_ids  # the same content sent again is answered again
    assert open_delivery(door.settings, first.delivery) == X12
    (tmp_path / "from-us" / "000000007.x12").unlink()
    (tmp_path / "from-us").rmdir()
    assert not door.check().ok


@dataclass
class Traded(Vendor):
    """A connection whose doors are those of the EDI connector."""

    transport: Any = None

    @property
    def manifest(self) -> Manifest:
        return replace(super().manifest, repeats_vary=True)

    def verify(self, delivery: Delivery) -> Sequence[str]:
        found: Sequence[str] = self.transport.verify(delivery)
        return found

    def response(self, delivery: Delivery) -> Any:
        return self.transport.response(delivery)


@pytest.fixture
def door(database_url: str) -> Iterator[tuple[World, str]]:
    world = make_world(database_url)
    registry: Any = world.hub.registry
    traded = Traded("crm", transport=Transport(settings(upload_key=KEY)))
    registry.live["crm"] = replace(registry.live["crm"], connector=traded)
    intake = Intake(world.hub.store.database, lambda: None)
    with serve(Receiver(world.hub, intake, public_url="", bytes_max=20_000)) as url:
        yield world, f"{url}/webhooks/crm"
    intake.stop()
    world.hub.store.database.close()


def post(url: str, message: Delivery) -> httpx.Response:
    return httpx.post(url, content=message.body, headers=dict(message.headers))


def test_a_message_is_stored_once_and_every_repeat_gets_a_signed_receipt(
    door: tuple[World, str], acme: Partner
) -> None:
    world, url = door
    for _ in range(2):
        reply = post(url, acme.message(**WANTED))
        assert reply.status_code == 200
        assert (reply.headers["as2-from"], reply.headers["as2-to"]) == ("US-EDI", '"Acme Stores"')
        whole = f"Content-Type: {reply.headers['content-type']}\r\n\r\n".encode() + reply.content
        report, _ = acme.verified(whole)
        mic = base64.b64encode(hashlib.sha256(payload()).digest())
        assert b"Received-Content-MIC: " + mic in report
        assert b"Original-Message-ID: <m1@acme>" in report
    assert len(world.rows("inbox")) == 1
    assert post(url, acme.message(X12 + b"~", **WANTED)).status_code == 200  # other content, same id: kept
    assert len(world.rows("inbox")) == 2


def test_a_message_without_a_wish_for_a_receipt_gets_an_empty_200(
    door: tuple[World, str], acme: Partner
) -> None:
    _, url = door
    reply = post(url, acme.message())
    assert (reply.status_code, reply.content) == (200, b"")


def test_all_that_is_not_authentic_gets_one_answer_and_no_receipt(
    door: tuple[World, str], acme: Partner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world, url = door
    good = acme.message(**WANTED)
    bad = [
        good._replace(body=good.body[:-1]),
        good._replace(body=good.body[:-20] + b"\0" * 20),
        good._replace(body=b""),
        acme.message(as2_to="ELSE", **WANTED),
        Partner(tmp_path / "m", "mallory").message(**WANTED) if (tmp_path / "m").mkdir() is None else good,
    ]
    with caplog.at_level(logging.DEBUG):
        told = {(post(url, one).status_code, post(url, one).text) for one in bad}
    assert told == {(401, '{"error":"the signature is not valid"}')}
    assert "PRIVATE" not in caplog.text
    assert not world.rows("inbox")


def test_an_oversized_message_is_refused_before_it_is_opened(door: tuple[World, str], acme: Partner) -> None:
    world, url = door
    assert post(url, acme.message(X12 * 300, **WANTED)).status_code == 413
    assert not world.rows("inbox")


def test_an_upload_at_the_same_address_is_answered_as_ever(door: tuple[World, str]) -> None:
    _, url = door
    reply = httpx.post(url, content=X12, headers={"authorization": f"Bearer {KEY}"})
    assert (reply.status_code, reply.json()) == (202, {"status": "accepted"})
