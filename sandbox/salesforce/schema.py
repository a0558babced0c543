"""What an org knows about its objects and fields, in the terms of a describe call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

TEXTS = frozenset({"string", "textarea", "picklist", "multipicklist", "phone", "url", "email", "combobox"})
NUMBERS = frozenset({"double", "currency", "percent"})
REFERENCES = frozenset({"id", "reference"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `feature` names the org feature without which it does not exist."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    external: bool = False
    unique: bool = False
    case_sensitive: bool = False
    calculated: bool = False
    auto_number: bool = False
    name_field: bool = False
    id_lookup: bool = False
    indexed: bool = False
    restricted: bool = False
    picklist: tuple[tuple[str, str], ...] = ()  # (value, label)
    refers_to: tuple[str, ...] = ()
    relationship: str = ""  # name of the parent in paths
    children: str = ""  # name of the list on the parent's side
    on_delete: str = "clear"  # clear | cascade | restrict
    default: str = ""
    custom: bool = False
    feature: str = ""

    @property
    def shown(self) -> str:
        """The label."""
        return self.label or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name.removesuffix("__c")).replace(
            "_", " "
        )

    @property
    def key(self) -> bool:
        """Is its value looked up by an index?"""
        return self.external or self.unique or self.indexed or self.type == "reference"


@dataclass(slots=True)
class SObject:
    """One object with its fields, by API name in their official spelling."""

    name: str
    prefix: str
    label: str = ""
    plural: str = ""
    custom: bool = False
    feature: str = ""
    creatable: bool = True
    deletable: bool = True
    fields: dict[str, Field] = field(default_factory=dict)
    _spelling: dict[str, str] = field(default_factory=dict)

    def add(self, fields: Iterable[Field]) -> None:
        """Take up fields; those of a name already there are replaced."""
        for one in fields:
            self.fields[one.name] = one
            self._spelling[one.name.lower()] = one.name

    def field(self, name: str) -> Field | None:
        """A field by name, in any case."""
        return self.fields.get(self._spelling.get(name.lower(), ""))

    def parent(self, relationship: str) -> Field | None:
        """The reference field whose parent has this name in paths."""
        wanted = relationship.lower()
        return next((one for one in self.fields.values() if one.relationship.lower() == wanted), None)

    def copy(self) -> SObject:
        """One that can be extended without changing this one."""
        return replace(self, fields=dict(self.fields), _spelling=dict(self._spelling))


_FLAGS: dict[str, dict[str, object]] = {
    "required": {"required": True},
    "readonly": {"createable": False, "updateable": False},
    "createonly": {"updateable": False},
    "updateonly": {"createable": False},
    "unique": {"unique": True},
    "external": {"external": True, "id_lookup": True},
    "calculated": {"calculated": True, "createable": False, "updateable": False},
    "auto": {"auto_number": True, "createable": False, "updateable": False},
    "name": {"name_field": True, "id_lookup": True},
    "lookup": {"id_lookup": True, "indexed": True},
    "indexed": {"indexed": True},
    "restricted": {"restricted": True},
    "cascade": {"on_delete": "cascade"},
    "restrict": {"on_delete": "restrict"},
}


def parsed(text: str) -> list[Field]:
    """Fields from lines of `Name type[:facts] flags...`; feature=x and default=x are flags with a value."""
    return [_field(line.split()) for line in text.splitlines() if line.strip()]


def _field(words: list[str]) -> Field:
    name, (kind, *facts) = words[0], words[1].split(":")
    known: dict[str, object] = {"name": name, "type": kind}
    if kind == "reference":
        known |= {"refers_to": (facts[0],), "length": 18}
        known |= {"relationship": facts[1], "children": facts[2] if len(facts) > 2 else ""}
    elif kind in {"picklist", "multipicklist"}:
        values = facts[0].split("|") if facts and facts[0] else []
        known |= {
            "picklist": tuple((v.replace("_", " "), v.replace("_", " ")) for v in values),
            "length": 255,
        }
    elif kind in NUMBERS:
        whole, _, scale = (facts[0] if facts else "18.2").partition(".")
        known |= {"precision": int(whole), "scale": int(scale or 0)}
    elif facts:
        known["length"] = int(facts[0])
    for word in words[2:]:
        flag, _, value = word.partition("=")
        known.update({flag: value} if value else _FLAGS[flag])
    return Field(**known)  # type: ignore[arg-type]  # the keys are this class's own fields
