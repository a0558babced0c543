"""OData V2 requests on one service: addresses, reading, writing, function imports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, quote, unquote

from sandbox.sap import filters, metadata
from sandbox.sap.refusals import Refusal, bad_request, no_etag, not_found, stale
from sandbox.sap.render import Renderer, Tree, Wanted, etag, related, tree
from sandbox.sap.schema import EntityType, Interface, Nav
from sandbox.sap.store import Row, Store, Table
from sandbox.sap.values import read, unpadded

TOP_MAX = 100_000
LINES_MAX = 10_000
_SEGMENT = re.compile(r"^([$\w]+)(?:\((.*)\))?$")
_KEY = re.compile(r"(?:(\w+)=)?((?:datetimeoffset|datetime|guid)?'(?:[^']|'')*'|true|false|-?\d+)(?:,|$)")
MERGE = frozenset({"PATCH", "MERGE"})


class Ask(NamedTuple):
    """One request to a service, alone or inside a batch. `path` follows the root, still encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str = ""

    @property
    def json(self) -> bool:
        """Does the caller take JSON?"""
        asked = self.query.get("$format", "")
        return "json" in (asked or self.headers.get("accept", ""))


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: str | bytes = ""
    type: str = ""
    headers: Mapping[str, str] = {}


class Sent(NamedTuple):
    """A request body: values by property, and per navigation property the entities sent along."""

    values: dict[str, Any]
    nested: dict[str, list[Sent]]


class Rules(Protocol):
    """What the application does with what is sent."""

    def create(self, name: str, sent: Sent) -> Row:
        """A new entity with what hangs on it. Raises Refusal."""

    def update(self, name: str, row: Row, values: dict[str, Any]) -> Row:
        """An entity with changed values. Raises Refusal."""

    def remove(self, name: str, row: Row) -> None:
        """An entity deleted. Raises Refusal."""

    def act(self, name: str, given: Mapping[str, str]) -> Any:
        """The result of a function import. Raises Refusal."""

    def before_reading(self, name: str) -> None:
        """What the system does in the background before somebody looks."""


class Place(NamedTuple):
    """Where a path leads: a type, its rows, whether it is one row, and what follows."""

    of: EntityType
    rows: list[Row] | None  # None: all of the table
    single: bool
    tail: list[str]
    parent: tuple[Nav, Row] | None = None


def query_of(text: str) -> dict[str, str]:
    """The query options of an address."""
    return dict(parse_qsl(text, keep_blank_values=True))


