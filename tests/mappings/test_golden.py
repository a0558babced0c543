"""Every shipped mapping gives exactly the documents that people wrote down for its golden pairs."""

from __future__ import annotations

from typing import Any

import pytest

from hub.mapping import trace
from hub.mapping.canonical import PRESENTED
from hub.model import KINDS
from tests.mappings.pairs import PAIRS, SHIPPED, Answers, Pair, lines, pair_of


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_mapping_gives_the_document_of_the_pair(pair: Pair) -> None:
    told = pair_of(pair)
    lookup = Answers(told.lookup)
    assert told.translator.applies(told.record, lookup) is (told.document is not None)
    if told.document is not None:
        given = told.translator.apply(told.record, lookup)
        assert "\n".join(lines(given)) == "\n".join(lines(told.document))


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_canonical_side_of_the_pair_is_a_valid_document(pair: Pair) -> None:
    told = pair_of(pair)
    mapping = told.translator.document
    model = KINDS[mapping.kind]
    if mapping.direction == "in":
        if told.document is not None:
            model.model_validate({"id": "d" * 32, **told.document})
        return
    assert set(told.record) >= set(model.model_fields)
    document = model.model_validate(_without_what_the_hub_adds(mapping.kind, told.record))
    for name in _added(mapping.kind):
        if hasattr(document, name):
            assert told.record[name] == _plain(getattr(document, name)), name


def _added(kind: str) -> set[str]:
    return {name for name in PRESENTED.get(kind, {}) if name not in KINDS[kind].model_fields}


def _plain(value: Any) -> Any:
    return [part.model_dump() for part in value] if isinstance(value, tuple) else value.model_dump()


def _without_what_the_hub_adds(kind: str, record: dict[str, Any]) -> dict[str, Any]:
    added = _added(kind)
    bare = {name: value for name, value in record.items() if name not in added}
    if "lines[].line_extension_amount" in added:
        bare["lines"] = [_without(line, "line_extension_amount") for line in bare["lines"]]
    return bare


def _without(part: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != name}


@pytest.mark.parametrize("mapping", SHIPPED, ids=".".join)
def test_every_mapping_has_a_full_and_a_minimal_pair(mapping: tuple[str, str]) -> None:
    cases = {pair.case for pair in PAIRS if (pair.vendor, pair.mapping) == mapping}
    assert cases >= {"full", "minimal"}


def test_every_pair_has_a_mapping() -> None:
    assert {(pair.vendor, pair.mapping) for pair in PAIRS} <= set(SHIPPED)


@pytest.mark.parametrize("mapping", SHIPPED, ids=".".join)
def test_pairs_of_a_mapping_try_every_rule_it_has(mapping: tuple[str, str]) -> None:
    """A rule that no pair gives a value to could say anything."""
    rules: dict[str, int] = {}
    tried: set[int] = set()
    for pair in (pair for pair in PAIRS if (pair.vendor, pair.mapping) == mapping):
        told = pair_of(pair)
        rules = {".".join(path): r.place.line for path, r in told.translator.document.rules() if not r.fields}
        tried |= {o.line for o in trace(told.translator, told.record, Answers(told.lookup)).origins}
    assert rules
    assert [target for target, line in rules.items() if line not in tried] == []
