"""Asynchronous requests: accepted at once, done as a job, known again by their idempotency key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from sandbox.netsuite.refusals import Refusal

JOBS_MAX = 100_000
ASYNC = "/services/rest/async/v1/job"


@dataclass
class Jobs:
    """The jobs of one account. They are done at once; a client cannot rely on that."""

    results: list[Response] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)  # idempotency key -> job number

    def before(self, key: str, origin: str) -> None:
        """Refuses a key that was used before, telling where its job is."""
        if key in self.keys:
            no = Refusal(
                "Another request with the same idempotency key was already accepted.",
                "IDEMPOTENCY_ERROR",
                where="X-NetSuite-Idempotency-Key",
                part="Header",
            )
            no.headers["location"] = f"{origin}{ASYNC}/{self.keys[key]}"
            raise no

    def accept(self, key: str, result: Response, origin: str) -> Response:
        """Note what came of a request and answer with the job's address."""
        if len(self.results) >= JOBS_MAX:
            raise RuntimeError(f"over {JOBS_MAX} jobs; start a new sandbox")
        self.results.append(result)
        number = len(self.results)
        if key:
            self.keys[key] = number
        return Response(status_code=202, headers={"location": f"{origin}{ASYNC}/{number}"})

    def get(self, rest: list[str], origin: str) -> dict[str, Any] | Response:
        """A job, its one task, or the task's result: the answer the request would have had."""
        known = rest and rest[0].isdigit() and 1 <= int(rest[0]) <= len(self.results)
        if not known:
            raise Refusal("The job does not exist.", "INVALID_ID", status=404)
        here = f"{origin}{ASYNC}/{rest[0]}"
        told = {"id": rest[0], "completed": True, "progress": "succeeded"}
        if len(rest) == 1:
            return {**told, "task": {"links": [{"rel": "self", "href": f"{here}/task"}]}}
        task = {"links": [{"rel": "self", "href": f"{here}/task/{rest[0]}"}], **told}
        if rest[1] == "task" and len(rest) == 2:
            return {
                "links": [],
                "items": [task],
                "count": 1,
                "hasMore": False,
                "offset": 0,
                "totalResults": 1,
            }
        if rest[1] == "task" and rest[3:] == ["result"]:
            return self.results[int(rest[0]) - 1]
        if rest[1] == "task" and len(rest) == 3:
            return task
        raise Refusal("The requested resource does not exist.", "NOT_FOUND", status=404)
