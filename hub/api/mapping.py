"""Routes for mappings: what is in force, drafts and their checks, trying them out, and lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request

from hub import trying, versions
from hub.api import mapping_showing as showing
from hub.api.access import Admin, Operator, TheHub, Viewer
from hub.api.mapping_shapes import (
    PREVIEWED_MAX,
    BackTestOut,
    CheckIn,
    CheckOut,
    Direction,
    DraftIn,
    LineageOut,
    MappingDetail,
    MappingOut,
    PreviewOut,
    Replayed,
    ReplayIn,
    RolledBack,
    TableIn,
    TableOut,
    TryIn,
    VersionDetail,
    VersionOut,
)
from hub.api.shapes import Done
from hub.engine import Hub
from hub.errors import Invalid
from hub.mapping import Translator, rewrite
from hub.mapping.values import Refusal, exact
from hub.origins import lineage
from hub.replaying import replay
from hub.store import mappings
from hub.store.mappings import Slot

router = APIRouter(tags=["mappings"])
Part = Annotated[str, Path(max_length=64)]
_SLOT = "/mappings/{connection}/{kind}/{direction}"


@router.get("/mappings")
def every(who: Viewer, hub: TheHub) -> list[MappingOut]:
    """Every mapping in force."""
    with hub.store.look() as tx:
        found = versions.sheets(hub, tx)
    return [
        MappingOut(**showing.mapping(sheet, versions.check(hub, slot, sheet.text, ask=False)))
        for slot, sheet in sorted(found.items())
    ]


@router.get(_SLOT)
def in_force(who: Viewer, hub: TheHub, connection: Part, kind: Part, direction: Direction) -> MappingDetail:
    """The mapping in force with its text, its faults and its versions."""
    slot = versions.slot_of(connection, kind, direction)
    with hub.store.look() as tx:
        sheet = versions.sheet(hub, tx, slot)
        rows = mappings.versions(tx.conn, slot)
    checked = versions.check(hub, slot, sheet.text)
    return MappingDetail(
        **showing.mapping(sheet, checked), text=sheet.text, content=showing.content(sheet.text),
        findings=showing.findings(checked), notes=checked.notes,
        versions=[VersionOut(**showing.version(row)) for row in rows],
    )  # fmt: skip


@router.post(_SLOT + "/check")
def check(
    *, who: Viewer, hub: TheHub, connection: Part, kind: Part, direction: Direction, given: CheckIn
) -> CheckOut:
    """Check a text against the connector's fields and the canonical model; nothing is kept."""
    checked = versions.check(hub, versions.slot_of(connection, kind, direction), given.text)
    return CheckOut(sound=checked.sound, findings=showing.findings(checked), notes=checked.notes)


@router.post(_SLOT + "/preview")
def preview(
    *, who: Viewer, hub: TheHub, connection: Part, kind: Part, direction: Direction, given: TryIn
) -> list[PreviewOut]:
    """What a mapping makes of records, field by field with where each value comes from."""
    slot = versions.slot_of(connection, kind, direction)
    tried = _samples(hub, slot, given)[:PREVIEWED_MAX]
    return [showing.preview(one) for one in trying.preview(hub, slot, _candidate(hub, slot, given), tried)]


@router.post(_SLOT + "/backtest")
def backtest(
    *, who: Viewer, hub: TheHub, connection: Part, kind: Part, direction: Direction, given: TryIn
) -> BackTestOut:
    """What would change for the last records if a text or version were in force. Nothing is changed by it."""
    slot = versions.slot_of(connection, kind, direction)
    pair = trying.Pair(_candidate(hub, slot, given), versions.current(hub, slot))
    return showing.backtest(trying.backtest(hub, slot, pair, _samples(hub, slot, given)))


@router.post(_SLOT + "/drafts")
def draft(
    *, who: Admin, hub: TheHub, connection: Part, kind: Part, direction: Direction, given: DraftIn
) -> VersionDetail:
    """Keep a new draft. It does nothing until it is activated, and may still have faults."""
    slot = versions.slot_of(connection, kind, direction)
    draft_id = versions.save_draft(hub, slot, _text(hub, slot, given), by=who.name, reason=given.reason)
    return one(who, hub, draft_id)


@router.post(_SLOT + "/rollback")
def roll_back(*, who: Admin, hub: TheHub, connection: Part, kind: Part, direction: Direction) -> RolledBack:
    """Back to what was in force before."""
    return RolledBack(now=versions.roll_back(hub, versions.slot_of(connection, kind, direction), by=who.name))


@router.post(_SLOT + "/replay")
def again(
    *, who: Operator, hub: TheHub, connection: Part, kind: Part, direction: Direction, given: ReplayIn
) -> Replayed:
    """Make or send documents again with the version in force."""
    slot = versions.slot_of(connection, kind, direction)
    done, unknown = replay(hub, slot, given.documents, by=who.name)
    return Replayed(replayed=done, unknown=unknown)


