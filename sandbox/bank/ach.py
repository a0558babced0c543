"""ACH receipts as a US bank passes them on: Nacha CTX entries, each with the payer's 820 in its addenda.

Written from the Nacha Operating Rules, appendix three: records of 94 characters, ten to a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

WIDTH, BLOCK = 94, 10
PAYMENT_INFORMATION = 80  # characters of an addenda record that carry the remittance
CREDIT = 22  # transaction code: credit to a checking account
ADDENDA_MAX = 9_999


class Paid(NamedTuple):
    """What is paid of one invoice. `withheld`: kept back, with a code of X12 element 426 that says why."""

    invoice: str
    amount: Decimal
    withheld: Decimal = Decimal(0)
    reason: str = ""


class Receipt(NamedTuple):
    """One payment that arrived; its amount is the sum of what it pays."""

    payer: str
    trace: str  # reassociation trace number (TRN02)
    items: Sequence[Paid]

    @property
    def amount(self) -> Decimal:
        """What the bank credits."""
        return sum((one.amount for one in self.items), Decimal(0))


def render(receipts: Sequence[Receipt], *, routing: str, account: str, now: datetime) -> bytes:
    """The file of one day. `routing` is our bank's number with its check digit (9 digits)."""
    batches = [list(_batch(one, n, routing, account, now)) for n, one in enumerate(receipts, 1)]
    records = [_header(routing, now), *(record for batch in batches for record in batch)]
    details = sum(len(batch) - 2 for batch in batches)
    hash_total = int(routing[:8]) * len(receipts) % 10**10
    credits = _cents(sum((one.amount for one in receipts), Decimal(0)))
    blocks = -(-(len(records) + 1) // BLOCK)
    control = f"9{len(batches):06}{blocks:06}{details:08}{hash_total:010}{0:012}{credits:012}"
    records.append(control.ljust(WIDTH))
    records += ["9" * WIDTH] * (blocks * BLOCK - len(records))
    return "".join(f"{record}\n" for record in records).encode("ascii")


def _header(routing: str, now: datetime) -> str:
    places = f" {routing} {routing}"
    return f"101{places}{now:%y%m%d%H%M}A094101{'OUR BANK':<23}{'ACH OPERATOR':<23}".ljust(WIDTH)


def _batch(one: Receipt, number: int, routing: str, account: str, now: datetime) -> Iterator[str]:
    sender, trace = routing[:8], f"{routing[:8]}{number:07}"
    company = f"{one.payer.upper()[:16]:<16}"
    told = _remittance(one, now)
    addenda = [told[at : at + PAYMENT_INFORMATION] for at in range(0, len(told), PAYMENT_INFORMATION)]
    if len(addenda) > ADDENDA_MAX:
        raise ValueError(f"{len(addenda)} addenda records, over {ADDENDA_MAX}: pay in two parts")
    day = f"{now:%y%m%d}"
    yield f"5220{company}{'':20}1912345678CTXVENDOR PAY{day}{day}   1{sender}{number:07}"
    receiver = f"{len(addenda):04}{'ACME INSTRUMENTS':<16}  "
    entry = f"6{CREDIT}{routing}{account[:17]:<17}{_cents(one.amount):010}{one.trace[:15]:<15}{receiver}  1"
    yield f"{entry}{trace}"
    for sequence, part in enumerate(addenda, 1):
        yield f"705{part:<80}{sequence:04}{trace[-7:]}"
    count, hash_total = 1 + len(addenda), int(sender) % 10**10
    control = f"8220{count:06}{hash_total:010}{0:012}{_cents(one.amount):012}1912345678"
    yield f"{control}{'':25}{sender}{number:07}"


def _remittance(one: Receipt, now: datetime) -> str:
    """The 820 inside: BPR the money, TRN the trace, an RMR for each invoice, ADX for what is withheld."""
    segments = [
        "ST*820*0001", f"BPR*C*{one.amount}*C*ACH*CTX***********{now:%Y%m%d}", f"TRN*1*{one.trace}",
        f"N1*PR*{one.payer.upper()}", "ENT*1",
    ]  # fmt: skip
    for item in one.items:
        owed = item.amount + item.withheld
        segments.append(f"RMR*IV*{item.invoice}**{item.amount}*{owed}")
        if item.withheld:
            segments.append(f"ADX*-{item.withheld}*{item.reason}")
    segments.append(f"SE*{len(segments) + 1}*0001")
    return "".join(f"{segment}\\" for segment in segments)


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
