"""Records as SuiteTalk XML and back: typed elements in schema order, references, lists, custom fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lxml import etree

from sandbox.netsuite.books import Row
from sandbox.netsuite.fields import RECORDS, CustomField, RecordType
from sandbox.netsuite.refusals import Refusal, invalid_value
from sandbox.netsuite.render import Renderer, display
from sandbox.netsuite.soap_names import (
    BY_LIST,
    BY_TYPE,
    COMMON,
    CORE,
    ENUMS,
    LONGS,
    PREFIXES,
    SHAPES,
    SUBLISTS,
    XSI,
)

_CUSTOM_TYPES = {
    "text": "StringCustomFieldRef",
    "number": "DoubleCustomFieldRef",
    "bool": "BooleanCustomFieldRef",
    "date": "DateCustomFieldRef",
    "ref": "SelectCustomFieldRef",
}
_ADDRESS: tuple[str, ...] = (
    "internalId",
    "country",
    "attention",
    "addressee",
    "addrPhone",
    "addr1",
    "addr2",
    "addr3",
)
_ADDRESS += ("city", "state", "zip", "addrText", "override")
_STAMPS = ("createdDate", "lastModifiedDate", "dateCreated")


def typed(element: etree._Element, namespace: str, name: str) -> None:
    """Say which type an element is of."""
    element.set(f"{{{XSI}}}type", f"{PREFIXES[namespace]}:{name}")


class Writer:
    """Writes records of one account."""

    def __init__(self, renderer: Renderer, zone: str) -> None:
        self.renderer, self.books, self.zone = renderer, renderer.books, ZoneInfo(zone)

    def record(self, into: etree._Element, name: str, row: Row, *, lists: bool) -> None:
        """One record; without `lists` only its body fields."""
        shape, kind = SHAPES[row.type], RECORDS[row.type]
        element = etree.SubElement(into, name)
        typed(element, shape.namespace, shape.type)
        element.set("internalId", row.id)
        if row.external_id is not None:
            element.set("externalId", row.external_id)
        values = {**row.values, **self.renderer.figures(row)}
        if kind.sequence == "transaction":
            letter, words = self.renderer.rules.status(row)
            values["status"] = words or None
            if row.type == "salesOrder":
                values["orderStatus"] = letter
        moments = dict.fromkeys(_STAMPS[::2], row.created) | {"lastModifiedDate": row.modified}
        for field in shape.fields:
            if field in BY_LIST:
                if lists:
                    self._list(element, shape.namespace, BY_LIST[field], row)
            elif field in moments:
                self._text(element, shape.namespace, field, self.moment(moments[field]))
            else:
                self._field(element, shape.namespace, field, kind.body.get(field, ""), values.get(field))
        self._custom(element, shape.namespace, kind, row.values, line=False)

    def _list(self, into: etree._Element, namespace: str, name: str, row: Row) -> None:
        lines = list(self.renderer.lines(row, name))
        if not lines:
            return
        outer, inner = SUBLISTS[name]
        whole = etree.SubElement(into, f"{{{namespace}}}{outer}", replaceAll="true")
        kind, order = RECORDS[row.type], SHAPES[row.type].lines[name]
        for line in lines:
            element = etree.SubElement(whole, f"{{{namespace}}}{inner}")
            for field in order:
                type = kind.sublists[name].columns.get(field, "")
                self._field(element, namespace, field, type, line.get(field))
            if name == "item":
                self._custom(element, namespace, kind, line, line=True)

    def _field(self, into: etree._Element, namespace: str, name: str, type: str, value: Any) -> None:
        if value is None:
            return
        if name in ENUMS:
            self._text(into, namespace, name, ENUMS[name].get(str(value), "_undefined"))
        elif name == "doc" or not type.startswith(("ref", "address")) or name == "status":
            self._text(into, namespace, name, self._plain(name, type, value))
        elif type == "address":
            self._address(into, namespace, name, value)
        else:
            element = etree.SubElement(into, f"{{{namespace}}}{name}", internalId=str(value))
            etree.SubElement(element, f"{{{CORE}}}name").text = display(self.books, name, str(value))

    def _text(self, into: etree._Element, namespace: str, name: str, text: str | None) -> None:
        if text is not None:
            etree.SubElement(into, f"{{{namespace}}}{name}").text = text

    def _plain(self, name: str, type: str, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            return str(int(value)) if name in LONGS else f"{value:f}"
        if type.startswith("date") and isinstance(value, str):
            at = datetime.combine(date.fromisoformat(value), datetime.min.time(), self.zone)
            return at.isoformat(timespec="milliseconds")
        return str(value)

    def moment(self, at: datetime | None) -> str | None:
        """A moment with the account's offset, as SuiteTalk writes it."""
        return at.astimezone(self.zone).isoformat(timespec="milliseconds") if at else None

    def _address(self, into: etree._Element, namespace: str, name: str, value: Mapping[str, Any]) -> None:
        element = etree.SubElement(into, f"{{{namespace}}}{name}")
        for part in _ADDRESS:
            told = value.get(part)
            if part == "country" and told:
                continue  # an enumeration of SuiteTalk's own (_germany), which REST's two letters are not
            if told is not None:
                self._text(element, COMMON, part, self._plain(part, "text", told))

    def _custom(
        self, into: etree._Element, namespace: str, kind: RecordType, values: Mapping[str, Any], *, line: bool
    ) -> None:
        fields = [f for f in self.books.custom_fields.values() if f.on(kind, line=line)]
        filled = [(field, values[field.id]) for field in fields if values.get(field.id) is not None]
        if not filled:
            return
        whole = etree.SubElement(into, f"{{{namespace}}}customFieldList")
        for field, value in filled:
            element = etree.SubElement(whole, f"{{{CORE}}}customField", scriptId=field.id)
            typed(element, CORE, _CUSTOM_TYPES[field.type])
            told = etree.SubElement(element, f"{{{CORE}}}value")
            if field.type == "ref":
                told.set("internalId", str(value))
                etree.SubElement(told, f"{{{CORE}}}name").text = dict(field.options).get(str(value), "")
            else:
                told.text = self._plain(field.id, field.type, value)


