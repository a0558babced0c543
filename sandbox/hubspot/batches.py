"""The batch endpoints: up to a hundred objects in one call, each with a fate of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.hubspot import catalog, rules
from sandbox.hubspot.objects import Answer, Call, Objects, values_of
from sandbox.hubspot.records import Stored, iso
from sandbox.hubspot.refusals import Refused, invalid, invalid_properties, part

BATCH_MAX = 100
_KNOWN = frozenset({"id", "idProperty", "properties", "associations", "objectWriteTraceId"})
Work = Callable[[Any], dict[str, Any]]


class Batches:
    """The endpoints under /crm/objects/{type}/batch.

    A bad input spoils the whole batch, unless it carries an objectWriteTraceId: then it is an error beside
    the results (documentation, "multi-status errors"). Ids that do not exist always are.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.portal = objects.portal
        # Versions that say 207 when some inputs fail. The specification of 2026-09 knows only 200: take it
        # out to have that.
        self.multi_status = {"v3", "v4", "2026-03", "2026-09"}

    def read(self, call: Call) -> Answer:
        """POST /{type}/batch/read: missing ids are errors beside the results; each object comes once."""
        by = call.body.get("idProperty") or ""
        archived = call.flag("archived")
        wanted = call.body.get("properties") or []
        found: dict[str, Stored] = {}
        missing = []
        for given in inputs_of(call, known=_KNOWN):
            try:
                one = self.portal.get(call.kind, str(given["id"]), archived=archived, by=by)
                found[one.id] = one
            except Refused as refused:
                if refused.status != 404:
                    raise
                missing.append(str(given["id"]))
        views = [self.objects.view(one, wanted) for one in found.values()]
        return self._answer(call, views, self._missing(call.kind, missing))

    def create(self, call: Call) -> Answer:
        """POST /{type}/batch/create."""
        taken: dict[tuple[str, str], int] = {}

        def judge(given: Any) -> None:
            values = self.portal.judged(call.kind, values_of(given))
            self._apart(call.kind, values, taken)
            self.objects.ends_of(call.kind, given)

        def work(given: Any) -> dict[str, Any]:
            return self.objects.view(self.objects.made(call.kind, given), self.objects.told(call.kind, given))

        return self._run(call, judge, work, done=201)

    def update(self, call: Call) -> Answer:
        """POST /{type}/batch/update."""
        self._distinct(call)

        def judge(given: Any) -> None:
            self.portal.judge(call.kind, values_of(given), self._named(call.kind, given))

        def work(given: Any) -> dict[str, Any]:
            one = self.objects.changed(self._named(call.kind, given), given)
            return self.objects.view(one, list(given["properties"]))

        return self._run(call, judge, work)

    def upsert(self, call: Call) -> Answer:
        """POST /{type}/batch/upsert: update by a unique property, or create."""
        self._distinct(call)
        taken: dict[tuple[str, str], int] = {}

        def judge(given: Any) -> None:
            values = _upserted(given)
            one = self._known(call.kind, given)
            if one is None:
                values = self.portal.judged(call.kind, values)
            else:
                self.portal.judge(call.kind, values, one)
            self._apart(call.kind, values, taken)

        def work(given: Any) -> dict[str, Any]:
            return self._upsert(call.kind, given)

        return self._run(call, judge, work)

    def archive(self, call: Call) -> Answer:
        """POST /{type}/batch/archive: 204, also for what is gone already."""
        for given in inputs_of(call, known=_KNOWN):
            self.objects.gone(call.kind, str(given["id"]))
        return Answer(204, None)

    def _upsert(self, kind: str, given: Any) -> dict[str, Any]:
        one = self._known(kind, given)
        new = one is None
        if one is None:
            one = self.objects.made(kind, {"properties": _upserted(given)})
        else:
            self.objects.changed(one, given)
        view = self.objects.view(one, list(_upserted(given)))
        kept = {name: value for name, value in view["properties"].items() if value is not None}
        return {**view, "properties": kept, "new": new}

    def _named(self, kind: str, given: Any) -> Stored:
        return self.portal.get(kind, str(given["id"]), by=given.get("idProperty") or "")

    def _known(self, kind: str, given: Any) -> Stored | None:
        """The object an upsert is about, None for one to create. An upsert by record id creates nothing."""
        try:
            return self._named(kind, given)
        except Refused as refused:
            if refused.status != 404 or (given.get("idProperty") or "hs_object_id") == "hs_object_id":
                raise
            return None

    def _distinct(self, call: Call) -> None:
        """Raises Refused 400 where two inputs are about the same object: nothing of the batch is done."""
        seen: dict[tuple[str, str], str] = {}
        for given in inputs_of(call, known=_KNOWN):
            by, id = given.get("idProperty") or "", str(given["id"])
            try:
                key = ("", self._named(call.kind, given).id)
            except Refused as refused:
                if refused.status != 404:
                    raise
                key = (by, rules.comparable(by, id))
            if key in seen:
                raise invalid(f"Duplicate IDs found in batch input: [{id}]. IDs must be unique")
            seen[key] = id

    def _apart(self, kind: str, values: dict[str, str], taken: dict[tuple[str, str], int]) -> None:
        """Raises Refused where an earlier input of the same batch takes the same unique value."""
        for name, value in values.items():
            if not value or not self.portal.properties[kind][name].unique:
                continue
            key = (name, rules.comparable(name, value))
            taken[key] = taken.get(key, 0) + 1
            if taken[key] > 1:
                text = f"{value} is not unique: another input of this batch already has that value"
                raise invalid_properties([(name, "CONFLICTING_UNIQUE_VALUE", text)])

    def _run(self, call: Call, judge: Callable[[Any], None], work: Work, done: int = 200) -> Answer:
        """Judge every input before any is carried out."""
        good, bad, missing = [], [], []
        for given in inputs_of(call, known=_KNOWN):
            try:
                judge(given)
                good.append(given)
            except Refused as refused:
                if refused.status == 404 and "id" in given:
                    missing.append(given)
                elif given.get("objectWriteTraceId"):
                    bad.append(_error(refused, given))
                else:
                    raise
        results = [{**work(given), **_traced(given)} for given in good]
        return self._answer(call, results, [*self._absent(call.kind, missing), *bad], done)

    def _absent(self, kind: str, missing: Sequence[Any]) -> list[dict[str, Any]]:
        """Errors of inputs whose object does not exist: one each where they can be told apart."""
        plain = [str(given["id"]) for given in missing if not _traced(given)]
        traced = [given for given in missing if _traced(given)]
        errors = self._missing(kind, plain)
        for given in traced:
            (error,) = self._missing(kind, [str(given["id"])])
            error["context"]["objectWriteTraceId"] = [given["objectWriteTraceId"]]
            errors.append(error)
        return errors

    def _missing(self, kind: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        if not ids:
            return []
        singular = catalog.TYPES[kind].singular.upper()
        text = f"Could not get some {singular} objects, they may be deleted or not exist."
        return [part(text, "OBJECT_NOT_FOUND", {"ids": list(ids)})]

    def _answer(
        self, call: Call, results: Sequence[Any], errors: Sequence[dict[str, Any]], done: int = 200
    ) -> Answer:
        now = iso(self.portal.now())
        body = {"status": "COMPLETE", "results": list(results), "startedAt": now, "completedAt": now}
        if not errors:
            return Answer(done, body)
        status = 207 if call.version in self.multi_status else done
        return Answer(status, {**body, "errors": list(errors), "numErrors": len(errors)})


def inputs_of(call: Call, most: int = BATCH_MAX, known: frozenset[str] | None = None) -> Sequence[Any]:
    """The inputs of a batch. Raises Refused 400 for none, too many, or ones of another shape."""
    inputs = call.body.get("inputs") if isinstance(call.body, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise invalid("Invalid input JSON: inputs must be a list of objects")
    if not 1 <= len(inputs) <= most:
        raise invalid(f"The number of inputs must be between 1 and {most}")
    for one in inputs:
        if known is not None and (unknown := one.keys() - known):
            raise invalid(f"Invalid input JSON: unknown field {min(unknown)}")
    return inputs


def _upserted(given: Any) -> dict[str, str]:
    """The values of an upsert: the key is one of them."""
    by = given.get("idProperty") or ""
    key = {by: str(given["id"])} if by and by != "hs_object_id" else {}
    return {**values_of(given), **key}


def _traced(given: Any) -> dict[str, str]:
    trace = given.get("objectWriteTraceId")
    return {"objectWriteTraceId": str(trace)} if trace else {}


def _error(refused: Refused, given: Any) -> dict[str, Any]:
    context = {"objectWriteTraceId": [str(given["objectWriteTraceId"])]}
    entry = part(refused.body["message"], refused.body["category"], context)
    return {**entry, "errors": refused.body.get("errors", [])}