class Gateway:
    """Answers the requests to one V2 service. The caller holds the lock and has checked who calls."""

    def __init__(self, store: Store, api: Interface, rules: Rules) -> None:
        self.store, self.api, self.rules = store, api, rules
        self.page_size = 1000

    def answer(self, ask: Ask) -> Answer:
        """Serve one request. Raises Refusal."""
        parts = [unquote(part) for part in ask.path.strip("/").split("/") if part]
        if not parts:
            return self._root(ask)
        if parts == ["$metadata"]:
            return Answer(200, metadata.document(self.api), "application/xml", {"dataserviceversion": "2.0"})
        if parts[0] in self.api.actions:
            return self._action(ask, parts[0])
        place = self._find(parts)
        verbs = {"GET": self._read, "HEAD": self._read, "POST": self._create, "DELETE": self._delete}
        verbs |= {"PATCH": self._update, "MERGE": self._update, "PUT": self._update}
        if ask.method not in verbs:
            raise Refusal(405, "/IWBEP/CM_MGW_RT/175", f"Method {ask.method} not allowed")
        return verbs[ask.method](ask, place)

    def _root(self, ask: Ask) -> Answer:
        sets = list(self.api.types)
        if ask.json:
            return _json(200, {"d": {"EntitySets": sets}})
        listed = "".join(f'<collection href="{name}"/>' for name in sets)
        body = f'<service xmlns="http://www.w3.org/2007/app"><workspace>{listed}</workspace></service>'
        return Answer(200, body, "application/atomsvc+xml")

    def _find(self, parts: list[str]) -> Place:
        first, key = _segment(parts[0])
        if first not in self.api.types:
            raise not_found(parts[0])
        self.rules.before_reading(first)
        place = Place(self.api.types[first], None, False, parts[1:])
        if key is not None:
            place = self._keyed(place, key, self.store[first])
        while place.single and place.tail and _segment(place.tail[0])[0] in place.of.navs:
            place = self._follow(place)
        return place

    def _keyed(self, place: Place, key: str, table: Table) -> Place:
        wanted = key_of(place.of, key)
        rows = [table.rows[wanted]] if wanted in table.rows else []
        if place.rows is not None:
            rows = [row for row in rows if row in place.rows]
        if not rows:
            raise not_found(f"{place.of.name}Type")
        return place._replace(rows=rows, single=True)

    def _follow(self, place: Place) -> Place:
        name, key = _segment(place.tail[0])
        assert place.rows is not None
        nav, row = place.of.navs[name], place.rows[0]
        found = related(self.store, nav, row)
        target = self.store[nav.target].of
        next_place = Place(target, found, nav.many != "*", place.tail[1:], (nav, row))
        if key is not None:
            return self._keyed(next_place, key, self.store[nav.target])
        if next_place.single and not found:
            raise not_found(name)
        return next_place

    def _read(self, ask: Ask, place: Place) -> Answer:
        if place.tail == ["$count"] and not place.single:
            return Answer(200, str(len(self._selected(ask, place))), "text/plain")
        if place.single and place.tail:
            return self._property(place)
        if place.tail:
            raise not_found(place.tail[0])
        renderer = Renderer(self.store, self.api, ask.origin)
        wanted = Wanted(tree(ask.query.get("$select", "")), tree(ask.query.get("$expand", "")))
        if place.single:
            assert place.rows is not None
            return self._one(ask, place.of, place.rows[0], wanted, 200)
        return self._many(ask, place, wanted, renderer)

    def _property(self, place: Place) -> Answer:
        assert place.rows is not None
        name, *rest = place.tail
        if name not in place.of.properties or rest not in ([], ["$value"]):
            raise not_found(name)
        told = Renderer(self.store, self.api, "").entity(place.of, place.rows[0], Wanted({name: {}}, {}))
        if rest:
            return Answer(200, str(told[name]), "text/plain")
        return _json(200, {"d": {name: told[name]}})

    def _selected(self, ask: Ask, place: Place) -> list[Row]:
        table, text = self.store[place.of.name], ask.query.get("$filter", "")
        rows = filters.matching(table, text, v4=False, within=place.rows)
        return filters.arranged(place.of, rows, ask.query.get("$orderby", ""))

    def _many(self, ask: Ask, place: Place, wanted: Wanted, renderer: Renderer) -> Answer:
        rows = self._selected(ask, place)
        start = number(ask.query, "$skiptoken") or number(ask.query, "$skip") or 0
        top = number(ask.query, "$top")
        end = len(rows) if top is None else min(len(rows), start + top)
        size = self.page_size
        shown = rows[start : min(end, start + size)]
        if not ask.json:
            return Answer(200, renderer.feed(place.of, shown), "application/atom+xml;type=feed")
        told: dict[str, Any] = {"results": [renderer.entity(place.of, row, wanted) for row in shown]}
        if ask.query.get("$inlinecount") == "allpages":
            told["__count"] = str(len(rows))
        if start + size < end:
            told["__next"] = self._next(ask, start + size, None if top is None else end - start - size)
        return _json(200, {"d": told})

    def _next(self, ask: Ask, start: int, top: int | None) -> str:
        kept = {k: v for k, v in ask.query.items() if k not in ("$skip", "$skiptoken", "$top")}
        kept |= {"$skiptoken": str(start)} | ({} if top is None else {"$top": str(top)})
        text = "&".join(f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in kept.items())
        return f"{ask.origin}{self.api.root}/{ask.path.strip('/')}?{text}"

    def _one(self, ask: Ask, of: EntityType, row: Row, wanted: Wanted, status: int) -> Answer:
        renderer = Renderer(self.store, self.api, ask.origin)
        found = etag(of, row)
        headers = {"etag": found} if found else {}
        if status == 201:
            headers["location"] = renderer.address(of, row)
        if not ask.json:
            body = '<?xml version="1.0" encoding="utf-8"?>' + renderer.atom(of, row)
            return Answer(status, body, "application/atom+xml;type=entry", headers)
        return _json(status, {"d": renderer.entity(of, row, wanted)}, headers)

    def _create(self, ask: Ask, place: Place) -> Answer:
        if place.single or place.tail or "create" in place.of.refused:
            raise Refusal(405, "/IWBEP/CM_MGW_RT/175", f"Creating {place.of.name} is not allowed")
        sent = self.sent(place.of, ask.body)
        if place.parent is not None:
            nav, row = place.parent
            sent.values.update({theirs: row.get(ours) for theirs, ours in nav.joined})
        made = self.rules.create(place.of.name, sent)
        return self._one(ask, place.of, made, Wanted({}, _sent_along(sent)), 201)

    def sent(self, of: EntityType, body: bytes) -> Sent:
        """Read a body for a new entity. Raises Refusal."""
        return self._sent(of, parsed(body), create=True)

    def _sent(self, of: EntityType, told: Any, *, create: bool) -> Sent:
        if not isinstance(told, dict):
            raise bad_request("The request body is not an object", "/IWBEP/CM_MGW_RT/186")
        found = Sent({}, {})
        for name, value in told.items():
            one = of.properties.get(name)
            if one is not None:
                if one.creatable if create else one.updatable:
                    found.values[name] = read(one, value)
                elif name in of.keys and isinstance(value, str):
                    continue  # the key of a child: it is where it hangs
            elif name in of.navs and create:
                target = self.store[of.navs[name].target].of
                found.nested[name] = [self._sent(target, one, create=True) for one in _listed(value)]
            elif name in of.navs and not _deferred(value):
                raise bad_request("Deep update is not supported", "/IWBEP/CM_MGW_RT/189", name)
            elif name != "__metadata" and name not in of.navs:
                raise bad_request(
                    f"Property '{name[:60]}' is invalid", "/IWCOR/CX_DS_EP_PROPERTY_ERROR/005056A509B1", name
                )
        return found

    def _update(self, ask: Ask, place: Place) -> Answer:
        row = self._controlled(ask, place, "update")
        sent = self._sent(place.of, parsed(ask.body), create=False)
        values = {k: v for k, v in sent.values.items() if k not in place.of.keys}
        if ask.method == "PUT":
            blank = {
                p.name: "" if p.type == "S" else None for p in place.of.properties.values() if p.updatable
            }
            values = {k: v for k, v in blank.items() if k not in place.of.keys} | values
        self.rules.update(place.of.name, row, values)
        return Answer(204)

    def _delete(self, ask: Ask, place: Place) -> Answer:
        self.rules.remove(place.of.name, self._controlled(ask, place, "delete"))
        return Answer(204)

    def _controlled(self, ask: Ask, place: Place, what: str) -> Row:
        if not place.single or place.tail or what in place.of.refused:
            raise Refusal(405, "/IWBEP/CM_MGW_RT/175", f"{what} of {place.of.name} is not allowed")
        assert place.rows is not None
        match(ask, place.of, place.rows[0])
        return place.rows[0]

    def _action(self, ask: Ask, name: str) -> Answer:
        action = self.api.actions[name]
        if ask.method != action.method:
            raise Refusal(405, "/IWBEP/CM_MGW_RT/175", f"{name} wants {action.method}")
        given = {k: _plain(v) for k, v in ask.query.items() if k in action.parameters}
        if not given.get(action.parameters[0]):
            raise bad_request(f"Parameter {action.parameters[0]} is missing", "/IWBEP/CM_MGW_RT/096")
        key = given[action.parameters[0]] = unpadded(given[action.parameters[0]])
        row = self.store.get(action.on, key)
        if row is None:
            raise not_found(f"{action.on}Type")
        if action.method == "POST":
            match(ask, self.store[action.on].of, row)
        told = self.rules.act(name, given)
        shown = {"results": told} if action.many else {name: told}
        return _json(200, {"d": shown})


