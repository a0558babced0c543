"""Reading SWIFT MT940 (statement) and MT942 (interim report) files as banks really write them.

Source: SWIFT Standards MT category 9, and for what banks do otherwise the practice named at each place:
envelopes or none, wrapped fields, repeated :86:, days that no calendar has.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, NamedTuple

from connectors.bank import mt940_line
from connectors.bank.statement import Balance, Entry, Problem, Statement, broken, problem_of
from hub.sdk import Invalid

BYTES_MAX = 512 * 1024**2
LINE_MAX = 1024**2
FIELDS_MAX = 500_000  # of one statement, which has to be in memory at once
_REPORT = "a balance report (MT941): the movements it counts are not in it"
_CHUNK = 256 * 1024
_LINES_MAX = 100_000  # of one field
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_TAG = re.compile(r":(\d\d[A-Z]?|NS):(.*)", re.ASCII | re.DOTALL)
_BLOCKS = re.compile(r"\{1:[^\r\n]*?\{4:|\{[1235]:[^{}\r\n]*\}", re.ASCII)
_KNOWN = re.compile(r"(?:^|[\r\n]|\{4:)[ \t]*:(20|25|28C?|60[FM]|61|62[FM]|34F|90[CD]|NS):", re.ASCII)
_BALANCE = re.compile(
    r"([CD])(\d{6}) ?([A-Z]{3})[A-Z]? ?(\d{1,3}(?:\.\d{3})+,\d{0,6}|\d{0,15}[.,]?\d{0,6})", re.ASCII
)
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
    """Line after line without its end, in UTF-8 or, from where it is not that, Windows-1252."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    chunk = stream.read(_CHUNK)
    encoding = "utf-16" if chunk[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    decoder = _decoder(encoding, "strict" if encoding == "utf-8-sig" else "replace")
    read, open_ = 0, ""
    while True:
        read += len(chunk)
        if read > BYTES_MAX:
            raise Invalid(f"the file is over {BYTES_MAX} bytes: ask the bank to split it", field="body")
        begun = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            decoder = _decoder("cp1252", "replace")
            text = decoder.decode(begun + chunk, final=not chunk)
        *whole, open_ = f"{open_}{text}".replace("\0", "").split("\n")
        yield from whole
        if len(open_) > LINE_MAX:
            raise Invalid(f"a line is over {LINE_MAX} characters: this is no MT940 file", field="body")
        if not chunk:
            yield open_
            return
        chunk = stream.read(_CHUNK)


def _decoder(encoding: str, errors: str) -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors), translate=True)


def _fields(lines: Iterator[str]) -> Iterator[Field]:
    """Tagged fields; a field of tag `-` is the end of a message."""
    field: Field | None = None
    for number, raw in enumerate(lines, 1):
        line = _BLOCKS.sub("", raw) if "{" in raw else raw
        stripped = line.strip()
        mark = stripped[:1]
        found = _TAG.match(stripped) if mark == ":" else None
        ended = mark == "-" and (stripped == "-" or stripped.startswith("-}"))
        if found or ended:
            if field is not None:
                yield field
            field = Field(number, found[1], [found[2]]) if found else Field(number, "-", [])
        elif mark and field is not None:
            field.words.append(line.rstrip())
            if len(field.words) > _LINES_MAX:
                raise broken(number, f"a field of over {_LINES_MAX} lines", field.tag)
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
        if len(group) > FIELDS_MAX:
            raise broken(
                field.line, f"over {FIELDS_MAX} fields in one statement: ask the bank for pages", "20"
            )
        closed = closed or field.tag in ("62F", "62M")
    if group:
        yield group


def _statement(group: list[Field]) -> Statement:
    firsts: dict[str, Field] = {}
    lasts: dict[str, Field] = {}
    for field in group:
        firsts.setdefault(field.tag, field)
        lasts[field.tag] = field
    unread: list[Problem] = []
    opening = _balance(firsts.get("60F") or firsts.get("60M"), unread)
    closing = _balance(lasts.get("62F") or lasts.get("62M"), unread)
    reported = _is_report(lasts)
    account, _, held = _word(firsts, "25").partition(" ")
    currency = next((one.currency for one in (opening, closing) if one), "") or _floor(firsts) or held.strip()
    entries = tuple(_entries(group, currency if _CURRENCY.fullmatch(currency) else "", unread))
    missing = () if unread else tuple(_missing(group, opening, closing))
    doubted = () if reported else (*missing, *_claims(group, entries))
    number, _, page = _word(firsts, "28C", "28").partition("/")
    return Statement(
        account=account or held.strip(),
        currency=currency,
        opening=None if reported else opening,
        closing=closing,
        entries=entries,
        id=_word(firsts, "20"),
        number=number.strip(),
        page=page.strip(),
        created=_word(firsts, "13D", "13"),
        problems=(*unread, *doubted, *_undated(entries)),
        line=group[0].line,
        advice=(Problem(group[0].line, _REPORT),) if reported else (),
    )


def _is_report(lasts: dict[str, Field]) -> bool:
    """An MT941 tells balances and the number and sum of movements, but none of them."""
    return "61" not in lasts and bool({"90C", "90D"} & set(lasts)) and bool({"62F", "62M"} & set(lasts))


def _word(firsts: dict[str, Field], *tags: str) -> str:
    return next((firsts[tag].joined().strip() for tag in tags if tag in firsts), "")


def _floor(firsts: dict[str, Field]) -> str:
    """The currency of a floor limit: the only one an interim report without movements tells."""
    found = _FLOOR.match(_word(firsts, "34F"))
    return found[1] if found else ""


def _balance(field: Field | None, unread: list[Problem]) -> Balance | None:
    if field is None:
        return None
    words = field.joined().strip()
    found = _BALANCE.match(words)
    if not found or not mt940_line.has_digit(found[4]):
        unread.append(Problem(field.line, f":{field.tag}: {words[:12]!r} is no balance"))
        return None
    sign = -1 if found[1] == "D" else 1
    return Balance(sign * mt940_line.plain(found[4]), found[3], mt940_line.day_of(found[2]))


def _entries(group: list[Field], currency: str, unread: list[Problem]) -> Iterator[Entry]:
    """Each :61: with every :86: and :NS: up to the next one or to the closing balance."""
    line: Field | None = None
    told: list[str] = []
    for field in group:
        if field.tag == "61" or field.tag.startswith("62"):
            yield from _entry(line, told, currency, unread)
            line, told = (field, []) if field.tag == "61" else (None, [])
        elif line is not None and field.tag in ("86", "NS"):
            told += field.words
    yield from _entry(line, told, currency, unread)


def _entry(line: Field | None, told: list[str], currency: str, unread: list[Problem]) -> Iterator[Entry]:
    """One that cannot be read is a problem of its statement, which is then not used; others can be."""
    if line is None:
        return
    try:
        yield mt940_line.entry(line.line, line.words, told, currency)
    except Invalid as error:
        unread.append(problem_of(error))


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
        claimed = mt940_line.plain(found[3])
        zeros = sum(not one.amount for one in entries)  # of either side
        if sum(own, Decimal(0)) != claimed or not 0 <= int(found[1] or 0) - len(own) <= zeros:
            yield Problem(
                field.line,
                f":{field.tag}: claims {int(found[1] or 0)} movements of {claimed:f}, "
                f"there are {len(own)} of {sum(own, Decimal(0)):f}",
            )


def _undated(entries: tuple[Entry, ...]) -> Iterator[Problem]:
    for entry in entries:
        if entry.value_on is None:
            yield Problem(entry.line, ":61: carries a value date that is no date YYMMDD")
