"""Rows as the wire shows them: JSON of V2 and V4, Atom, keys, links and ETags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from sandbox.sap.refusals import bad_request
from sandbox.sap.schema import EDM, EntityType, Interface, Nav
from sandbox.sap.store import Row, Store
from sandbox.sap.values import atom_text, instant_text, shown, shown_v4

Tree = dict[str, "Tree"]
EXPAND_MAX = 6
_META = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
_DATASERVICES = "http://schemas.microsoft.com/ado/2007/08/dataservices"


class Wanted(NamedTuple):
    """What a caller wants to see: properties (empty: all) and navigation, both as paths of a tree."""

    select: Tree
    expand: Tree


def tree(text: str) -> Tree:
    """`a,b/c` as nested dictionaries."""
    root: Tree = {}
    for path in (one.strip() for one in text.split(",")):
        at = root
        steps = path.split("/") if path else []
        if len(steps) > EXPAND_MAX:
            raise bad_request(f"too deep: {path[:60]}")
        for step in steps:
            at = at.setdefault(step, {})
    return root


def etag(of: EntityType, row: Row) -> str:
    """The ETag in its weak form, to be sent back byte for byte; empty where there is none."""
    if not of.etag:
        return ""
    value = row.get(of.etag)
    if of.properties[of.etag].type == "Z" and value is not None:
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds") + "0Z"
        return f"W/\"datetimeoffset'{quote(text, safe='.-')}'\""
    return f"W/\"'{value or ''}'\""


def related(store: Store, nav: Nav, row: Row) -> list[Row]:
    """The rows a navigation property leads to."""
    (first, source), *rest = nav.joined
    value = row.get(source)
    if value in (None, ""):
        return []
    found = store[nav.target].having(first, value)
    return [one for one in found if all(one.get(theirs) == row.get(ours) for theirs, ours in rest)]


class Renderer:
    """Shows the rows of one service at one origin."""

    def __init__(self, store: Store, api: Interface, origin: str) -> None:
        self.store, self.api = store, api
        self.root = origin + api.root

    def address(self, of: EntityType, row: Row) -> str:
        """The canonical address of an entity."""
        return f"{self.root}/{of.name}({key_text(of, row)})"

    def entity(self, of: EntityType, row: Row, wanted: Wanted) -> dict[str, Any]:
        """An entity in the JSON of V2."""
        address = self.address(of, row)
        about = {"id": address, "uri": address, "type": f"{self.api.name}.{of.name}Type"}
        if found := etag(of, row):
            about["etag"] = found
        told: dict[str, Any] = {"__metadata": about}
        currency = row.get("TransactionCurrency") or row.get("CompanyCodeCurrency") or ""
        _known(of, wanted)
        for name, one in of.properties.items():
            if not wanted.select or name in wanted.select or "*" in wanted.select:
                told[name] = shown(one, row.get(name), currency)
        for nav in of.navs.values():
            if nav.name in wanted.expand:
                inner = Wanted(wanted.select.get(nav.name, {}), wanted.expand[nav.name])
                told[nav.name] = self._expanded(nav, row, inner)
            elif not wanted.select or nav.name in wanted.select:
                told[nav.name] = {"__deferred": {"uri": f"{address}/{nav.name}"}}
        return told

    def _expanded(self, nav: Nav, row: Row, wanted: Wanted) -> Any:
        target = self.store[nav.target].of
        found = [self.entity(target, one, wanted) for one in related(self.store, nav, row)]
        if nav.many == "*":
            return {"results": found}
        return found[0] if found else None

    def atom(self, of: EntityType, row: Row) -> str:
        """An entity as an Atom entry."""
        address = escape(self.address(of, row))
        currency = row.get("TransactionCurrency") or ""
        properties = "".join(
            f"<d:{name}>{escape(atom_text(one, row.get(name), currency))}</d:{name}>"
            for name, one in of.properties.items()
        )
        links = "".join(
            f'<link href={quoteattr(f"{of.name}({key_text(of, row)})/{nav}")} title="{nav}"'
            f' rel="http://schemas.microsoft.com/ado/2007/08/dataservices/related/{nav}"/>'
            for nav in of.navs
        )
        found = etag(of, row)
        head = f" m:etag={quoteattr(found)}" if found else ""
        return (
            f'<entry{head} xmlns="http://www.w3.org/2005/Atom" xmlns:m="{_META}" xmlns:d="{_DATASERVICES}">'
            f'<id>{address}</id><title type="text"/>{links}<content type="application/xml">'
            f"<m:properties>{properties}</m:properties></content></entry>"
        )

    def feed(self, of: EntityType, rows: Iterable[Row]) -> str:
        """A collection as an Atom feed."""
        entries = "".join(self.atom(of, row) for row in rows)
        return (
            '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
            f"<id>{escape(self.root)}/{of.name}</id>{entries}</feed>"
        )


def _known(of: EntityType, wanted: Wanted) -> None:
    for name in (*wanted.select, *wanted.expand):
        if name != "*" and name not in of.properties and name not in of.navs:
            raise bad_request(
                f"Resource not found for segment '{name[:60]}'", "005056A509B11EE1B9A8FEC11C21578E"
            )
    for name in wanted.expand:
        if name not in of.navs:
            raise bad_request(f"'{name[:60]}' is not a navigation property of {of.name}Type")


def key_text(of: EntityType, row: Mapping[str, Any]) -> str:
    """The key predicate of an entity: ('1') or (SalesOrder='1',SalesOrderItem='10')."""
    parts = [(name, _literal(of, name, row.get(name))) for name in of.keys]
    return parts[0][1] if len(parts) == 1 else ",".join(f"{name}={value}" for name, value in parts)


def _literal(of: EntityType, name: str, value: Any) -> str:
    kind = of.properties[name].type
    if kind == "T" and value is not None:
        return quote(f"datetime'{value.isoformat()}T00:00:00'", safe="'")
    if kind == "Z" and value is not None:
        return quote(f"datetimeoffset'{instant_text(value)}'", safe="'")
    if kind == "G":
        return f"guid'{value}'"
    return "'" + quote(str(value or "").replace("'", "''"), safe="") + "'"


class RendererV4:
    """Shows the rows of one V4 service, whose entity types are views of the V2 ones."""

    def __init__(
        self, store: Store, api: Interface, names: Mapping[str, Mapping[str, str]], sets: Mapping[str, str]
    ) -> None:
        self.store, self.api, self.names, self.sets = store, api, names, sets

    def entity(self, of: EntityType, row: Row, wanted: Wanted) -> dict[str, Any]:
        """An entity in the JSON of V4, without context."""
        told: dict[str, Any] = {}
        if found := self.etag(of, row):
            told["@odata.etag"] = found
        currency = row.get("TransactionCurrency") or ""
        _known(of, wanted)
        for name, one in of.properties.items():
            if not wanted.select or name in wanted.select or "*" in wanted.select:
                told[name] = shown_v4(one, row.get(self.names[of.name].get(name, name)), currency)
        for nav in of.navs.values():
            if nav.name in wanted.expand:
                inner = Wanted(wanted.select.get(nav.name, {}), wanted.expand[nav.name])
                told[nav.name] = self._expanded(nav, row, inner)
        return told

    def _expanded(self, nav: Nav, row: Row, wanted: Wanted) -> Any:
        target = self.api.types[nav.target]
        found = [
            self.entity(target, one, wanted)
            for one in related(self.store, nav._replace(target=self.sets[nav.target]), row)
        ]
        return found if nav.many == "*" else (found[0] if found else None)

    def etag(self, of: EntityType, row: Row) -> str:
        """The weak ETag of V4."""
        at = row.get("LastChangeDateTime")
        if at is None or not of.etag:
            return ""
        return f'W/"SADL-{at:%Y%m%d%H%M%S}.{at.microsecond:06d}0~{row.get("SalesOrder", "")}"'


def edm_type(letter: str, *, v4: bool = False) -> str:
    """The type's full name in metadata."""
    if v4:
        return {"T": "Edm.Date", "H": "Edm.TimeOfDay"}.get(letter, EDM[letter])
    return EDM[letter]
