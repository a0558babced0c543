"""Reading a camt.053 statement file into balances, entries and transactions, whatever its version.

Versions 001.01 to 001.13 differ in names and nesting, not in meaning, and banks wrap the document in
envelopes of their own: so elements are found by local name, and every element that moved has two paths.
Source: ISO 20022 message definition reports of camt.053.001.01 to .13.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from lxml import etree

from connectors.bank import details
from connectors.bank.walk import Node, amount_of, day, first, money, signed, text
from hub.sdk import Invalid, Rejected, parse_xml

TRANSACTIONS_MAX = 100_000  # in one file; a bank that has more splits it into pages (StmtPgntn)
NOT_BOOKED = frozenset({"PDNG", "INFO", "FUTR"})  # ISO 20022 external entry status codes
# Opening and closing booked, previously closed (= opening), interim booked (between two pages).
OPENING = ("OPBD", "PRCD", "ITBD")
CLOSING = ("CLBD", "ITBD")


class Balance(NamedTuple):
    """One balance; its amount is signed, below zero for an overdraft."""

    type: str
    amount: Decimal
    currency: str
    on: str


class Entry(NamedTuple):
    """One booking on the account and the transactions it consists of; amounts are signed."""

    amount: Decimal
    currency: str
    transactions: Sequence[dict[str, Any]]


class Statement(NamedTuple):
    """One statement of one account: booked entries only, the others are counted."""

    id: str
    page: str
    account: str
    currency: str
    balances: Sequence[Balance]
    entries: Sequence[Entry]
    not_booked: int

    def balance(self, types: Sequence[str], *, last: bool) -> Balance | None:
        """The balance of the first of these types there is; `last`: the last one of that type."""
        for type_ in types:
            found = [b for b in self.balances if b.type == type_]
            if found:
                return found[-1 if last else 0]
        return None


def read(body: bytes) -> list[Statement]:
    """Every statement of the file, checked against its control totals.

    Raises Invalid for a file that is not a readable camt.053, Rejected where totals do not add up.
    """
    root = parse_xml(body)
    messages = root.iter("{*}BkToCstmrStmt", "{*}BkToCstmrStmtV01")  # the second name in version 01
    found = [node for message in messages for node in message.iterchildren("{*}Stmt")]
    if not found:
        raise Invalid(f"no camt.053 statement in the file: {_what(root)}", field="body")
    _bounded(root)
    statements = [_statement(node) for node in found]
    for statement in statements:
        check_totals(statement)
    return statements


def check_totals(statement: Statement) -> None:
    """Opening balance plus booked entries is the closing balance, or Rejected names the difference."""
    if not statement.entries and not statement.balances:
        return
    opening = statement.balance(OPENING, last=False)
    closing = statement.balance(CLOSING, last=True)
    if opening is None or closing is None:
        side = "opening" if opening is None else "closing"
        raise Rejected(
            f"statement {statement.id} of {statement.account} has no {side} booked balance, so nothing "
            "proves it is whole: ask the bank for statements with both",
            code="no_balance",
        )
    currencies = {opening.currency, closing.currency, *(entry.currency for entry in statement.entries)}
    if len(currencies) > 1:
        raise Rejected(
            f"statement {statement.id} of {statement.account} mixes {', '.join(sorted(currencies))} in "
            "balances and entries, so its totals cannot be checked",
            code="mixed_currencies",
        )
    moved = sum((entry.amount for entry in statement.entries), Decimal(0))
    if opening.amount + moved != closing.amount:
        raise Rejected(
            f"statement {statement.id} of {statement.account} does not balance: opening {opening.amount:f} "
            f"plus entries {moved:f} is {opening.amount + moved:f}, closing says {closing.amount:f}, "
            f"difference {closing.amount - opening.amount - moved:f} {opening.currency}",
            code="not_balanced",
        )


def _what(root: Node) -> str:
    """What the file is instead, for the person who sent it."""
    namespaces = (etree.QName(node).namespace or "" for node in root.iter("{*}Document"))
    version = next((re.search(r"[a-z]{4}\.\d{3}\.\d{3}\.\d{2}", name) for name in namespaces), None)
    return (
        f"its document is {version[0]}" if version else f"its root element is {etree.QName(root).localname}"
    )


def _bounded(root: Node) -> None:
    for tag in ("Ntry", "TxDtls"):
        if sum(1 for _ in root.iter(f"{{*}}{tag}")) > TRANSACTIONS_MAX:
            raise Invalid(f"over {TRANSACTIONS_MAX} {tag} in one file: ask the bank to split it", field=tag)


def _statement(node: Node) -> Statement:
    balances = [_balance(one) for one in node.iterchildren("{*}Bal")]
    booked = [one for one in node.iterchildren("{*}Ntry") if _is_booked(one)]
    everything = sum(1 for _ in node.iterchildren("{*}Ntry"))
    currency = text(node, "{*}Acct/{*}Ccy") or (balances[0].currency if balances else "")
    return Statement(
        id=text(node, "{*}Id"),
        page=text(node, "{*}StmtPgntn/{*}PgNb"),
        account=details.account(first(node, "{*}Acct")),
        currency=currency,
        balances=balances,
        entries=[_entry(one, number, _one_day(balances)) for number, one in enumerate(booked, 1)],
        not_booked=everything - len(booked),
    )


def _one_day(balances: Sequence[Balance]) -> str:
    """The day of a statement whose booked balances are all of one day, else empty."""
    days = {b.on for b in balances if b.type in (*OPENING, *CLOSING)}
    return days.pop() if len(days) == 1 and len(balances) > 1 else ""


def _balance(node: Node) -> Balance:
    kind = text(
        node, "{*}Tp/{*}CdOrPrtry/{*}Cd", "{*}Tp/{*}Cd", "{*}Tp/{*}CdOrPrtry/{*}Prtry", "{*}Tp/{*}Prtry"
    )
    value, currency = money(first(node, "{*}Amt"), f"balance {kind}")
    # Some banks leave the indicator of a balance out; the control totals prove or refute "credit".
    sign = -1 if text(node, "{*}CdtDbtInd") == "DBIT" else 1
    return Balance(kind, sign * value, currency, day(first(node, "{*}Dt")))


def _is_booked(node: Node) -> bool:
    """Status is Sts until version 07 and Sts/Cd since; a statement without it holds booked entries only."""
    return text(node, "{*}Sts/{*}Cd", "{*}Sts") not in NOT_BOOKED


def _entry(node: Node, number: int, statement_day: str) -> Entry:
    place = f"entry {number}"
    amount, currency = signed(node, place)
    shared = {
        **details.of_entry(node),
        "currency": currency,
        "entry_amount": amount,
        "booked_on": day(first(node, "{*}BookgDt")) or statement_day,
        "value_on": day(first(node, "{*}ValDt")),
    }
    parts = [*node.iterfind("{*}NtryDtls/{*}TxDtls"), *node.iterchildren("{*}TxDtls")]
    return Entry(
        amount, currency, [{**shared, **one} for one in _transactions(node, parts, amount, currency)]
    )


def _transactions(
    entry: Node, parts: Sequence[Node], amount: Decimal, currency: str
) -> Iterator[dict[str, Any]]:
    """What an entry consists of. The amounts yielded always add up to the entry's."""
    if len(parts) <= 1:
        yield details.of_transaction(entry, parts, amount)
        return
    own = [amount_of(part, currency, -1 if amount < 0 else 1) for part in parts]
    known = [one for one in own if one is not None]
    if len(known) < len(own):
        # Without every amount there is no telling who paid how much: one line for a person to split.
        whole = details.of_transaction(entry, parts, amount)
        yield {**whole, "unsplit": True, "batch_size": len(parts)}
        return
    for place, (part, one) in enumerate(zip(parts, known, strict=True), 1):
        batch = {"batch_position": place, "batch_size": len(parts)}
        yield {**details.of_transaction(entry, [part], one), **batch}
    rest = amount - sum(known, Decimal(0))
    if rest:
        yield {**details.of_transaction(entry, [], rest), "residual": True, "batch_size": len(parts)}
