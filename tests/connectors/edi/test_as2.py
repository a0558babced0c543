"""AS2 messages against OpenSSL: read what it made, make what it reads, refuse what was tampered with."""

from __future__ import annotations

import base64
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.edi import as2, as2_ber, as2_cms, as2_mime
from connectors.edi.as2 import agreement, opened, outgoing
from hub.errors import AuthFailed, Invalid
from tests.connectors.edi.as2_openssl import X12, Partner, delivery, keys, payload, settings


@pytest.fixture
def acme(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


def read(message: Any, **changed: Any) -> bytes:
    return as2.document(opened(agreement(settings(**changed)), message))


@pytest.mark.parametrize(
    "cipher",
    [("-aes128",), ("-aes256",), ("-aes-192-cbc",), ("-aes256", "-stream"), ("-aes128", "-keyid")],
    ids=" ".join,
)
def test_what_openssl_encrypted_and_signed_is_read_to_the_byte(
    acme: Partner, cipher: tuple[str, ...]
) -> None:
    assert read(delivery(*acme.sealed(*acme.signed(payload()), *cipher))) == X12


def test_a_key_wrapped_with_oaep_is_read(acme: Partner) -> None:
    acme.sign(b"")  # writes the keys
    whole = b"Content-Type: %s\r\n\r\n%s" % tuple(
        one if isinstance(one, bytes) else one.encode() for one in acme.signed(payload())
    )
    words = ("cms", "-encrypt", "-binary", "-outform", "DER", "-aes128", "-recip", "us.crt", "-keyopt")
    body = acme.openssl(*words, "rsa_padding_mode:oaep", given=whole)
    assert read(delivery("application/pkcs7-mime; smime-type=enveloped-data", body)) == X12


@pytest.mark.parametrize(
    "options",
    [(), ("-stream",), ("-md", "sha512"), ("-keyid",), ("-noattr",), ("-nocerts",),
     ("-keyopt", "rsa_padding_mode:pss")],
    ids=lambda options: " ".join(options) or "plain",
)  # fmt: skip
def test_signatures_of_many_forms_are_checked(acme: Partner, options: tuple[str, ...]) -> None:
    assert read(delivery(*acme.sealed(*acme.signed(payload(), *options)))) == X12


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("cipher", ["aes128", "aes256", "none"])
def test_what_we_send_openssl_reads(acme: Partner, cipher: str, compress: bool) -> None:
    agreed = agreement(settings(as2_encryption=cipher, as2_compression=compress))
    made = outgoing(agreed, X12, "000000123.x12", "000000123")
    headers = {name.lower(): value for name, value in made.headers.items()}
    signed, content = acme.opened(headers, made.body)
    if compress:
        assert b"smime-type=compressed-data" in signed
        content = as2_mime.part(as2_cms.decompress(content, 10_000)).content
    assert content == X12
    assert as2.ours(made.message_id) == ("000000123", as2._hex(signed))
    assert (headers["as2-from"], headers["as2-to"]) == ("US-EDI", '"Acme Stores"')
    assert (X12 in made.body) is (cipher == "none" and not compress)


def test_a_repeat_has_the_same_message_id_and_other_content_another_one() -> None:
    agreed = agreement(settings())
    first, again, other = (outgoing(agreed, one, "7.x12", "000000007") for one in (X12, X12, X12 + b" "))
    assert first.message_id == again.message_id != other.message_id
    assert first.body != again.body  # encrypted under another key


def test_a_repeat_from_the_partner_is_recognised_though_it_is_encrypted_anew(acme: Partner) -> None:
    agreed = agreement(settings())
    first, again = (opened(agreed, acme.message()) for _ in range(2))
    assert first.event_id == again.event_id
    assert opened(agreed, acme.message(X12 + b"~")).event_id != first.event_id
    assert opened(agreed, acme.message(message_id="<m2@acme>")).event_id != first.event_id
    long = opened(agreed, acme.message(message_id=f"<{'m' * 250}@a>"))
    assert len(long.event_id) < 200


@pytest.mark.parametrize("outside", [False, True], ids=["in the signature", "around it"])
def test_compressed_content_is_read_wherever_it_was_compressed(acme: Partner, outside: bool) -> None:
    packed = b"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\n"
    if outside:
        kind, body = acme.signed(payload())
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        message = acme.sealed("application/pkcs7-mime; smime-type=compressed-data", as2_cms.compress(whole))
    else:
        message = acme.sealed(*acme.signed(packed + as2_cms.compress(payload())))
    assert read(delivery(*message)) == X12


def test_base64_around_and_inside_is_read(acme: Partner) -> None:
    part = (
        b"Content-Type: application/edi-x12\r\nContent-Transfer-Encoding: Base64\r\n\r\n"
        + base64.encodebytes(X12)
    )
    kind, body = acme.sealed(*acme.signed(part))
    assert read(delivery(kind, base64.encodebytes(body), content_transfer_encoding="base64")) == X12


def test_a_changed_byte_of_the_signed_part_is_refused(acme: Partner) -> None:
    kind, body = acme.signed(payload())
    with pytest.raises(AuthFailed, match="changed after it was signed"):
        read(delivery(*acme.sealed(kind, body.replace(b"GS*PO", b"GS*IN"))))


@pytest.mark.parametrize("place", [5, 200, 420, -40, -1])
def test_a_changed_byte_of_the_envelope_is_refused(acme: Partner, place: int) -> None:
    kind, body = acme.sealed(*acme.signed(payload()))
    bad = bytearray(body)
    bad[place] ^= 1
    with pytest.raises(AuthFailed):
        read(delivery(kind, bytes(bad)))


def test_every_cut_of_a_message_is_refused_and_none_is_a_crash(acme: Partner) -> None:
    kind, body = acme.sealed(*acme.signed(payload()))
    for size in range(0, len(body), 211):
        with pytest.raises(AuthFailed):
            read(delivery(kind, body[:size]))


def test_another_signer_than_the_pinned_one_is_refused_though_it_brings_its_certificate(
    tmp_path: Path,
) -> None:
    mallory = Partner(tmp_path, "mallory")
    with pytest.raises(AuthFailed, match="none of the partner's certificates"):
        read(mallory.message())


def test_a_signature_by_the_right_name_with_another_key_is_refused(acme: Partner, tmp_path: Path) -> None:
    message = acme.message()
    twin = keys("acme", -9)  # same name, other key and number
    with pytest.raises(AuthFailed):
        read(message, as2_partner_certificate=twin.certificate)
    assert read(message, as2_partner_certificate=twin.certificate + keys("acme").certificate) == X12


@pytest.mark.parametrize(("begins", "ends"), [(-20, -1), (1, 20)], ids=["expired", "not_yet"])
def test_a_certificate_out_of_its_time_is_refused(
    acme: Partner, tmp_path: Path, begins: int, ends: int
) -> None:
    pair = keys("acme", begins, ends)
    (tmp_path / "acme.key").write_text(pair.key)
    (tmp_path / "acme.crt").write_text(pair.certificate)
    acme.sign(b"")
    message = acme.message()
    with pytest.raises(AuthFailed, match="valid from") as caught:
        read(message, as2_partner_certificate=pair.certificate)
    assert caught.value.code == "as2_expired"
    then = message._replace(received_at=message.received_at + timedelta(days=begins + 5))
    assert read(then, as2_partner_certificate=pair.certificate) == X12  # read again after years


def test_a_message_for_somebody_else_is_refused(acme: Partner) -> None:
    other = keys("somebody")
    with pytest.raises(AuthFailed, match="not encrypted for our certificate"):
        read(acme.message(), as2_certificate=other.certificate, as2_private_key=other.key)


def test_while_our_certificate_changes_both_are_read(acme: Partner) -> None:
    new = keys("us-new")
    both = {
        "as2_certificate": new.certificate + keys("us").certificate,
        "as2_private_key": keys("us").key + new.key,
    }
    assert read(acme.message(), **both) == X12


def test_names_of_another_agreement_are_refused(acme: Partner) -> None:
    for changed in ({"as2_from": "Acme"}, {"as2_to": "us-edi"}, {"as2_to": ""}):
        with pytest.raises(AuthFailed, match="AS2-From"):
            read(acme.message(**changed))
    assert read(acme.message(as2_to='"US-EDI"')) == X12


def test_what_is_not_signed_is_refused_however_well_encrypted(acme: Partner) -> None:
    acme.sign(b"")
    with pytest.raises(AuthFailed, match="no signature"):
        read(delivery(*acme.sealed("application/edi-x12", X12)))
    with pytest.raises(AuthFailed, match="no signature"):
        read(delivery("application/edi-x12", X12))
    whole = acme.sign(payload(), "-nodetach")
    with pytest.raises(AuthFailed, match="no signature"):
        read(delivery("application/pkcs7-mime; smime-type=signed-data", whole))


def test_what_is_not_encrypted_is_refused_unless_that_is_agreed(acme: Partner) -> None:
    message = delivery(*acme.signed(payload()))
    with pytest.raises(Invalid, match="not encrypted"):
        read(message)
    assert read(message, as2_encryption="none") == X12


def test_weak_algorithms_are_refused(acme: Partner) -> None:
    with pytest.raises(AuthFailed, match="digest other than"):
        read(delivery(*acme.sealed(*acme.signed(payload(), "-md", "sha1"))))
    with pytest.raises(AuthFailed, match="another cipher"):
        read(delivery(*acme.sealed(*acme.signed(payload()), "-des3")))


def test_a_bomb_is_not_unpacked(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as2, "BYTES_MAX", 100_000)
    packed = as2_cms.compress(payload(b"0" * 1_000_000))
    head = b"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\n"
    with pytest.raises(Invalid, match="over 100000 bytes"):
        read(delivery(*acme.sealed(*acme.signed(head + packed))))
    with pytest.raises(AuthFailed):
        read(delivery("application/pkcs7-mime; smime-type=compressed-data", packed))


def test_layers_without_end_are_refused() -> None:
    whole = payload()
    for _ in range(8):
        head = b"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n\r\n"
        whole = head + as2_cms.compress(whole)
    with pytest.raises(AuthFailed, match="no signature"):
        read(delivery("application/pkcs7-mime; smime-type=compressed-data", as2_cms.compress(whole)))


@pytest.mark.parametrize("message_id", ["", "<m\x0b1>", "<m" + "1" * 300 + ">", "<\xe9>"])
def test_a_message_needs_an_id_that_can_be_told_back(acme: Partner, message_id: str) -> None:
    with pytest.raises(Invalid, match="Message-ID"):
        read(acme.message(message_id=message_id))


def test_attachments_are_refused_in_words(acme: Partner) -> None:
    part = b'Content-Type: multipart/related; boundary="x"\r\n\r\n--x\r\n\r\na\r\n--x--\r\n'
    with pytest.raises(Invalid, match="one X12 file per message"):
        read(delivery(*acme.sealed(*acme.signed(part))))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"as2_id": 'a"b'}, "as2_id"),
        ({"as2_partner_id": ""}, "as2_partner_id"),
        ({"as2_certificate": "none"}, "as2_certificate"),
        ({"as2_partner_certificate": ""}, "as2_partner_certificate"),
        ({"as2_private_key": "none"}, "as2_private_key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_cannot_work_are_refused_by_field(changed: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        agreement(settings(**changed))
    assert caught.value.field == field


def test_certificates_and_keys_are_read_without_their_line_breaks() -> None:
    """As a form with one line leaves them."""
    told = settings()
    flat = {
        "as2_certificate": told.as2_certificate.replace("\n", ""),
        "as2_partner_certificate": told.as2_partner_certificate.replace("\n", " "),
        "as2_private_key": told.as2_private_key.get_secret_value().replace("\n", "\r\n"),
    }
    assert agreement(settings(**flat)).theirs == agreement(told).theirs


def test_a_key_of_another_certificate_is_refused_and_not_shown() -> None:
    stray = keys("stray").key
    with pytest.raises(Invalid, match="none of the private keys") as caught:
        agreement(settings(as2_private_key=stray))
    assert stray.splitlines()[1] not in f"{caught.value!r}"
    assert stray.splitlines()[1] not in repr(settings(as2_private_key=stray))


@pytest.mark.parametrize(
    "body",
    [b"", b"\x30", b"\x30\x80", b"\x30\x05\x00", b"\x30\x85\0\0\0\0\0", b"\x1f\x81\x01\x00", b"\x04\x80\0\0",
     b"\x30\x80" * 60, b"\x02\x01\x00\x00"],
    ids=bytes.hex,
)  # fmt: skip
def test_what_is_no_ber_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        as2_ber.read(body)


def test_ber_is_written_as_der_and_names_have_their_numbers(acme: Partner) -> None:
    for oid in ("1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1", "0.9.2342", "2.999.1"):
        assert as2_ber.read(as2_ber.named(oid)).oid == oid
    der = acme.sign(payload())
    assert as2_ber.read(der).der == der
    streamed = acme.sign(payload(), "-stream", "-nodetach")
    assert streamed[1] == 0x80
    assert as2_ber.read(as2_ber.read(streamed).der).der == as2_ber.read(streamed).der


def test_openssl_finds_our_signature_wrong_once_a_byte_is_changed(acme: Partner) -> None:
    kind, body = as2.signed(agreement(settings()), payload())
    whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
    assert acme.verified(whole)[1] == X12
    with pytest.raises(subprocess.CalledProcessError):
        acme.verified(whole.replace(b"GS*PO", b"GS*IN"))
