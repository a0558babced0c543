"""Reading camt.052, .053 and .054 of every version, entry by entry, with flat memory whatever the size.

Elements are found by local name, so versions, missing namespaces and envelopes of banks (business message
headers, SOAP, request payloads) need nothing of their own.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from secrets import token_hex
from typing import IO, Generic, TypeVar

from lxml import etree

from connectors.bank import camt_cut, camt_details, camt_entry
from connectors.bank.camt_cut import Piece
from connectors.bank.camt_entry import Maker
from connectors.bank.camt_shape import NotPlain, Shapes, Twig, day, decimal_of
from connectors.bank.statement import Balance, Claim, Entry, Problem, Statement, broken, problem_of
from hub.sdk import Invalid

BYTES_MAX = 2 * 1024**3  # one file
PART_MAX = 64 * 1024**2  # between two entries: what has to be in memory at once
ENTRIES_MAX = 2_000_000  # of one file
VERSION_MAX = 30  # ISO published 13 versions by 2024
_ACCOUNTS = {"Stmt": "camt.053", "Rpt": "camt.052", "Ntfctn": "camt.054"}
_MESSAGES = {
    "BkToCstmrStmt": "camt.053", "BkToCstmrAcctRpt": "camt.052", "BkToCstmrDbtCdtNtfctn": "camt.054"
}  # fmt: skip
_MESSAGE = re.compile(r"<(?:[\w.-]+:)?(BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn))(?:V\d\d)?[\s/>]", re.ASCII)
_VERSION = re.compile(r"camt\.05[234]\b", re.ASCII)
_OPENING = ("OPBD", "PRCD", "ITBD")  # opening booked, previously closed (= opening), interim (between pages)
_CLOSING = ("CLBD", "ITBD")
_REFUSED = "the XML carries a DOCTYPE, which is not accepted"
_DOCTYPES = tuple("<!DOCTYPE".encode(one) for one in ("ascii", "utf-16-le", "utf-16-be"))
_SUMMARY = {"TtlNtries": 0, "TtlCdtNtries": 1, "TtlDbtNtries": -1}
_BALANCE = ("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Prtry")
_PARSED, _STATEMENTS = camt_entry.Kinds(Shapes(strict=False), Shapes(strict=False)), Shapes(strict=False)
Made = TypeVar("Made")
_TAGS = tuple(f"{{*}}{name}" for name in (*_ACCOUNTS, "Ntry", "MsgDefIdr"))


def recognises(head: bytes) -> str:
    """camt.052, camt.053, camt.054, or empty: by the message's element, else by its namespace."""
    words = _text(head)
    if found := _MESSAGE.search(words):
        return _MESSAGES[found[1]]
    named = _VERSION.search(words) if words.lstrip("\ufeff \t\r\n").startswith("<") else None
    return named[0] if named else ""


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """Statement after statement. Raises Invalid naming the line of what cannot be read."""
    entries: list[Entry] = []
    for part in parts(source):
        if isinstance(part, Entry):
            entries.append(part)
        else:
            yield replace(part, entries=tuple(entries))
            entries = []


def parts(source: bytes | IO[bytes]) -> Iterator[Entry | Statement]:
    """The entries of a statement one by one, then the statement itself without them, and so on.

    Raises as `made` does.
    """
    return made(source, camt_entry.entry)


def made(source: bytes | IO[bytes], make: Maker[Made]) -> Iterator[Made | Statement]:
    """What is made of entries (camt_entry.entry or brief) one by one, then their statement, and so on.

    Nothing of what was yielded is kept. Raises Invalid: not plain XML, too large, no statement inside,
    an entry without amount or direction.
    """
    reader = _Counted(io.BytesIO(source) if isinstance(source, bytes) else source)
    walk = _Walk(make)
    for piece in camt_cut.pieces(reader, make):
        for one in walk.over(piece):
            reader.rest()
            yield one
    yield from walk.end()


