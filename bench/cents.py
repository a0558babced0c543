"""Amounts that binary floats round wrong: single cases, and how many of many invoices."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

Record = Mapping[str, Any]
LINES = 20  # of an invoice

# NUMBER("1.5") reads a number, CENTS(x;) rounds it half up to cents: each language has its own words for them
CASES = (
    ("1.005 to cents", 'CENTS(NUMBER("1.005");)', "1.01"),
    ("2.675 to cents", 'CENTS(NUMBER("2.675");)', "2.68"),
    ("0.125 to cents", 'CENTS(NUMBER("0.125");)', "0.13"),
    ("0.1 + 0.2", 'NUMBER("0.1") + NUMBER("0.2")', "0.3"),
    ("19.99 * 3", 'NUMBER("19.99") * NUMBER("3")', "59.97"),
    ("4.35 * 100", 'NUMBER("4.35") * NUMBER("100")', "435"),
    ("1.10 * 1.10 - 1.21", 'NUMBER("1.10") * NUMBER("1.10") - NUMBER("1.21")', "0"),
    ("35 * 0.69 less 10 %, to cents", 'CENTS(NUMBER("35") * NUMBER("0.69") * NUMBER("0.9");)', "21.74"),
    ("3 * 1.15 less 10 %, to cents", 'CENTS(NUMBER("3") * NUMBER("1.15") * NUMBER("0.9");)', "3.11"),
    ("19 % of 2.50, to cents", 'CENTS(NUMBER("2.50") * NUMBER("0.19");)', "0.48"),
)  # fmt: skip


class Wrong(NamedTuple):
    """How often an engine differs from exact amounts rounded half up."""

    lines: int
    wrong_lines: int  # net or tax
    invoices: int
    wrong_totals: int


def shown(value: Any) -> str:
    """A result as a person reads it; exact ones without noughts at the end."""
    if isinstance(value, float):
        return repr(value)
    return format(Decimal(value).normalize() + 0, "f")


def is_exact(value: Any, wanted: str) -> bool:
    """Is the result, as written, the number that was wanted?"""
    return Decimal(repr(value) if isinstance(value, float) else value) == Decimal(wanted)


def invoices(pattern: Record, count: int) -> Iterator[dict[str, Any]]:
    """Deals like the pattern, every line with its own quantity, price and discount; the same every time."""
    dice = random.Random(11)
    for _ in range(count):
        items = []
        for item in pattern["items"][:LINES]:
            changed = {
                "quantity": str(dice.randint(1, 40)),
                "price": f"{dice.randint(1, 99_999) / 100:.2f}",
                "discount": dice.choice(["0", "5", "10", "12.5", "2.5", "33.3"]),
                "tax_group": dice.choice(["standard", "reduced", "zero"]),
            }
            items.append({**item, "properties": {**item["properties"], **changed}})
        yield {**pattern, "items": items}


def exact_lines(record: Record) -> list[tuple[Decimal, Decimal]]:
    """Net and tax of every line, by fractions: shares nothing with what is measured."""
    rates = {"standard": 19, "reduced": 7, "zero": 0}
    found = []
    for item in record["items"]:
        given = item["properties"]
        net = (
            Fraction(given["quantity"]) * Fraction(given["price"])
            * (1 - Fraction(given["discount"]) / 100)
        )  # fmt: skip
        found.append((_half_up(net), _half_up(net * rates[given["tax_group"]] / 100)))
    return found


def _half_up(amount: Fraction) -> Decimal:
    """To cents; no amount here is below zero."""
    return Decimal((amount * 200 + 1) // 2) / 100


def count(translate: Callable[[Record], Mapping[str, Any]], records: Sequence[Record]) -> Wrong:
    """Translate them all and compare every amount and every total with the exact ones."""
    wrong_lines = wrong_totals = lines = 0
    for record in records:
        exact = exact_lines(record)
        made = [(line["net_amount"], line["tax_amount"]) for line in translate(record)["body"]["lines"]]
        lines += len(exact)
        wrong_lines += sum(
            not all(is_exact(part, str(right)) for part, right in zip(ours, rights, strict=True))
            for ours, rights in zip(made, exact, strict=True)
        )
        # the engine's own numbers added up, and rounded once more as users of floats do
        total = sum(net + tax for net, tax in made)
        wanted = sum((net + tax for net, tax in exact), Decimal(0))
        wrong_totals += not is_exact(round(total, 2), str(wanted))
    return Wrong(lines, wrong_lines, len(records), wrong_totals)
