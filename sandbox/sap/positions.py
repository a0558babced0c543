"""What is billed: a line with its source, and its amounts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sandbox.sap.store import Row

Lines = Sequence[tuple[str, Decimal | None, Decimal | None]]  # key, quantity, net amount


class Position(NamedTuple):
    """One line to bill: the order item, the preceding document with its item, and how much."""

    order: Row
    item: Row
    document: str
    line: str
    category: str
    quantity: Decimal


class Amounts(NamedTuple):
    """Net and tax of a line, with the tax code."""

    net: Decimal
    tax: Decimal
    code: str