@router.get("/mapping-versions/{version_id}")
def one(who: Viewer, hub: TheHub, version_id: Part) -> VersionDetail:
    """A version with its text and its faults."""
    with hub.store.look() as tx:
        row = versions.one(tx, version_id)
    checked = versions.check(hub, mappings.slot(row), row.text)
    return VersionDetail(
        **showing.version(row), text=row.text, content=showing.content(row.text),
        findings=showing.findings(checked), notes=checked.notes,
    )  # fmt: skip


@router.put("/mapping-versions/{version_id}")
def change(who: Admin, hub: TheHub, version_id: Part, given: DraftIn) -> VersionDetail:
    """Another text for a draft."""
    with hub.store.look() as tx:
        row = versions.one(tx, version_id)
    slot = mappings.slot(row)
    text = given.text if given.content is None else rewrite(row.text, given.content)
    if text is None:
        raise Invalid("give text or content", field="text")
    versions.save_draft(hub, slot, text, by=who.name, reason=given.reason, draft_id=version_id)
    return one(who, hub, version_id)


@router.delete("/mapping-versions/{version_id}")
def discard(who: Admin, hub: TheHub, version_id: Part) -> Done:
    """Throw a draft away."""
    versions.discard(hub, version_id, by=who.name)
    return Done()


@router.post("/mapping-versions/{version_id}/activate")
def activate(who: Admin, hub: TheHub, request: Request, version_id: Part) -> VersionDetail:
    """Put a version in force, now and as a whole. 422 with the first fault where it has any."""
    versions.activate(hub, version_id, by=who.name, four_eyes=request.app.state.settings.four_eyes)
    return one(who, hub, version_id)


@router.get("/mapping-versions/{version_id}/diff")
def diff(who: Viewer, hub: TheHub, version_id: Part, against: str = "") -> list[str]:
    """Line by line against another version, or against what is in force."""
    with hub.store.look() as tx:
        row = versions.one(tx, version_id)
        slot = mappings.slot(row)
        if against:
            other = versions.one(tx, against)
            before, name = other.text, f"v{other.version}"
        else:
            sheet = versions.sheet(hub, tx, slot)
            before, name = sheet.text, sheet.place
    return list(versions.difference(before, row.text, (name, f"v{row.version}")))


@router.get("/connections/{name}/tables")
def tables(who: Viewer, hub: TheHub, name: Part) -> list[TableOut]:
    """The tables whose entries belong to this hub."""
    with hub.store.look() as tx:
        found = mappings.local_tables(tx.conn, name)
    return [TableOut(name=table, entries=entries) for table, entries in sorted(found.items())]


@router.put("/connections/{name}/tables/{table}")
def set_table(who: Admin, hub: TheHub, name: Part, table: Part, given: TableIn) -> TableOut:
    """New entries for one of them; in force at once."""
    versions.set_table(hub, name, table, given.entries, by=who.name)
    return TableOut(name=table, entries=given.entries)


@router.get("/documents/{document_id}/lineage", tags=["documents"])
def of_document(who: Viewer, hub: TheHub, document_id: Part) -> LineageOut:
    """Where every value of a document comes from, and every value that was sent of it."""
    found = lineage(hub, document_id)
    if found is None:
        raise HTTPException(404, "there is no such document")
    return showing.lineage(found)


def _text(hub: Hub, slot: Slot, given: DraftIn) -> str:
    if (given.text is None) == (given.content is None):
        raise Invalid("give either text or content", field="text")
    if given.text is not None:
        return given.text
    with hub.store.look() as tx:
        try:
            before = versions.sheet(hub, tx, slot).text
        except Invalid:
            before = ""
    return rewrite(before, given.content or {})


def _candidate(hub: Hub, slot: Slot, given: TryIn) -> Translator:
    if given.text is not None:
        return versions.translator(hub, slot, given.text)
    with hub.store.look() as tx:
        if given.version_id:
            row: Any = versions.one(tx, given.version_id)
            text, name = row.text, f"{slot} v{row.version}"
        else:
            sheet = versions.sheet(hub, tx, slot)
            text, name = sheet.text, sheet.place
    return versions.translator(hub, slot, text, name=name)


def _samples(hub: Hub, slot: Slot, given: TryIn) -> list[trying.Sample]:
    if given.record is not None:
        return [trying.Sample("given", "", _exact_record(given.record))]
    return list(trying.samples(hub, slot, given.last))


def _exact_record(given: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Numbers as they were typed. Raises Invalid where they were read as binary floats on the way."""
    found = trying.typed(given, "given") if isinstance(given, str) else given
    try:
        exact(found)
    except Refusal:
        told = (
            "a number in the record has lost digits on the way: send the record as a text that holds its JSON"
        )
        raise Invalid(told, field="record") from None
    return found
