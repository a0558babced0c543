"""A generic connection: signed JSON webhooks become records, documents become REST calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from connectors.http import auth, client, translate
from connectors.http.settings import Settings
from hub.sdk import (
    Change,
    ConnectorError,
    Delivery,
    Health,
    Idempotency,
    Kind,
    Limits,
    Manifest,
    Rejected,
    Schema,
    Write,
)


class Http:
    """Source and sink for systems without a connector of their own.

    What it can do follows from its settings, so every instance has a manifest of its own.
    """

    manifest = Manifest(
        name="http",
        title="Generic HTTP (JSON webhooks in, REST out)",
        settings=Settings,
        kinds={"message": Kind(inbound=True, outbound=True)},
        docs="connectors/http/README.md",
        tier="silver",
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.manifest = replace(
            type(self).manifest, kinds=_kinds(settings), limits=Limits(concurrency=settings.concurrency)
        )
        self._signature = auth.Signature(settings)
        self._door = client.door(settings)

    def check(self) -> Health:
        """Is the base address there, and does it accept the credentials?"""
        settings = self.settings
        if not settings.base_url:
            receives = bool(settings.secret.get_secret_value())
            return Health(receives, "receives webhooks" if receives else "set a secret or a base_url")
        try:
            reply = self._door.call("GET", settings.check_path or "/")
            error = client.refusal(settings, reply)
        except ConnectorError as failure:
            return Health(False, "cannot be reached", (str(failure),))
        if reply.status in (401, 403):
            return Health(False, "the credentials were refused", (str(error),))
        if error is not None and (settings.check_path or reply.status >= 500):
            return Health(False, f"GET {settings.check_path or '/'} was refused", (str(error),))
        unproven = () if settings.check_path else ("set check_path to an address that needs the credentials",)
        return Health(True, f"reaches {settings.base_url}", unproven)

    def schema(self, kind: str) -> Schema:
        """Nothing is known in advance about a generic system: every field is allowed."""
        return Schema(fields=())

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """The ids of the events, after the signature was found right. Raises AuthFailed or Invalid."""
        self._signature.check(delivery)
        return translate.event_ids(self.settings, delivery)

    def read(self, delivery: Delivery) -> Iterable[Change]:
        """One change per record. Raises Invalid where one has no id."""
        return translate.changes(self.settings, delivery)

    def push(self, write: Write) -> str:
        """POST or PUT the record; returns the id of the answer, else our reference. Raises ConnectorError."""
        method, path = client.target(self.settings, write)
        headers = {"content-type": "application/json"}
        if self.settings.idempotency_header:
            headers[self.settings.idempotency_header] = write.idempotency_key
        native = _idempotency(self.settings, write.kind) is Idempotency.NATIVE
        body = client.content(self.settings, write)
        reply = self._door.call(method, path, content=body, headers=headers, idempotent=native)
        if (error := client.refusal(self.settings, reply)) is not None:
            raise error
        return client.written_id(self.settings, reply, write)

    def find(self, kind: str, reference: str) -> str | None:
        """The id of what carries our reference. Raises Rejected where no search is configured."""
        if kind not in self.settings.find_paths:
            raise Rejected(f"this connection cannot search for {kind}: add it to find_paths", sent=False)
        reply = self._door.call("GET", client.filled(self.settings.find_paths[kind], reference, None))
        error = client.refusal(self.settings, reply)
        if error is not None and reply.status not in (404, 410):
            raise error
        return client.found_id(self.settings, reply, reference)


def _kinds(settings: Settings) -> dict[str, Kind]:
    """What these settings allow, per kind."""
    kinds = {kind: _outbound(settings, kind) for kind in settings.paths}
    if settings.secret.get_secret_value():
        kinds[settings.kind] = replace(kinds.get(settings.kind, Kind()), inbound=True)
    return kinds


def _outbound(settings: Settings, kind: str) -> Kind:
    class_ = _idempotency(settings, kind)
    quiesce = settings.quiesce_seconds if class_ is Idempotency.LOOKUP else 0
    return Kind(outbound=True, idempotency=class_, quiesce=quiesce)


def _idempotency(settings: Settings, kind: str) -> Idempotency:
    """PUT to an address made of our reference writes the same object however often it is repeated."""
    own_address = "{reference}" in settings.paths[kind] and settings.methods.get(kind) == "PUT"
    if settings.idempotency_header or own_address:
        return Idempotency.NATIVE
    return Idempotency.LOOKUP if kind in settings.find_paths else Idempotency.NONE
