"""Fixtures that try one rule or one formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.mapping import MappingDocument, compile_mapping, load
from tests.hub.mapping.small import Known, document


@pytest.fixture
def apply() -> Callable[..., dict[str, Any]]:
    """Translate a record with these fields."""

    def run(fields: Mapping[str, Any], record: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return compile_mapping(document(fields, **more)).apply(record, Known())

    return run


@pytest.fixture
def evaluate(apply: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
    """The value of a formula for a record; None where it has none."""

    def run(formula: str, **record: Any) -> Any:
        return apply({"x": {"formula": formula, "optional": True}}, record).get("x")

    return run


@pytest.fixture
def convert(apply: Callable[..., dict[str, Any]]) -> Callable[[Any, Any], Any]:
    """A value after a conversion."""

    def run(via: Any, value: Any) -> Any:
        return apply({"x": {"from": "v", "via": via}}, {"v": value})["x"]

    return run


@pytest.fixture
def shipped() -> dict[str, list[MappingDocument]]:
    """Every mapping we ship, by the connector it is for."""
    folder = Path(__file__).parents[3] / "mappings"
    return {one.name: [load(path) for path in sorted(one.glob("*.yaml"))] for one in folder.iterdir()}
