"""Checking the mappings of all connections against each other: who owns a field, who knows a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hub.mapping.document import MappingDocument
from hub.mapping.finding import Finding

Documents = Mapping[str, Sequence[MappingDocument]]
"""The mappings of each connection, by the connection's name."""


def check_together(documents: Documents) -> tuple[Finding, ...]:
    """Faults that only show beside other mappings.

    Two systems that own one field would overwrite each other for ever; a reference to a kind that its
    connection has no mapping for would wait for ever.
    """
    found = [*_overlaps(documents), *_lost_references(documents)]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.file, one.line, one.column)))


def _overlaps(documents: Documents) -> Iterator[Finding]:
    """Two connections to one system share its mapping and have documents of their own: that is no overlap."""
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for connection, mappings in documents.items():
        for document in mappings:
            system = document.source.partition(".")[0]
            for name in document.owns if document.direction == "in" else ():
                field = (document.kind, name)
                other, other_system = owners.setdefault(field, (connection, system))
                if other_system != system:
                    place = document.marks.at(f"owns.{name}")
                    told = f"'{name}' of {document.kind} is owned by '{connection}' and by '{other}'"
                    remedy = "only one system may change a field: remove it from owns in one of them"
                    yield Finding(document.name, *place, told, remedy)


def _lost_references(documents: Documents) -> Iterator[Finding]:
    for connection, mappings in documents.items():
        known = {document.kind for document in mappings}
        for document in mappings:
            for _, rule in document.rules():
                for step in rule.via:
                    if step.name == "xref" and step.argument not in known:
                        told = (
                            f"'{connection}' has no mapping of {step.argument}, so this would wait for ever"
                        )
                        remedy = f"add a mapping of {step.argument} to it, or remove the reference"
                        yield Finding(document.name, *rule.marks.at("via"), told, remedy)
