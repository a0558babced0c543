"""SuiteTalk searches: which records a search asks for, by indexed fields where it names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lxml import etree

from sandbox.netsuite.books import Row
from sandbox.netsuite.fields import BY_LOWER, ITEM_TYPES, RECORDS
from sandbox.netsuite.refusals import Refusal
from sandbox.netsuite.soap_names import SHAPES
from sandbox.netsuite.soap_texts import children, local_name, moment, type_name

if TYPE_CHECKING:
    from sandbox.netsuite.account import NetSuiteSandbox

Test = Callable[[Row], bool]
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "is": lambda have, told: have == told,
    "isNot": lambda have, told: have != told,
    "startsWith": lambda have, told: have.startswith(told),
    "contains": lambda have, told: told in have,
    "doesNotContain": lambda have, told: told not in have,
    "empty": lambda have, told: not have,
    "notEmpty": lambda have, told: bool(have),
}
_DATES: dict[str, Callable[[datetime, datetime, datetime | None], bool]] = {
    "after": lambda have, a, b: have > a,
    "before": lambda have, a, b: have < a,
    "onOrAfter": lambda have, a, b: have >= a,
    "onOrBefore": lambda have, a, b: have <= a,
    "notBefore": lambda have, a, b: have >= a,
    "notAfter": lambda have, a, b: have <= a,
    "within": lambda have, a, b: a <= have <= (b or a),
}


def found(account: NetSuiteSandbox, search: etree._Element) -> list[Row]:
    """The records a searchRecord element asks for, oldest first. Raises Refusal for what it cannot search."""
    name = type_name(search)
    basic = search
    if not name.endswith("Basic"):
        basic = next((x for x in children(search) if local_name(x) == "basic"), search)
        if len(children(search)) > 1:
            raise Refusal("Joined searches are not available here.", soap="INVALID_SEARCH")
        name += "Basic"
    pools = {
        "CustomerSearchBasic": ["customer"],
        "ItemSearchBasic": list(ITEM_TYPES),
        "TransactionSearchBasic": [n for n, k in RECORDS.items() if k.code and n in SHAPES],
    }
    kinds = pools.get(name)
    if kinds is None:
        raise Refusal(f"{name} is not available here.", soap="INVALID_SEARCH_TYPE")
    criteria = children(basic) if basic is not search or type_name(search).endswith("Basic") else []
    rows = _candidates(account, kinds, criteria)
    tests = [_test(account, criterion) for criterion in criteria]
    return sorted((r for r in rows if all(test(r) for test in tests)), key=lambda r: int(r.id))


def _candidates(account: NetSuiteSandbox, kinds: list[str], criteria: list[etree._Element]) -> Iterable[Row]:
    """Named ids are looked up, the rest is read through."""
    for criterion in criteria:
        name, wanted = local_name(criterion), _chosen(criterion)
        if name in ("internalId", "externalId") and criterion.get("operator") == "anyOf":
            records, external = account.books.records, account.books.external
            ids = [
                (kind, id if name == "internalId" else external.get((kind, id), ""))
                for kind in kinds
                for id in wanted
            ]
            return [records[kind][id] for kind, id in ids if id in records[kind]]
    return (row for kind in kinds for row in account.books.records[kind].values())


def _chosen(criterion: etree._Element) -> set[str]:
    """The values of a select field: ids in attributes, enumeration values in text."""
    values = [x for x in children(criterion) if local_name(x) == "searchValue"]
    return {x.get("externalId") or x.get("internalId") or (x.text or "").strip() for x in values}


def _test(account: NetSuiteSandbox, criterion: etree._Element) -> Test:
    name, operator = local_name(criterion), criterion.get("operator", "")
    no = operator == "noneOf"
    chosen = _chosen(criterion)
    if name in _CHOSEN:
        if name in ("type", "recordType"):
            chosen = {BY_LOWER.get(x.lstrip("_").lower(), "") for x in chosen}
        return lambda row: (_CHOSEN[name](account, row) in chosen) is not no
    if name == "mainLine":
        return lambda row: True  # one result a transaction either way: only bodies are searched here
    if name in ("lastModifiedDate", "dateCreated"):
        return _dated(account, name, operator, criterion)
    return _texted(name, operator, next(iter(chosen), ""))


def _status(account: NetSuiteSandbox, row: Row) -> str:
    """Such as _invoiceOpen: the record's type and the words of its status."""
    words = re.sub(r"[^A-Za-z]", "", account.rules.status(row)[1].title())
    return f"_{row.type}{words}"


_CHOSEN: dict[str, Callable[[NetSuiteSandbox, Row], str]] = {
    "internalId": lambda account, row: row.id,
    "externalId": lambda account, row: row.external_id or "",
    "entity": lambda account, row: row.customer,
    "createdFrom": lambda account, row: str(row.values.get("createdFrom") or ""),
    "type": lambda account, row: row.type,
    "recordType": lambda account, row: row.type,
    "status": _status,
}


def _texted(name: str, operator: str, told: str) -> Test:
    compare = _TEXTS.get(operator)
    if compare is None:
        raise Refusal(f"Operator {operator} is not available for {name}.", soap="INVALID_SEARCH_OPERATOR")
    field = {"externalIdString": "externalId"}.get(name, name)

    def test(row: Row) -> bool:
        have = row.external_id if field == "externalId" else row.values.get(field)
        return bool(compare(str(have or "").lower(), told.lower()))

    return test


def _dated(account: NetSuiteSandbox, name: str, operator: str, criterion: etree._Element) -> Test:
    compare = _DATES.get(operator)
    told = {local_name(x): moment(name, (x.text or "").strip()) for x in children(criterion)}
    if compare is None or "searchValue" not in told:
        raise Refusal(f"Operator {operator} is not available for {name}.", soap="INVALID_SEARCH_OPERATOR")
    zone = ZoneInfo(account.preferences.time_zone)
    ends = {k: (v if v.tzinfo else v.replace(tzinfo=zone)).astimezone(UTC) for k, v in told.items()}

    def test(row: Row) -> bool:
        have = row.modified if name == "lastModifiedDate" else row.created
        return have is not None and compare(have, ends["searchValue"], ends.get("searchValue2"))

    return test
