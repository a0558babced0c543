"""Mappings as files: exported for review and version control, compared, and imported from another hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hub.engine import Hub
from hub.errors import Invalid, MappingInvalid
from hub.mapping import set_version
from hub.store import connections
from hub.store.mappings import Slot
from hub.store.tx import Tx
from hub.versions import activate, check, difference, save_draft, sheet, sheets, slot_of


class Filed(NamedTuple):
    """What became of one file, or of one mapping."""

    slot: Slot
    path: Path
    outcome: str


def export(hub: Hub, folder: Path, *, connection: str = "") -> Sequence[Filed]:
    """Write every mapping in force to `<folder>/<connection>/<kind>.<direction>.yaml`, comments and all."""
    written = []
    with hub.store.look() as tx:
        found = sheets(hub, tx)
    for slot, text in sorted((slot, one_sheet.text) for slot, one_sheet in found.items()):
        if connection and slot.connection != connection:
            continue
        path = folder / slot.connection / f"{slot.kind}.{slot.direction}.yaml"
        same = path.exists() and path.read_text("utf-8") == text
        if not same:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        written.append(Filed(slot, path, "unchanged" if same else "written"))
    return written


def unlike(hub: Hub, folder: Path) -> Sequence[tuple[Filed, Sequence[str]]]:
    """What an import of a folder would change, version numbers apart. Raises Invalid for an unknown place."""
    found = []
    for slot, path in _in_folder(hub, folder):
        with hub.store.look() as tx:
            now = _text_in_force(hub, tx, slot)
        text = path.read_text("utf-8")
        if _meaning(now) != _meaning(text):
            names = (f"{slot} (in force)", str(path))
            found.append((Filed(slot, path, "differs" if now else "new"), difference(now, text, names)))
    return found


def import_files(
    hub: Hub, folder: Path, *, by: str, reason: str, activate_them: bool, four_eyes: bool
) -> Sequence[Filed]:
    """Make a draft of every file that differs from what is in force, and activate them when asked to.

    Nothing happens when any of them has a fault. Raises MappingInvalid with all of them.
    """
    if activate_them and four_eyes:
        raise Invalid("with four eyes an import only makes drafts: leave out --activate", field="activate")
    changed = [filed for filed, _ in unlike(hub, folder)]
    texts = {filed.slot: filed.path.read_text("utf-8") for filed in changed}
    faults = [
        finding
        for filed in changed
        for finding in check(hub, filed.slot, texts[filed.slot], name=str(filed.path)).errors
    ]
    if faults:
        raise MappingInvalid(faults)
    done = []
    for filed in changed:
        draft = save_draft(hub, filed.slot, texts[filed.slot], by=by, reason=reason)
        if activate_them:
            activate(hub, draft, by=by, four_eyes=four_eyes)
        done.append(filed._replace(outcome="activated" if activate_them else "draft"))
    return done


def _in_folder(hub: Hub, folder: Path) -> Sequence[tuple[Slot, Path]]:
    with hub.store.look() as tx:
        rows = {row.name: row.connector for row in connections.every(tx.conn)}
    found = []
    for path in sorted(folder.glob("*/*.*.yaml")):
        kind, direction, _ = path.name.rsplit(".", 2)
        place = path.parent.name
        named = [name for name, connector in rows.items() if place in (name, connector)]
        if not named:
            raise Invalid(f"{path}: no connection and no connector is called {place!r}", field=place)
        found += [(slot_of(name, kind, direction), path) for name in named]
    return found


def _text_in_force(hub: Hub, tx: Tx, slot: Slot) -> str:
    try:
        return sheet(hub, tx, slot).text
    except Invalid:
        return ""


def _meaning(text: str) -> Any:
    """A text without its version number: two hubs count their versions apart."""
    try:
        return set_version(text, 1) if text else ""
    except MappingInvalid:
        return text