def match(ask: Ask, of: EntityType, row: Row) -> None:
    """Raises 428 without, 412 with a stale If-Match, where the type is under concurrency control."""
    current = etag(of, row)
    if not current:
        return
    told = ask.headers.get("if-match", "")
    if not told:
        raise no_etag(f"{of.name}Type")
    if told not in ("*", current):
        raise stale()


def number(query: Mapping[str, str], name: str) -> int | None:
    """A count among the query options."""
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) > TOP_MAX * 100:
        raise bad_request(f"Invalid value '{text[:20]}' for {name}", "/IWBEP/CM_MGW_RT/021")
    return int(text)


def parsed(body: bytes) -> Any:
    """A JSON body with exact numbers; the envelope `d` may be there."""
    try:
        told = json.loads(body or b"{}", parse_float=Decimal)
    except (ValueError, RecursionError):
        raise bad_request("Error while parsing a JSON stream", "/IWBEP/CM_MGW_RT/186") from None
    return told["d"] if isinstance(told, dict) and set(told) == {"d"} else told


def key_of(of: EntityType, text: str) -> tuple[str, ...]:
    """The key of a predicate, in the order of the type. Raises Refusal."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        matched = _KEY.match(text, at)
        if not matched:
            raise bad_request(f"Invalid key predicate ({text[:60]})", "/IWBEP/CM_MGW_RT/190")
        found[matched.group(1) or of.keys[0]] = _plain(matched.group(2))
        at = matched.end()
    if set(found) != set(of.keys):
        raise bad_request(f"Invalid key predicate type for '{of.name}Type'", "/IWBEP/CM_MGW_RT/190")
    return tuple(unpadded(found[k]) if of.properties[k].alpha else found[k] for k in of.keys)


def _plain(text: str) -> str:
    typed = re.match(r"^(?:datetimeoffset|datetime|guid)?'(.*)'$", text, re.DOTALL)
    inside = typed.group(1).replace("''", "'") if typed else text
    return inside.removesuffix("T00:00:00") if text.startswith("datetime'") else inside


def _segment(text: str) -> tuple[str, str | None]:
    matched = _SEGMENT.match(text)
    if not matched:
        raise not_found(text[:80])
    return matched.group(1), matched.group(2)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value["results"] if set(value) == {"results"} else [value]
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > LINES_MAX:
        raise bad_request("A list of entities is expected", "/IWBEP/CM_MGW_RT/186")
    return value


def _deferred(value: Any) -> bool:
    return isinstance(value, dict) and "__deferred" in value


def _sent_along(sent: Sent) -> Tree:
    found: Tree = {}
    for name, many in sent.nested.items():
        inner: Tree = {}
        for one in many:
            inner.update(_sent_along(one))
        found[name] = inner
    return found


def _json(status: int, told: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(
        status, json.dumps(told), "application/json", {"dataserviceversion": "2.0", **(headers or {})}
    )
