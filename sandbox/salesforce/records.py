"""Endpoints for single records by id or external id, and the lists of changed and deleted ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.salesforce import ids, writing
from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import Refused, not_found
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.soql import attributes
from sandbox.salesforce.table import Row
from sandbox.salesforce.values import shown_at, when

REPLICATION = timedelta(days=30)


@dataclass
class Records:
    """All of them work as the integration user."""

    org: Org

    def add_to(self, router: Router) -> None:
        """Put the endpoints into the table."""
        one, keyed = "/sobjects/{sobject}/{id}", "/sobjects/{sobject}/{key}/{value}"
        router.add("GET", "/sobjects/{sobject}/updated", self.updated)
        router.add("GET", "/sobjects/{sobject}/deleted", self.deleted)
        router.add("POST", "/sobjects/{sobject}", self.create)
        router.add("GET", one, self.read)
        router.add("PATCH", one, self.change)
        router.add("DELETE", one, self.delete)
        router.add("GET", keyed, self.read_keyed)
        router.add("PATCH", keyed, self.upsert)
        router.add("POST", keyed, self.upsert)
        router.add("DELETE", keyed, self.delete_keyed)

    def create(self, call: Call) -> Answer:
        """POST /sobjects/{O}."""
        id = self.org.insert(
            call.named["sobject"],
            call.record(),
            by="api",
            client=call.client,
            allow_duplicates=call.allows_duplicates,
        )
        return Answer(201, {"id": id, "success": True, "errors": []})

    def read(self, call: Call) -> Answer:
        """GET /sobjects/{O}/{id}."""
        shape = self.org.shape(call.named["sobject"])
        return self.shown(call, shape, self._live(shape, call.named["id"]))

    def _live(self, shape: SObject, id: str) -> Row:
        try:
            return writing.live(self.org, shape, id)
        except Refused as refused:
            if refused.code not in ("INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"):
                raise
            text = f"Provided external ID field does not exist or is not accessible: {id}"
            raise not_found(text) from None

    def shown(self, call: Call, shape: SObject, row: Row) -> Answer:
        """A record with the fields asked for, or all."""
        names = [name for name in call.query.get("fields", "").split(",") if name]
        found: dict[str, Any] = {"attributes": attributes(shape.name, row["Id"], call.root)}
        for name in names or shape.fields:
            field = shape.field(name.strip())
            if field is None:
                raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {shape.name}")
            found[field.name] = row.get(field.name)
        return Answer(200, found)

    def change(self, call: Call) -> Answer:
        """PATCH /sobjects/{O}/{id}; If-Unmodified-Since is honoured."""
        shape = self.org.shape(call.named["sobject"])
        row = self._live(shape, call.named["id"])
        self._unmodified(call, row)
        self.org.update(shape.name, row["Id"], call.record(), by="api", client=call.client)
        return Answer(204)

    def _unmodified(self, call: Call, row: Row) -> None:
        since = call.headers.get("if-unmodified-since")
        if since is None:
            return
        try:
            at = datetime.strptime(since, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        except ValueError:
            raise Refused("JSON_PARSER_ERROR", f"Invalid date in If-Unmodified-Since: {since}") from None
        if row["LastModifiedDate"] > at:
            raise Refused("PRECONDITION_FAILED", "The record was modified", status=412)

    def delete(self, call: Call) -> Answer:
        """DELETE /sobjects/{O}/{id}."""
        shape = self.org.shape(call.named["sobject"])
        row = self._live(shape, call.named["id"])
        self.org.delete(shape.name, row["Id"], by="api", client=call.client)
        return Answer(204)

    def _key(self, shape: SObject, name: str) -> Field:
        field = shape.field(name)
        if field is None or not (field.external or field.id_lookup or field.unique or field.name == "Id"):
            text = f"Provided external ID field does not exist or is not accessible: {name}"
            raise not_found(text)
        return field

    def _one(self, shape: SObject, field: Field, value: str) -> str | None:
        hits = writing.keyed(self.org, shape, field, value)
        if len(hits) > 1:
            raise _Several(hits)
        return hits[0] if hits else None

    def read_keyed(self, call: Call) -> Answer:
        """GET /sobjects/{O}/{ExtField}/{value}."""
        shape = self.org.shape(call.named["sobject"])
        field = self._key(shape, call.named["key"])
        try:
            id = self._one(shape, field, call.named["value"])
        except _Several as several:
            return several.answer(call, shape)
        if id is None:
            raise not_found()
        return self.shown(call, shape, self.org.rows(shape.name)[id])

    def upsert(self, call: Call) -> Answer:
        """PATCH /sobjects/{O}/{ExtField}/{value}: 201, 200 (204 before v46), or 300 for several matches."""
        shape = self.org.shape(call.named["sobject"])
        if call.method == "POST" and call.query.get("_HttpMethod", "").upper() != "PATCH":
            raise Refused("METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed.", status=405)
        field, values = self._key(shape, call.named["key"]), call.record()
        if any(name.lower() == field.name.lower() for name in values):
            text = f"The {field.name} field should not be specified in the sobject data."
            raise Refused("INVALID_FIELD", text, [field.name])
        only = call.query.get("updateOnly", "").lower() == "true"
        try:
            id, created = self.merge(call, shape, field, call.named["value"], values, update_only=only)
        except _Several as several:
            return several.answer(call, shape)
        if not created and call.version < 46:
            return Answer(204)
        return Answer(201 if created else 200, {"id": id, "success": True, "errors": [], "created": created})

    def merge(
        self,
        call: Call,
        shape: SObject,
        field: Field,
        value: Any,
        values: Mapping[str, Any],
        *,
        update_only: bool = False,
    ) -> tuple[str, bool]:
        """Update the record with this key or create it; its id, and whether it was created."""
        id = self._one(shape, field, value)
        if id is not None:
            self.org.update(shape.name, id, values, by="api", client=call.client)
            return id, False
        if update_only or field.name == "Id":
            raise not_found()
        made = self.org.insert(
            shape.name,
            {**values, field.name: value},
            by="api",
            client=call.client,
            allow_duplicates=call.allows_duplicates,
        )
        return made, True

    def upsert_one(
        self, call: Call, shape: SObject, field: Field, values: Mapping[str, Any]
    ) -> tuple[str, bool]:
        """The same for a record that carries its key, as in collections. Raises Refused."""
        value = next((one for name, one in values.items() if name.lower() == field.name.lower()), None)
        rest = {name: one for name, one in values.items() if name.lower() != field.name.lower()}
        if value in (None, ""):
            text = f"{field.name} not specified"
            raise Refused("MISSING_ARGUMENT", text, [field.name])
        try:
            return self.merge(call, shape, field, value, rest)
        except _Several as several:
            text = (
                f"{field.name}: more than one record found for external id field: [{', '.join(several.hits)}]"
            )
            raise Refused("DUPLICATE_EXTERNAL_ID", text) from None

    def delete_keyed(self, call: Call) -> Answer:
        """DELETE /sobjects/{O}/{ExtField}/{value}."""
        shape = self.org.shape(call.named["sobject"])
        try:
            id = self._one(shape, self._key(shape, call.named["key"]), call.named["value"])
        except _Several as several:
            return several.answer(call, shape)
        if id is None:
            raise not_found()
        self.org.delete(shape.name, id, by="api", client=call.client)
        return Answer(204)

    def updated(self, call: Call) -> Answer:
        """GET /sobjects/{O}/updated?start&end: ids by SystemModstamp, deleted ones not."""
        start, end = self._span(call)
        rows = self.org.rows(self.org.shape(call.named["sobject"]).name)
        found = [
            i for i, row in rows.items() if start <= row["SystemModstamp"] <= end and not row["IsDeleted"]
        ]
        return Answer(200, {"ids": found, "latestDateCovered": shown_at(end)})

    def deleted(self, call: Call) -> Answer:
        """GET /sobjects/{O}/deleted?start&end: what is still in the recycle bin."""
        start, end = self._span(call)
        rows = self.org.rows(self.org.shape(call.named["sobject"]).name)
        found = [
            {"id": id, "deletedDate": shown_at(row["SystemModstamp"])}
            for id, row in rows.items()
            if row["IsDeleted"] and start <= row["SystemModstamp"] <= end
        ]
        earliest = shown_at(self.org.stamp() - REPLICATION)
        body = {
            "deletedRecords": found,
            "earliestDateAvailable": earliest,
            "latestDateCovered": shown_at(end),
        }
        return Answer(200, body)

    def _span(self, call: Call) -> tuple[datetime, datetime]:
        try:
            start, end = (when(call.query[name].replace(" ", "+")) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise Refused("INVALID_REPLICATION_DATE", "start and end must be ISO dates with a zone") from None
        if start >= end:
            raise Refused("INVALID_REPLICATION_DATE", "startDate must be chronologically before endDate")
        if start < self.org.now() - REPLICATION:
            raise Refused("INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        return start, min(end, self.org.stamp())


class _Several(Exception):
    """More than one record has the key."""

    def __init__(self, hits: list[str]) -> None:
        super().__init__(f"{len(hits)} records")
        self.hits = hits

    def answer(self, call: Call, shape: SObject) -> Answer:
        """300 with the records' addresses."""
        return Answer(300, [attributes(shape.name, one, call.root)["url"] for one in self.hits])


def whole_id(id: Any) -> str:
    """An 18-character id. Raises Refused MALFORMED_ID."""
    found = ids.whole(id) if isinstance(id, str) else None
    if found is None:
        raise Refused("MALFORMED_ID", f"malformed id {id}")
    return found
