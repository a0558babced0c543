"""Which mapping applies: the version in force, else the connection's file, else its connector's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hub.errors import Invalid, MappingInvalid
from hub.mapping import MappingDocument, Translator, check_mapping, compile_mapping, load, loads
from hub.store import mappings
from hub.store.mappings import Slot
from hub.store.tx import Tx

_HUB = Path(__file__).parent
_SHIPPED = (_HUB / "_mappings", _HUB.parent / "mappings")
Tables = Mapping[str, Mapping[str, Any]]


class Sheet(NamedTuple):
    """A mapping as written, and where it stands."""

    slot: Slot
    text: str
    place: str  # a file's path, or `<connection>/<kind>.<direction> v<version>`
    version_id: str = ""  # empty for a file


def files(root: Path, connection: str, connector: str) -> Mapping[Slot, Path]:
    """The files for a connection. Raises Invalid for one whose name says nothing."""
    home = next((folder for folder in (root, *_SHIPPED) if folder.is_dir()), root)
    found: dict[Slot, Path] = {}
    for folder in (home / connector, home / connection):
        for path in sorted(folder.glob("*.*.yaml")) if folder.is_dir() else ():
            kind, direction, _ = path.name.rsplit(".", 2)
            if direction not in ("in", "out"):
                raise Invalid(f"{path} must be called <kind>.in.yaml or <kind>.out.yaml", field=path.name)
            found[Slot(connection, kind, direction)] = path
    return found


def in_force(root: Path, tx: Tx, connection: str, connector: str) -> Mapping[Slot, Sheet]:
    """Every mapping that applies to a connection now."""
    sheets = {
        slot: Sheet(slot, path.read_text("utf-8"), str(path))
        for slot, path in files(root, connection, connector).items()
    }
    for version in mappings.active(tx.conn, connection):
        place = f"{version.slot} v{version.version}"
        sheets[version.slot] = Sheet(version.slot, version.text, place, version.id)
    return sheets


def prepared(sheet: Sheet, tables: Tables) -> MappingDocument:
    """A mapping that was read and checked, with this hub's own table entries. Raises MappingInvalid."""
    if sheet.version_id or not sheet.place:
        document = loads(sheet.text, name=sheet.place)
    else:
        document = load(Path(sheet.place))
    if (document.kind, document.direction) != (sheet.slot.kind, sheet.slot.direction):
        raise Invalid(
            f"this is a mapping {document.kind}.{document.direction}, not one for {sheet.slot}",
            field="mapping",
        )
    document = document.with_tables(tables)
    if errors := [finding for finding in check_mapping(document) if finding.severity == "error"]:
        raise MappingInvalid(errors)
    return document


def translators(root: Path, tx: Tx, connection: str, connector: str) -> Mapping[Slot, Translator]:
    """Every mapping that applies to a connection, compiled. Raises MappingInvalid or Invalid."""
    tables = mappings.local_tables(tx.conn, connection)
    sheets = in_force(root, tx, connection, connector)
    return {slot: compile_mapping(prepared(sheet, tables)) for slot, sheet in sheets.items()}
