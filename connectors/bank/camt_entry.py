"""One entry (Ntry) of any camt message with the transactions it consists of.

Source: ISO 20022 message definition reports of camt.052, .053 and .054, versions 001.01 to 001.13; what
moved between versions has a path for each place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, TypeVar, overload

from connectors.bank import camt_details
from connectors.bank.camt_shape import NotPlain, Shape, Shapes, Twig, day, decimal_of, first, is_amount
from connectors.bank.statement import (
    NO_BATCH,
    Batch,
    Entry,
    Status,
    Transaction,
    broken,
)

_STATUS = {
    "": Status.BOOKED, "BOOK": Status.BOOKED,
    "PDNG": Status.PENDING, "FUTR": Status.PENDING, "PENDING": Status.PENDING, "FUTURE": Status.PENDING,
    "INFO": Status.INFORMATION, "INFORMATION": Status.INFORMATION, "INFORMATIONAL": Status.INFORMATION,
}  # fmt: skip
_CODE = ("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd", "BkTxCd/Prtry/Cd")
_OWN = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt")
_SIGN = {"CRDT": 1, "DBIT": -1}
_TRUE = ("true", "1")


class Kinds(NamedTuple):
    """The shapes of entries and those of transactions inside them."""

    entries: Shapes
    details: Shapes


class Lazy(Sequence[Transaction]):
    """The transactions of an entry, made when somebody looks at them: whoever only counts never does."""

    __slots__ = ("_made", "_parts", "_whole")

    def __init__(self, whole: Twig, parts: Sequence[Twig], amount: Decimal, currency: str) -> None:
        self._parts, self._whole = parts, (whole, amount, currency)
        self._made: tuple[Transaction, ...] | None = None

    def __len__(self) -> int:
        return max(1, len(self._parts))

    @overload
    def __getitem__(self, place: int) -> Transaction: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Transaction]: ...
    def __getitem__(self, place: int | slice) -> Transaction | Sequence[Transaction]:
        return self._all()[place]

    def __iter__(self) -> Iterator[Transaction]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> tuple[Transaction, ...]:
        if self._made is None:
            whole, amount, currency = self._whole
            self._made = tuple(_transactions(whole, self._parts, amount, currency))
        return self._made


class Brief(NamedTuple):
    """What of an entry moves the balance, for those who only count; `size` is its transactions."""

    amount: Decimal
    currency: str
    status: Status
    size: int


Made = TypeVar("Made")
Maker = Callable[[Twig, Sequence[Twig]], Made]


def read(text: str, prefix: str, line: int, kinds: Kinds, make: Maker[Made]) -> Made:
    """What `make` makes of an entry `<Ntry>...</Ntry>`. Raises NotPlain, or Invalid naming its line."""
    try:
        head, *parts = text.split(f"<{prefix}TxDtls>")
        # Transactions are taken out one by one, so that their number is no part of the entry's shape.
        cut = [one.partition(f"</{prefix}TxDtls>") for one in parts]
        if not all(end for _, end, _ in cut):
            raise NotPlain
        whole = head + "".join([rest for _, _, rest in cut])
        found = kinds.entries.read(whole, prefix, line)
        inside = [kinds.details.read(one, prefix, line) for one, _, _ in cut]
    except NotPlain:
        found, inside = kinds.entries.read(text, prefix, line), []
    return make(found, inside)


class _Places(NamedTuple):
    """Where the fields of an entry of one shape stand among its values."""

    shape: Shape
    amount: int
    currency: str
    sign: Sequence[int]
    status: Sequence[int]
    booked_on: Sequence[int]
    value_on: Sequence[int]
    reversal: Sequence[int]
    reference: Sequence[int]
    code: Sequence[Sequence[int]]
    inside: bool
    batch: bool


@lru_cache(maxsize=4_096)
def _places(root: Shape) -> _Places:
    node = next(iter(root.all("Ntry")), Shape())
    amount = next(iter(node.all("Amt")), Shape())
    return _Places(
        node,
        amount.at,
        amount.currency,
        node.texts(("CdtDbtInd",)),
        node.texts(("Sts/Cd", "Sts/Prtry", "Sts")),  # a code until version 07, a choice since
        node.texts(("BookgDt/Dt", "BookgDt/DtTm")),
        node.texts(("ValDt/Dt", "ValDt/DtTm")),
        node.texts(("RvslInd",)),
        node.texts(("AcctSvcrRef", "NtryRef")),
        tuple(node.texts((path,)) for path in _CODE),
        bool(node.all("NtryDtls/TxDtls") or node.all("TxDtls")),
        bool(node.all("NtryDtls/Btch") or node.all("Btch")),
    )


def brief(found: Twig, parts: Sequence[Twig]) -> Brief:
    """Amount and number of transactions of an entry, proven as `entry` proves them."""
    at, amount, currency, parts = _proven(found, parts)
    return Brief(amount, currency, _status(found.values, at.status), max(1, len(parts)))


def entry(found: Twig, parts: Sequence[Twig]) -> Entry:
    """The entry; CdtDbtInd already tells the direction of a reversal."""
    at, amount, currency, parts = _proven(found, parts)
    values, line = found.values, found.line
    node = Twig(at.shape, values, line)
    return Entry(
        amount=amount,
        currency=currency,
        booked_on=day(first(values, at.booked_on)),
        value_on=day(first(values, at.value_on)),
        bank_code=_code(values, at.code) or next((code for one in parts if (code := _part_code(one))), ""),
        reversal=first(values, at.reversal) in _TRUE or any(one.has("RtrInf") for one in parts),
        status=_status(values, at.status),
        bank_reference=first(values, at.reference),
        transactions=Lazy(node, parts, amount, currency),
        batch=_batch(node) if at.batch else NO_BATCH,
        line=line,
    )


def _status(values: Sequence[str], places: Sequence[int]) -> Status:
    words = first(values, places)
    return _STATUS.get(words) or _STATUS.get(words.upper(), Status.BOOKED)


def _proven(found: Twig, parts: Sequence[Twig]) -> tuple[_Places, Decimal, str, Sequence[Twig]]:
    """Where the fields are, amount, currency and all transactions. Raises Invalid where one is no amount."""
    at, values, line = _places(found.shape), found.values, found.line
    words = values[at.amount].strip() if at.amount >= 0 else ""
    if not is_amount(words):
        raise broken(line, f"{words[:40]!r} is not an amount", "Amt")
    sign = _SIGN.get(first(values, at.sign))
    if sign is None:
        raise broken(line, f"{first(values, at.sign)[:10]!r} is neither CRDT nor DBIT", "CdtDbtInd")
    if at.inside:
        node = Twig(at.shape, values, line)
        parts = [*parts, *node.all("NtryDtls/TxDtls"), *node.all("TxDtls")]
    for part in parts if len(parts) > 1 else ():
        place = _own_place(part.shape, at.currency)
        if place is not None and not is_amount(one := part.values[place].strip() if place >= 0 else ""):
            raise broken(line, f"{one[:40]!r} is not an amount", "Amt")
    return at, (Decimal(words) if sign > 0 else -Decimal(words)), at.currency, parts


def _part_code(part: Twig) -> str:
    return _code(part.values, [part.shape.texts((path,)) for path in _CODE])


def _code(values: Sequence[str], places: Sequence[Sequence[int]]) -> str:
    """ISO domain/family/sub-family, or the bank's own code."""
    *iso, own = places
    found = [first(values, one) for one in iso]
    return "/".join(found) if any(found) else first(values, own)


