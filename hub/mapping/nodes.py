"""What a formula is once it has been read: a small tree that holds nothing of Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.mapping.signature import Function

Step = str | int | None
"""One step of a path: a name, a position in a list (from 0), or None for every item of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Part of a formula. `kind` is number, text, bool, date, list or any; `blank`: it may have no value."""

    text: str  # as the author wrote it, for messages
    offset: int  # characters into the formula
    kind: str = "any"
    blank: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """A constant: Decimal, text, bool or None."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Node):
    """Data of the record: `lines[].amount` has the steps lines, None, amount."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function of the spreadsheet kind."""

    function: Function
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry(Node):
    """LOOKUP(table, key, default)."""

    table: str
    key: Node
    default: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(Node):
    """`+ - * /` on two numbers."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative(Node):
    """A number with its sign turned."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Node):
    """`== != < <= > >=`, `in` and `not in`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(Node):
    """`and`, `or`: the first operand that decides, as in Python; COALESCE: the first with a value."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation(Node):
    """`not`."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Node):
    """`yes if test else no`, and IF."""

    test: Node
    yes: Node
    no: Node


def children(node: Node) -> tuple[Node, ...]:
    """The parts a node is made of, in the order they are written."""
    match node:
        case Call(arguments=parts) | Logic(operands=parts):
            return parts
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            return (left, right)
        case Negative(operand=operand) | Negation(operand=operand):
            return (operand,)
        case Choice(test=test, yes=yes, no=no):
            return (test, yes, no)
        case TableEntry(key=key, default=default):
            return (key,) if default is None else (key, default)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for part in children(node):
        yield from walk(part)
