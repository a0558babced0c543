"""Checking the mappings of all connections against each other: who owns a field, who knows a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hub.mapping.conversions import EXTRAS
from hub.mapping.document import MappingDocument, Rule
from hub.mapping.finding import Finding

Documents = Mapping[str, Sequence[MappingDocument]]
"""The mappings of each connection, by the connection's name."""


# What these say is decided by the system they are from (hub.merge); others only tell what they booked of it.
DECIDED_BY_ORIGIN = frozenset({"invoice", "credit_memo", "payment", "adjustment"})

Meets = Callable[[str, str], bool]
"""(connection, kind): is this kind written there from every system? Not where each document goes home."""


def everybody(connection: str, kind: str) -> bool:
    """Where nothing is known of a connection, its outgoing mappings are taken for all documents."""
    return True


def check_together(documents: Documents, meets: Meets = everybody) -> tuple[Finding, ...]:
    """Faults that only show beside other mappings.

    Two systems that own one field of a document that both know would overwrite each other for ever; a
    reference to a kind that its connection has no mapping for would wait for ever.
    """
    found = [*_overlaps(documents, meets), *_lost_references(documents)]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.file, one.line, one.column)))


def _overlaps(documents: Documents, meets: Meets) -> Iterator[Finding]:
    """Two that each have documents of their own are no overlap: connections to one system, or two CRMs."""
    guests = {
        (connection, document.kind)
        for connection, mappings in documents.items()
        for document in mappings
        if document.direction == "out" and meets(connection, document.kind)
    }
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for connection, mappings in documents.items():
        for document in mappings:
            system = document.source.partition(".")[0]
            shared = document.direction == "in" and document.kind not in DECIDED_BY_ORIGIN
            for name in document.owns if shared else ():
                field = (document.kind, name)
                other, other_system = owners.setdefault(field, (connection, system))
                both = guests & {(connection, document.kind), (other, document.kind)}
                if other_system != system and both:
                    place = document.marks.at(f"owns.{name}")
                    told = f"'{name}' of {document.kind} is owned by '{connection}' and by '{other}'"
                    remedy = "only one system may change a field: remove it from owns in one of them"
                    yield Finding(document.name, *place, told, remedy)


def _wanted(rule: Rule) -> Iterator[str]:
    """Kinds that the connection itself must tell of: not those it may name as others do."""
    for step in rule.via:
        kinds = step.argument.split("/") if step.name == "xref" else []
        yield from () if EXTRAS & {*kinds} else kinds


def _lost_references(documents: Documents) -> Iterator[Finding]:
    for connection, mappings in documents.items():
        known = {document.kind for document in mappings}
        for document in mappings:
            for _, rule in document.rules():
                for kind in _wanted(rule):
                    if kind not in known:
                        told = f"'{connection}' has no mapping of {kind}, so this would wait for ever"
                        remedy = f"add a mapping of {kind} to it, or remove the reference"
                        yield Finding(document.name, *rule.marks.at("via"), told, remedy)
