"""Search with the query language, and with the lag of an index that is behind what was written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from sandbox.stripe.account import Account, Thing, unpacked
from sandbox.stripe.calls import Call, Op
from sandbox.stripe.fields import EXPAND, TEXT, Field, Spec, need
from sandbox.stripe.refusals import invalid

KINDS = {
    "charges": ("charge", ("amount", "created", "currency", "customer", "status", "refunded", "disputed")),
    "customers": ("customer", ("created", "email", "name", "phone")),
    "invoices": (
        "invoice",
        ("created", "currency", "customer", "number", "receipt_number", "status", "subscription", "total"),
    ),
    "payment_intents": ("payment_intent", ("amount", "created", "currency", "customer", "status")),
}
CLAUSES_MAX = 10
_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_.]+)(?:\[["'](?P<key>[^"']*)["']\])?\s*(?P<op>:|~|>=|<=|>|<)\s*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s"']+))\s*"""
)
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)
SPEC: Spec = {**EXPAND, "query": need(TEXT), "limit": Field("integer", low=1, high=100), "page": TEXT}


class Clause(NamedTuple):
    """field[key] op value, negated or not."""

    field: str
    key: str | None
    op: str
    value: str
    negated: bool

    def meets(self, thing: Thing) -> bool:
        """Is it true of this object?"""
        found = thing.get(self.field)
        if self.key is not None:
            found = (found or {}).get(self.key)
        return self._compared(found) != self.negated

    def _compared(self, found: Any) -> bool:
        if self.value.lower() == "null" and self.op == ":":
            return found is None
        if found is None:
            return False
        text = str(found).lower()
        if self.op == "~":
            return self.value.lower() in text
        if self.op == ":":
            return text == self.value.lower()
        left, right = int(found), int(self.value)
        return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[self.op]


def clauses(query: str, fields: tuple[str, ...]) -> tuple[list[Clause], bool]:
    """The clauses, and whether all must hold. Raises Refused as the API does for what it cannot read."""
    found: list[Clause] = []
    joins: set[str] = set()
    at = 0
    while True:
        met = _CLAUSE.match(query, at)
        if met is None or len(found) >= CLAUSES_MAX:
            raise invalid(f"We were unable to parse your search query: {query[:100]}", "query")
        found.append(_clause(met, fields))
        at = met.end()
        if at == len(query):
            break
        join = _JOIN.match(query, at)
        if join is None:
            raise invalid(f"We were unable to parse your search query: {query[:100]}", "query")
        joins.add(join.group(1).upper())
        at = join.end()
    if len(joins) > 1:
        raise invalid("You may not use both AND and OR in one query.", "query")
    return found, joins != {"OR"}


def _clause(met: re.Match[str], fields: tuple[str, ...]) -> Clause:
    name = met["field"]
    if name not in (*fields, "metadata"):
        raise invalid(f"Field `{name}` is an unsupported search field for this resource.", "query")
    if (name == "metadata") != (met["key"] is not None):
        raise invalid('Metadata is searched by metadata["key"].', "query")
    quoted = met["double"] if met["double"] is not None else met["single"]
    value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else met["bare"]
    if met["op"] not in (":", "~") and not value.isdigit():
        raise invalid("Comparisons need a number.", "query")
    return Clause(name, met["key"], met["op"], value, met["not"] is not None)


def indexed(account: Account, thing: Thing) -> Thing | None:
    """The object as the index knows it: as it was before its last changes until the lag has passed."""
    known = account.touched.get(thing["id"])
    if known is None or known[0] + account.terms.search_lag <= account.now():
        return thing
    return unpacked(known[1]) if known[1] is not None else None


def _search(kind: str, fields: tuple[str, ...], url: str) -> Callable[[Call], Thing]:
    def carry_out(call: Call) -> Thing:
        account, given = call.account, call.given
        parts, every = clauses(given["query"], fields)
        start, limit = _start(given.get("page")), given.get("limit", 10)
        met = []
        for thing in account.all(kind):
            known = indexed(account, thing)
            if known is not None and (all if every else any)(one.meets(known) for one in parts):
                met.append(known)
        more = len(met) > start + limit
        return {
            "object": "search_result",
            "data": met[start : start + limit],
            "has_more": more,
            "next_page": f"p{start + limit}" if more else None,
            "url": url,
        }

    return carry_out


def _start(page: str | None) -> int:
    if page is None:
        return 0
    if not re.fullmatch(r"p[0-9]{1,9}", page):
        raise invalid("Invalid page.", "page")
    return int(page[1:])


OPERATIONS = tuple(
    Op("GET", f"/v1/{plural}/search", _search(kind, fields, f"/v1/{plural}/search"), SPEC)
    for plural, (kind, fields) in KINDS.items()
)
