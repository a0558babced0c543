"""The profile of a partner is refused where it cannot work, with what to do about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.edi import faults
from connectors.edi.settings import Settings
from tests.connectors.edi.arriving import BASE, KEY, edi


def settings(**told: Any) -> Settings:
    return Settings.model_validate({**BASE, **told})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"our_id": ""}, "our_id"),
        ({"partner_id": "SIXTEENCHARACTER"}, "at most 15"),
        ({"partner_id": " BUYER"}, "blanks"),
        ({"partner_id": "B\u00dcYER"}, "plain characters"),
        ({"partner_qualifier": "Z"}, "partner_qualifier"),
        ({"partner_id": "SELLER"}, "our own id"),
        ({"usage": "X"}, "usage"),
        ({"element_separator": "~"}, "same character"),
        ({"segment_terminator": "A"}, "no letter"),
        ({"segment_terminator": "0x15", "component_separator": "0x15"}, "same character"),
        ({"component_separator": ""}, "none may be empty"),
        ({"substitute": "*"}, "substitute"),
        ({"versions": {"999999": "004010"}}, "no such set"),
        ({"versions": {"856": "4010"}}, "no version"),
        ({"checks": {"spelling": "note"}}, "no rule spelling"),
        ({"checks": {"set_count": "shrug"}}, "checks"),
        ({"acknowledge_hours": 0}, "acknowledge_hours"),
        ({"sku_qualifiers": []}, "sku_qualifiers"),
        ({"default_currency": "dollars"}, "default_currency"),
        ({"price_bases": {"UM": 0}}, "price_bases"),
        ({"gs1_prefix": "12"}, "gs1_prefix"),
        ({"time_zone": "Chicago"}, "time zone"),
        ({"sftp_host": "sftp.example"}, "sftp_user"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_cannot_work_is_refused_with_the_way_out(told: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**told)
    shown = str(refused.value)
    assert words.partition("at most")[0] in shown
    assert KEY not in shown


def test_a_separator_may_be_told_by_its_code() -> None:
    told = settings(segment_terminator="0x15", newline="crlf", substitute="_")
    assert told.style.marks.terminator == "\x15"
    assert (told.style.newline, told.style.substitute, told.style.others) == ("\r\n", "_", False)


def test_codes_of_groups_are_the_ids_where_none_are_told() -> None:
    told = settings(partner_codes=["GROCERY", "FRESH"])
    assert (told.us.code, told.partner.code) == ("SELLER", "GROCERY")
    assert settings().partner.code == "BUYER"


def test_versions_are_by_set_with_a_default() -> None:
    told = settings(versions={"856": "004030VICS"})
    assert (told.version_of("856"), told.version_of("810")) == ("004030VICS", "004010")


def test_a_profile_can_be_stored_and_read_again() -> None:
    told = settings(checks={"set_count": "note"}, versions={"810": "005010"}, order_types=["KB"])
    again = Settings.model_validate(json.loads(told.model_dump_json()) | {"upload_key": KEY})
    assert again == told
    assert told.policy["set_count"] is faults.Weight.NOTE
    assert told.policy["totals"] is faults.Weight.NOTE


def test_no_secret_is_shown() -> None:
    shown = f"{edi()!r}{edi().settings!r}{edi().settings.model_dump_json()}{edi().check()!r}"
    assert KEY not in shown


def test_every_field_that_is_not_plain_says_what_it_is_for() -> None:
    plain = {"sftp_port", "sftp_user", "contact_phone", "contact_email"}
    fields = Settings.model_fields.items()
    assert [name for name, field in fields if not field.description and name not in plain] == []
