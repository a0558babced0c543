"""Batches of which single inputs may fail: every input gets an answer of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from connectors.hubspot.answers import blamed, entry_trouble, failures
from connectors.hubspot.client import BATCH_MAX, results
from connectors.hubspot.writing import EXTERNAL_ID
from hub.sdk import Conflict, ConnectorError, Record, Rejected, Transient

Answer = str | ConnectorError


class Input(NamedTuple):
    """One input of a batch. `place` is that of its write, `names` what answers may call it by."""

    place: int
    names: Sequence[str]
    body: Record


def rounds(inputs: Iterable[Input]) -> Iterator[Sequence[Input]]:
    """Parts of at most 100 in which no object stands twice: HubSpot rejects a whole batch with such two.

    Inputs for the same object keep their order, since each waits for the round after the one before it.
    """
    turns: dict[str, int] = {}
    planned: dict[int, list[Input]] = {}
    for one in inputs:
        turn = turns.get(one.names[0], 0)
        turns[one.names[0]] = turn + 1
        planned.setdefault(turn, []).append(one)
    for turn in sorted(planned):
        rest = iter(planned[turn])
        while part := list(islice(rest, BATCH_MAX)):
            yield part


def carry_out(
    inputs: Sequence[Input],
    send: Callable[[Sequence[Record]], Record],
    said: Callable[[Input, Record], Answer],
) -> Mapping[int, Answer]:
    """Send a batch; `said` makes an answer of an input's result.

    A batch that is refused as a whole is halved until the guilty are found, in less than twice as many calls
    as it has inputs. Raises ConnectorError when nothing was answered; trouble after that is the answer
    of the rest.
    """
    answers: dict[int, Answer] = {}
    waiting = [list(inputs)] if inputs else []
    while waiting:
        part = waiting.pop()
        try:
            told = _matched(send([one.body for one in part]))
        except (Rejected, Conflict) as error:
            if len(part) == 1:
                answers[part[0].place] = error
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
        except ConnectorError as error:
            if not answers:
                raise
            answers |= {one.place: error for rest in (part, *waiting) for one in rest}
            break
        else:
            answers |= _settled(part, told, said)
            if len(part) > 1:
                waiting += [[one] for one in reversed(part) if one.place not in answers]
    return answers


class _Told(NamedTuple):
    """What a batch answer says: results and errors by the names of inputs, errors of nobody in particular."""

    results: Mapping[str, Record]
    errors: Mapping[str, ConnectorError]
    others: Sequence[ConnectorError]


def _matched(answer: Record) -> _Told:
    found: dict[str, Record] = {}
    for one in results(answer) if answer.get("results") else ():
        properties = one.get("properties")
        ours = properties.get(EXTERNAL_ID) if isinstance(properties, Mapping) else None
        found |= {str(name): one for name in (ours, one.get("id"), one.get("objectWriteTraceId")) if name}
    errors: dict[str, ConnectorError] = {}
    others: list[ConnectorError] = []
    for entry in failures(answer):
        error, names = entry_trouble(entry), blamed(entry)
        errors |= dict.fromkeys(names, error)
        if not names:
            others.append(error)
    return _Told(found, errors, others)


def _settled(
    part: Sequence[Input], told: _Told, said: Callable[[Input, Record], Answer]
) -> Mapping[int, Answer]:
    """Answers of those of whom something was said; one that is alone takes whatever was said."""
    answers: dict[int, Answer] = {}
    for one in part:
        error = next((told.errors[name] for name in one.names if name in told.errors), None)
        result = next((told.results[name] for name in one.names if name in told.results), None)
        if error is not None:
            answers[one.place] = error
        elif result is not None:
            answers[one.place] = said(one, result)
        elif len(part) == 1:
            silent = Transient("HubSpot's batch answer says nothing of this write", code="bad_answer")
            answers[one.place] = told.others[0] if told.others else silent
    return answers
