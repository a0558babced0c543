"""Collections: up to 200 records in one call, each with its own result, and HTTP 200 whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.org import Org
from sandbox.salesforce.records import Records, whole_id
from sandbox.salesforce.refusals import Refused, unparsable
from sandbox.salesforce.schema import SObject

RECORDS_MAX = 200
CHUNKS_MAX = 10
TREE_DEPTH_MAX = 5
_ROLLED_BACK = (
    "Record rolled back because not all records were valid and the request was using AllOrNone header"
)
Write = Callable[[], dict[str, Any]]


class _Undone(Exception):
    """One record failed and all were to be carried out."""


@dataclass
class _Tree:
    """What a tree call has placed so far, and what failed."""

    call: Call
    placed: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Collections:
    """The endpoints under /composite/sobjects and /composite/tree."""

    org: Org
    records: Records

    def add_to(self, router: Router) -> None:
        """Put the endpoints into the table."""
        router.add("POST", "/composite/sobjects", self.create)
        router.add("PATCH", "/composite/sobjects", self.update)
        router.add("DELETE", "/composite/sobjects", self.delete)
        router.add("PATCH", "/composite/sobjects/{sobject}/{key}", self.upsert)
        router.add("GET", "/composite/sobjects/{sobject}", self.read)
        router.add("POST", "/composite/sobjects/{sobject}", self.read)
        router.add("POST", "/composite/tree/{sobject}", self.tree)

    def _sent(self, call: Call) -> tuple[list[dict[str, Any]], bool]:
        body = call.record()
        records, all_or_none = body.get("records"), body.get("allOrNone", False)
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise unparsable("records must be an array of objects at [line:1, column:1]")
        if len(records) > RECORDS_MAX:
            text = f"Batch size exceeded: the limit is {RECORDS_MAX} records, the request has {len(records)}"
            raise Refused("EXCEEDED_ID_LIMIT", text)
        return records, all_or_none is True

    def _typed(self, record: dict[str, Any]) -> str:
        told = record.get("attributes")
        kind = told.get("type") if isinstance(told, dict) else None
        if not isinstance(kind, str):
            raise Refused("INVALID_TYPE", "Each record needs attributes with a type")
        try:
            return self.org.shape(kind).name
        except Refused:
            raise Refused("INVALID_TYPE", f"sObject type '{kind}' is not supported.") from None

    def create(self, call: Call) -> Answer:
        """POST /composite/sobjects."""
        records, all_or_none = self._sent(call)
        self._chunked(records)

        def write(record: dict[str, Any]) -> Write:
            def insert() -> dict[str, Any]:
                id = self.org.insert(
                    self._typed(record),
                    record,
                    by="api",
                    client=call.client,
                    allow_duplicates=call.allows_duplicates,
                )
                return {"id": id, "success": True, "errors": []}

            return insert

        return self._carried_out(call, [write(one) for one in records], all_or_none=all_or_none)

    def update(self, call: Call) -> Answer:
        """PATCH /composite/sobjects."""
        records, all_or_none = self._sent(call)
        self._chunked(records)

        def write(record: dict[str, Any]) -> Write:
            def change() -> dict[str, Any]:
                sent = next((value for name, value in record.items() if name.lower() == "id"), None)
                if sent is None:
                    raise Refused("MISSING_ARGUMENT", "Id not specified in an update call")
                id = whole_id(sent)
                values = {name: value for name, value in record.items() if name.lower() != "id"}
                self.org.update(self._typed(record), id, values, by="api", client=call.client)
                return {"id": id, "success": True, "errors": []}

            return change

        return self._carried_out(call, [write(one) for one in records], all_or_none=all_or_none)

    def upsert(self, call: Call) -> Answer:
        """PATCH /composite/sobjects/{O}/{ExtField}."""
        records, all_or_none = self._sent(call)
        shape = self.org.shape(call.named["sobject"])
        key = shape.field(call.named["key"])
        if key is None or not (key.external or key.id_lookup or key.name == "Id"):
            text = (
                f"Field name provided, {call.named['key']} does not match an External ID, Salesforce Id, or"
            )
            raise Refused("INVALID_FIELD", f"{text} indexed field for {shape.name}")

        def write(record: dict[str, Any]) -> Write:
            def merge() -> dict[str, Any]:
                if self._typed(record) != shape.name:
                    raise Refused("INVALID_TYPE", f"The record is no {shape.name}")
                id, created = self.records.upsert_one(call, shape, key, record)
                return {"id": id, "success": True, "errors": [], "created": created}

            return merge

        return self._carried_out(call, [write(one) for one in records], all_or_none=all_or_none)

    def delete(self, call: Call) -> Answer:
        """DELETE /composite/sobjects?ids=&allOrNone=."""
        wanted = [one for one in call.query.get("ids", "").split(",") if one]
        if len(wanted) > RECORDS_MAX:
            raise Refused("EXCEEDED_ID_LIMIT", f"The limit is {RECORDS_MAX} records")

        def write(id: str) -> Write:
            def remove() -> dict[str, Any]:
                whole = whole_id(id)
                self.org.delete(self._of(whole).name, whole, by="api", client=call.client)
                return {"id": whole, "success": True, "errors": []}

            return remove

        all_or_none = call.query.get("allOrNone", "").lower() == "true"
        return self._carried_out(call, [write(one) for one in wanted], all_or_none=all_or_none)

    def _of(self, id: str) -> SObject:
        """The object an id belongs to, by its prefix."""
        name = next((one.name for one in self.org.objects.values() if one.prefix == id[:3]), None)
        if name is None:
            raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return self.org.shape(name)

    def read(self, call: Call) -> Answer:
        """GET or POST /composite/sobjects/{O} with ids and fields; null for what is not found."""
        shape = self.org.shape(call.named["sobject"])
        if call.method == "POST":
            wanted, names = call.record().get("ids", []), call.record().get("fields", [])
        else:
            wanted, names = (call.query.get(name, "").split(",") for name in ("ids", "fields"))
        if len(wanted) > 2_000 or not names:
            raise Refused("EXCEEDED_ID_LIMIT", "up to 2,000 ids, and at least one field")
        rows, found = self.org.rows(shape.name), []
        for id in wanted:
            row = rows.get(whole_id(id))
            part = Call("GET", call.path, call.version, {"fields": ",".join(names)})
            found.append(
                None if row is None or row["IsDeleted"] else self.records.shown(part, shape, row).body
            )
        return Answer(200, found)

    def _chunked(self, records: Sequence[dict[str, Any]]) -> None:
        """At most ten runs of one type (REST guide, "Create Multiple Records with Fewer Round-Trips")."""
        kinds = [str((one.get("attributes") or {}).get("type", "")).lower() for one in records]
        runs = sum(1 for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind)
        if runs > CHUNKS_MAX:
            text = (
                f"Cannot have more than {CHUNKS_MAX} chunks in a single operation. Please rearrange the data"
            )
            raise Refused("LIMIT_EXCEEDED", text + " to reduce chunking.")

    def _carried_out(self, call: Call, writes: Sequence[Write], *, all_or_none: bool) -> Answer:
        results: list[dict[str, Any]] = []
        try:
            with self.org.transaction("api", call.client):
                for write in writes:
                    results.append(_result(write))
                if all_or_none and not all(one["success"] for one in results):
                    raise _Undone
        except _Undone:
            back = Refused("ALL_OR_NONE_OPERATION_ROLLED_BACK", _ROLLED_BACK).record_error()
            results = [{"success": False, "errors": [back]} if one["success"] else one for one in results]
        return Answer(200, results)

    def tree(self, call: Call) -> Answer:
        """POST /composite/tree/{O}: up to 200 records in up to 5 levels, all or none."""
        grown = _Tree(call)
        try:
            with self.org.transaction("api", call.client):
                self._branch(grown, self.org.shape(call.named["sobject"]), call.record().get("records"), {})
                if grown.failed:
                    raise _Undone
        except _Undone:
            return Answer(400, {"hasErrors": True, "results": grown.failed})
        return Answer(201, {"hasErrors": False, "results": grown.placed})

    def _branch(
        self, grown: _Tree, shape: SObject, records: Any, above: dict[str, str], level: int = 1
    ) -> None:
        if level > TREE_DEPTH_MAX or not isinstance(records, list):
            raise Refused("INVALID_INPUT", f"records must be arrays, nested at most {TREE_DEPTH_MAX} deep")
        for record in records:
            reference = str((record.get("attributes") or {}).get("referenceId", ""))
            lists = {name: one for name, one in record.items() if isinstance(one, dict) and "records" in one}
            values = {name: one for name, one in record.items() if name not in lists}
            if len(grown.placed) >= RECORDS_MAX or not reference:
                raise Refused(
                    "INVALID_INPUT", f"each record needs a referenceId; at most {RECORDS_MAX} records"
                )
            try:
                client = grown.call.client
                id = self.org.insert(shape.name, {**values, **above}, by="api", client=client)
            except Refused as refused:
                grown.failed.append({"referenceId": reference, "errors": [refused.record_error()]})
                continue
            grown.placed.append({"referenceId": reference, "id": id})
            for name, nested in lists.items():
                child, key = self._child(shape, name)
                self._branch(grown, child, nested["records"], {key: id}, level + 1)

    def _child(self, shape: SObject, name: str) -> tuple[SObject, str]:
        for sobject, one in self.org.objects.items():
            for link in one.fields.values():
                named = link.children.lower() == name.lower()
                if named and link.children and shape.name in link.refers_to:
                    return self.org.shape(sobject), link.name
        raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {shape.name}")


def _result(write: Write) -> dict[str, Any]:
    try:
        return write()
    except Refused as refused:
        return {"success": False, "errors": [refused.record_error()]}
