"""What generated translators call while they run: reading paths, comparing, and refusing with a reason."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from copy import deepcopy
from decimal import Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from hub.mapping.nodes import Step
from hub.mapping.values import Refusal, as_number, class_name, empty, exact, finite, shown, text, truth

EMPTY: Mapping[str, Any] = {}
_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def missing(told: str) -> Refusal:
    """The refusal for a required value that is not there; `told`: where it should come from."""
    return Refusal(f"no value from {told}; fill it in there, or give the rule a default or optional: true")


def given(value: Any, told: str = "its source") -> Any:
    """A value that is there and holds no binary float, however deep."""
    kind = value.__class__
    if kind is Decimal:
        return finite(value)
    if value is None or value == "":
        raise missing(told)
    if kind is str:
        return value
    if isinstance(value, str):
        return str(value)  # a plain one: states are enum members
    exact(value)
    return value


def reference(value: Any) -> str:
    """An id to look up: text, or a whole number written as text."""
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        return text(value)
    raise Refusal(f"{shown(value)} is not an id", value)


def items(value: Any, told: str = "its source") -> list[Any]:
    """The list an `each` goes over."""
    if value is None or value == "":
        raise missing(told)
    if isinstance(value, list | tuple):
        return list(value)
    raise Refusal(
        f"{told} is {class_name(value)}, not a list; where one item comes bare, add via: list", value
    )


def dig(record: Any, steps: tuple[Step, ...], told: str = "") -> Any:
    """The value at the end of a path; None where a step is missing. A None step gathers over a list."""
    value = record
    for position, step in enumerate(steps):
        if step is None:
            return _gather(value, steps[position + 1 :], told)
        if value.__class__ is dict and step.__class__ is str:
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list | tuple):
            value = value[step] if step < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(step if isinstance(step, str) else str(step))
        elif value:
            before = ".".join(str(part) for part in steps[:position]) or "the item"
            raise Refusal(f"{told}: {before} is {class_name(value)}, not an object", value)
        else:
            return None
    return value


def _gather(value: Any, rest: tuple[Step, ...], told: str) -> list[Any]:
    """The rest of the path for every item; a list within a list is opened, what has no value left out."""
    if not value:
        return []
    if not isinstance(value, list | tuple):
        raise Refusal(f"{told}: expected a list before [], got {shown(value)}", value)
    if len(rest) == 1 and rest[0].__class__ is str and all(item.__class__ is dict for item in value):
        return [part for item in value if not empty(part := item.get(rest[0]))]
    found: list[Any] = []
    for item in value:
        part = dig(item, rest, told)
        if isinstance(part, list) and None in rest:
            found += part
        elif not empty(part):
            found.append(part)
    return found


def number(value: Any, told: str = "the operand") -> Decimal:
    """An operand of arithmetic."""
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if value.__class__ is int:
        return Decimal(value)
    if value is None or value == "":
        raise Refusal(f"{told} has no value; give DECIMAL() a second value to use then", value)
    try:
        found = as_number(value)
    except Refusal as refusal:
        raise Refusal(f"{told}: {refusal.reason}", value) from None
    assert found is not None  # only for no value, refused above
    return found


def calculate(symbol: str, left: Decimal, right: Decimal, told: str) -> Decimal:
    """One arithmetic step, with its failure in the author's words."""
    try:
        return _ARITHMETIC[symbol](left, right)
    except DecimalException as error:
        raise Refusal(f"{told}: {words(error)}") from None


def compare(symbol: str, left: Any, right: Any, told_left: str = "", told_right: str = "") -> bool:
    """Compare two values of one kind. Only no value equals no value; different kinds are refused."""
    if symbol in ("in", "not in"):
        return _within(left, right, told_right) is (symbol == "in")
    one, other = None if left == "" else left, None if right == "" else right
    if one is None or other is None:
        return _with_none(symbol, one is other, told_left if one is None else told_right)
    if _family(one) != _family(other):
        what = f"{told_left} is {class_name(one)} and {told_right} is {class_name(other)}"
        raise Refusal(f"{what}: convert one with DECIMAL(), TEXT() or DATE()", one)
    if symbol in ("==", "!="):
        return bool(one == other) is (symbol == "==")
    return _ORDER[symbol](one, other)


def _with_none(symbol: str, both: bool, told: str) -> bool:
    if symbol in ("==", "!="):
        return both is (symbol == "==")
    raise Refusal(f"{told} has no value, so it is neither more nor less")


def _family(value: Any) -> str:
    exact(value)
    return class_name(value)


def _within(part: Any, whole: Any, told: str) -> bool:
    if whole is None or whole == "" or part is None or part == "":
        return False
    if isinstance(whole, str):
        return text(part) in whole
    if not isinstance(whole, list | tuple):
        raise Refusal(f"{told} is {class_name(whole)}, neither text nor a list", whole)
    return any(compare("==", part, entry, "the value", "an entry of the list") for entry in whole)


def within(told: str, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function and put the author's words before its refusal."""
    try:
        return call(*arguments)
    except Refusal as refusal:
        raise Refusal(f"{told}: {refusal.reason}", refusal.value) from None
    except (ArithmeticError, TypeError, ValueError) as error:
        raise Refusal(f"{told}: {words(error)}") from None


def words(error: Exception) -> str:
    """An exception of Python's in words for the author of a mapping."""
    if isinstance(error, DivisionByZero) or "DivisionUndefined" in str(error):
        return "division by zero"
    if isinstance(error, Overflow):
        return "the number is too large"
    if isinstance(error, InvalidOperation):
        return "the number has too many digits"
    if isinstance(error, OverflowError):
        return "the date is out of range"
    if isinstance(error, RecursionError):
        return "the record is too deeply nested"
    return f"the value does not fit ({type(error).__name__})"


NAMES: dict[str, Any] = {
    "Decimal": Decimal,
    "EMPTY": EMPTY,
    "calculate": calculate,
    "compare": compare,
    "deepcopy": deepcopy,
    "dig": dig,
    "enumerate": enumerate,
    "given": given,
    "items": items,
    "len": len,
    "number": number,
    "reference": reference,
    "str": str,
    "truth": truth,
    "within": within,
}
"""Everything a generated translator may name, besides its constants, functions and conversions."""
