"""CSV statements by a declared dialect: what a bank's columns mean is told in a YAML file, never in code.

A dialect is recognised by its header row, which may stand below lines about the account. See
`dialects/*.yaml` for what can be declared.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import IO, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from connectors.bank import references
from connectors.bank.flat import Line, decoded, excerpt, taken
from connectors.bank.statement import Balance, Entry, Party, Problem, Statement, Transaction, broken
from hub.sdk import Invalid

ROWS_MAX = 500_000
HEADER_WITHIN = 60  # rows from the top in which the header must stand
CELLS_MAX = 200
Column = Annotated[str, Field(min_length=1, max_length=100)]


class Dialect(BaseModel):
    """How one bank writes its CSV; `columns` names header cells, or numbers from 1 without a header."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dialect: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    encoding: str = ""  # empty: UTF-8 or, where it is not that, Windows-1252; UTF-16 by its mark
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    header: tuple[str, ...] = ()
    columns: Mapping[str, Column | int | tuple[Column | int, ...]]
    dates: tuple[str, ...] = ("%Y-%m-%d",)
    decimal: Literal[".", ","] = "."
    thousands: str = Field(default="", max_length=1)
    sign: Literal["as written", "inverted"] = "as written"
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    account: str = ""
    ignore: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Dialect:
        unknown = set(self.columns) - FIELDS
        if unknown:
            raise ValueError(f"columns: {', '.join(sorted(unknown))} is none of {', '.join(sorted(FIELDS))}")
        if "booked_on" not in self.columns or not {"amount", "credit", "debit"} & set(self.columns):
            raise ValueError("columns: booked_on and amount (or credit and debit) must be declared")
        if not self.currency and "currency" not in self.columns:
            raise ValueError("currency: declare the column or the one currency of the account")
        return self


FIELDS = frozenset({
    "booked_on", "value_on", "amount", "credit", "debit", "balance", "currency", "account", "name",
    "counterparty_account", "narrative", "bank_reference", "customer_reference", "end_to_end_id",
    "cheque_number", "code",
})  # fmt: skip


def declared(text: str) -> Dialect:
    """A dialect from its YAML. Raises Invalid naming the key that is wrong."""
    try:
        return Dialect.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise Invalid(f"the dialect is no YAML: {error}", field="dialect") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"]) or "dialect"
        raise Invalid(f"dialect: {where}: {first['msg']}", field=where) from None


@cache
def dialects() -> tuple[Dialect, ...]:
    """The dialects that come with the connector, by name of file."""
    folder = files("connectors.bank").joinpath("dialects")
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return tuple(declared(one.read_text(encoding="utf-8")) for one in found)


def recognises(head: bytes) -> str:
    """`csv` for a file in which a declared dialect finds its header."""
    return "csv" if _dialect_of(head) else ""


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """A statement per account and currency, by the dialect whose header the file has.

    Raises Invalid where no dialect is declared for the file, or naming the line of a cell it cannot read.
    """
    body = taken(source)
    found = _dialect_of(body[:65_536])
    if found is None:
        raise Invalid("no declared CSV dialect has the header of this file: declare one", field="dialect")
    yield from read_as(found, body)


def read_as(dialect: Dialect, source: bytes | IO[bytes]) -> Iterator[Statement]:
    """As `read`, by a dialect told."""
    text = decoded(taken(source), dialect.encoding)
    rows = list(_rows(text, dialect))
    start, header = _header(rows, dialect)
    places = {name: _places(told, header) for name, told in dialect.columns.items()}
    groups: dict[tuple[str, str], list[tuple[Entry, Decimal | None]]] = {}
    for line, cells in rows[start:]:
        if any(cell.strip() for cell in cells) and not _ignored(cells, dialect):
            if len(cells) < len(dialect.header) and line == rows[-1][0] and text[-1] not in "\r\n":
                raise broken(line, "the last row ends before its last column: the file was cut off", "row")
            key, entry, balance = _entry(line, cells, places, dialect)
            groups.setdefault(key, []).append((entry, balance))
    if not groups:
        yield Statement(dialect.account, dialect.currency, None, None, ())
    for (account, currency), found in groups.items():
        yield _statement(account, currency, found)


def _dialect_of(head: bytes) -> Dialect | None:
    for dialect in dialects():
        try:
            text = head.decode(_encoding(head, dialect), "ignore")
            if dialect.header and _header(list(_rows(text, dialect, HEADER_WITHIN)), dialect):
                return dialect
        except (Invalid, LookupError):
            continue
    return None


def _encoding(head: bytes, dialect: Dialect) -> str:
    return "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else dialect.encoding or "utf-8-sig"


def _rows(text: str, dialect: Dialect, most: int = ROWS_MAX) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote)
    try:
        for count, cells in enumerate(reader):
            if count >= most:
                if most < ROWS_MAX:
                    return
                raise Invalid(f"over {ROWS_MAX} rows in one file: ask the bank to split it", field="body")
            if len(cells) > CELLS_MAX:
                raise broken(reader.line_num, f"{len(cells)} cells in a row, over {CELLS_MAX}", "row")
            yield reader.line_num, cells
    except csv.Error as error:
        raise broken(reader.line_num, f"not a CSV row: {error}", "row") from None


