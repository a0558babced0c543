"""Records between REST's shape, which mappings use, and SuiteTalk's elements. Pure: calls nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from lxml import etree

from connectors.netsuite.answers import refusal
from connectors.netsuite.soap_countries import CODES as COUNTRIES_HERE
from connectors.netsuite.soap_countries import NAMES as COUNTRIES_THERE
from connectors.netsuite.soap_names import ADDRESS, ENUMS, LISTS, SHAPES, XSI, Names
from hub.sdk import Record, Transient

Element: TypeAlias = etree._Element
_OURS = {word: {there: here for here, there in table.items()} for word, table in ENUMS.items()}
_BY_LIST = {there: here for here, (there, _) in LISTS.items()}
_NOON = time(12)


class Writer:
    """Makes elements of one endpoint version; dates are days in the time zone of the integration user."""

    def __init__(self, names: Names, zone: tzinfo) -> None:
        self._names, self._zone = names, zone

    def record(
        self, into: Element, record: str, body: Record, *, replace: Sequence[str], **keys: str
    ) -> None:
        """A messages:record. `keys` are internalId or externalId; lists in `replace` are replaced whole.

        Raises Rejected for a field SuiteTalk does not have, naming it.
        """
        shape = SHAPES[record]
        space = str(getattr(self._names, shape.space))
        made = etree.SubElement(into, f"{{{self._names.messages}}}record", dict(keys))
        typed(made, space, shape.type)
        self._nulls(made, space, body)
        known = {*shape.fields, "externalId", "id"}
        if unknown := [name for name in body if name not in known and not _custom(name)]:
            raise refusal(f"{unknown[0]}: {shape.type} has no such field in SOAP; change the mapping")
        for name, type in shape.fields.items():
            if body.get(name) is None:
                continue
            if type == "lines":
                whole = etree.SubElement(made, f"{{{space}}}{LISTS[name][0]}")
                whole.set("replaceAll", str(name in replace).lower())
                self._lines(whole, name, shape.lines[name], body[name])
            else:
                self._field(made, space, name, type, body[name])
        self._customs(made, space, body)

    def _nulls(self, into: Element, space: str, body: Record) -> None:
        if gone := [name for name, value in body.items() if value is None]:
            whole = etree.SubElement(into, f"{{{space}}}nullFieldList")
            for name in gone:
                etree.SubElement(whole, f"{{{self._names.core}}}name").text = name

    def _lines(self, whole: Element, name: str, table: Mapping[str, str], value: Any) -> None:
        space = str(etree.QName(whole).namespace)
        for line in value.get("items") or () if isinstance(value, Mapping) else ():
            if unknown := [key for key in line if key not in table and not _custom(key)]:
                raise refusal(f"{name}.items[].{unknown[0]}: SOAP has no such field; change the mapping")
            made = etree.SubElement(whole, f"{{{space}}}{LISTS[name][1]}")
            for key, type in table.items():
                if line.get(key) is not None:
                    self._field(made, space, key, type, line[key])
            self._customs(made, space, line)

    def _field(self, into: Element, space: str, name: str, type: str, value: Any) -> None:
        made = etree.SubElement(into, f"{{{space}}}{name}")
        if type == "ref":
            self.reference(made, name, value)
        elif type == "address":
            self._address(made, value)
        else:
            made.text = self._text(name, type, value)

    def reference(self, made: Element, name: str, value: Any) -> None:
        """Turn an element into a reference. Raises Rejected for a value without an id."""
        told = value if isinstance(value, Mapping) else {"id": value}
        for ours, theirs in (("id", "internalId"), ("externalId", "externalId")):
            if told.get(ours):
                made.set(theirs, xml_text(name, str(told[ours])))
                return
        raise refusal(f"{name}: a reference needs an id or an externalId")

    def _address(self, made: Element, value: Any) -> None:
        told = value if isinstance(value, Mapping) else {}
        if unknown := [name for name in told if name not in ADDRESS]:
            raise refusal(f"address {unknown[0]}: there is no such field in SOAP; change the mapping")
        for name, type in ADDRESS.items():
            if told.get(name) is not None:
                etree.SubElement(made, f"{{{self._names.common}}}{name}").text = self._text(
                    name, type, told[name]
                )

    def _text(self, name: str, type: str, value: Any) -> str:
        plain = value.get("id") if isinstance(value, Mapping) else value
        if type == "enum":
            return _enumerated(name, str(plain))
        if type == "date":
            return self._noon(name, plain)
        return _plain(name, plain)

    def _noon(self, name: str, value: Any) -> str:
        """Midday, so that a user in another time zone than the settings say still sees the same day."""
        try:
            day = value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            raise refusal(f"{name} is {value!r}, not a date") from None
        return datetime.combine(day, _NOON, self._zone).isoformat()

    def _customs(self, into: Element, space: str, body: Record) -> None:
        told = {name: value for name, value in body.items() if _custom(name) and value is not None}
        if not told:
            return
        whole = etree.SubElement(into, f"{{{space}}}customFieldList")
        for name, value in told.items():
            made = etree.SubElement(
                whole, f"{{{self._names.core}}}customField", scriptId=xml_text(name, name)
            )
            inner = etree.SubElement(made, f"{{{self._names.core}}}value")
            typed(made, self._names.core, f"{_custom_type(value)}CustomFieldRef")
            if isinstance(value, Mapping):
                self.reference(inner, name, value)
            else:
                inner.text = (
                    self._noon(name, value)
                    if isinstance(value, date) and not isinstance(value, datetime)
                    else _plain(name, value)
                )


def _custom(name: str) -> bool:
    return name.startswith(("cust", "cseg")) and "_" in name


def _custom_type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "Select"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, Decimal):
        return "Double"
    if isinstance(value, int):
        return "Long"
    return "Date" if isinstance(value, date) else "String"


def _enumerated(name: str, value: str) -> str:
    table = COUNTRIES_THERE if name == "country" else ENUMS.get(name, {})
    if value not in table:
        raise refusal(f"{name}: SOAP has no value for {value!r}")
    return table[value]


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return xml_text(name, str(value))


def xml_text(name: str, value: str) -> str:
    """The same text. Raises Rejected for characters XML cannot carry."""
    try:
        etree.Element("probe").text = value
    except ValueError:
        raise refusal(f"{name}: holds a character that XML cannot carry", code="text") from None
    return value


def typed(element: Element, space: str, name: str) -> None:
    """Say which type an element is of, by the prefix in scope for its namespace."""
    prefix = next(known for known, uri in element.nsmap.items() if uri == space)
    element.set(f"{{{XSI}}}type", f"{prefix}:{name}")


def read(element: Element, record: str, zone: tzinfo) -> dict[str, Any]:
    """A record element as REST would have put it. Raises Transient for a value that cannot be read."""
    shape = SHAPES[record]
    found: dict[str, Any] = dict(_keys(element))
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child).localname
        if name == "customFieldList":
            found |= _read_customs(child, zone)
        elif name in _BY_LIST and _BY_LIST[name] in shape.lines:
            sublist = _BY_LIST[name]
            lines = [
                _read_line(line, shape.lines[sublist], zone) for line in child.iterchildren(etree.Element)
            ]
            found[sublist] = {"items": lines}
        elif name in shape.fields:
            found[name] = _value(child, name, shape.fields[name], zone)
    return found


def _keys(element: Element) -> Iterator[tuple[str, str]]:
    for theirs, ours in (("internalId", "id"), ("externalId", "externalId")):
        if value := element.get(theirs):
            yield ours, value


def _read_line(element: Element, table: Mapping[str, str], zone: tzinfo) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child).localname
        if name == "customFieldList":
            found |= _read_customs(child, zone)
        elif name in table:
            found[name] = _value(child, name, table[name], zone)
    return found


def _read_customs(whole: Element, zone: tzinfo) -> Iterator[tuple[str, Any]]:
    for one in whole.iterchildren(etree.Element):
        name, inner = one.get("scriptId"), one.find("{*}value")
        if not name or inner is None:
            continue
        type = one.get(f"{{{XSI}}}type", "").rpartition(":")[2].removesuffix("CustomFieldRef")
        kinds = {"Boolean": "bool", "Double": "decimal", "Long": "integer", "Date": "date", "Select": "ref"}
        yield name, _value(inner, name, kinds.get(type, ""), zone)


def _value(element: Element, name: str, type: str, zone: tzinfo) -> Any:
    if type == "ref":
        called = element.findtext("{*}name")
        return {**dict(_keys(element)), **({"refName": called} if called else {})}
    if type == "address":
        parts = ((etree.QName(x).localname, x) for x in element.iterchildren(etree.Element))
        return {part: _value(x, part, ADDRESS[part], zone) for part, x in parts if part in ADDRESS}
    text = (element.text or "").strip()
    if type == "enum":
        table = COUNTRIES_HERE if name == "country" else _OURS.get(name, {})
        return {"id": table.get(text, text), "refName": text}
    if type in ("status", "doc"):
        return {"id": text, "refName": text} if type == "status" else {"id": text}
    try:
        return _read_plain(text, type, zone)
    except (ValueError, KeyError, InvalidOperation):
        raise Transient(f"{name} is {text!r} in NetSuite's answer", code="bad_xml") from None


def _read_plain(text: str, type: str, zone: tzinfo) -> Any:
    if type == "bool":
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()] if text else False
    if type == "integer":
        return int(text)
    if type == "decimal":
        return Decimal(text)
    if type == "number":  # a rate, which may be a percentage
        return Decimal(text) if text.replace(".", "", 1).lstrip("-").isdigit() else text
    return _day(text, zone) if type == "date" else text


def _day(text: str, zone: tzinfo) -> str:
    """A date comes as midnight where the user is."""
    at = datetime.fromisoformat(text)
    same = at.tzinfo is None or at.time() == time(0)
    return (at if same else at.astimezone(zone)).date().isoformat()
