"""`o2c mapping` in the hands of somebody who mistypes: a clear sentence, no stack trace, no change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.cli import app
from tests.mapped import IN, SHOP, Mapped

RUN = CliRunner()


@pytest.fixture
def mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapped]:
    """A hub in a folder, as the command finds it there."""
    monkeypatch.setenv("O2C_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("O2C_MAPPINGS_DIR", str(tmp_path / "mappings"))
    monkeypatch.delenv("O2C_DATABASE_URL", raising=False)
    made = Mapped(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path)
    yield made
    made.hub.store.database.close()


def o2c(*words: str, text: str = "") -> Result:
    return RUN.invoke(app, ["mapping", *words], input=text)


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def test_a_place_that_is_none_is_answered_with_how_to_say_it(mapped: Mapped) -> None:
    assert "<connection>/<kind>.<direction> such as hubspot/order.in" in refused(o2c("preview", "orders"))


def test_an_unknown_connection_is_named(mapped: Mapped) -> None:
    assert "there is no connection called 'shopp'" in refused(o2c("preview", "shopp/customer.in"))


def test_without_records_the_way_out_is_told(mapped: Mapped) -> None:
    told = refused(o2c("preview", "shop/customer.in"))
    assert "nothing has come in for shop/customer.in yet: give --record with a file" in told


def test_a_record_from_standard_input_is_previewed_with_its_origins(mapped: Mapped) -> None:
    result = o2c(
        "preview", "shop/customer.in", "--record", "-", text=json.dumps({"title": "Acme", "terms": "30"})
    )
    assert result.exit_code == 0, result.output
    assert "terms = 30" in result.output


def test_a_preview_of_what_fails_shows_the_field_and_exits_1(mapped: Mapped) -> None:
    result = o2c("preview", "shop/customer.in", "--record", "-", text='{"terms": "45"}')
    assert result.exit_code == 1
    assert "no value from title" in result.output


def test_a_version_with_a_fault_is_drafted_with_its_findings_and_not_activated(
    mapped: Mapped, tmp_path: Path
) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(SHOP.replace("{ from: title }", "{ formula: 'UPER(title)' }"), "utf-8")
    drafted = o2c("draft", "shop/customer.in", str(path), "--reason", "try")
    assert "unknown function 'UPER'" in drafted.output
    assert "unknown function 'UPER'" in refused(o2c("activate", "shop/customer.in", "4"))
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 3


def test_a_version_that_is_not_there_is_named(mapped: Mapped) -> None:
    assert "shop/customer.in has no version 9" in refused(o2c("activate", str(IN), "9"))


def test_a_table_of_this_hub_is_set_and_shown(mapped: Mapped, tmp_path: Path) -> None:
    (tmp_path / "terms.json").write_text('{"x": "COD"}', "utf-8")
    assert o2c("table", "shop", "terms", "--set", str(tmp_path / "terms.json")).exit_code == 0
    assert o2c("table", "shop").output.strip() == 'terms: {"x": "COD"}'


def test_entries_that_are_no_json_are_refused(mapped: Mapped, tmp_path: Path) -> None:
    (tmp_path / "terms.json").write_text("x: COD", "utf-8")
    refused(o2c("table", "shop", "terms", "--set", str(tmp_path / "terms.json")))


def test_lineage_of_a_document_names_source_and_line(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": "Acme"})
    [customer] = mapped.customers()
    result = o2c("lineage", customer.document.id)
    assert "shop: title = Acme" in result.output
    assert "http.account -> customer v3, line 5" in result.output
    assert "there is no document 'none'" in refused(o2c("lineage", "none"))


@pytest.mark.parametrize(
    "command", ["check", "list", "versions", "preview", "backtest", "draft", "activate", "rollback", "replay",
                "export", "diff", "import", "table", "lineage"],
)  # fmt: skip
def test_every_command_explains_itself(command: str) -> None:
    result = o2c(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output
