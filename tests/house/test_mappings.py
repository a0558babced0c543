"""Every mapping we ship loads, fits the canonical model and compiles."""

from __future__ import annotations

import pytest

from hub.mapping import check_mapping, compile_mapping, load
from tests.house import tree

MAPPINGS = [n for n in tree.tracked() if n.startswith("mappings/") and n.endswith((".yaml", ".yml"))]


@pytest.mark.parametrize("name", MAPPINGS)
def test_mapping_loads_and_has_no_findings(name: str) -> None:
    document = load(tree.ROOT / name)
    assert [str(finding) for finding in check_mapping(document)] == []
    compile_mapping(document)


@pytest.mark.parametrize("name", MAPPINGS)
def test_mapping_is_named_after_its_kind_and_direction(name: str) -> None:
    document = load(tree.ROOT / name)
    assert name.rsplit("/", 1)[-1] == f"{document.kind}.{document.direction}.yaml"
