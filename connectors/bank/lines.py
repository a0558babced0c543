"""The lines of a statement as records for the mapping: one per transaction, nothing of an entry left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.bank import remark, translate
from connectors.bank.statement import Document, Entry, Party, Statement, Transaction

_CREDIT_NOTE = "CREN"  # ISO 20022 external document type: a credit note, paid of it is less to pay


class Line(NamedTuple):
    """One transaction of an entry; `amount` is what it adds to the account, below zero for what it takes.

    `residual`: what an entry holds beyond its transactions. `unsplit`: a batch whose transactions carry no
    amounts, as one line. `position` counts the transactions of a batch from 1 (0: it is none).
    """

    entry: Entry
    told: Transaction
    amount: Decimal
    position: int = 0
    size: int = 1
    residual: bool = False
    unsplit: bool = False
    payers: Sequence[Party] = ()


def lines_of(entry: Entry) -> Iterator[Line]:
    """What an entry consists of. The amounts always add up to the entry's."""
    parts = entry.transactions
    if len(parts) <= 1:
        yield Line(entry, parts[0] if parts else Transaction(entry.amount, entry.currency), entry.amount)
        return
    amounts = [one.amount for one in parts if one.amount is not None]
    if len(amounts) < len(parts):
        yield _unsplit(entry)
        return
    for position, (one, amount) in enumerate(zip(parts, amounts, strict=True), 1):
        yield Line(entry, one, amount, position, len(parts))
    rest = entry.amount - sum(amounts, Decimal(0))
    if rest:
        nothing = Transaction(rest, entry.currency, bank_reference=_shared(parts))
        yield Line(entry, nothing, rest, size=len(parts), residual=True)


def _unsplit(entry: Entry) -> Line:
    """Without every amount there is no telling who paid how much: one line for a person to split."""
    parts = entry.transactions
    whole = Transaction(
        amount=entry.amount,
        currency=entry.currency,
        bank_reference=_shared(parts),
        narrative=[words for one in parts for words in (*one.narrative, *_values(one))],
        documents=[document for one in parts for document in one.documents],
        charges=[charge for one in parts for charge in one.charges],
        return_reason=next((one.return_reason for one in parts if one.return_reason), ""),
    )
    return Line(entry, whole, entry.amount, 0, len(parts), unsplit=True, payers=[one.payer for one in parts])


def _shared(parts: Sequence[Transaction]) -> str:
    """The bank's reference that all transactions of a batch have, else empty."""
    found = {one.bank_reference for one in parts}
    return found.pop() if len(found) == 1 else ""


def _values(told: Transaction) -> list[str]:
    """References that the narrative does not contain."""
    written = translate.compact("".join(told.narrative))
    return [one.value for one in told.references if one.value not in written]


def concerns_us(line: Line) -> bool:
    """Money that came in, and what takes it back: a reversal, a return, a deduction inside a credit batch."""
    if line.residual:
        return line.entry.amount > 0
    return line.amount > 0 or (line.amount < 0 and translate.takes_back(line.entry, line.told))


class Namer:
    """Gives the lines of one file their identity: the same in every file that tells of them."""

    def __init__(self, account: str, page: str) -> None:
        self._account, self._page = account, page
        self._seen: Counter[str] = Counter()

    def uid(self, line: Line, booked_on: str) -> str:
        """External id of a line. Equal lines of one file are told apart by their order."""
        place = (self._account, booked_on, f"{line.amount.normalize():f}")
        key = translate.line_key(place, self._page, line.entry, line.told)
        key += "\x1frest" if line.residual else ""
        self._seen[key] += 1
        return translate.line_uid(key, self._seen[key])


