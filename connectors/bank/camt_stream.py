"""Reading camt.052, .053 and .054 of every version, entry by entry, with flat memory whatever the size.

Elements are found by local name, so versions, missing namespaces and envelopes of banks (business message
headers, SOAP, request payloads) need nothing of their own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

from lxml import etree

from connectors.bank import camt_entry
from connectors.bank.camt_tree import Twig, day_of, decimal_of, local
from connectors.bank.statement import Balance, Entry, Problem, Statement, broken
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
_BALANCE = ("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Prtry")
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

    Nothing of what was yielded is kept. Raises Invalid: not plain XML, too large, no statement inside,
    an entry without amount or direction.
    """
    reader = _Counted(io.BytesIO(source) if isinstance(source, bytes) else source)
    events = _events(reader)
    depth: list[str] = []
    found, previous, defined = 0, None, ""
    for event, node in events:
        name = local(node.tag)
        if event == "start":
            depth += [name] if name in _ACCOUNTS else []
        elif name == "MsgDefIdr":
            defined = (node.text or "").strip()
        elif name == "Ntry" and depth and _is_child(node, depth[-1]):
            reader.rest()
            yield camt_entry.entry(Twig(node, node.sourceline or 0))
            node.clear()
            previous = _forget(previous, node)
        elif name in _ACCOUNTS and depth:
            depth.pop()
            found += 1
            reader.rest()
            yield _statement(Twig(node, node.sourceline or 0), defined, etree.QName(node).namespace or "")
            node.clear()
            previous = None
    if not found:
        raise Invalid("no statement, report or notification in the file: nothing was read", field="body")


class _Counted:
    """A stream with limits: of the whole, and of what comes in before the next entry is complete."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._total = 0
        self._since = 0

    def read(self, size: int = 65_536) -> bytes:
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


def _events(reader: _Counted) -> Iterator[tuple[str, Any]]:
    """Start and end of what matters. No DTD, no entities, no network, libxml2's own depth limit of 256."""
    walk = etree.iterparse(
        reader, events=("start", "end"), tag=_TAGS, resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True, collect_ids=False,
    )  # fmt: skip
    counted, checked = 0, False
    try:
        for event, node in walk:
            if not checked:
                _no_doctype(node)
                checked = True
            counted += event == "end" and str(node.tag).endswith("Ntry")
            if counted > ENTRIES_MAX:
                raise Invalid(f"over {ENTRIES_MAX} entries: ask the bank to split the file", field="Ntry")
            yield event, node
    except etree.XMLSyntaxError as error:
        raise broken(error.lineno or 0, f"not well-formed XML: {error.msg}", "body") from None
    except (LookupError, UnicodeError):
        raise Invalid("the XML names an encoding that is not known", field="body") from None
    if not checked and walk.root is not None:
        _no_doctype(walk.root)


def _no_doctype(node: etree._Element) -> None:
    if node.getroottree().docinfo.doctype:
        raise Invalid("the XML carries a DOCTYPE, which is not accepted", field="body")


def _is_child(node: etree._Element, name: str) -> bool:
    parent = node.getparent()
    return parent is not None and local(str(parent.tag)) == name


def _forget(previous: Any, node: Any) -> Any:
    """Takes the entry before this one out of the tree: the parser still holds on to this one."""
    if previous is not None and previous.getparent() is not None:
        previous.getparent().remove(previous)
    return node


def _statement(node: Twig, defined: str, namespace: str) -> Statement:
    balances = [(one.word(*_BALANCE), _balance(one)) for one in node.all("Bal")]
    told = node.one("Acct")
    opening, closing = _of(balances, _OPENING, last=False), _of(balances, _CLOSING, last=True)
    if opening is closing:  # one interim balance alone: where the account stands, not where it began
        opening = None
    currency = (told.word("Ccy") if told else "") or (balances[0][1].currency if balances else "")
    return Statement(
        account=camt_entry.account(told),
        currency=currency,
        opening=opening,
        closing=closing,
        entries=(),
        id=node.word("Id"),
        number=node.word("LglSeqNb", "ElctrncSeqNb"),
        page=node.word("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb"),
        created=node.word("CreDtTm"),
        problems=tuple(_contradiction(defined, namespace, node.line)),
        line=node.line,
    )


def _contradiction(defined: str, namespace: str, line: int) -> Iterator[Problem]:
    """CBPR+ usage guidelines: MsgDefIdr of the business header is the message that follows.

    Another version that exists is let pass: banks and converters are careless with it.
    """
    said = namespace.rpartition(":")[2]
    version = re.fullmatch(r"([a-z]{4}\.\d{3})\.001\.(\d\d)", defined, re.ASCII)
    plausible = version is not None and said.startswith(version[1]) and int(version[2]) <= VERSION_MAX
    if defined and said and not plausible:
        yield Problem(line, f"the header announces {defined[:40]}, the document is {said[:40]}")


def _balance(node: Twig) -> Balance:
    """Some banks leave the indicator of a balance out; the control totals prove or refute "credit"."""
    told = node.one("Amt")
    value = decimal_of(told.text) if told else None
    if told is None or value is None:
        raise broken(node.line, f"balance: {told.text[:40] if told else ''!r} is not an amount", "Bal")
    sign = -1 if node.word("CdtDbtInd") == "DBIT" else 1
    return Balance(sign * value, told.currency, day_of(node.one("Dt")))


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
