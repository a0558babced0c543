"""Reading SWIFT MT940 (statement) and MT942 (interim report) files as banks really write them.

Source: SWIFT Standards MT category 9, and for what banks do otherwise the practice named at each place:
envelopes or none, wrapped fields, repeated :86:, days that no calendar has.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, NamedTuple

from connectors.bank import mt940_line
from connectors.bank.statement import Balance, Entry, Problem, Statement, broken
from hub.sdk import Invalid

BYTES_MAX = 200 * 1024**2
_TAG = re.compile(r":(\d\d[A-Z]?|NS):(.*)", re.ASCII | re.DOTALL)
_BLOCKS = re.compile(r"\{1:[^\r\n]*?\{4:|\{[1235]:[^{}\r\n]*\}", re.ASCII)
_KNOWN = re.compile(r"(?:^|[\r\n]|\{4:)[ \t]*:(20|25|28C?|60[FM]|61|62[FM]|34F|90[CD]|NS):", re.ASCII)
_BALANCE = re.compile(r"([CD])(\d{6}) ?([A-Z]{3})[A-Z]? ?(\d{0,15}[.,]?\d{0,6})", re.ASCII)
_TOTAL = re.compile(r"(\d{0,5})([A-Z]{3})(\d{1,15}[.,]?\d{0,6})", re.ASCII)
_FLOOR = re.compile(r"([A-Z]{3})[CD]?\d", re.ASCII)
# What may stand only once in a statement: seen behind the closing balance, it begins the next one.
_BEGINS = frozenset({"25", "28", "28C", "60F", "60M"})
# What only an interim report (MT942) has.
_INTERIM = frozenset({"34F", "90C", "90D", "13", "13D"})


class Field(NamedTuple):
    """One tagged field, its continuation lines still apart."""

    line: int
    tag: str
    words: list[str]

    def joined(self) -> str:
        """The field without its line breaks: banks wrap at 65 characters, in numbers as well."""
        return "".join(self.words)


def recognises(head: bytes) -> str:
    """mt940, mt942, or empty."""
    tags = {found[1] for found in _KNOWN.finditer(head.decode("latin-1"))}
    if not ({"20", "25"} & tags and {"28", "28C", "60F", "60M", "61", "34F"} & tags):
        return ""
    interim = {"34F", "90C", "90D"} & tags and not {"60F", "60M"} & tags
    return "mt942" if interim else "mt940"


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """Statement after statement. Raises Invalid naming the line of what cannot be read."""
    found = False
    for group in _groups(_fields(_lines(source))):
        if any(field.tag in ("61", "60F", "60M", "62F", "62M", "34F", "90C", "90D") for field in group):
            found = True
            yield _statement(group)
    if not found:
        raise Invalid("no statement in the file: neither balances nor :61: lines", field="body")


def _lines(source: bytes | IO[bytes]) -> Iterator[str]:
    body = source if isinstance(source, bytes) else source.read(BYTES_MAX + 1)
    if len(body) > BYTES_MAX:
        raise Invalid(f"the file is over {BYTES_MAX} bytes: ask the bank to split it", field="body")
    return iter(io.StringIO(_decoded(body), newline=None))


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def _fields(lines: Iterator[str]) -> Iterator[Field]:
    """Tagged fields; a field of tag `-` is the end of a message."""
    field: Field | None = None
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\n")
        if "{" in line:
            line = _BLOCKS.sub("", line)
        stripped = line.strip()
        found = _TAG.match(stripped) if stripped.startswith(":") else None
        if found:
            if field is not None:
                yield field
            field = Field(number, found[1], [found[2]])
        elif stripped in ("-", "-}") or stripped.startswith("-}"):
            if field is not None:
                yield field
            field = Field(number, "-", [])
        elif field is not None and stripped:
            field.words.append(line.rstrip())
    if field is not None:
        yield field


def _groups(fields: Iterator[Field]) -> Iterator[list[Field]]:
    """The fields of one statement after another. A lone `-` inside a text does not end anything."""
    group: list[Field] = []
    closed = False
    for field in fields:
        if field.tag == "20" or (closed and field.tag in _BEGINS):
            if group:
                yield group
            group, closed = [], False
        if field.tag != "-":
            group.append(field)
        closed = closed or field.tag in ("62F", "62M")
    if group:
        yield group


def _statement(group: list[Field]) -> Statement:
    firsts: dict[str, Field] = {}
    lasts: dict[str, Field] = {}
    for field in group:
        firsts.setdefault(field.tag, field)
        lasts[field.tag] = field
    opening = _balance(firsts.get("60F") or firsts.get("60M"))
    closing = _balance(lasts.get("62F") or lasts.get("62M"))
    account, _, held = _word(firsts, "25").partition(" ")
    currency = next((one.currency for one in (opening, closing) if one), "") or _floor(firsts) or held.strip()
    entries = tuple(_entries(group, currency if re.fullmatch("[A-Z]{3}", currency) else ""))
    number, _, page = _word(firsts, "28C", "28").partition("/")
    return Statement(
        account=account or held.strip(),
        currency=currency,
        opening=opening,
        closing=closing,
        entries=entries,
        id=_word(firsts, "20"),
        number=number.strip(),
        page=page.strip(),
        created=_word(firsts, "13D", "13"),
        problems=(*_missing(group, opening, closing), *_claims(group, entries), *_undated(entries)),
        line=group[0].line,
    )


def _word(firsts: dict[str, Field], *tags: str) -> str:
    return next((firsts[tag].joined().strip() for tag in tags if tag in firsts), "")


def _floor(firsts: dict[str, Field]) -> str:
    """The currency of a floor limit: the only one an interim report without movements tells."""
    found = _FLOOR.match(_word(firsts, "34F"))
    return found[1] if found else ""


def _balance(field: Field | None) -> Balance | None:
    if field is None:
        return None
    words = field.joined().strip()
    found = _BALANCE.match(words)
    if not found:
        raise broken(field.line, f":{field.tag}: {words[:12]!r} is no balance", field.tag)
    sign = -1 if found[1] == "D" else 1
    amount = mt940_line.amount_of(found[4], field.line)
    return Balance(sign * amount, found[3], mt940_line.day_of(found[2]))


def _entries(group: list[Field], currency: str) -> Iterator[Entry]:
    """Each :61: with every :86: and :NS: up to the next one or to the closing balance."""
    line: Field | None = None
    told: list[str] = []
    for field in group:
        if field.tag == "61" or field.tag.startswith("62"):
            if line is not None:
                yield mt940_line.entry(line.line, line.words, told, currency)
            line, told = (field, []) if field.tag == "61" else (None, [])
        elif line is not None and field.tag in ("86", "NS"):
            told += field.words
    if line is not None:
        yield mt940_line.entry(line.line, line.words, told, currency)


def _missing(group: list[Field], opening: Balance | None, closing: Balance | None) -> Iterator[Problem]:
    """MT940 has both balances (both mandatory); with one alone nothing proves that the file is whole."""
    if (opening is None) != (closing is None):
        side = "opening balance (:60F:)" if opening is None else "closing balance (:62F:)"
        yield Problem(group[-1].line, f"the {side} is missing: the statement may be cut off")
    if opening is None and closing is None and not any(field.tag in _INTERIM for field in group):
        yield Problem(
            group[0].line, "neither opening nor closing balance (:60F:, :62F:): nothing proves it whole"
        )


def _claims(group: list[Field], entries: tuple[Entry, ...]) -> Iterator[Problem]:
    """Number and sum of debits and credits (:90D:, :90C:) as an interim report claims them."""
    for field in group:
        found = _TOTAL.match(field.joined().strip()) if field.tag in ("90C", "90D") else None
        if not found:
            continue
        sign = 1 if field.tag == "90C" else -1
        own = [sign * one.amount for one in entries if sign * one.amount > 0]
        claimed = mt940_line.amount_of(found[3], field.line)
        if sum(own, Decimal(0)) != claimed or int(found[1] or 0) != len(own):
            yield Problem(
                field.line,
                f":{field.tag}: claims {int(found[1] or 0)} movements of {claimed:f}, "
                f"there are {len(own)} of {sum(own, Decimal(0)):f}",
            )


def _undated(entries: tuple[Entry, ...]) -> Iterator[Problem]:
    for entry in entries:
        if entry.value_on is None:
            yield Problem(entry.line, ":61: carries a value date that is no date YYMMDD")
