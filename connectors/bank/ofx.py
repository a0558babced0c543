"""OFX and QFX files, SGML 1.x and XML 2.x, into statements: bank, credit card and the cash side of others.

Source: Open Financial Exchange 1.6 and 2.2 (sections 3.2.8 dates, 3.2.9 amounts, 11.4 statements). Both
forms are read by the same small tokenizer: no DTD, no entity but the predefined ones. The common readers are
GPL or no longer kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from html import unescape
from typing import IO

from connectors.bank import references
from connectors.bank.flat import decoded, excerpt, taken, yymmdd
from connectors.bank.statement import (
    Amount,
    Balance,
    Entry,
    Party,
    Problem,
    Statement,
    Transaction,
    broken,
)
from hub.sdk import Invalid

TOKENS_MAX = 5_000_000
# The root ends in both forms: nothing else proves that a file without balances is whole.
_END = re.compile(r"</OFX\s*>", re.IGNORECASE)
_TAIL = 4_096  # characters at the end in which it stands
_CUT_OFF = Problem(0, "the file has no </OFX> at its end: it was cut off")
_TOKEN = re.compile(r"<(/?)([A-Za-z0-9_.]{1,40})(?:\s[^<>]*)?(/?)>([^<]*)")
_STATEMENTS = {"STMTRS", "CCSTMTRS", "INVSTMTRS"}
_INSIDE = {
    "STMTTRN", "LEDGERBAL", "AVAILBAL", "BANKACCTFROM", "CCACCTFROM", "INVACCTFROM", "BANKACCTTO", "CCACCTTO",
    "PAYEE", "CURRENCY", "ORIGCURRENCY", "STATUS",
}  # fmt: skip
_AMOUNT = re.compile(r"([+-]?)(\d{1,18}|\d{1,3}(?:[.,]\d{3})+)?(?:([.,])(\d{0,8}))?", re.ASCII)
_SECURITIES = re.compile(r"(BUY|SELL)(DEBT|MF|OPT|OTHER|STOCK)|INCOME|REINVEST|INVEXPENSE|MARGININTEREST")


@dataclass
class _Found:
    """One statement as far as it has been read: leaf values by the aggregate they stand in."""

    kind: str
    line: int
    leaves: dict[str, str] = field(default_factory=dict)
    transactions: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    securities: int = 0


def recognises(head: bytes) -> str:
    """`ofx` for a file that has the OFX header or root element in its first part."""
    words = head[:4096].upper()
    return "ofx" if b"<OFX>" in words or b"OFXHEADER" in words else ""


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """Every statement. Raises Invalid where there is none, or an amount cannot be read."""
    text = decoded(taken(source))
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise Invalid("an OFX file has no DTD and no entities of its own: refused", field="DOCTYPE")
    status: dict[str, str] = {}
    count = 0
    whole = _END.search(text.rstrip()[-_TAIL:]) is not None
    for found in _statements(text, status):
        count += 1
        one = _statement(found)
        yield one if whole else replace(one, problems=[*one.problems, _CUT_OFF])
    if not count:
        told = " ".join(status.get(name, "") for name in ("CODE", "SEVERITY", "MESSAGE")).strip()
        raise Invalid(f"no statement in the OFX file, its status is {excerpt(told)}", field="OFX")


def _statements(text: str, status: dict[str, str]) -> Iterator[_Found]:
    """Statements as they end; `status` gets what the last STATUS aggregate says."""
    plain = _without_comments(text)
    breaks = [found.start() for found in re.finditer(r"\n", plain)]
    current: _Found | None = None
    inside: list[str] = []
    for number, token in enumerate(_TOKEN.finditer(plain)):
        if number > TOKENS_MAX:
            raise Invalid(
                f"over {TOKENS_MAX} elements in the OFX file: ask the bank to split it", field="OFX"
            )
        closing, name, _, rest = token.groups()
        name, value = name.upper(), unescape(rest.strip())
        line = bisect_right(breaks, token.start()) + 1
        if name in _STATEMENTS:
            if current is not None:
                yield current
            current, inside = (None if closing else _Found(name, line)), []
        elif name in _INSIDE:
            inside = _nested(inside, name, closing=bool(closing))
            if name == "STMTTRN" and not closing and current is not None:
                current.transactions.append((line, {}))
        elif not closing:
            _leaf(current, inside, name, value, status)
    if current is not None:
        yield current


def _without_comments(text: str) -> str:
    """The text with comments left out but for their line breaks; an open one reaches to the end."""
    kept: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start)
        kept += [text[at:start], "\n" * text.count("\n", start, end if end >= 0 else len(text))]
        at = end + 3 if end >= 0 else len(text)
    return "".join([*kept, text[at:]])


def _nested(inside: list[str], name: str, *, closing: bool) -> list[str]:
    """The open aggregates after this tag; a closing tag ends everything opened behind its opening one."""
    if not closing:
        return [*inside, name][-8:]
    return inside[: len(inside) - inside[::-1].index(name) - 1] if name in inside else inside


def _leaf(current: _Found | None, inside: list[str], name: str, value: str, status: dict[str, str]) -> None:
    if current is not None and _SECURITIES.fullmatch(name):
        current.securities += 1
    if not value:
        return
    if inside and inside[-1] == "STATUS":
        status[name] = value
    elif current is not None and "STMTTRN" in inside and current.transactions:
        above = inside[-1]
        key = name if above == "STMTTRN" else f"{above}.{name}"
        current.transactions[-1][1].setdefault(key, value)
    elif current is not None:
        current.leaves.setdefault(f"{inside[-1]}.{name}" if inside else name, value)


def _statement(found: _Found) -> Statement:
    leaves = found.leaves
    currency = leaves.get("CURDEF", "").upper()
    if not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
        raise broken(found.line, f"the statement has no currency: CURDEF is {excerpt(currency)}", "CURDEF")
    account = next((leaves[key] for key in leaves if key.endswith("ACCTFROM.ACCTID")), "")
    if not account:
        raise broken(found.line, "the statement names no account (ACCTID)", "ACCTID")
    closing = None
    if "LEDGERBAL.BALAMT" in leaves:
        amount = _amount(leaves["LEDGERBAL.BALAMT"], found.line, "BALAMT")
        closing = Balance(amount, currency, yymmdd(leaves.get("LEDGERBAL.DTASOF", "")[:8]))
    problems = [
        Problem(line, "the transaction has no readable date (DTPOSTED)")
        for line, told in found.transactions
        if yymmdd(told.get("DTPOSTED", "")[:8]) is None
    ]
    advice = []
    if found.securities:
        told = f"{found.securities} transactions in securities are not read: only cash is"
        advice.append(Problem(found.line, told))
    return Statement(
        account="".join(account.split()),
        currency=currency,
        opening=None,
        closing=closing,
        entries=[_entry(line, told, currency) for line, told in found.transactions],
        problems=problems,
        line=found.line,
        advice=advice,
    )


def _entry(line: int, told: dict[str, str], home: str) -> Entry:
    if "TRNAMT" not in told:
        raise broken(line, "the transaction has no amount (TRNAMT)", "TRNAMT")
    amount = _amount(told["TRNAMT"], line, "TRNAMT")
    currency = told.get("CURRENCY.CURSYM", home).upper()
    other = Party(
        told.get("NAME") or told.get("PAYEE.NAME", ""),
        next(("".join(told[key].split()) for key in told if key.endswith("ACCTTO.ACCTID")), ""),
    )
    memo = [told[key] for key in ("NAME", "MEMO") if told.get(key)]
    transaction = Transaction(
        amount=amount,
        currency=currency,
        payer=other if amount >= 0 else Party(),
        payee=Party() if amount >= 0 else other,
        bank_reference=told.get("FITID", ""),
        customer_reference=told.get("REFNUM", ""),
        cheque_number=told.get("CHECKNUM", ""),
        references=references.found_in(memo),
        narrative=memo,
        instructed=_instructed(told, amount, line),
        purpose=told.get("TRNTYPE", ""),
    )
    booked_on = yymmdd(told.get("DTPOSTED", "")[:8])
    return Entry(
        amount=amount,
        currency=currency,
        booked_on=booked_on,
        value_on=yymmdd(told.get("DTAVAIL", "")[:8]),
        bank_code=told.get("TRNTYPE", ""),
        reversal=told.get("CORRECTACTION", "").upper() == "DELETE",
        bank_reference=told.get("FITID", ""),
        transactions=(transaction,),
        line=line,
    )


def _instructed(told: dict[str, str], amount: Decimal, line: int) -> Amount | None:
    """What was paid in another currency: OFX tells its symbol and the rate only (section 5.2)."""
    symbol, rate = told.get("ORIGCURRENCY.CURSYM", ""), told.get("ORIGCURRENCY.CURRATE", "")
    if not symbol or not rate:
        return None
    value = _amount(rate, line, "CURRATE")
    return Amount((abs(amount) / value).quantize(Decimal("0.01")), symbol) if value > 0 else None


def _amount(words: str, line: int, name: str) -> Decimal:
    """An amount with a point or a comma before its decimals (OFX 3.2.9.1)."""
    compact = words.strip()
    found = _AMOUNT.fullmatch(compact)
    if not found or not (found[2] or found[4]):
        raise broken(line, f"{name} {excerpt(words)} is not an amount", name)
    sign, whole, _, decimals = found.groups()
    digits = re.sub(r"[.,]", "", whole or "0")
    return Decimal(f"{sign}{digits}.{decimals or '0'}")