class _Counted:
    """A stream with limits: of the whole, and of what comes in before the next entry is complete."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._total = 0
        self._since = 0

    def read(self, size: int) -> bytes:
        """The next bytes. Raises Invalid above a limit."""
        chunk = self._source.read(size)
        self._total += len(chunk)
        self._since += len(chunk)
        if self._total > BYTES_MAX:
            raise Invalid(f"the XML is over {BYTES_MAX} bytes: ask the bank to split it", field="body")
        if self._since > PART_MAX:
            raise Invalid(f"one entry is over {PART_MAX} bytes: ask the bank to split it", field="Ntry")
        return chunk

    def rest(self) -> None:
        """What was read so far is no longer in memory."""
        self._since = 0


class _Walk(Generic[Made]):
    """The XML parser over what was not cut out. No DTD, no entities, no network, at most 256 levels."""

    def __init__(self, make: Maker[Made]) -> None:
        self._make = make
        self._parser = etree.XMLPullParser(
            events=("start", "end"), tag=_TAGS, resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        self._mark = token_hex(8)  # of the element that stands for entries: nobody can write it into a file
        self._waiting: deque[list[Made]] = deque()
        self._open: list[str] = []
        self._previous: etree._Element | None = None
        self._counted = self._found = 0
        self._checked = False
        self._defined = ""
        self._unread: list[Problem] = []

    def over(self, piece: Piece[Made]) -> Iterator[Made | Statement]:
        """What is complete with this piece. Raises Invalid."""
        outer = piece.outer
        if not self._checked and any(one in outer for one in _DOCTYPES):
            raise Invalid(_REFUSED, field="body")
        if piece.entries:
            self._waiting.append(piece.entries)
            tag = b'<%sNtry cut="%s"%s/>' % (piece.prefix, self._mark.encode(), b"\n" * piece.breaks)
            outer += tag
        error = None
        try:
            self._parser.feed(outer)
        except etree.XMLSyntaxError as raised:
            error = raised
        except (LookupError, UnicodeError):
            raise Invalid("the XML names an encoding that is not known", field="body") from None
        yield from self._events()
        if error is not None:
            raise broken(error.lineno or 0, f"not well-formed XML: {error.msg}", "body")

    def end(self) -> Iterator[Made | Statement]:
        """What is complete at the end of the file. Raises Invalid where it ends too early."""
        error = root = None
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as raised:
            error = raised
        yield from self._events()
        if error is not None:
            raise broken(error.lineno or 0, f"not well-formed XML: {error.msg}", "body")
        if not self._checked and root is not None:
            _no_doctype(root)  # nothing in it was of interest
        if not self._found:
            raise Invalid("no statement, report or notification in the file: nothing was read", field="body")

    def _events(self) -> Iterator[Made | Statement]:
        for event, node in self._parser.read_events():
            if not self._checked:
                _no_doctype(node)
                self._checked = True
            name = str(node.tag).rpartition("}")[2]
            if event == "start":
                self._open += [name] if name in _ACCOUNTS else []
            elif name == "MsgDefIdr":
                self._defined = (node.text or "").strip()
            elif name == "Ntry":
                yield from self._entries(node)
            elif name in _ACCOUNTS and self._open:
                self._open.pop()
                self._found += 1
                yield self._statement(node)
                node.clear()
                self._previous = None

    def _entries(self, node: etree._Element) -> Iterator[Made]:
        """The entries an element stands for, or is, where it is a child of an account's statement."""
        cut = self._waiting.popleft() if node.get("cut") == self._mark else None
        if not self._open or not _is_child(node, self._open[-1]):
            return
        found = self._parsed(node) if cut is None else cut
        self._counted += len(found)
        if self._counted > ENTRIES_MAX:
            raise Invalid(f"over {ENTRIES_MAX} entries: ask the bank to split the file", field="Ntry")
        yield from found
        node.clear()
        parent = None if self._previous is None else self._previous.getparent()
        if self._previous is not None and parent is not None:
            parent.remove(self._previous)
        self._previous = node  # the parser still holds on to this one

    def _parsed(self, node: etree._Element) -> list[Made]:
        """An entry as the XML parser has it. One that cannot be read is a problem of its statement."""
        text = etree.tostring(node, encoding="unicode", with_tail=False)
        prefix, line = f"{node.prefix}:" if node.prefix else "", node.sourceline or 0
        try:
            return [camt_entry.read(text, prefix, line, _PARSED, self._make)]
        except Invalid as error:
            self._unread.append(problem_of(error))
        except NotPlain:
            self._unread.append(Problem(line, "an entry of more levels than any bank writes"))
        return []

    def _statement(self, node: etree._Element) -> Statement:
        unread, self._unread = self._unread, []
        found = _statement(_twig(node), self._defined, str(node.tag).rpartition("}")[0].lstrip("{"))
        return replace(found, problems=(*unread, *found.problems)) if unread else found


