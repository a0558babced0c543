"""Files of many senders through the whole reading half: everything is told, nothing is guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.edi import tokens
from connectors.edi.connector import Edi, Settings
from connectors.edi.examine import SetRead
from connectors.edi.header import Header
from connectors.edi.reading import InterchangeRead
from hub.connector import Change
from hub.errors import NotYet, Unmappable
from hub.mapping import check_mapping, compile_mapping, load
from hub.merge import make
from hub.sdk import Invalid, Rejected, encode
from tests.connectors.edi import made
from tests.connectors.edi.arriving import delivery
from tests.mappings.pairs import MAPPINGS

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "edi"
FOLDERS = (
    "850",
    "860",
    "820",
    "820_hipaa",
    "810",
    "855",
    "856",
    "865",
    "824",
    "997",
    "999",
    "TA1",
    "negative",
)
TAKEN = {"850": {"order", "order_change", "message"}, "860": {"order_change"}, "820": {"remittance"}}


def files(folder: str) -> list[Path]:
    found = sorted((SAMPLES / folder).glob("*.edi"))
    if not found:
        pytest.skip("no samples beside the checkout")
    return found


def profile(body: bytes) -> Edi | None:
    """The connection of whoever sent this file; None where it names nobody that a profile could."""
    for token in tokens.of_bytes(body):
        if isinstance(token, Header) and token.usable and not token.headless:
            told = {
                "our_qualifier": token.at(7), "our_id": token.at(8), "partner_qualifier": token.at(5),
                "partner_id": token.at(6), "usage": token.at(15), "customer": "netsuite:1",
            }  # fmt: skip
            try:
                return Edi(Settings.model_validate(told))
            except ValueError:
                return None
    return None


@cache
def read(path: Path) -> list[Change] | None:
    """What a file brings; None where the whole of it is refused in words."""
    body = path.read_bytes()
    connection = profile(body)
    if connection is None:
        return None
    try:
        return list(connection.read(delivery(body)))
    except (Invalid, Rejected):
        return None


class Anything:
    """Cross-references that know everybody."""

    def xref(self, kind: str, value: str) -> str:
        if not value:
            raise NotYet(kind)
        return f"{kind}-1"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_set_that_is_accepted_has_its_change_or_its_reason(folder: str) -> None:
    seen = 0
    for path in files(folder):
        found = read(path)
        if found is None:
            continue
        seen += 1
        for set_id, kinds in TAKEN.items():
            told = [one for one in found if one.kind in kinds]
            assert len(told) >= _accepted(found, set_id), (path.name, set_id)
        for one in found:
            assert (one.record is None) is (one.problem is not None), path.name
            assert one.problem is None or len(str(one.problem)) > 20
            assert one.record is None or encode(one.record)
    assert seen


def _accepted(found: list[Change], set_id: str) -> int:
    sets = [
        entry
        for one in found
        if one.kind == "interchange" and one.record
        for group in one.record["groups"]
        for entry in group["sets"]
    ]
    return sum(entry["set_id"] == set_id and entry["status"].startswith("accepted") for entry in sets)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_set_of_a_file_stands_in_its_interchange(folder: str) -> None:
    seen = 0
    for path in files(folder):
        found = read(path)
        if found is None:
            continue
        told = [one for one in found if one.kind == "interchange"]
        there = made.read(path.read_bytes())
        if all(one.record for one in told) and sum(isinstance(one, InterchangeRead) for one in there) == len(
            told
        ):
            sets = sum(len(group["sets"]) for one in told for group in (one.record or {})["groups"])
            assert sets == sum(isinstance(one, SetRead) for one in there), path.name
            seen += 1
    assert seen


@pytest.mark.parametrize("folder", ["850", "820", "860", "997", "999", "TA1", "824"])
def test_what_is_read_becomes_a_document_or_a_reason_in_words(folder: str) -> None:
    kinds = {
        one.stem.split(".")[0]: compile_mapping(load(one)) for one in (MAPPINGS / "edi").glob("*.in.yaml")
    }
    outcomes: Counter[str] = Counter()
    reasons: list[tuple[str, str]] = []
    for path in files(folder):
        for one in read(path) or ():
            if one.record is None:
                continue
            try:
                fields = kinds[one.kind].apply(one.record, Anything())
                make(one.kind, "d" * 32, fields, "test")
                outcomes[one.kind] += 1
            except Unmappable as error:
                reasons.append((error.field, f"{path.name}: {error}"))
    expected = ("sku", "payment_terms", "delivery_address", "lines")
    assert [words for field, words in reasons if not field.startswith(expected)] == []
    assert outcomes["interchange"]


def test_the_shipped_mappings_fit_the_schema() -> None:
    schema = Edi(Settings(our_id="US", partner_id="THEM")).schema
    found: dict[str, Any] = {}
    for path in sorted((MAPPINGS / "edi").glob("*.in.yaml")):
        document = load(path)
        found[path.name] = [str(one) for one in check_mapping(document, schema(document.kind))]
    assert found
    assert {name: told for name, told in found.items() if told} == {}


def test_the_schema_names_every_field_of_what_is_read() -> None:
    connection = Edi(Settings(our_id="US", partner_id="THEM"))
    missing: set[str] = set()
    for folder in ("850", "860", "820"):
        for path in files(folder):
            for one in read(path) or ():
                if one.kind in ("order", "order_change", "remittance") and one.record:
                    known = {field.name for field in connection.schema(one.kind).fields}
                    missing |= {f"{one.kind}: {name}" for name in _names(one.record) if name not in known}
    assert sorted(one for one in missing if ".not_placed" not in one) == []


def _names(value: Any, path: str = "") -> set[str]:
    if isinstance(value, Mapping):
        inner = {
            name for key, part in value.items() for name in _names(part, f"{path}.{key}" if path else key)
        }
        return inner
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return {name for part in value for name in _names(part, f"{path}[]")}
    return {path}
