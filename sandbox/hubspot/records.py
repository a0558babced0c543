"""One CRM object as the account keeps it, and sorted keys to find objects without looking at all."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

_ID_SPAN = 2**48  # ids are smaller, so (milliseconds, id) fits one sortable integer
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: datetime) -> str:
    """An instant as HubSpot writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    since = at - _FIRST
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


@lru_cache(maxsize=65_536)
def moment(value: str) -> datetime | None:
    """An instant or a date as HubSpot accepts it: milliseconds since 1970, or ISO 8601."""
    try:
        if value.lstrip("-").isdigit():
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        found = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Layout:
    """Names shared by many objects that were seeded alike: each of those keeps a row of values only."""

    created: str
    changed: str
    places: Mapping[str, int]


class Stored:
    """One CRM object. All property values are text, as on the wire."""

    __slots__ = ("_held", "_layout", "archived_at", "created_at", "id", "kind", "updated_at")

    def __init__(self, id: str, kind: str, created_at: datetime, updated_at: datetime) -> None:
        self.id, self.kind = id, kind
        self.created_at, self.updated_at = created_at, updated_at
        self.archived_at: datetime | None = None
        self._layout: Layout | None = None
        self._held: dict[str, str] | Sequence[str] = {}

    def pack(self, layout: Layout, row: Sequence[str]) -> None:
        """Keep these values in little room until somebody writes to the object."""
        self._layout, self._held = layout, row

    @property
    def properties(self) -> dict[str, str]:
        """All values by name; of an object nobody wrote to since it was seeded, a copy."""
        if isinstance(self._held, dict):
            return self._held
        layout, row = self._layout, self._held
        if layout is None:
            raise RuntimeError("a row of values without a layout")
        stamps = {
            "hs_object_id": self.id,
            layout.created: iso(self.created_at),
            layout.changed: iso(self.updated_at),
        }
        return stamps | {name: row[place] for name, place in layout.places.items()}

    def opened(self) -> dict[str, str]:
        """The values, to write to."""
        self._held, self._layout = self.properties, None
        return self._held

    def value(self, name: str) -> str:
        """One value; empty text where there is none."""
        if isinstance(self._held, dict):
            return self._held.get(name, "")
        if self._layout is not None and (place := self._layout.places.get(name)) is not None:
            return self._held[place]
        return self.properties.get(name, "")


@dataclass
class Keys:
    """Integers in order. Adding the greatest, which is what happens nearly always, costs nothing."""

    held: list[int] = field(default_factory=list)

    def add(self, key: int) -> None:
        """Put a key in its place."""
        if not self.held or key > self.held[-1]:
            self.held.append(key)
        else:
            insort(self.held, key)

    def drop(self, key: int) -> None:
        """Take a key out, if it is there."""
        at = bisect_left(self.held, key)
        if at < len(self.held) and self.held[at] == key:
            del self.held[at]

    def between(self, low: int, high: int) -> range:
        """Places of the keys from `low` up to, not including, `high`."""
        return range(bisect_left(self.held, low), bisect_left(self.held, high))


def stamp_key(at: int, id: int = 0) -> int:
    """The place of an object in an order by time, then id."""
    return at * _ID_SPAN + id


def id_of(key: int) -> int:
    """The id in a key of `stamp_key`."""
    return key % _ID_SPAN


@dataclass
class Index:
    """The orders in which one object type is looked through."""

    ids: Keys = field(default_factory=Keys)
    changed: Keys = field(default_factory=Keys)
    created: Keys = field(default_factory=Keys)
    archived: Keys = field(default_factory=Keys)
    revision: int = 0  # grows with every change

    def enter(self, one: Stored) -> None:
        """A new object, or one restored."""
        number = int(one.id)
        self.revision += 1
        self.ids.add(number)
        self.archived.drop(number)
        self.changed.add(stamp_key(milliseconds(one.updated_at), number))
        self.created.add(stamp_key(milliseconds(one.created_at), number))

    def leave(self, one: Stored, *, listed: bool = True) -> None:
        """An object that is archived; `listed` ones show in the list of archived objects."""
        number = int(one.id)
        self.revision += 1
        self.ids.drop(number)
        self.changed.drop(stamp_key(milliseconds(one.updated_at), number))
        self.created.drop(stamp_key(milliseconds(one.created_at), number))
        if listed:
            self.archived.add(number)

    def touch(self, one: Stored, at: datetime) -> None:
        """An object changes now."""
        number = int(one.id)
        self.revision += 1
        self.changed.drop(stamp_key(milliseconds(one.updated_at), number))
        self.changed.add(stamp_key(milliseconds(at), number))

    def backdate(self, one: Stored, at: datetime) -> None:
        """An object was created at another time than was thought."""
        number = int(one.id)
        self.created.drop(stamp_key(milliseconds(one.created_at), number))
        one.created_at = at
        self.created.add(stamp_key(milliseconds(at), number))

    def fill(self, seeded: Sequence[Stored]) -> None:
        """Many new objects at once."""
        self.revision += 1
        self.ids.held.extend(int(one.id) for one in seeded)
        self.changed.held.extend(stamp_key(milliseconds(one.updated_at), int(one.id)) for one in seeded)
        self.created.held.extend(stamp_key(milliseconds(one.created_at), int(one.id)) for one in seeded)
        for keys in (self.ids, self.changed, self.created):
            keys.held.sort()


class Ends:
    """Far ids in the order they were linked. Most objects have a handful, and there are very many of them."""

    __slots__ = ("_held",)

    def __init__(self, first: Sequence[str] = ()) -> None:
        self._held: tuple[str, ...] | dict[str, None] = tuple(first)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __contains__(self, id: object) -> bool:
        return id in self._held

    def __len__(self) -> int:
        return len(self._held)

    def add(self, id: str) -> None:
        """Link one more; one that is there stays in its place."""
        if id in self._held:
            return
        if isinstance(self._held, dict):
            self._held[id] = None
        elif len(self._held) < 8:
            self._held = (*self._held, id)
        else:
            self._held = dict.fromkeys((*self._held, id))

    def drop(self, id: str) -> None:
        """Take one out, if it is there."""
        if isinstance(self._held, dict):
            self._held.pop(id, None)
        else:
            self._held = tuple(one for one in self._held if one != id)
