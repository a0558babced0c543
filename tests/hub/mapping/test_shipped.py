from __future__ import annotations

from pathlib import Path

import pytest

from hub.mapping import check_mapping, compile_mapping, load

MAPPINGS = Path(__file__).parents[3] / "mappings"
SHIPPED = sorted(MAPPINGS.rglob("*.yaml"))


@pytest.mark.skipif(not SHIPPED, reason="no mappings are shipped yet")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(MAPPINGS)))
def test_shipped_mapping_loads_compiles_and_fits_the_model(path) -> None:
    document = load(path)
    compile_mapping(document)
    assert [str(finding) for finding in check_mapping(document)] == []