class Told(NamedTuple):
    """A record element as REST would have sent it."""

    kind: RecordType
    internal_id: str | None
    external_id: str | None
    body: dict[str, Any]
    replace: str  # lists that are replaced whole, the default of SuiteTalk
    source: str  # the record it is made from, by internal id


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace."""
    return etree.QName(element).localname


def children(element: etree._Element) -> list[etree._Element]:
    """The elements right below."""
    return [child for child in element if isinstance(child.tag, str)]


def type_name(element: etree._Element) -> str:
    """What xsi:type says, without its prefix."""
    return str(element.get(f"{{{XSI}}}type", "")).rpartition(":")[2]


class Reader:
    """Reads records that were sent to one account."""

    def __init__(self, custom: Mapping[str, CustomField], zone: str) -> None:
        self.custom, self.zone = custom, ZoneInfo(zone)

    def record(self, element: etree._Element) -> Told:
        """A record element. Raises Refusal for a type this account's SOAP door does not know."""
        name = BY_TYPE.get(type_name(element))
        if name is None:
            raise Refusal(f"Unknown record type {type_name(element)}.", soap="INVALID_RCRD_TYPE")
        kind = RECORDS[name]
        body: dict[str, Any] = {}
        replaced, source = [], ""
        for child in children(element):
            field = local_name(child)
            if field in BY_LIST:
                sublist = BY_LIST[field]
                columns = kind.sublists[sublist].columns
                body[sublist] = {"items": [self._fields(line, columns) for line in children(child)]}
                if child.get("replaceAll", "true") in ("true", "1"):
                    replaced.append(sublist)
            elif field == "createdFrom":
                source = child.get("internalId") or ""
            elif field != "status":
                body |= self._one(child, kind.body)
        return Told(
            kind, element.get("internalId"), element.get("externalId"), body, ",".join(replaced), source
        )

    def _fields(self, element: etree._Element, table: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in children(element):
            found |= self._one(child, table)
        return found

    def _one(self, element: etree._Element, table: Mapping[str, str]) -> dict[str, Any]:
        name = local_name(element)
        if name == "customFieldList":
            return {x.get("scriptId", ""): self._custom(x) for x in children(element)}
        if name == "nullFieldList":
            return {str(x.text): None for x in children(element)}
        type = table.get(name, "")
        if type.endswith("!"):
            return {}  # read-only fields that come back from initialize are let pass
        return {name: self._value(name, type, element)}

    def _value(self, name: str, type: str, element: etree._Element) -> Any:
        text = (element.text or "").strip()
        if name in ENUMS:
            return {"id": next((k for k, word in ENUMS[name].items() if word == text), "")}
        if type == "ref" and name != "doc":
            external = element.get("externalId")
            return {"externalId": external} if external else {"id": element.get("internalId") or ""}
        if type == "address":
            return {local_name(x): (x.text or "") for x in children(element) if local_name(x) in _ADDRESS}
        return self._plain(name, type, text)

    def _plain(self, name: str, type: str, text: str) -> Any:
        if type == "bool":
            return text in ("true", "1")
        if type == "number":
            return _number(name, text)
        return self.day(name, text) if type == "date" else text

    def day(self, name: str, text: str) -> str:
        """A date: the day in the account's time zone. Raises Refusal."""
        at = moment(name, text)
        return (at if at.tzinfo is None else at.astimezone(self.zone)).date().isoformat()

    def _custom(self, element: etree._Element) -> Any:
        field = self.custom.get(element.get("scriptId", ""))
        [value] = children(element)[:1] or [element]
        if type_name(element) in ("SelectCustomFieldRef", "MultiSelectCustomFieldRef"):
            return {"id": value.get("internalId") or ""}
        kind = field.type if field else "text"
        return self._value("", kind if kind != "ref" else "text", value)


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise invalid_value(name, text) from None


def moment(name: str, text: str) -> datetime:
    """An xsd:dateTime, with or without its zone. Raises Refusal."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise invalid_value(name, text) from None
