"""Compiling a mapping, once, to one Python function that translates record after record.

The quick function does nothing but translate. When it fails, for whatever reason, the careful one, generated
from the same rules, translates the same record again and says which target field failed and why. So naming
`lines[3].unit_price` costs nothing until there is something to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, DivisionByZero, InvalidOperation, Overflow, getcontext, setcontext
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from hub.errors import Unmappable
from hub.mapping.conversions import Table
from hub.mapping.document import MappingDocument
from hub.mapping.expression import Writer
from hub.mapping.runtime import words
from hub.mapping.statements import Body, condition
from hub.mapping.values import Refusal

PRECISION = 50  # digits of a quotient; everything else is exact up to here
_EXPONENT_MAX = 400

# One for all threads: only its flags ever change, and nobody reads them.
CONTEXT = Context(
    prec=PRECISION,
    rounding=ROUND_HALF_UP,
    Emin=-_EXPONENT_MAX,
    Emax=_EXPONENT_MAX,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
FAILURES = (
    Refusal,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Lookup(Protocol):
    """Where the cross-references are."""

    def xref(self, kind: str, value: str) -> str:
        """In: the document id for a vendor's id. Out: the reverse. Raises NotYet where there is none yet."""
        ...


class _Generated(NamedTuple):
    source: str
    functions: Mapping[str, Callable[..., Any]]


class Translator:
    """A compiled mapping. Safe to share between threads."""

    def __init__(self, document: MappingDocument) -> None:
        self.document = document
        self._quick = _generate(document, careful=False)

    @property
    def label(self) -> str:
        """How documents remember what made them: the mapping and its version."""
        return self.document.label

    @property
    def source(self) -> str:
        """The generated Python, for the curious and the debugger."""
        return self._quick.source

    @cached_property
    def _careful(self) -> _Generated:
        return _generate(self.document, careful=True)

    def applies(self, record: Mapping[str, Any], lookup: Lookup) -> bool:
        """Is the record for us? True without `when`. Raises Unmappable where `when` cannot be answered."""
        if self.document.when is None:
            return True
        return bool(self._run("applies", record, lookup))

    def apply(self, record: Mapping[str, Any], lookup: Lookup) -> dict[str, Any]:
        """The translated record: nested plain dicts and lists, Decimals and dates kept.

        Raises Unmappable naming the target field; lets NotYet of the lookup pass.
        """
        translated: dict[str, Any] = self._run("translate", record, lookup)
        return translated

    def _run(self, name: str, record: Mapping[str, Any], lookup: Lookup) -> Any:
        before = getcontext()
        setcontext(CONTEXT)
        try:
            return self._quick.functions[name](record, lookup)
        except FAILURES:
            return self._explained(name, record, lookup)
        finally:
            setcontext(before)

    def _explained(self, name: str, record: Mapping[str, Any], lookup: Lookup) -> Any:
        place: list[Any] = ["when"]

        def mark(*at: Any) -> None:
            place[:] = at

        try:
            return self._careful.functions[name](record, lookup, mark)
        except FAILURES as error:
            field = place[0] % tuple(place[1:])
            raise Unmappable(self.document.mapping, field, *explained(error)) from error


def explained(error: Exception) -> tuple[str, object]:
    """Why a field failed, in the author's words, and the value that was refused."""
    return (error.reason, error.value) if isinstance(error, Refusal) else (words(error), None)


def compile_mapping(document: MappingDocument) -> Translator:
    """Compile a mapping. Costs a few milliseconds; keep the translator."""
    return Translator(document)


def _generate(document: MappingDocument, *, careful: bool) -> _Generated:
    tables = {name: Table(name, entries) for name, entries in document.tables.items()}
    writer = Writer(tables, careful=careful)
    arguments = "record, lookup, mark" if careful else "record, lookup"
    source = f"def translate({arguments}):\n" + Body(writer).function(document.fields)
    if document.when is not None:
        source += f"def applies({arguments}):\n" + condition(writer, document.when)
    names: dict[str, Any] = {**writer.names, "__builtins__": {}}
    code = compile(source, f"<{document.name or document.mapping}>", "exec")
    exec(code, names)  # noqa: S102 - only our own templates, names we made up, and constants written by repr()
    return _Generated(source, {name: names[name] for name in ("translate", "applies") if name in names})
