"""What a bank file holds, told in numbers: the answer of `o2c bank read` and of an upload's dry run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, NamedTuple

from connectors.bank import balance, camt_entry, camt_stream, csv_dialect, formats
from connectors.bank.balance import Tally, Totals
from connectors.bank.csv_dialect import Dialect
from connectors.bank.statement import Problem, Statement, problem_of
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
    """One file: its format (empty where no reader knows it), its statements, what is wrong with it.

    `advice` is what breaks a formal rule and does not keep anybody from using the statements.
    """

    file: str
    format: str
    statements: Sequence[Told]
    problems: Sequence[Problem]
    advice: Sequence[Problem] = ()


def of_file(path: Path, dialect: Dialect | None = None) -> Summary:
    """Reads a file, as CSV of a dialect where one is told. Never raises: what goes wrong is a problem."""
    try:
        with path.open("rb") as stream:
            head = stream.read(formats.HEAD)
            stream.seek(0)
            return _of(str(path), head, stream, dialect)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Summary(str(path), "", (), (Problem(0, f"cannot be opened: {reason}"),))
    except ValueError:  # a name with a NUL in it
        return Summary(str(path), "", (), (Problem(0, "cannot be opened: no such name"),))


def _of(name: str, head: bytes, stream: IO[bytes], dialect: Dialect | None) -> Summary:
    known, statements, problems, advice = "", list[Told](), list[Problem](), list[Problem]()
    try:
        known, told = _reading(head, stream, dialect)
        for statement, moved in told:
            statements.append(_told(statement, moved))
            problems += balance.doubts(statement, moved)
            advice += statement.advice
    except (Invalid, Rejected) as error:
        problems.append(problem_of(error))
    except MemoryError:
        problems.append(Problem(0, "reading it needs more memory than there is: ask the bank to split it"))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # A reader's own mistake must not take the other files down with it.
        problems.append(Problem(0, f"the reader failed, please report it: {type(error).__name__}"))
    if b"\0" in head and known and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        advice.append(Problem(0, "there are NUL bytes in the file, they were left out"))
    # What is wrong with a whole file stands in each of its statements: told once.
    return Summary(name, known, statements, list(dict.fromkeys(problems)), list(dict.fromkeys(advice)))


def _reading(
    head: bytes, stream: IO[bytes], dialect: Dialect | None
) -> tuple[str, Iterator[tuple[Statement, Totals]]]:
    if dialect is not None:
        return "csv", _whole(csv_dialect.read_as(dialect, stream))
    known, reader = formats.reader_of(head)
    return known, streamed(stream) if reader is camt_stream else _whole(reader.read(stream))


def streamed(stream: IO[bytes]) -> Iterator[tuple[Statement, Totals]]:
    """Sums of camt entries as they pass, so that memory does not grow with the file."""
    tally = Tally()
    for part in camt_stream.made(stream, camt_entry.brief):
        if isinstance(part, Statement):
            yield part, tally.totals(notification=balance.is_notification(part))
            tally = Tally()
        else:
            tally.add(*part)


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
