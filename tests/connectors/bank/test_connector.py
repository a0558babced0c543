"""The connector around the reader: upload key, settings, references, schema."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.bank import translate
from connectors.bank.connector import Bank, Settings
from hub.sdk import AuthFailed, Delivery, Invalid, Rejected, SecretStr

KEY = "a-long-upload-key"


def delivery(body: bytes, authorization: str | None) -> Delivery:
    headers = {} if authorization is None else {"authorization": authorization}
    return Delivery(headers, body, "https://hub.example/webhooks/bank", datetime(2026, 3, 2, tzinfo=UTC))


def test_right_key_gives_the_hash_of_the_file() -> None:
    bank = Bank(Settings(upload_key=SecretStr(KEY)))
    assert bank.verify(delivery(b"<x/>", f"Bearer {KEY}")) == [hashlib.sha256(b"<x/>").hexdigest()]


@pytest.mark.parametrize(
    "sent", [None, "", KEY, "Bearer ", "Bearer wrong", f"bearer {KEY}", f"Bearer {KEY}x", "Bearer ü"]
)
def test_other_keys_are_refused(sent: str | None) -> None:
    with pytest.raises(AuthFailed) as caught:
        Bank(Settings(upload_key=SecretStr(KEY))).verify(delivery(b"<x/>", sent))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("sent", [None, "", "Bearer ", "Bearer"])
def test_no_key_set_means_no_upload(sent: str | None) -> None:
    with pytest.raises(AuthFailed, match="has no upload key"):
        Bank(Settings()).verify(delivery(b"<x/>", sent))


def test_empty_file_is_invalid() -> None:
    with pytest.raises(Invalid, match="empty"):
        Bank(Settings(upload_key=SecretStr(KEY))).verify(delivery(b" \n", f"Bearer {KEY}"))


def test_key_is_never_shown() -> None:
    settings = Settings(upload_key=SecretStr(KEY))
    assert KEY not in f"{settings!r} {settings} {Bank(settings)!r} {Bank(settings).check()}"


def test_account_is_checked_when_it_is_an_iban() -> None:
    assert Settings(account="de89 3704 0044 0532 0130 00").account == "DE89370400440532013000"
    assert Settings(account="12345678").account == "12345678"
    with pytest.raises(ValidationError, match="check digits"):
        Settings(account="DE89370400440532013001")


def test_check_tells_what_will_be_accepted() -> None:
    assert Bank(Settings()).check().findings
    assert not Bank(Settings(upload_key=SecretStr(KEY))).check().findings


def test_without_a_server_there_is_nothing_to_ask() -> None:
    with pytest.raises(Rejected, match="no SFTP server"):
        Bank(Settings()).poll(None)


@pytest.mark.parametrize("left_out", ["sftp_user", "sftp_host_key", "sftp_password"])
def test_a_server_needs_a_user_a_key_and_a_login(left_out: str) -> None:
    told = {
        "sftp_host": "sftp.example", "sftp_user": "us", "sftp_password": "canary",
        "sftp_host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    }  # fmt: skip
    assert "canary" not in repr(Bank(Settings.model_validate(told)).settings)
    with pytest.raises((ValidationError, Invalid)):
        Bank(Settings.model_validate({**told, left_out: ""}))


def test_schema_of_another_kind_is_invalid() -> None:
    with pytest.raises(Invalid, match="not order"):
        Bank(Settings()).schema("order")


@pytest.mark.parametrize("reference", ["RF18539007547034", "rf18 5390 0754 7034", "RF712348231"])
def test_iso_11649_reference_with_right_check_digits(reference: str) -> None:
    assert translate.kind_of(reference) == "RF"


@pytest.mark.parametrize(
    "reference", ["RF19539007547034", "RF18", "", "RF1853900754703Ä", "XRF18539007547034"]
)
def test_wrong_check_digits_are_no_rf_reference(reference: str) -> None:
    assert translate.kind_of(reference) == "OTHER"


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=21), st.integers(0, 20))
def test_changing_one_digit_breaks_an_rf_reference(body: str, place: int) -> None:
    digits = "".join(str(int(c, 36)) for c in body + "RF00")
    valid = f"RF{98 - int(digits) % 97:02d}{body}"
    assert translate.is_rf(valid)
    at = 4 + place % len(body)
    if valid[at].isdigit():
        changed = valid[:at] + str((int(valid[at]) + 1) % 10) + valid[at + 1 :]
        assert not translate.is_rf(changed)


def test_swiss_qr_reference_by_its_check_digit() -> None:
    assert translate.kind_of("21 00000 00003 13947 14300 09017") == "QRR"
    assert translate.kind_of("210000000003139471430009018") == "OTHER"
    assert translate.kind_of("0" * 27) == "OTHER"
