"""`o2c bank read`: one JSON object per file and line, a table for people, and no crash whatever comes."""

from __future__ import annotations

import gzip
import json
import re
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


def camt(*entries: str, closing: str = "100", extra: str = "", currency: str = "EUR") -> str:
    def balance(kind: str, amount: str) -> str:
        code = f"<Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        return f"<Bal>{code}<Amt Ccy='{currency}'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"

    balances = balance("OPBD", "0") + balance("CLBD", closing)
    return (
        "<?xml version='1.0'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>"
        f"<BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct>{balances}{extra}{''.join(entries)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    )


def entry(amount: str = "100.00", inner: str = "", currency: str = "EUR", sign: str = "CRDT") -> str:
    return (
        f"<Ntry><Amt Ccy='{currency}'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts>{inner}</Ntry>"
    )


def pending(status: str) -> str:
    return entry().replace("<Sts><Cd>BOOK</Cd></Sts>", status)


def summed(claims: str) -> bytes:
    return camt(entry(), extra=f"<TxsSummry>{claims}</TxsSummry>").encode()


DETAILS = "<NtryDtls><TxDtls><Amt Ccy='EUR'>50</Amt></TxDtls></NtryDtls>"
PREFIXED = re.sub(r"<(/?)(?=[A-Z])", r"<\1n:", camt(entry())).replace("xmlns=", "xmlns:n=")
GOOD = (MT940 % b"79,50").decode()


@pytest.mark.parametrize(
    "body",
    [
        camt(entry())
        .replace(".08'", ".01'")
        .replace("Stmt>", "StmtV01>", 1)
        .replace("Stmt></D", "StmtV01></D"),
        camt(entry()).replace(".08'", ".14'"),
        "\n" + camt(entry()),
        PREFIXED,
        camt(entry("100", currency="JPY"), currency="JPY"),
        camt(entry("1.23456"), closing="1.23456"),
        camt(entry("1.234", currency="KWD"), closing="1.234", currency="KWD"),
        camt(entry("\n 100.00 \n")),
        camt(entry(inner="<RvslInd>true</RvslInd>", sign="DBIT"), closing="-100").replace("-100", "-100.00"),
        camt(entry(), pending("<Sts>PDNG</Sts>"), pending("<Sts><Cd>PDNG</Cd></Sts>")),
        camt(entry(), pending("<Sts><Prtry>Pending</Prtry></Sts>"), pending("<Sts>INFO</Sts>")),
        camt(pending("")),
        camt(entry(inner=DETAILS * 2)),
        camt(entry(inner="<!-- </Ntry> <Ntry> -->")),
        camt("<!-- " + entry() + " -->", entry()),
        camt(entry(inner="<AddtlNtryInf><![CDATA[</Ntry>]]></AddtlNtryInf>")),
        camt(entry(inner="<NtryDtls><Btch><NbOfTxs>7</NbOfTxs></Btch></NtryDtls>")),
        camt(
            entry(),
            extra="<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries><Sum>100</Sum></TtlNtries></TxsSummry>",
        ),
        camt(
            entry(inner=DETAILS * 2),
            extra="<TxsSummry><TtlCdtNtries><NbOfNtries>2</NbOfNtries></TtlCdtNtries></TxsSummry>",
        ),
        "{1:F01BANKDEFFAXXX0000000000}{2:O9400800260302BANKDEFFAXXX00000000002603020800N}{4:\r\n"
        + GOOD
        + "}",
        GOOD.replace("\n", "\r"),
        GOOD.replace(":60F:", ":60M:").replace(":62F:", ":62M:"),
        GOOD.replace(":28C:1", ":28C:1\n/2"),
        "a bank's own header\n940\n" + GOOD,
        GOOD + "\x1a",
    ],
)
def test_what_banks_really_write_is_read_and_balances(body: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text(body, "utf-8", newline="")
    told = json.loads(read("--json", str(path))[0])
    assert told["problems"] == []
    assert [(one["balanced"], one["entries"] > 0) for one in told["statements"]] == [(True, True)]


def test_encodings_do_not_matter(tmp_path: Path) -> None:
    text = camt(entry(inner="<AddtlNtryInf>f\u00fcr</AddtlNtryInf>"))
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"):
        path = tmp_path / encoding
        path.write_bytes(
            text.replace("'1.0'", f"'1.0' encoding='{encoding.removesuffix('-sig')}'").encode(encoding)
        )
    for encoding in ("utf-16", "latin-1", "utf-8-sig"):
        path = tmp_path / f"mt940 {encoding}"
        path.write_bytes(GOOD.replace(":62F", ":86:f\u00fcr\n:62F").encode(encoding))
    told = [json.loads(line) for line in read("--json", *map(str, tmp_path.iterdir()))]
    assert [(one["problems"], one["statements"][0]["balanced"]) for one in told] == [([], True)] * 8


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\0" * 100, "empty"),
        (b" \r\n", "empty"),
        (gzip.compress(b"x", mtime=0), "compressed (gzip)"),
        (b"PK\x03\x04rest", "compressed (zip)"),
        (b"%PDF-1.4", "PDF"),
        (b"<html><body>", "web page"),
        (b'{"a": 1}', "JSON"),
        (b"ISA*00*", "X12"),
        (b"UNB+UNOA", "EDIFACT"),
        (b"!Type:Bank\nD1/1/26", "QIF"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'/>", "pain.001.001.09, a payment"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.03'/>", "pain.002.001.03, a status"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.055.001.08'/>", "camt.055.001.08"),
        (b"<a/>", "neither camt.052, camt.053 nor camt.054"),
        (b":61:2603020302C1,00NTRFX\n", "part of a SWIFT message"),
        (b"A,B,C\n1,2,3\n", "declare a dialect"),
        (b"hello", "no known bank format"),
        (camt(entry())[:-40].encode(), "not well-formed"),
        (camt(entry()).encode("utf-8").replace(b"DE1", b"D\xfc1"), "not well-formed"),
        (camt(entry(), closing="90").encode(), "difference -10.00 EUR"),
        (summed("<TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries>"), "claims 2 entries, there are 1"),
        (summed("<TtlCdtNtries><Sum>99</Sum></TtlCdtNtries>"), "TtlCdtNtries claims 99, there are 100.00"),
        (GOOD[:60].encode(), "closing balance (:62F:) is missing"),
        (GOOD.replace("C100,00", "x").encode(), "is no statement line"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(body: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(body)
    told = json.loads(read("--json", str(path))[0])
    assert any(said in one["message"] for one in told["problems"]), told["problems"]
    assert not any(one.get("advice") for one in told["problems"])


def test_what_stands_in_every_statement_is_told_once_and_advice_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "a"
    account = "03,{},USD,015,1,,/\n16,142,2,Z,,,/\n49,3,3/\n"
    path.write_text(
        "01,S,R,260302,0800,1,,,2/\n02,R,S,1,260302,,USD,2/\n"
        + account.format(1)
        + account.format(2)
        + "98,6,2,8/\n"
    )
    told = json.loads(read("--json", str(path))[0])
    assert [one["message"] for one in told["problems"]] == ["the file has no trailer 99: it was cut off"]
    path.write_bytes(MT940 % b"79,50" + b"\0\0")
    (advice,) = json.loads(read("--json", str(path))[0])["problems"]
    assert advice["advice"] is True
    assert "advice: there are NUL bytes" in read(str(path))[-1]


def test_a_dialect_of_csv_can_be_told(tmp_path: Path) -> None:
    table, dialect = tmp_path / "a.csv", tmp_path / "d.yaml"
    table.write_text("Tag;Betrag\n02.03.2026;-1.234,50\n")
    dialect.write_text(
        "dialect: own\nheader: [Tag, Betrag]\ncolumns: {booked_on: Tag, amount: Betrag}\n"
        "dates: ['%d.%m.%Y']\ndelimiter: ';'\ndecimal: ','\nthousands: '.'\ncurrency: EUR\n"
    )
    told = json.loads(read("--json", "--dialect", str(dialect), str(table))[0])
    assert (told["format"], told["statements"][0]["debits"]) == ("csv", "1234.50")
    dialect.write_text("dialect: [")
    assert (
        CliRunner().invoke(command(), ["bank", "read", "--dialect", str(dialect), str(table)]).exit_code == 1
    )


def test_a_reader_that_goes_away_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(MT940 % b"79,50")
    script = "from connectors.bank import commands; from pathlib import Path; import sys\n"
    script += f"commands.read([Path({str(path)!r})] * 400, True)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""


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
