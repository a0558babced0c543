"""The sales order interface of OData V4: the same orders under other names and formats."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from sandbox.sap import filters
from sandbox.sap.metadata_v4 import document
from sandbox.sap.odata import MERGE, Answer, Ask, Rules, Sent, key_of, number, parsed
from sandbox.sap.refusals import Refusal, bad_request, no_etag, not_found, stale
from sandbox.sap.render import RendererV4, Tree, Wanted, related, tree
from sandbox.sap.schema import EntityType
from sandbox.sap.store import Row, Store
from sandbox.sap.tables_v4 import NAMES, SALES_ORDER_V4, SETS
from sandbox.sap.values import read

_SEGMENT = re.compile(r"^([$\w]+)(?:\((.*)\))?$")
_INNER = re.compile(r"^(\w+)(?:\((.*)\))?$", re.DOTALL)


class GatewayV4:
    """Answers the requests to the V4 service."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self.store, self.rules = store, rules
        self.api, self.root = SALES_ORDER_V4, SALES_ORDER_V4.root
        self.page_size = 1000

    def answer(self, ask: Ask) -> Answer:
        """Serve one request. Raises Refusal."""
        parts = [unquote(part) for part in ask.path.strip("/").split("/") if part]
        if not parts:
            listed = [{"name": one, "url": one} for one in self.api.types]
            return _json(200, {"@odata.context": "$metadata", "value": listed})
        if parts == ["$metadata"]:
            return Answer(200, document(self.api), "application/xml", {"odata-version": "4.0"})
        of, rows, parent = self._place(parts)
        if ask.method in ("GET", "HEAD"):
            return self._read(ask, of, rows, parts)
        if ask.method == "POST" and not isinstance(rows, dict):
            return self._create(ask, of, parent)
        if ask.method in MERGE | {"PUT"} and isinstance(rows, dict):
            return self._update(ask, of, rows)
        if ask.method == "DELETE" and isinstance(rows, dict):
            self._match(ask, of, rows)
            self.rules.remove(SETS[of.name], rows)
            return Answer(204)
        raise Refusal(405, "/IWBEP/CM_V4_RUN/003", f"Method {ask.method} not allowed")

    def _place(self, parts: list[str]) -> tuple[EntityType, Any, dict[str, Any]]:
        name, key = _segment(parts[0])
        if name not in self.api.types:
            raise not_found(name)
        of = self.api.types[name]
        self.rules.before_reading(SETS[name])
        rows: Any = None
        if key is not None:
            rows = self.store[SETS[name]].rows.get(key_of(of, key))
            if rows is None:
                raise not_found(name)
        parent: dict[str, Any] = {}
        for part in parts[1:]:
            if part == "$count":
                break
            nav = of.navs.get(part)
            if nav is None or not isinstance(rows, dict):
                raise not_found(part)
            parent = {theirs: rows.get(ours) for theirs, ours in nav.joined}
            found = related(self.store, nav._replace(target=SETS[nav.target]), rows)
            of = self.api.types[nav.target]
            rows = found if nav.many == "*" else (found[0] if found else None)
        return of, rows, parent

    def _read(self, ask: Ask, of: EntityType, rows: Any, parts: list[str]) -> Answer:
        renderer = RendererV4(self.store, self.api, NAMES, SETS)
        wanted = _wanted(ask.query)
        context = f"{ask.origin}{self.root}/$metadata#{of.name}"
        if isinstance(rows, dict):
            tag = renderer.etag(of, rows)
            told = {"@odata.context": f"{context}/$entity", **renderer.entity(of, rows, wanted)}
            return _json(200, told, {"etag": tag} if tag else {})
        found = self._filtered(of, rows, ask.query)
        if parts[-1] == "$count":
            return Answer(200, str(len(found)), "text/plain")
        start = number(ask.query, "$skiptoken") or number(ask.query, "$skip") or 0
        top = number(ask.query, "$top")
        end = len(found) if top is None else min(len(found), start + top)
        shown = found[start : min(end, start + self.page_size)]
        told = {"@odata.context": context}
        if ask.query.get("$count") == "true":
            told["@odata.count"] = str(len(found))
        told["value"] = [renderer.entity(of, one, wanted) for one in shown]
        if start + self.page_size < end:
            told["@odata.nextLink"] = _next(ask, of, start + self.page_size)
        return _json(200, told)

    def _filtered(self, of: EntityType, rows: Any, query: Mapping[str, str]) -> list[Row]:
        names, table = NAMES[of.name], self.store[SETS[of.name]]
        text = _renamed(query.get("$filter", ""), names)
        found = filters.matching(table, text, v4=True, within=rows)
        return filters.arranged(table.of, found, _renamed(query.get("$orderby", ""), names))

    def _create(self, ask: Ask, of: EntityType, parent: dict[str, Any]) -> Answer:
        sent = self._sent(of, parsed(ask.body))
        sent.values.update(parent)
        row = self.rules.create(SETS[of.name], sent)
        renderer = RendererV4(self.store, self.api, NAMES, SETS)
        expand: Tree = {name: {} for name in of.navs if NAMES_NAV.get(name, "") in sent.nested}
        tag = renderer.etag(of, row)
        told = {
            "@odata.context": f"$metadata#{of.name}/$entity",
            **renderer.entity(of, row, Wanted({}, expand)),
        }
        headers = {"location": f"{of.name}('{row.get('SalesOrder', '')}')"} | ({"etag": tag} if tag else {})
        return _json(201, told, headers)

    def _sent(self, of: EntityType, told: Any) -> Sent:
        if not isinstance(told, dict):
            raise bad_request("The request body is not an object")
        found, names = Sent({}, {}), NAMES[of.name]
        for name, value in told.items():
            one = of.properties.get(name)
            if one is not None:
                if one.creatable:
                    found.values[names.get(name, name)] = read(one, value)
            elif name in of.navs and isinstance(value, list):
                target = self.api.types[of.navs[name].target]
                found.nested[NAMES_NAV.get(str(name), str(name))] = [
                    self._sent(target, inner) for inner in value
                ]
            elif not name.startswith("@"):
                raise bad_request(f"The property '{name[:60]}' is not defined", "/IWBEP/CM_V4_COS/049", name)
        return found

    def _update(self, ask: Ask, of: EntityType, row: Row) -> Answer:
        self._match(ask, of, row)
        names = NAMES[of.name]
        values = {}
        for name, value in parsed(ask.body).items():
            one = of.properties.get(name)
            if one is None and not name.startswith("@"):
                raise bad_request(f"The property '{name[:60]}' is not defined", "/IWBEP/CM_V4_COS/049", name)
            if one is not None and one.updatable and name not in of.keys:
                values[names.get(name, name)] = read(one, value)
        self.rules.update(SETS[of.name], row, values)
        changed = self.store[SETS[of.name]].rows[self.store[SETS[of.name]].key(row)]
        renderer = RendererV4(self.store, self.api, NAMES, SETS)
        tag = renderer.etag(of, changed)
        told = {
            "@odata.context": f"$metadata#{of.name}/$entity",
            **renderer.entity(of, changed, Wanted({}, {})),
        }
        return _json(200, told, {"etag": tag} if tag else {})

    def _match(self, ask: Ask, of: EntityType, row: Row) -> None:
        current = RendererV4(self.store, self.api, NAMES, SETS).etag(of, row)
        if not current:
            return
        told = ask.headers.get("if-match", "")
        if not told:
            raise no_etag(of.name)
        if told not in ("*", current):
            raise stale()


