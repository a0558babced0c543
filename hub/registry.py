"""From entry points to connectors, and from stored connections to live ones with their mappings."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, SecretStr, ValidationError

from hub.catalog import translators
from hub.connector import (
    Alternating,
    BatchSink,
    BatchSource,
    Composer,
    Manifest,
    Matcher,
    Poller,
    Responder,
    Source,
)
from hub.errors import Invalid, Unmappable, plain_fault
from hub.governing import Governor, Lane
from hub.http import governed
from hub.mapping import Translator
from hub.secrets import Vault
from hub.store import connections, mappings
from hub.store.slots import shared_slots
from hub.store.tx import Store, Tx

GROUP = "o2c.connectors"
FRESH_SECONDS = 1.0  # how old our view of the stored connections may be


@cache
def installed() -> Mapping[str, Any]:
    """Connector classes by name, from every installed package. Built-ins have no privileged path."""
    return {point.name: point for point in entry_points(group=GROUP)}


def connector_class(name: str) -> Any:
    """The class of a connector. Raises Invalid naming the ones that are installed."""
    point = installed().get(name)
    if point is None:
        known = ", ".join(sorted(installed())) or "none"
        raise Invalid(f"no connector is called {name!r}; installed are: {known}", field="connector")
    return point.load()


def goes_anywhere(connector: str, kind: str) -> bool:
    """Is this kind written to the system whichever other system it is from? True where nothing is known."""
    if connector not in installed():
        return True
    declared = connector_class(connector).manifest.kinds.get(kind)
    return declared is None or not declared.only_with


@dataclass(frozen=True)
class Live:
    """A connection ready for use: its connector and its compiled mappings."""

    name: str
    connector: Any
    inbound: Mapping[str, Translator]
    outbound: Mapping[str, Translator]
    revision: int
    poll_seconds: float
    active: bool
    mapped_by: tuple[Any, ...] = ()  # changes when a version or a table of its mappings does
    lane: Lane | None = None  # to its account; None: nobody counts its calls

    @cached_property
    def receives(self) -> bool:
        """Does it take webhooks, polls or files?"""
        return isinstance(self.connector, Source)

    @cached_property
    def polls(self) -> bool:
        """Can it be asked for what is new?"""
        return isinstance(self.connector, Poller)

    @cached_property
    def turns(self) -> int:
        """How many polls ask it for everything once."""
        return max(self.connector.turns, 1) if isinstance(self.connector, Alternating) else 1

    @cached_property
    def crowds(self) -> bool:
        """Can it tell of many deliveries at once?"""
        return isinstance(self.connector, BatchSource)

    @cached_property
    def batches(self) -> int:
        """How many writes it takes in one call."""
        return self.manifest.limits.batch if isinstance(self.connector, BatchSink) else 1

    @cached_property
    def composes(self) -> bool:
        """Is it a trading partner, to whom documents go in numbered envelopes?"""
        return isinstance(self.connector, Composer)

    @cached_property
    def matches(self) -> bool:
        """Can it tell what it has that may be the same as ours?"""
        return isinstance(self.connector, Matcher)

    @property
    def account(self) -> str:
        """Whose limits its calls are counted against."""
        return self.lane.account if self.lane else self.name

    @property
    def concurrency(self) -> int:
        """Calls that may be in flight there at a time, of all connections with this account together."""
        return self.lane.limit if self.lane else self.manifest.limits.concurrency

    @cached_property
    def responds(self) -> bool:
        """Does its sender want an answer of its own form?"""
        return isinstance(self.connector, Responder)

    @property
    def manifest(self) -> Manifest:
        """What the connector can do, with these settings."""
        manifest: Manifest = self.connector.manifest
        return manifest

    def translator(self, kind: str, direction: str) -> Translator:
        """The mapping for a kind. Raises Unmappable naming the file that is missing."""
        found = (self.inbound if direction == "in" else self.outbound).get(kind)
        if found is None:
            place = f"mappings/{self.manifest.name}/{kind}.{direction}.yaml"
            raise Unmappable(self.name, kind, f"there is no mapping for it; write {place}")
        return found


@dataclass
class Registry:
    """Live connections, rebuilt when their stored settings change."""

    store: Store
    vault: Vault
    mappings_dir: Path
    _live: dict[str, Live] = field(default_factory=dict)
    _broken: dict[str, str] = field(default_factory=dict)
    _read_at: float = -1e9
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._slots = shared_slots(self.store.database)
        self.governor = Governor(self._slots)

    def close(self) -> None:
        """Return what this process holds of the accounts' slots."""
        self.governor.close()
        if self._slots is not None:
            self._slots.close()

    def get(self, name: str) -> Live:
        """One connection. Raises Invalid when there is none of this name."""
        self.refresh()
        live = self._live.get(name)
        if live is None:
            raise Invalid(self._why_not(name), field="connection")
        return live

    def _why_not(self, name: str) -> str:
        broken = self._broken.get(name)
        if broken is None:
            return f"there is no connection called {name!r}"
        return f"connection {name!r} cannot be used as it is configured: {broken}"

    def all(self) -> Mapping[str, Live]:
        """Every connection by name."""
        self.refresh()
        return self._live

    def refresh(self, *, force: bool = False) -> None:
        """Look at the stored connections, at most once a second."""
        if not force and time.monotonic() - self._read_at < FRESH_SECONDS:
            return
        with self._lock:
            with self.store.look() as tx:
                rows = connections.every(tx.conn)
                stamps = mappings.stamps(tx.conn)
                live: dict[str, Live] = {}
                broken: dict[str, str] = {}
                for row in rows:
                    try:
                        live[row.name] = self._keep_or_build(tx, row, stamps.get(row.name, ()))
                    except Exception as error:  # noqa: BLE001 - one broken connection must not stop the others
                        broken[row.name] = str(error)
            self._live, self._broken = live, broken
            self._read_at = time.monotonic()

    def _keep_or_build(self, tx: Tx, row: Any, stamp: tuple[Any, ...]) -> Live:
        known = self._live.get(row.name)
        active = row.state == "active"
        same = known if known is not None and known.revision == row.revision else None
        if same is not None and same.mapped_by == stamp:
            return same if same.active == active else replace(same, active=active)
        found = translators(self.mappings_dir, tx, row.name, row.connector)
        made = (same.connector, same.lane) if same else self._built(row)
        return Live(
            name=row.name,
            connector=made[0],
            inbound={slot.kind: one for slot, one in found.items() if slot.direction == "in"},
            outbound={slot.kind: one for slot, one in found.items() if slot.direction == "out"},
            revision=row.revision,
            mapped_by=stamp,
            poll_seconds=row.poll_seconds,
            active=active,
            lane=made[1],
        )

    def _built(self, row: Any) -> tuple[Any, Lane]:
        return self._make(row.name, row.connector, orjson.loads(row.settings))

    def build(self, name: str, connector: str, stored: Mapping[str, Any]) -> Any:
        """A connector from stored settings, its secrets opened."""
        return self._make(name, connector, stored)[0]

    def _make(self, name: str, connector: str, stored: Mapping[str, Any]) -> tuple[Any, Lane]:
        """A connector whose doors lead through the lane of its account."""
        plain = {
            key: self.vault.open(value["sealed"], f"{name}/{key}") if _is_sealed(value) else value
            for key, value in stored.items()
        }
        cls = connector_class(connector)
        settings = validated(cls.manifest.settings, plain)
        account = str(getattr(settings, "account", "") or "")
        lane = self.governor.lane(f"{connector}:{account}" if account else name, 1)
        with governed(lane):
            made = cls(settings)
        manifest: Manifest = made.manifest  # of the instance: it may follow from the settings
        lane.limit = max(int(getattr(settings, "concurrency", 0) or manifest.limits.concurrency), 1)
        return made, lane

    def seal(self, name: str, connector: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Settings as they are stored: checked against the connector's form, secrets sealed."""
        checked = validated(connector_class(connector).manifest.settings, given)
        stored: dict[str, Any] = {}
        for key in given:
            value = getattr(checked, key)
            if isinstance(value, SecretStr):
                stored[key] = {"sealed": self.vault.seal(value.get_secret_value(), f"{name}/{key}")}
            else:
                stored[key] = orjson.loads(orjson.dumps(value, default=_plain))
        return stored


def _plain(value: Any) -> Any:
    """What a form made of a setting, as JSON. Only whole settings are sealed: no secret may be deeper."""
    if isinstance(value, SecretStr):
        raise Invalid("a secret inside another setting cannot be sealed; the form must ask for it by itself")
    return dict(value) if isinstance(value, BaseModel) else str(value)


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"sealed"}


def validated(form: type[BaseModel], given: Mapping[str, Any]) -> BaseModel:
    """Settings checked by their form. Raises Invalid naming the field, never showing a value."""
    unknown = sorted(set(given) - set(form.model_fields))
    if unknown:
        known = ", ".join(form.model_fields)
        raise Invalid(f"no setting is called {unknown[0]!r}; there are: {known}", field=unknown[0])
    try:
        return form.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        told = plain_fault(first)
        if place:
            raise Invalid(f"setting {place}: {told}", field=place) from None
        raise Invalid(f"settings: {told}", field=_named(told, form)) from None


def _named(told: str, form: type[BaseModel]) -> str:
    """The field that a complaint about several is shown at: the first whose name nobody writes by chance."""
    words = [word for word in re.findall(r"\w+", told) if word in form.model_fields]
    return next((word for word in words if "_" in word), words[0] if len(set(words)) == 1 else "")