@lru_cache(maxsize=4_096)
def _own_place(shape: Shape, currency: str) -> int | None:
    """Where the text stands that tells what a transaction of a batch adds to the entry."""
    told = (next(iter(shape.all(path)), None) for path in _OWN)
    return next((one.at for one in told if one is not None and one.currency == currency), None)


def _transactions(node: Twig, parts: Sequence[Twig], amount: Decimal, currency: str) -> Iterator[Transaction]:
    if len(parts) <= 1:
        yield camt_details.transaction(node, parts[0] if parts else node, amount, currency)
        return
    for part in parts:
        yield camt_details.transaction(node, part, _own(part, currency, -1 if amount < 0 else 1), currency)


def _own(part: Twig, currency: str, sign: int) -> Decimal | None:
    """What a transaction of a batch adds to the entry, None where the bank does not tell."""
    place = _own_place(part.shape, currency)
    value = decimal_of(part.values[place].strip()) if place is not None and place >= 0 else None
    return None if value is None else value * _SIGN.get(part.word("CdtDbtInd"), sign)


def _batch(node: Twig) -> Batch:
    told = node.one("NtryDtls/Btch", "Btch")
    if told is None:
        return Batch()
    count = told.word("NbOfTxs")
    known = int(count) if count.isascii() and count.isdigit() and len(count) <= 15 else 0
    return Batch(known, decimal_of(told.word("TtlAmt")), told.word("PmtInfId", "MsgId"))
