"""Mappings as files: exported, compared, imported into another hub, whose own tables stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import filing, versions
from hub.errors import Invalid, MappingInvalid
from tests.mapped import ERP, IN, OUT, SHOP, Mapped

BETTER = SHOP.replace("{ from: title }   # as", "{ formula: 'TRIM(title)' }   # as")


@pytest.fixture
def mapped(database_url: str, tmp_path: Path) -> Iterator[Mapped]:
    made = Mapped(database_url, tmp_path / "production")
    yield made
    made.hub.store.database.close()


def given(mapped: Mapped, folder: Path, **texts: str) -> Path:
    filing.export(mapped.hub, folder)
    for name, text in texts.items():
        slot = {"shop": IN, "erp": OUT}[name]
        (folder / slot.connection / f"{slot.kind}.{slot.direction}.yaml").write_text(text, "utf-8")
    return folder


def test_an_export_holds_what_is_in_force_with_its_comments(mapped: Mapped, tmp_path: Path) -> None:
    draft = versions.save_draft(mapped.hub, IN, BETTER, by="ann", reason="")
    versions.activate(mapped.hub, draft, by="ann", four_eyes=False)
    done = filing.export(mapped.hub, tmp_path / "out")
    assert {str(one.slot): one.outcome for one in done} == {
        "shop/customer.in": "written", "erp/customer.out": "written",
    }  # fmt: skip
    text = (tmp_path / "out/shop/customer.in.yaml").read_text("utf-8")
    assert text == BETTER.replace("version: 3", "version: 4")
    assert {one.outcome for one in filing.export(mapped.hub, tmp_path / "out")} == {"unchanged"}


def test_an_import_of_an_export_changes_nothing(mapped: Mapped, tmp_path: Path) -> None:
    folder = given(mapped, tmp_path / "out")
    assert filing.unlike(mapped.hub, folder) == []


def test_a_difference_is_shown_line_by_line(mapped: Mapped, tmp_path: Path) -> None:
    folder = given(mapped, tmp_path / "out", shop=BETTER)
    [(filed, lines)] = filing.unlike(mapped.hub, folder)
    assert filed.slot == IN
    assert "+  name: { formula: 'TRIM(title)' }   # as people see it" in lines


def test_an_import_makes_drafts_or_puts_them_in_force(mapped: Mapped, tmp_path: Path) -> None:
    folder = given(mapped, tmp_path / "out", shop=BETTER)
    [draft] = filing.import_files(
        mapped.hub, folder, by="git", reason="r", activate_them=False, four_eyes=False
    )
    assert draft.outcome == "draft"
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 3
    [done] = filing.import_files(
        mapped.hub, folder, by="git", reason="r", activate_them=True, four_eyes=False
    )
    assert done.outcome == "activated"
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 5
    assert filing.unlike(mapped.hub, folder) == []


def test_one_fault_keeps_the_whole_import_out(mapped: Mapped, tmp_path: Path) -> None:
    folder = given(mapped, tmp_path / "out", shop=BETTER, erp=ERP.replace("UPPER(", "UPER("))
    with pytest.raises(MappingInvalid, match="unknown function 'UPER'"):
        filing.import_files(mapped.hub, folder, by="git", reason="", activate_them=True, four_eyes=False)
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 3


def test_what_is_special_to_a_hub_is_never_overwritten(mapped: Mapped, tmp_path: Path) -> None:
    draft = versions.save_draft(mapped.hub, IN, SHOP, by="ann", reason="")
    versions.activate(mapped.hub, draft, by="ann", four_eyes=False)
    versions.set_table(mapped.hub, "shop", "terms", {"production": "NET90"}, by="ann")
    folder = given(mapped, tmp_path / "out", shop=BETTER.replace('"30": NET30', '"test": NET30'))
    filing.import_files(mapped.hub, folder, by="git", reason="", activate_them=True, four_eyes=False)
    mapped.send({"id": 1, "title": "Acme", "terms": "production"})
    assert mapped.customers()[0].document.payment_terms == "NET90"


def test_a_folder_for_nobody_is_named(mapped: Mapped, tmp_path: Path) -> None:
    folder = given(mapped, tmp_path / "out")
    (folder / "shop").rename(folder / "shopp")
    with pytest.raises(Invalid, match="no connection and no connector is called 'shopp'"):
        filing.unlike(mapped.hub, folder)


def test_with_four_eyes_an_import_only_makes_drafts(mapped: Mapped, tmp_path: Path) -> None:
    folder = given(mapped, tmp_path / "out", shop=BETTER)
    with pytest.raises(Invalid, match="leave out --activate"):
        filing.import_files(mapped.hub, folder, by="git", reason="", activate_them=True, four_eyes=True)
    [done] = filing.import_files(mapped.hub, folder, by="git", reason="", activate_them=False, four_eyes=True)
    assert done.outcome == "draft"