def record(line: Line, known: str, uid: str, booked_on: str, frame: Mapping[str, Any]) -> dict[str, Any]:
    """A line in the words of the mapping; `known` is the format, `frame` the statement it stands in."""
    entry, told = line.entry, line.told
    chosen, others = _reference(told)
    payer = _other_side(line, frame["account"])
    return {
        "line_uid": uid,
        "format": known,
        "account": frame["account"] or _receiver(line, known),
        "amount": line.amount,
        "currency": entry.currency or frame["currency"],
        "entry_amount": entry.amount,
        "booked_on": booked_on,
        "value_on": entry.value_on.isoformat() if entry.value_on else "",
        "reversal": entry.reversal or bool(told.return_reason),
        "return_reason": told.return_reason,
        "residual": line.residual,
        "unsplit": line.unsplit,
        "batch_position": line.position,
        "batch_size": line.size,
        "batch_id": entry.batch.id,
        "bank_code": entry.bank_code,
        "bank_reference": told.bank_reference or entry.bank_reference,
        "entry_bank_reference": entry.bank_reference,
        "end_to_end_id": told.end_to_end_id,
        "customer_reference": told.customer_reference,
        "mandate_id": told.mandate_id,
        "cheque_number": told.cheque_number,
        "purpose": told.purpose,
        "method": translate.method_of(known, entry, told),
        "trace": remark.trace(known, told),
        "debtor": payer._asdict(),
        "creditor": told.payee._asdict(),
        "debtors": [one._asdict() for one in line.payers],
        "creditor_reference": chosen,
        "creditor_reference_kind": translate.kind_of(chosen) if chosen else "",
        "creditor_references": [one._asdict() for one in told.references],
        "remittance_information": [*told.narrative, *others],
        "remarks": remark.remarks(line.amount, told, [one.name or one.account for one in line.payers]),
        "documents": documents(told.documents, entry.currency),
        "charges": [one._asdict() for one in told.charges],
        "instructed": told.instructed._asdict() if told.instructed else None,
        "exchange_rate": told.exchange_rate,
        "statement": dict(frame),
    }


def _receiver(line: Line, known: str) -> str:
    """Our account where only the line tells it: a Nacha batch may credit several accounts of ours."""
    return line.told.payee.account if known == "nacha" and line.amount > 0 else ""


def _reference(told: Transaction) -> tuple[str, list[str]]:
    """The structured reference of a line, and those that become text so that nothing is lost.

    Several that were all found in the text name nothing for certain: none of them is chosen.
    """
    unwritten = _values(told)
    if len(told.references) > 1 and not unwritten:
        return "", []
    chosen = told.references[0].value if told.references else ""
    return chosen, [one for one in unwritten if one != chosen]


def _other_side(line: Line, ours: str) -> Party:
    """Who paid. Of money taken back some formats name the payer as the one who receives it."""
    payer, payee = line.told.payer, line.told.payee
    nobody = not any(payer) or (payer.account and payer.account == ours)
    return payee if line.amount < 0 and nobody and payee.account != ours else payer


def documents(told: Sequence[Document], currency: str) -> list[dict[str, Any]]:
    """Remitted documents, further adjustments of a document folded into it; a credit note reduces."""
    found: list[dict[str, Any]] = []
    for one in told:
        if one.kind == "ADX" and one.number and found and found[-1]["number"] == one.number:
            found[-1]["adjustments"] += _adjustments(one, currency)
            continue
        credit = one.kind == _CREDIT_NOTE and one.paid is not None
        found.append(
            {
                "number": one.number,
                "type": one.kind,
                "dated": one.dated.isoformat() if one.dated else "",
                "currency": one.currency or currency,
                "paid": -abs(one.paid) if credit and one.paid is not None else one.paid,
                "original": one.original,
                "discount": one.discount,
                "adjustments": _adjustments(one, currency),
            }
        )
    return found


def _adjustments(one: Document, currency: str) -> list[dict[str, Any]]:
    if one.adjustment is None:
        return []
    return [{"amount": one.adjustment, "currency": one.currency or currency, "reason": one.reason}]


def dated(statement: Statement) -> Statement:
    """With the day of a statement that is about one day for every entry the bank gave no booking date."""
    days = {one.on for one in (statement.opening, statement.closing) if one is not None}
    if len(days) != 1 or None in days or all(one.booked_on for one in statement.entries):
        return statement
    (day,) = days
    entries = [one if one.booked_on else replace(one, booked_on=day) for one in statement.entries]
    return replace(statement, entries=entries)
