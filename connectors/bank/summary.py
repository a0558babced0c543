"""What a bank file holds, told in numbers: the answer of `o2c bank read` and of an upload's dry run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, NamedTuple

from connectors.bank import balance, camt_stream, formats
from connectors.bank.balance import Totals
from connectors.bank.statement import Entry, Problem, Statement, problem_of
from hub.sdk import Invalid, Rejected


class Told(NamedTuple):
    """One statement in numbers; `balanced` None where it carries no balances."""

    account: str
    currency: str
    opening: Decimal | None
    closing: Decimal | None
    totals: Totals
    balanced: bool | None


class Summary(NamedTuple):
    """One file: its format (empty where no reader knows it), its statements, what is wrong with it."""

    file: str
    format: str
    statements: Sequence[Told]
    problems: Sequence[Problem]


def of_file(path: Path) -> Summary:
    """Reads a file. Never raises: what goes wrong is a problem of the file."""
    try:
        with path.open("rb") as stream:
            head = stream.read(formats.HEAD)
            stream.seek(0)
            return _of(str(path), head, stream)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Summary(str(path), "", (), (Problem(0, f"cannot be opened: {reason}"),))
    except ValueError:  # a name with a NUL in it
        return Summary(str(path), "", (), (Problem(0, "cannot be opened: no such name"),))


def _of(name: str, head: bytes, stream: IO[bytes]) -> Summary:
    known, statements, problems = "", list[Told](), list[Problem]()
    try:
        known, reader = formats.reader_of(head)
        told = _streamed(stream) if reader is camt_stream else _whole(reader.read(stream))
        for statement, moved in told:
            statements.append(_told(statement, moved))
            problems += balance.doubts(statement, moved)
    except (Invalid, Rejected) as error:
        problems.append(problem_of(error))
    except (ArithmeticError, LookupError, RecursionError, ValueError) as error:
        # A reader's own mistake must not take the other files down with it.
        problems.append(Problem(0, f"the reader failed, please report it: {type(error).__name__}"))
    return Summary(name, known, statements, problems)


def _streamed(stream: IO[bytes]) -> Iterator[tuple[Statement, Totals]]:
    """Sums of camt entries as they pass, so that memory does not grow with the file."""
    both = Totals(), Totals()
    for part in camt_stream.parts(stream):
        if isinstance(part, Entry):
            both = both[0].plus(part, notification=False), both[1].plus(part, notification=True)
        else:
            yield part, both[balance.is_notification(part)]
            both = Totals(), Totals()


def _whole(statements: Iterator[Statement]) -> Iterator[tuple[Statement, Totals]]:
    for statement in statements:
        yield statement, balance.totals(statement)


def _told(statement: Statement, moved: Totals) -> Told:
    opening, closing = statement.opening, statement.closing
    currency = statement.currency or next(iter(sorted(moved.currencies)), "")
    return Told(
        statement.account,
        currency,
        opening.amount if opening else None,
        closing.amount if closing else None,
        moved,
        balance.balanced(statement, moved),
    )
