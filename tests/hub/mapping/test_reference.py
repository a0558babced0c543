from __future__ import annotations

from pathlib import Path

from hub.mapping.reference import rewritten

PAGE = Path(__file__).parents[3] / "docs" / "mapping-language.md"


def test_reference_is_what_the_code_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert rewritten(page) == page, (
        "write hub.mapping.reference.rewritten() back into docs/mapping-language.md"
    )


def test_example_mapping_of_the_reference_fits() -> None:
    from hub.mapping import check_mapping, compile_mapping, loads

    example = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    document = loads(example, name="docs")
    assert check_mapping(document) == ()
    compile_mapping(document)
