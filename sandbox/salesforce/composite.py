"""Composite calls: several calls in one, with references between them, and batches without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import Refused, halted, unparsable

PARTS_MAX = 25
HEAVY_MAX = 5  # of them: queries and collections
_REFERENCE = re.compile(r"@\{([A-Za-z_]\w*)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_VERSIONED = re.compile(r"/services/data/v(\d+)\.0(/.*)", re.DOTALL)
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."


class _Undone(Exception):
    """A part failed and all were to be carried out."""


@dataclass
class Composite:
    """/composite and /composite/batch."""

    org: Org
    router: Router

    def add_to(self, router: Router) -> None:
        """Put the endpoints into the table."""
        router.add("POST", "/composite", self.composite)
        router.add("POST", "/composite/batch", self.batch)

    def composite(self, call: Call) -> Answer:
        """Up to 25 parts in order; a later one may use what an earlier one answered."""
        body = call.record()
        parts = _parts(body, "compositeRequest")
        references = [str(one.get("referenceId", "")) for one in parts]
        if any(not re.fullmatch(r"[A-Za-z_]\w*", one) for one in references):
            raise unparsable("each subrequest needs a referenceId of letters, digits and underscores")
        if len(set(references)) < len(references):
            raise Refused("DUPLICATE_ARGUMENT_VALUE", "referenceId values must be unique")
        heavy = sum(
            1 for one in parts if re.search(r"/(query|queryAll|composite/sobjects)\b", str(one.get("url")))
        )
        if heavy > HEAVY_MAX:
            text = f"No more than {HEAVY_MAX} subrequests may be queries or collections; there are {heavy}"
            raise Refused("LIMIT_EXCEEDED", text)
        answers: dict[str, Answer] = {}
        try:
            with self.org.transaction("api", call.client):
                for reference, part in zip(references, parts, strict=True):
                    answers[reference] = self._part(call, part, answers)
                if body.get("allOrNone") is True and any(_failed(one) for one in answers.values()):
                    raise _Undone
        except _Undone:
            back = Answer(400, [halted(_ROLLED_BACK).entry()])
            answers = {name: one if _failed(one) else back for name, one in answers.items()}
        shown = [_shown(reference, answer) for reference, answer in answers.items()]
        return Answer(200, {"compositeResponse": shown})

    def _part(self, call: Call, part: dict[str, Any], answers: Mapping[str, Answer]) -> Answer:
        try:
            url = _filled(str(part.get("url", "")), answers)
            body = _filled(part.get("body"), answers)
        except Refused as refused:
            return Answer(400, [refused.entry()])
        headers = {str(k).lower(): str(v) for k, v in (part.get("httpHeaders") or {}).items()}
        return self._carried_out(call, str(part.get("method", "")), str(url), body, headers)

    def _carried_out(
        self, call: Call, method: str, url: str, body: Any, headers: Mapping[str, str]
    ) -> Answer:
        split = urlsplit(url)
        found = _VERSIONED.fullmatch(split.path)
        if (
            found is None
            or found[2].startswith(("/composite/batch", "/composite/tree"))
            or found[2] == "/composite"
        ):
            return Answer(
                404, [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]
            )
        kept = {k: v for k, v in call.headers.items() if k.startswith("sforce-")}
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        part = Call(method.upper(), unquote(found[2]), int(found[1]), query, {**kept, **headers}, body)
        return self.router.answer(part)

    def batch(self, call: Call) -> Answer:
        """Up to 25 independent calls; one that fails takes nothing back."""
        body = call.record()
        results: list[dict[str, Any]] = []
        for part in _parts(body, "batchRequests"):
            failed = any(one["statusCode"] >= 400 for one in results)
            if failed and body.get("haltOnError") is True:
                entry = {
                    "errorCode": "BATCH_PROCESSING_HALTED",
                    "message": "Batch processing halted per request",
                }
                results.append({"statusCode": 412, "result": [entry]})
                continue
            url = "/services/data/" + str(part.get("url", "")).removeprefix("/services/data/").lstrip("/")
            done = self._carried_out(call, str(part.get("method", "")), url, part.get("richInput"), {})
            results.append({"statusCode": done.status, "result": done.body})
        return Answer(
            200, {"hasErrors": any(one["statusCode"] >= 400 for one in results), "results": results}
        )


def _parts(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = body.get(name)
    if not isinstance(parts, list) or not parts or not all(isinstance(one, dict) for one in parts):
        raise unparsable(f"{name} must be an array of objects at [line:1, column:1]")
    if len(parts) > PARTS_MAX:
        text = f"The request has {len(parts)} subrequests; the limit is {PARTS_MAX}"
        raise Refused("LIMIT_EXCEEDED", text)
    return parts


def _failed(answer: Answer) -> bool:
    return answer.status >= 400


def _shown(reference: str, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": dict(answer.headers),
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }


def _filled(value: Any, answers: Mapping[str, Answer]) -> Any:
    """The value with each reference replaced by what the named part answered. Raises Refused."""
    if isinstance(value, Mapping):
        return {_filled(name, answers): _filled(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _referred(whole, answers)
    return _REFERENCE.sub(lambda hit: str(_referred(hit, answers)), value)


def _referred(hit: re.Match[str], answers: Mapping[str, Answer]) -> Any:
    answer = answers.get(hit[1])
    at: Any = answer.body if answer is not None and not _failed(answer) else None
    for name, index in _STEP.findall(hit[2]):
        if name and isinstance(at, Mapping):
            at = at.get(name)
        elif index and isinstance(at, list) and int(index) < len(at):
            at = at[int(index)]
        else:
            at = None
    if at is None:
        named = hit[0][2:-1]
        raise halted(f"Invalid reference specified. No value for {named} found in {hit[1]}")
    return at
