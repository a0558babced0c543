"""What bank files hold, counted without the hub's readers: columns, patterns, a plain XML parser.

It shares no code with connectors/bank, so that both can only agree by being right.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

NONE = Decimal(0)


class Count(NamedTuple):
    """Entries, their transactions, sums above zero, opening and closing balances in order of the file."""

    entries: int
    transactions: int
    credits: Decimal
    debits: Decimal
    balances: tuple[Decimal | None, ...] = ()


# Made to be wrong, or no statement at all, by what their names or their authors' tests say.
WRONG: Mapping[str, str] = {
    "camt": r"parse-invalid\.xml|parse-none\.xml|invalid_namespace|parser__valid_namespace|pacs\.004-DtoC"
    r"|msgdefidr_mismatch|_202\d_invalid|invalid-saldo",
    "mt940": r"sepa_snippet_broken_2|missing_closing_record_62F",
    "ach": r"nvalid|ncorrect|AllZeros|AllBlank|missing_file_control|no_control|noFileControl",
    "ofx": r"test_ofx_wrong|__profrs|decimal_error|error_message|signon_success_no_message|date_missing",
    "csv": r"garbled",
}


def camt(path: Path) -> Count:
    """Every Ntry that is not pending; in a notification (no balances) those for information count as well."""
    found, balances = Count(0, 0, NONE, NONE), list[Decimal | None]()
    for node in ElementTree.parse(path).iter():
        if _name(node) not in ("Stmt", "Rpt", "Ntfctn"):
            continue
        told = [(_text(_child(one, "Tp")), one) for one in _all(node, "Bal")]
        opening = [_signed(one) for kind, one in told if kind in ("OPBD", "PRCD")][:1]
        closing = [_signed(one) for kind, one in told if kind == "CLBD"][-1:]
        balances += [*(opening or [None]), *(closing or [None])]
        for entry in _all(node, "Ntry"):
            if _text(_child(entry, "Sts")) in ("PDNG", "FUTR"):
                continue
            if _text(_child(entry, "Sts")) == "INFO" and told:
                continue
            parts = sum(1 for one in entry.iter() if _name(one) == "TxDtls")
            found = _plus(found, _signed(entry), max(1, parts))
    return found._replace(balances=tuple(balances))


def _plus(found: Count, amount: Decimal, parts: int = 1) -> Count:
    return Count(
        found.entries + 1,
        found.transactions + parts,
        found.credits + max(amount, NONE),
        found.debits + max(-amount, NONE),
    )


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _all(node: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (one for one in node if _name(one) == name)


def _child(node: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next(_all(node, name), None)


def _text(node: ElementTree.Element | None) -> str:
    return "" if node is None else "".join(node.itertext()).strip()


def _signed(node: ElementTree.Element) -> Decimal:
    amount = Decimal(_text(_child(node, "Amt")))
    return -amount if _text(_child(node, "CdtDbtInd")) == "DBIT" else amount


_LINE_940 = re.compile(
    r"^[ \t]*:61:[ \t]*\d{6}(?:\d{4}| {4})?[ ]?(RC|RD|EC|ED|C|D)[A-Z]?[ ]?(\d*[,.]?\d*)",
    re.ASCII | re.MULTILINE,
)
_BALANCE_940 = re.compile(
    r"^[ \t]*:6([02])[FM]:[ \t]*([CD])\d{6} ?[A-Z]{3,4} ?(\d*[,.]?\d*)", re.ASCII | re.MULTILINE
)


def mt940(path: Path) -> Count:
    """Every :61: and every balance by a pattern over the raw text."""
    text = re.sub(r"\r\n?", "\n", path.read_bytes().decode("latin-1")).replace("{4:", "\n")
    found = Count(0, 0, NONE, NONE)
    for mark, digits in _LINE_940.findall(text):
        value = _comma(digits)
        found = _plus(found, value if mark in ("C", "RD", "EC") else -value)
    balances = [_comma(digits) * (-1 if mark == "D" else 1) for _, mark, digits in _BALANCE_940.findall(text)]
    return found._replace(balances=tuple(balances))


def _comma(digits: str) -> Decimal:
    return Decimal(digits.replace(",", ".").rstrip(".") or "0")


def bai2(path: Path) -> Count:
    """Details of codes that move money, by a pattern; all samples have two decimals."""
    found = Count(0, 0, NONE, NONE)
    text = path.read_text("latin-1")
    for code, units in re.findall(r"(?:^|/ +)16,(\d{3}),(\d*),", text, re.MULTILINE):
        sign = 1 if 100 <= int(code) <= 399 else -1 if 400 <= int(code) <= 699 else 0
        found = _plus(found, sign * Decimal(units or "0") / 100)
    return found._replace(balances=tuple(_balances_bai2(text)))


def _balances_bai2(text: str) -> Iterator[Decimal | None]:
    """Ledger balances 010 and 015 of every account; without details the first proves nothing."""
    lines = re.sub(r"/ +(?=\d\d,)", "/\n", text)  # blocks padded with spaces
    for block in re.findall(r"^03,(.*?)^49,", lines, re.MULTILINE | re.DOTALL):
        head, *details = re.split(r"^16,", block, flags=re.MULTILINE)
        told = dict(re.findall(r"(?:,|^88,)(010|015),([+-]?\d+),", head, re.MULTILINE))
        opening, closing = (Decimal(told[code]) / 100 if code in told else None for code in ("010", "015"))
        yield from (opening if details else None, closing)


def ach(path: Path) -> Count:
    """Amount and transaction code from the columns of record 6."""
    body = path.read_bytes()
    text = body.decode("utf-8", "replace") if b"\xc3" in body or b"\xc2" in body else body.decode("latin-1")
    cut = [
        line[at : at + 94] for line in text.splitlines() for at in range(0, max(len(line.rstrip()), 1), 94)
    ]
    found, entry_class = Count(0, 0, NONE, NONE), ""
    for one in cut:
        if one[:1] == "5":
            entry_class = one[50:53]
        elif one[:1] == "6":
            units = Decimal(one[27:39] if entry_class == "ADV" else one[29:39]) / 100
            code = one[1:3]
            credit = code in ("81", "83", "85", "87") if code[0] == "8" else code[1] in "01234"
            known = code[0] in "23458"
            found = _plus(found, (units if credit else -units) if known else NONE)
    return found


def lockbox(path: Path) -> Count:
    """Cheques are records 6; a file without line breaks has 80 columns."""
    text = path.read_text("latin-1")
    lines = text.splitlines()
    lines = lines if len(lines) > 1 else [text[at : at + 80] for at in range(0, len(text), 80)]
    found = Count(0, 0, NONE, NONE)
    for one in lines:
        if one.startswith("6"):
            found = _plus(found, Decimal(int(one[7:17])) / 100)
    return found


def ofx(path: Path) -> Count:
    """Every TRNAMT by a pattern."""
    text = re.sub(r"<!--.*?-->", "", path.read_bytes().decode("latin-1"), flags=re.DOTALL)
    found = Count(0, 0, NONE, NONE)
    for words in re.findall(r"<TRNAMT>([^<\r\n]*)", text, re.IGNORECASE):
        found = _plus(found, Decimal(words.strip().replace(",", ".")))
    return found


def table(path: Path) -> Count:
    """The column of the amount, or of credits and debits, of a CSV file whose dialect comes with the hub."""
    lines = path.read_text("utf-8-sig").splitlines()
    found = Count(0, 0, NONE, NONE)
    for row in csv.DictReader(lines, delimiter=";" if lines[0].count(";") > 2 else ","):
        if "Amount" in row:
            found = _plus(found, Decimal(row["Amount"].replace(",", "")))
        else:
            credit, debit = (_comma(row[name].replace(".", "") or "0") for name in ("Credit", "Debit"))
            found = _plus(found, credit - debit)
    return found


class Format(NamedTuple):
    """One row of the table: folders of samples, how they are counted, which of WRONG they are held to."""

    folders: tuple[str, ...]
    count: Callable[[Path], Count]
    wrong: str


FORMATS: Mapping[str, Format] = {
    "camt.052": Format(("camt052", "_bulk_camt052"), camt, "camt"),
    "camt.053": Format(("camt053", "_bulk_camt053"), camt, "camt"),
    "camt.054": Format(("camt054", "_bulk_camt054"), camt, "camt"),
    "MT940, MT942": Format(("mt940",), mt940, "mt940"),
    "BAI2": Format(("bai2",), bai2, "bai2"),
    "NACHA": Format(("ach",), ach, "ach"),
    "lockbox": Format(("lockbox",), lockbox, "lockbox"),
    "OFX": Format(("ofx",), ofx, "ofx"),
    "CSV": Format(("csv",), table, "csv"),
}


def is_wrong(path: Path, kind: str) -> bool:
    """Is the file one that was made to be wrong?"""
    return kind in WRONG and re.search(WRONG[kind], path.name) is not None
