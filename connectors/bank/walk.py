"""Steps through an ISO 20022 tree by local name: texts, days and exact amounts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypeAlias

from lxml import etree

from hub.sdk import Invalid

Node: TypeAlias = etree._Element

_AMOUNT = re.compile(
    r"[+-]?(\d{1,18}(\.\d{0,17})?|\.\d{1,17})", re.ASCII
)  # ISO 20022: 18 digits, 5 of them decimals
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_OWN_AMOUNT = ("{*}Amt", "{*}AmtDtls/{*}TxAmt/{*}Amt", "{*}AmtDtls/{*}CntrValAmt/{*}Amt")


def first(node: Node | None, *paths: str) -> Node | None:
    """The first element on the first path that leads anywhere."""
    if node is None:
        return None
    return next((found for path in paths if (found := node.find(path)) is not None), None)


def text(node: Node | None, *paths: str) -> str:
    """The text on the first path that has one, without the space around it; empty where none has."""
    if node is None:
        return ""
    for path in paths:
        words = (node.findtext(path) or "").strip()
        if words:
            return words
    return ""


def texts(node: Node | None, *paths: str) -> list[str]:
    """All texts on all paths, in the order of the paths."""
    found = [] if node is None else [one for path in paths for one in node.iterfind(path)]
    return [words for one in found if (words := (one.text or "").strip())]


def money(node: Node | None, place: str) -> tuple[Decimal, str]:
    """Amount as written and currency. Raises Invalid where it is not a decimal number."""
    words = "" if node is None or node.text is None else node.text.strip()
    if node is None or not _AMOUNT.fullmatch(words):
        raise Invalid(f"{place}: {words[:40]!r} is not an amount", field="Amt")
    return Decimal(words), (node.get("Ccy") or "").strip()


def amounts(node: Node | None, path: str) -> list[dict[str, object]]:
    """Every amount on a path with its currency; what cannot be read is kept as text."""
    found = [] if node is None else node.findall(path)
    return [{"amount": _exact_or_text(one), "currency": one.get("Ccy") or ""} for one in found]


def _exact_or_text(node: Node) -> Decimal | str:
    words = (node.text or "").strip()
    return Decimal(words) if _AMOUNT.fullmatch(words) else words


def signed(node: Node, place: str) -> tuple[Decimal, str]:
    """An entry's amount, above zero for a credit. Raises Invalid where it says neither credit nor debit.

    CdtDbtInd already tells the direction of a reversal; RvslInd does not turn it round again.
    """
    value, currency = money(first(node, "{*}Amt"), place)
    indicator = text(node, "{*}CdtDbtInd")
    if indicator not in ("CRDT", "DBIT"):
        raise Invalid(f"{place}: {indicator[:10]!r} is neither CRDT nor DBIT", field="CdtDbtInd")
    return (-value if indicator == "DBIT" else value), currency


def amount_of(part: Node, currency: str, sign: int) -> Decimal | None:
    """The signed amount of one transaction of a batch in the entry's currency, None where it has none.

    `sign` is the entry's direction, for transactions that do not tell their own.
    """
    for path in _OWN_AMOUNT:
        found = part.find(path)
        if found is not None and found.get("Ccy") == currency:
            value, _ = money(found, "transaction")
            own = {"CRDT": 1, "DBIT": -1}.get(text(part, "{*}CdtDbtInd"), sign)
            return own * value
    return None


def day(node: Node | None) -> str:
    """Business date as ISO text, from Dt or DtTm at the bank's own offset; as written where it is no date."""
    words = text(node, "{*}Dt", "{*}DtTm")
    return words[:10] if _DAY.match(words) else words
