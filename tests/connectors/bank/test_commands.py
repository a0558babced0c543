"""`o2c bank read`: one JSON object per file and line, a table for people, and no crash whatever comes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from connectors.bank import commands
from hub import cli_extra

MT940 = (
    b":20:R\n:25:ACC1\n:28C:1\n:60F:C260301EUR10,00\n:61:2603020302C100,00NTRFNONREF\n"
    b":61:2603020302D30,50NTRFNONREF\n:62F:C260302EUR%s\n-\n"
)


def command() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_extra.mount(app, EntryPoint("bank", "connectors.bank.commands:COMMANDS", cli_extra.GROUP))
    return app


def read(*arguments: str) -> list[str]:
    told = CliRunner().invoke(command(), ["bank", "read", *arguments])
    assert told.exit_code == 0, told.output
    return told.output.splitlines()


def test_json_is_one_object_per_file_with_amounts_as_text(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.txt", tmp_path / "b.txt"
    good.write_bytes(MT940 % b"79,50")
    bad.write_bytes(b"hello")
    first, second, third = (
        json.loads(line) for line in read("--json", str(good), str(bad), str(tmp_path / "none"))
    )
    assert first == {
        "file": str(good),
        "format": "mt940",
        "statements": [
            {
                "account": "ACC1", "currency": "EUR", "opening": "10.00", "closing": "79.50", "entries": 2,
                "transactions": 2, "credits": "100.00", "debits": "30.50", "balanced": True,
            }
        ],
        "problems": [],
    }  # fmt: skip
    assert [one["message"] for one in second["problems"]]
    assert "No such file" in third["problems"][0]["message"]


def test_a_statement_that_does_not_balance_is_shown_with_the_arithmetic(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(MT940 % b"80,00")
    (line,) = read("--json", str(path))
    assert json.loads(line)["statements"][0]["balanced"] is False
    assert "difference 0.50 EUR" in json.loads(line)["problems"][0]["message"]
    table = read(str(path))
    assert table[1].split() == list(commands._COLUMNS)
    assert table[2].split() == ["ACC1", "EUR", "10.00", "100.00", "30.50", "80.00", "2", "2", "NO"]


def test_a_notification_has_nothing_to_balance(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(
        b"<Document><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>1</Id><Ntry><Amt Ccy='CHF'>5</Amt>"
        b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>INFO</Sts></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )
    (told,) = json.loads(read("--json", str(path))[0])["statements"]
    assert (told["balanced"], told["opening"], told["entries"], told["credits"]) == (None, None, 1, "5")


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff" * 500, b"<", b"<a/>", b":20:\n:25:\n:61:", b"\xfe\xff", b"PK\x03\x04"]
)
def test_no_content_makes_it_crash(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(body)
    (line,) = read("--json", str(path), str(tmp_path))[:1]
    assert json.loads(line)["problems"]


def test_broken_commands_of_a_connector_break_only_themselves() -> None:
    app = command()
    cli_extra.mount(app, EntryPoint("ruin", "connectors.bank.nowhere:COMMANDS", cli_extra.GROUP))
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
    told = CliRunner().invoke(app, ["ruin", "x"])
    assert (told.exit_code, "cannot be loaded" in told.output) == (1, True)


def test_the_command_line_offers_connectors_words_without_importing_them() -> None:
    script = "import hub.cli, sys; print([m for m in sys.modules if m.startswith('connectors.')])"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "[]"
