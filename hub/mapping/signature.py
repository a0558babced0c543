"""How functions are declared: name, kinds of what goes in and comes out, and the Python that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

ARGUMENTS_MAX = 50
Call = Callable[..., Any]


class Function(NamedTuple):
    """What the language needs to know about a function. Kinds: number text bool date list any."""

    name: str
    call: Callable[..., Any]
    result: str
    parameters: tuple[str, ...]
    least: int  # arguments that must be given
    repeats: bool = False  # the last parameter may be given up to ARGUMENTS_MAX times
    blank: str = "never"  # result may be no value: never, first (when the first argument is), all, maybe


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
    ) -> Callable[[Call], Call]:
        """Add the decorated function. `least`: arguments that must be given, all where it is not said."""
        needed = len(parameters) if least < 0 else least

        def add(call: Call) -> Call:
            self[name] = Function(name, call, result, parameters, needed, repeats, blank)
            return call

        return add
