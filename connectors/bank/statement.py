"""One bank statement as the house sees it, whatever format the bank sent it in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from hub.sdk import Invalid, Rejected

_AT_LINE = re.compile(r"line (\d{1,9}): ", re.ASCII)


class Status(StrEnum):
    """What the bank says of an entry; only booked ones move the balance and are counted."""

    BOOKED = "booked"
    PENDING = "pending"
    INFORMATION = "information"


class Problem(NamedTuple):
    """What is wrong with a file or a statement; `line` counts from 1, 0 where no line is to blame."""

    line: int
    message: str


class Amount(NamedTuple):
    """An exact amount in the currency it is told in."""

    amount: Decimal
    currency: str


class Party(NamedTuple):
    """One side of a transaction; what the bank does not tell is empty. Accounts have no spaces."""

    name: str = ""
    account: str = ""
    bic: str = ""
    id: str = ""


NOBODY = Party()


class Reference(NamedTuple):
    """A structured creditor reference; `kind` is RF, QRR, or OTHER (see translate.kind_of)."""

    value: str
    kind: str


class Document(NamedTuple):
    """A document the payer says they pay; amounts are None where the remittance does not tell them.

    `kind` as the format writes it (CINV, CREN, IV, CM ...). An adjustment is signed: below zero where it
    makes the payment smaller; `reason` is the format's own code for it.
    """

    number: str
    kind: str = ""
    dated: date | None = None
    paid: Decimal | None = None
    original: Decimal | None = None
    discount: Decimal | None = None
    adjustment: Decimal | None = None
    reason: str = ""
    currency: str = ""


class Charge(NamedTuple):
    """A bank charge, above zero where it was taken; `included`: the amount booked is already less it."""

    amount: Decimal
    currency: str
    included: bool = False
    bearer: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payment inside an entry; amounts above zero for money that came in, None where not told.

    `payer` and `payee` are the debtor and the creditor of the payment, whichever of them is us. `narrative`
    keeps the bank's order, one text per line or block. `instructed` is what the payer ordered, where that
    is another amount or currency than what was booked. `bank_reference` is the account servicer's.
    """

    amount: Decimal | None
    currency: str = ""
    payer: Party = NOBODY
    payee: Party = NOBODY
    end_to_end_id: str = ""
    bank_reference: str = ""
    customer_reference: str = ""
    mandate_id: str = ""
    cheque_number: str = ""
    references: Sequence[Reference] = ()
    narrative: Sequence[str] = ()
    documents: Sequence[Document] = ()
    charges: Sequence[Charge] = ()
    instructed: Amount | None = None
    exchange_rate: Decimal | None = None
    purpose: str = ""
    return_reason: str = ""


class Batch(NamedTuple):
    """What an entry tells of itself as a batch: `size` 0 and `total` None where it does not."""

    size: int = 0
    total: Decimal | None = None
    id: str = ""


NO_BATCH = Batch()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the account; `amount` is signed, above zero for a credit, reversals already applied.

    `bank_code` is the bank's transaction code as the format has it (PMNT/RCDT/ESCT, NTRF, 142, 22).
    `reversal`: it takes back an earlier booking. `transactions` holds at least one; several for a batch.
    `line` is where the entry stands in the file, from 1 (0 where the format has no lines).
    """

    amount: Decimal
    currency: str
    booked_on: date | None
    value_on: date | None = None
    bank_code: str = ""
    reversal: bool = False
    status: Status = Status.BOOKED
    bank_reference: str = ""
    transactions: Sequence[Transaction] = ()
    batch: Batch = NO_BATCH
    line: int = 0


class Balance(NamedTuple):
    """A booked balance, below zero for an overdraft; `on` None where the format does not date it."""

    amount: Decimal
    currency: str
    on: date | None = None


class Claim(NamedTuple):
    """What a statement says its entries add up to; None where it does not tell.

    `sign` 1 is about credits, -1 about debits, 0 about both; `total` is above zero.
    """

    what: str
    sign: int
    counted: int | None
    total: Decimal | None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """What one file says of one account over one period.

    `opening` and `closing` are None where the format carries none (camt.054, NACHA, lockbox, CSV).
    `number` and `page` are the bank's own, for finding gaps and repeats. `problems` make a person look at
    the statement as a whole: totals the file claims and that do not hold. They never hide entries. `advice`
    is what breaks a formal rule and says nothing against the entries. `claims` are compared by the gate.
    """

    account: str
    currency: str
    opening: Balance | None
    closing: Balance | None
    entries: Sequence[Entry]
    id: str = ""
    number: str = ""
    page: str = ""
    created: str = ""
    problems: Sequence[Problem] = ()
    line: int = 0
    advice: Sequence[Problem] = ()
    claims: Sequence[Claim] = ()

    def booked(self) -> Iterator[Entry]:
        """The entries that moved the balance."""
        return (entry for entry in self.entries if entry.status is Status.BOOKED)


def broken(line: int, message: str, field: str = "") -> Invalid:
    """The error of a reader: what is wrong and on which line of the file (from 1)."""
    return Invalid(f"line {line}: {message}" if line else message, field=field)


def problem_of(error: Invalid | Rejected) -> Problem:
    """A reader's error as it is told to people and programs."""
    words = str(error)
    found = _AT_LINE.match(words)
    return Problem(int(found[1]), words[found.end() :]) if found else Problem(0, words)