def _header(rows: Sequence[tuple[int, list[str]]], dialect: Dialect) -> tuple[int, list[str]]:
    """Index of the first row behind the header, and the header. Raises Invalid where it is not there."""
    if not dialect.header:
        return 0, []
    wanted = [one.strip() for one in dialect.header]
    for index, (_, cells) in enumerate(rows[:HEADER_WITHIN]):
        if [one.strip() for one in cells][: len(wanted)] == wanted and not any(cells[len(wanted) :]):
            return index + 1, [one.strip() for one in cells]
    raise Invalid(f"the header of dialect {dialect.dialect} is not in the file", field="header")


def _places(told: str | int | Sequence[str | int], header: Sequence[str]) -> list[int]:
    names = [told] if isinstance(told, (str, int)) else list(told)
    places = []
    for name in names:
        if isinstance(name, int):
            places.append(name - 1)
        elif name in header:
            places.append(header.index(name))
        else:
            raise Invalid(f"the dialect names column {name!r}, the header has none", field="columns")
    return places


def _ignored(cells: Sequence[str], dialect: Dialect) -> bool:
    return any(cells[0].strip().startswith(one) for one in dialect.ignore)


def _entry(
    line: int, cells: Sequence[str], places: Mapping[str, Sequence[int]], dialect: Dialect
) -> tuple[tuple[str, str], Entry, Decimal | None]:
    told = {
        name: [cells[at].strip() for at in found if 0 <= at < len(cells) and cells[at].strip()]
        for name, found in places.items()
    }
    one = {name: found[0] if found else "" for name, found in told.items()}
    amount = _signed(one, Line(line, ""), dialect)
    currency = (one.get("currency") or dialect.currency).upper()
    if not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
        raise broken(line, f"{excerpt(currency)} is no currency code", "currency")
    other = Party(one.get("name", ""), "".join(one.get("counterparty_account", "").split()))
    narrative = told.get("narrative", [])
    transaction = Transaction(
        amount=amount,
        currency=currency,
        payer=other if amount >= 0 else Party(),
        payee=Party() if amount >= 0 else other,
        end_to_end_id=one.get("end_to_end_id", ""),
        bank_reference=one.get("bank_reference", ""),
        customer_reference=one.get("customer_reference", ""),
        cheque_number=one.get("cheque_number", ""),
        references=references.found_in(narrative),
        narrative=narrative,
    )
    entry = Entry(
        amount=amount,
        currency=currency,
        booked_on=_day(one.get("booked_on", ""), line, dialect),
        value_on=_day(one["value_on"], line, dialect) if one.get("value_on") else None,
        bank_code=one.get("code", ""),
        bank_reference=one.get("bank_reference", ""),
        transactions=(transaction,),
        line=line,
    )
    balance = _number(one["balance"], Line(line, "balance"), dialect) if one.get("balance") else None
    account = "".join((one.get("account") or dialect.account).split())
    return (account, currency), entry, balance


def _signed(one: Mapping[str, str], line: Line, dialect: Dialect) -> Decimal:
    """The amount column, or credit less debit: a debit is one whichever sign it is written with."""
    turned = -1 if dialect.sign == "inverted" else 1
    if one.get("amount"):
        return turned * _number(one["amount"], Line(line.number, "amount"), dialect)
    if not one.get("credit") and not one.get("debit"):
        raise broken(line.number, "the row has no amount", "amount")
    credit = _number(one.get("credit") or "0", Line(line.number, "credit"), dialect)
    debit = _number(one.get("debit") or "0", Line(line.number, "debit"), dialect)
    return turned * (credit - abs(debit))


def _number(words: str, place: Line, dialect: Dialect) -> Decimal:
    compact = re.sub(r"[\s\u00a0\u202f]", "", words)
    sign, digits = ("-", compact[1:-1]) if re.fullmatch(r"\(.*\)", compact) else ("", compact)
    whole, mark, decimals = digits.partition(dialect.decimal)
    if dialect.thousands:
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(dialect.thousands)}?\d{{3}})*", whole, re.ASCII):
            whole = "x" if whole.strip("+-") else whole
        whole = whole.replace(dialect.thousands, "")
    number = f"{sign}{whole}{'.' if mark else ''}{decimals}"
    if not re.fullmatch(r"[+-]?(\d{1,18}(\.\d{0,8})?|\.\d{1,8})", number, re.ASCII):
        raise broken(place.number, f"{place.text} {excerpt(words)} is not an amount", place.text)
    return Decimal(number)


def _day(words: str, line: int, dialect: Dialect) -> date:
    for form in dialect.dates:
        try:
            return datetime.strptime(words, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise broken(line, f"{excerpt(words)} is no date of the form {' or '.join(dialect.dates)}", "booked_on")


def _statement(account: str, currency: str, found: Sequence[tuple[Entry, Decimal | None]]) -> Statement:
    """Balances come from a running balance where there is one, oldest row first or last."""
    entries = [entry for entry, _ in found]
    running = [balance for _, balance in found if balance is not None]
    opening = closing = None
    problems: list[Problem] = []
    if len(running) == len(found):
        pairs = list(zip(entries, running, strict=True))
        ordered = next((one for one in (pairs, pairs[::-1]) if _follows(one)), None)
        if ordered is None:
            problems.append(Problem(entries[0].line, "the running balance does not follow the amounts"))
        else:
            first, last = ordered[0], ordered[-1]
            opening = Balance(first[1] - first[0].amount, currency, first[0].booked_on)
            closing = Balance(last[1], currency, last[0].booked_on)
    return Statement(account, currency, opening, closing, entries, problems=problems, line=entries[0].line)


def _follows(pairs: Sequence[tuple[Entry, Decimal]]) -> bool:
    return all(before[1] + after[0].amount == after[1] for before, after in pairwise(pairs))
