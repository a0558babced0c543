"""Entity types and services in the terms of their metadata, read from compact tables.

A table has a line `Name key key ... [no create|update|delete, or no write]` per entity set; below it are
tokens
`Property:type flags`. Types: S<length> string, D<precision>.<scale> decimal, T date, Z instant, B boolean,
H time, G guid, I integer. Flags: `!` never null, `-` neither creatable nor updatable, `+` creatable only,
`~` updatable only, `#` digits without leading zeros, `@` part of the ETag. `>nav:Target` leads to many (`*`),
one (`1`) or at most one (`?`), joined by the key columns both have, or by `|theirs=ours,...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# Numbers with an ALPHA conversion: shown without leading zeros, read with or without them.
ALPHA = frozenset(
    [
        "SalesOrder", "SoldToParty", "ShipToParty", "PayerParty", "Customer", "BusinessPartner", "Supplier",
        "DeliveryDocument", "BillingDocument", "CancelledBillingDocument", "AccountingDocument",
        "ClearingAccountingDocument", "InvoiceReference", "ReverseDocument", "ReferenceSDDocument",
        "SubsequentDocument", "Subsequentdocument", "PrecedingDocument", "SalesDocument", "SDDocument",
        "AddressID", "BPCustomerNumber", "OriginSDDocument",
    ]
)  # fmt: skip
EDM = {
    "S": "Edm.String", "D": "Edm.Decimal", "T": "Edm.DateTime", "Z": "Edm.DateTimeOffset", "B": "Edm.Boolean",
    "H": "Edm.Time", "G": "Edm.Guid", "I": "Edm.Int32",
}  # fmt: skip
_TOKEN = re.compile(r"(\w+):([SDTZBHGI])(\d*)(?:\.(\d+))?([!\-+~#@]*)$")
_NAV = re.compile(r">(\w+):(\w+)([*1?])(?:\|([\w=,]+))?$")


class Property(NamedTuple):
    """One property. `size` is the length of a string or the precision of a decimal; 0: without limit."""

    name: str
    type: str
    size: int = 0
    scale: int = 0
    nullable: bool = True
    creatable: bool = True
    updatable: bool = True
    digits: bool = False
    etag: bool = False

    @property
    def alpha(self) -> bool:
        """Is it a number that is shown without its leading zeros?"""
        return self.digits or self.name in ALPHA


class Nav(NamedTuple):
    """One navigation property. `joined` are pairs of (column of the target, column here)."""

    name: str
    target: str
    many: str
    joined: tuple[tuple[str, str], ...]


class EntityType(NamedTuple):
    """One entity set with its type; the type is named like the set plus `Type`."""

    name: str
    keys: tuple[str, ...]
    properties: Mapping[str, Property]
    navs: Mapping[str, Nav]
    refused: frozenset[str]

    @property
    def etag(self) -> str:
        """The property that makes the ETag; empty when the type is not under concurrency control."""
        return next((one.name for one in self.properties.values() if one.etag), "")


class Action(NamedTuple):
    """One function import: its verb, its parameters, the entity set whose ETag it wants, what it returns."""

    method: str
    parameters: tuple[str, ...]
    on: str = ""
    returns: str = ""
    many: bool = False


class Interface(NamedTuple):
    """One published interface at one address."""

    name: str
    root: str
    types: Mapping[str, EntityType]
    actions: Mapping[str, Action] = {}


def parsed(text: str) -> dict[str, EntityType]:
    """The entity types of a table."""
    heads: list[tuple[list[str], list[str]]] = []
    for line in text.strip("\n").splitlines():
        if line[0].isspace():
            heads[-1][1].extend(line.split())
        else:
            heads.append((line.split(), []))
    read = [_entity_type(words, tokens) for words, tokens in heads]
    known = {one.name: one for one in read}
    return {one.name: one._replace(navs=dict(_joined(one, known))) for one in read}


def _entity_type(words: list[str], tokens: list[str]) -> EntityType:
    cut = words.index("no") if "no" in words else len(words)
    properties = {one.name: one for one in map(_property, (t for t in tokens if t[0] != ">"))}
    navs = {one.name: one for one in map(_nav, (t for t in tokens if t[0] == ">"))}
    refused = words[cut + 1 :]
    every = ("create", "update", "delete")
    return EntityType(
        words[0], tuple(words[1:cut]), properties, navs, frozenset(every if refused == ["write"] else refused)
    )


def _property(token: str) -> Property:
    matched = _TOKEN.match(token)
    if not matched:
        raise ValueError(f"not a property: {token}")
    name, type_, size, scale, flags = matched.groups()
    read_only = "-" in flags
    return Property(
        name,
        type_,
        int(size or 0),
        int(scale or 0),
        nullable="!" not in flags,
        creatable=not read_only and "~" not in flags,
        updatable=not read_only and "+" not in flags,
        digits="#" in flags,
        etag="@" in flags,
    )


def _nav(token: str) -> Nav:
    matched = _NAV.match(token)
    if not matched:
        raise ValueError(f"not a navigation property: {token}")
    name, target, many, join = matched.groups()
    pairs = tuple((a, b) for a, _, b in (one.partition("=") for one in join.split(","))) if join else ()
    return Nav(name, target, many, pairs)


def _joined(of: EntityType, known: Mapping[str, EntityType]) -> Iterable[tuple[str, Nav]]:
    for nav in of.navs.values():
        if nav.target not in known:
            continue
        target = known[nav.target]
        shared = of.keys if nav.many == "*" else target.keys
        yield nav.name, nav if nav.joined else nav._replace(joined=tuple((key, key) for key in shared))