NAMES_NAV = {
    "_Item": "to_Item", "_Partner": "to_Partner", "_Text": "to_Text", "_PricingElement": "to_PricingElement",
    "_ItemPricingElement": "to_PricingElement", "_ItemText": "to_Text",
}  # fmt: skip


def _segment(text: str) -> tuple[str, str | None]:
    matched = _SEGMENT.match(text)
    if not matched:
        raise not_found(text[:80])
    return matched.group(1), matched.group(2)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for theirs, ours in names.items():
        text = re.sub(rf"\b{theirs}\b(?=(?:[^']*'[^']*')*[^']*$)", ours, text)
    return text


def _wanted(query: Mapping[str, str]) -> Wanted:
    """$select and $expand; V4 writes what is inside in brackets: _Item($expand=_ItemPricingElement)."""
    select = tree(query.get("$select", ""))
    expand: Tree = {}
    for part in _split(query.get("$expand", ""), ","):
        matched = _INNER.match(part.strip())
        if not matched:
            raise bad_request(f"Invalid $expand: {part[:60]}")
        inner = dict(one.strip().partition("=")[::2] for one in _split(matched.group(2) or "", ";"))
        below = _wanted(inner)
        expand[matched.group(1)] = below.expand
        if below.select:
            select.setdefault("*", {})
            select[matched.group(1)] = below.select
    return Wanted(select, expand)


def _split(text: str, mark: str) -> list[str]:
    found, depth, at = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == mark and depth == 0:
            found.append(text[at:place])
            at = place + 1
    return [one for one in (*found, text[at:]) if one.strip()]


def _next(ask: Ask, of: EntityType, start: int) -> str:
    kept = {k: v for k, v in ask.query.items() if k not in ("$skip", "$skiptoken")}
    text = "&".join(
        f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in {**kept, "$skiptoken": str(start)}.items()
    )
    return f"{of.name}?{text}"


def _json(status: int, told: Any, headers: Mapping[str, str] | None = None) -> Answer:
    numbers: list[str] = []

    def marked(value: Any) -> Any:
        if isinstance(value, Decimal):
            numbers.append(str(value))
            return f"\u0000{len(numbers) - 1}\u0000"
        raise TypeError(type(value))

    text = json.dumps(told, default=marked)
    text = re.sub(r'"\\u0000(\d+)\\u0000"', lambda found: numbers[int(found.group(1))], text)
    return Answer(status, text, "application/json", {"odata-version": "4.0", **(headers or {})})
