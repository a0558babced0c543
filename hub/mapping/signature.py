"""How functions are declared: name, kinds of what goes in and comes out, and the Python that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

ARGUMENTS_MAX = 50
VARIES: Final = object()
"""Stands for an argument that depends on the record."""

Call = Callable[..., Any]
Prepare = Callable[[tuple[Any, ...]], Mapping[int, Any]]


class Unfit(ValueError):
    """A constant argument, by its position from 0, that the function cannot work with."""

    def __init__(self, position: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.position = position
        self.message = message
        self.remedy = remedy


class Function(NamedTuple):
    """What the language needs to know about a function. Kinds: number text bool date list any."""

    name: str
    call: Callable[..., Any]
    result: str
    parameters: tuple[str, ...]
    least: int  # arguments that must be given
    repeats: bool = False  # the last parameter may be given up to ARGUMENTS_MAX times
    blank: str = "never"  # result may be no value: never, first (when the first argument is), all, maybe
    prepare: Prepare | None = None  # looks at the constant arguments while the formula is read, see ready()

    def ready(self, values: tuple[Any, ...]) -> Mapping[int, Any]:
        """What to hand over in place of constant arguments, by position: a pattern that was read once.

        `values`: the constants, VARIES where an argument is none. Raises Unfit.
        """
        return self.prepare(values) if self.prepare else {}


class Functions(dict[str, Function]):
    """A set of functions by name."""

    def define(
        self,
        name: str,
        result: str,
        *parameters: str,
        least: int = -1,
        repeats: bool = False,
        blank: str = "never",
        prepare: Prepare | None = None,
    ) -> Callable[[Call], Call]:
        """Add the decorated function. `least`: arguments that must be given, all where it is not said."""
        needed = len(parameters) if least < 0 else least

        def add(call: Call) -> Call:
            self[name] = Function(name, call, result, parameters, needed, repeats, blank, prepare)
            return call

        return add