def _twig(node: etree._Element) -> Twig:
    """A statement as the XML parser has it."""
    text = etree.tostring(node, encoding="unicode", with_tail=False)
    name = str(node.tag).rpartition("}")[2]
    try:
        found = _STATEMENTS.read(text, "", node.sourceline or 0).one(name)
    except NotPlain:
        found = None
    if found is None:
        raise broken(node.sourceline or 0, "a statement of more levels than any bank writes", name)
    return found


def _no_doctype(node: etree._Element) -> None:
    if node.getroottree().docinfo.doctype:
        raise Invalid(_REFUSED, field="body")


def _is_child(node: etree._Element, name: str) -> bool:
    parent = node.getparent()
    return parent is not None and str(parent.tag).rpartition("}")[2] == name


def _statement(node: Twig, defined: str, namespace: str) -> Statement:
    unread: list[Problem] = []
    read = [(one.word(*_BALANCE), _balance(one, unread)) for one in node.all("Bal")]
    balances = [(kind, balance) for kind, balance in read if balance is not None]
    told = node.one("Acct")
    opening, closing = _of(balances, _OPENING, last=False), _of(balances, _CLOSING, last=True)
    if opening is closing:  # one interim balance alone: where the account stands, not where it began
        opening = None
    currency = (told.word("Ccy") if told else "") or (balances[0][1].currency if balances else "")
    return Statement(
        account=camt_details.account(told),
        currency=currency,
        opening=opening,
        closing=closing,
        entries=(),
        id=node.word("Id"),
        number=node.word("LglSeqNb", "ElctrncSeqNb"),
        page=node.word("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb"),
        created=node.word("CreDtTm"),
        problems=(*unread, *_contradiction(defined, namespace, node.line)),
        line=node.line,
        claims=tuple(_claims(node)),
    )


def _claims(node: Twig) -> Iterator[Claim]:
    """TxsSummry: what the bank says the entries of the statement add up to."""
    for tag, sign in _SUMMARY.items():
        told = node.one(f"TxsSummry/{tag}")
        if told is not None:
            count, total = told.word("NbOfNtries"), decimal_of(told.word("Sum"))
            known = int(count) if re.fullmatch(r"\d{1,15}", count, re.ASCII) else None
            yield Claim(tag, sign, known, total, node.line)


def _contradiction(defined: str, namespace: str, line: int) -> Iterator[Problem]:
    """CBPR+ usage guidelines: MsgDefIdr of the business header is the message that follows.

    Another version that exists is let pass: banks and converters are careless with it.
    """
    said = namespace.rpartition(":")[2]
    version = re.fullmatch(r"([a-z]{4}\.\d{3})\.001\.(\d\d)", defined, re.ASCII)
    plausible = version is not None and said.startswith(version[1]) and int(version[2]) <= VERSION_MAX
    if defined and said and not plausible:
        yield Problem(line, f"the header announces {defined[:40]}, the document is {said[:40]}")


def _balance(node: Twig, unread: list[Problem]) -> Balance | None:
    """Some banks leave the indicator of a balance out; the control totals prove or refute "credit"."""
    told = node.one("Amt")
    value = decimal_of(told.text) if told else None
    if told is None or value is None:
        words = told.text[:40] if told else ""
        unread.append(Problem(node.line, f"balance: {words!r} is not an amount"))
        return None
    sign = -1 if node.word("CdtDbtInd") == "DBIT" else 1
    return Balance(sign * value, told.currency, day(node.word("Dt/Dt", "Dt/DtTm")))


def _of(balances: list[tuple[str, Balance]], kinds: tuple[str, ...], *, last: bool) -> Balance | None:
    for kind in kinds:
        found = [balance for code, balance in balances if code == kind]
        if found:
            return found[-1 if last else 0]
    return None


def _text(head: bytes) -> str:
    """The head of a file as text whatever its encoding; what cannot be decoded is replaced."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head.decode("utf-16", "replace")
    return head.decode("utf-8", "replace")
