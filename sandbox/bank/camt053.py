"""Writing ISO 20022 camt.053.001.08 statements, element by element in the order of the message definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from lxml import etree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
USTRD_MAX = 140  # Max140Text


@dataclass(frozen=True, slots=True)
class Line:
    """One booking; `amount`, in the account's currency, is above zero for a credit."""

    amount: Decimal
    name: str = ""
    iban: str = ""
    text: str = ""
    creditor_reference: str = ""
    end_to_end_id: str = ""
    reversal: bool = False
    reason: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything one statement says."""

    id: str
    sequence: int
    issued_at: datetime
    on: date
    iban: str
    currency: str
    opening: Decimal
    lines: Sequence[Line]

    @property
    def closing(self) -> Decimal:
        """Opening balance plus what was booked."""
        return self.opening + sum((line.amount for line in self.lines), Decimal(0))


def render(sheet: Sheet) -> bytes:
    """The statement as an XML file."""
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
    message = _put(root, "BkToCstmrStmt")
    header = _put(message, "GrpHdr")
    _put(header, "MsgId", sheet.id)
    _put(header, "CreDtTm", sheet.issued_at.isoformat(timespec="seconds"))
    statement = _put(message, "Stmt")
    _put(statement, "Id", sheet.id)
    _put(statement, "ElctrncSeqNb", str(sheet.sequence))
    _put(statement, "CreDtTm", sheet.issued_at.isoformat(timespec="seconds"))
    account = _put(statement, "Acct")
    _put(account, "Id/IBAN", sheet.iban)
    _put(account, "Ccy", sheet.currency)
    _balance(statement, "OPBD", sheet.opening, sheet)
    _balance(statement, "CLBD", sheet.closing, sheet)
    for number, line in enumerate(sheet.lines, 1):
        _entry(statement, number, line, sheet)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _put(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    """Append the elements of a path below `parent`; the last one gets the text."""
    node = parent
    for tag in path.split("/"):
        node = etree.SubElement(node, f"{{{NAMESPACE}}}{tag}")
    node.text = text
    return node


def _money(parent: etree._Element, amount: Decimal, currency: str) -> None:
    _put(parent, "Amt", f"{abs(amount):f}").set("Ccy", currency)
    _put(parent, "CdtDbtInd", "DBIT" if amount < 0 else "CRDT")


def _balance(statement: etree._Element, kind: str, amount: Decimal, sheet: Sheet) -> None:
    node = _put(statement, "Bal")
    _put(node, "Tp/CdOrPrtry/Cd", kind)
    _money(node, amount, sheet.currency)
    _put(node, "Dt/Dt", sheet.on.isoformat())


def _entry(statement: etree._Element, number: int, line: Line, sheet: Sheet) -> None:
    node = _put(statement, "Ntry")
    _put(node, "NtryRef", str(number))
    _money(node, line.amount, sheet.currency)
    if line.reversal:
        _put(node, "RvslInd", "true")
    _put(node, "Sts/Cd", "BOOK")
    _put(node, "BookgDt/Dt", sheet.on.isoformat())
    _put(node, "ValDt/Dt", sheet.on.isoformat())
    _put(node, "AcctSvcrRef", line.reference)
    domain = _put(node, "BkTxCd/Domn")
    _put(domain, "Cd", "PMNT")
    family = _put(domain, "Fmly")
    _put(family, "Cd", "RCDT" if line.amount > 0 or line.reversal else "ICDT")
    _put(family, "SubFmlyCd", "RRTN" if line.reversal else "ESCT")
    _transaction(_put(node, "NtryDtls/TxDtls"), line, sheet.currency)


def _transaction(node: etree._Element, line: Line, currency: str) -> None:
    references = _put(node, "Refs")
    _put(references, "AcctSvcrRef", line.reference)
    _put(references, "EndToEndId", line.end_to_end_id or "NOTPROVIDED")
    _money(node, line.amount, currency)
    if line.name or line.iban:
        parties = _put(node, "RltdPties")
        ours = line.amount > 0 or line.reversal
        if line.name:
            _put(parties, "Dbtr/Pty/Nm" if ours else "Cdtr/Pty/Nm", line.name)
        if line.iban:
            _put(parties, "DbtrAcct/Id/IBAN" if ours else "CdtrAcct/Id/IBAN", line.iban)
    if line.text or line.creditor_reference:
        _remittance(_put(node, "RmtInf"), line)
    if line.reason:
        _put(node, "RtrInf/Rsn/Cd", line.reason)


def _remittance(node: etree._Element, line: Line) -> None:
    for start in range(0, len(line.text), USTRD_MAX):
        _put(node, "Ustrd", line.text[start : start + USTRD_MAX])
    if line.creditor_reference:
        reference = _put(node, "Strd/CdtrRefInf")
        _put(reference, "Tp/CdOrPrtry/Cd", "SCOR")
        _put(reference, "Ref", line.creditor_reference)
