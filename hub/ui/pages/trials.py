"""Trying a mapping from a page: which records are offered, what was pasted, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hub import trying, versions
from hub.errors import HubError
from hub.settling import describe
from hub.store import figures
from hub.store.mappings import Slot
from hub.trying import BackTest, Pair, Preview, Sample
from hub.ui.visit import Visit

OFFERED = 10
LAST, LAST_MAX = 100, 1_000  # of a back-test within one request
DEPTH_MAX = 50


class Offered(NamedTuple):
    """A record to choose: its key in the form, and what a person calls it."""

    key: str
    label: str


class Tried(NamedTuple):
    """A preview, or why there is none; `names` of the documents that its values are ids of."""

    preview: Preview | None
    problem: str = ""
    names: Mapping[str, tuple[str, str]] = {}


class Counted(NamedTuple):
    """A back-test with its outcomes summed up, or why there is none."""

    found: BackTest | None
    failing: int = 0  # translated until now, refused by the candidate
    cured: int = 0  # the other way round
    waits: int = 0  # the candidate refers to what is not there yet
    problem: str = ""


def entered(visit: Visit, name: str) -> str:
    """A field of the form as it was typed, with the line ends of Unix."""
    value = visit.form.get(name, "")
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else ""


def offered(visit: Visit, slot: Slot) -> Sequence[Offered]:
    """The newest records, to choose one."""
    found = trying.samples(visit.hub, slot, OFFERED)
    with visit.hub.store.look() as tx:
        names = figures.labels(tx.conn, [one.document_id for one in found])
    return [Offered(_key(one), _label(one, names)) for one in found]


def _key(sample: Sample) -> str:
    return sample.external_id or sample.document_id


def _label(sample: Sample, names: Mapping[str, tuple[str, str]]) -> str:
    kind, number = names.get(sample.document_id, ("", ""))
    return (
        sample.external_id
        if number in ("", sample.external_id)
        else f"{sample.external_id} · {kind} {number}"
    )


def preview(visit: Visit, slot: Slot, written: tuple[str, str], chosen: str, pasted: str = "") -> Tried:
    """What a text (and its name) makes of the chosen record, or of one that was pasted."""
    try:
        sample = (
            Sample("pasted record", "", trying.typed(pasted, "pasted"))
            if pasted.strip()
            else _chosen(visit, slot, chosen)
        )
        if sample is None:
            return Tried(None, "Nothing came in yet: paste a record.")
        text, name = written
        translator = versions.translator(visit.hub, slot, text, name=name)
        found = trying.preview(visit.hub, slot, translator, [sample])[0]
        return Tried(found, "", _names(visit, found))
    except HubError as error:
        return Tried(None, f"It cannot be tried: {describe(error)}")


def _names(visit: Visit, found: Preview) -> Mapping[str, tuple[str, str]]:
    origins = found.trace.origins
    values = [one.value for one in origins] + [used.value for one in origins for used in one.used]
    with visit.hub.store.look() as tx:
        return figures.labels(tx.conn, [one for one in values if isinstance(one, str) and len(one) == 32])


def _chosen(visit: Visit, slot: Slot, chosen: str) -> Sample | None:
    found = trying.samples(visit.hub, slot, 5 * OFFERED)  # some may have come in since the page was drawn
    return next((one for one in found if _key(one) == chosen), found[0] if found else None)


def backtest(visit: Visit, slot: Slot, written: tuple[str, str], last: str) -> Counted:
    """What would change for the newest records if a text were in force."""
    if not last.isascii() or not last.isdecimal() or not 1 <= int(last) <= LAST_MAX:
        return Counted(None, problem=f"How many records: a number from 1 to {LAST_MAX}.")
    try:
        text, name = written
        pair = Pair(versions.translator(visit.hub, slot, text, name=name), versions.current(visit.hub, slot))
        tried = trying.samples(visit.hub, slot, int(last))
        if not tried:
            return Counted(
                None, problem="Nothing came in yet, so there is nothing to compare. Use the preview."
            )
        return _counted(trying.backtest(visit.hub, slot, pair, tried))
    except HubError as error:
        return Counted(None, problem=f"It cannot be back-tested: {describe(error)}")


def _counted(found: BackTest) -> Counted:
    failing = cured = waits = 0
    for (before, after), count in found.outcomes.items():
        failing += count if after == "failed" and before != "failed" else 0
        cured += count if before == "failed" and after == "translated" else 0
        waits += count if after == "waits" and before != "waits" else 0
    return Counted(found, failing, cured, waits)
