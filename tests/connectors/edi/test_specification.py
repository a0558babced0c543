"""The page a partner gets says what they need, as the profile has it, and no secret."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.edi.connector import Edi
from connectors.edi.settings import Settings

KEY = "key-that-nobody-may-see"
HOST_KEY = (
    Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
)


def page(**changed: object) -> str:
    given = {"our_id": "SELLER", "partner_id": "BUYER", "partner_name": "Acme Stores", **changed}
    return Edi(Settings.model_validate(given)).specification()


def test_both_sides_separators_sets_and_deadlines_stand_on_it() -> None:
    told = page(
        our_qualifier="01", versions={"856": "004030VICS"}, segment_terminator="0x15", acknowledge_hours=12,
        gs1_prefix="0614141", pack="shipment", contact="EDI desk", references=["IA", "DP"],
    )  # fmt: skip
    assert told.startswith("# EDI with Acme Stores\n")
    for words in (
        "| ISA qualifier | 01 | ZZ |", "`SELLER`", "`BUYER`", "0x15", "| 856 | ship notice | 004030VICS |",
        "| 810 | invoice, and credit memo (BIG07 CR) | 004010 |", "by a 997 within 12 hours", "0614141",
        "EDI desk", "REF IA, DP", "| 850 | purchase order | GS01 PO;",
    ):  # fmt: skip
        assert words in told, words


def test_no_secret_stands_on_it() -> None:
    told = page(
        upload_key=KEY, http_url="https://edi.partner.example/in", http_key=KEY, sftp_host="sftp.example",
        sftp_user="us", sftp_password=KEY, sftp_host_key=HOST_KEY, sftp_out="/in", send_by="http",
    )  # fmt: skip
    assert KEY not in told
    assert "https://edi.partner.example/in" in told
    assert "we put into `/in`" in told


def test_rules_that_were_agreed_otherwise_are_named() -> None:
    assert "set_count: note" in page(checks={"set_count": "note"})
    assert "Agreed otherwise" not in page()


@pytest.mark.parametrize("separator", ["|", "*"])
def test_tables_stay_tables_whatever_the_separators_are(separator: str) -> None:
    told = page(element_separator=separator, component_separator=":")
    for block in re.findall(r"(?:^\|.*\n)+", told, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
