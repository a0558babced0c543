"""One REST call in the form the endpoints work on, and the table that finds the endpoint for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce.refusals import Refused, not_found, unparsable


@dataclass(frozen=True)
class Call:
    """A call below /services/data/vXX.X. `named` are the path's parts; header names are in lower case."""

    method: str
    path: str  # below the version, decoded
    version: int
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """/services/data/vXX.X."""
        return f"/services/data/v{self.version}.0"

    @property
    def client(self) -> str:
        """The client named in Sforce-Call-Options."""
        found = re.search(r"client=([^,;\s]+)", self.headers.get("sforce-call-options", ""))
        return found.group(1) if found else ""

    @property
    def allows_duplicates(self) -> bool:
        """Does the call save what a duplicate rule alerts of?"""
        told = self.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return "allowsave=true" in told

    def record(self) -> dict[str, Any]:
        """The body as one JSON object. Raises Refused."""
        if not isinstance(self.body, dict):
            raise Refused(
                "JSON_PARSER_ERROR", "Unexpected end-of-input or not an object at [line:1, column:1]"
            )
        return self.body


@dataclass(frozen=True)
class Answer:
    """Status and JSON body; a body of None is none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Endpoint = Callable[[Call], Answer]


class Router:
    """Finds the endpoint of a call; composite calls use it for their parts too."""

    def __init__(self) -> None:
        self._table: list[tuple[str, re.Pattern[str], Endpoint]] = []

    def add(self, method: str, path: str, endpoint: Endpoint) -> None:
        """`path` with {names}; a name matches no slash."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
        self._table.append((method, re.compile(pattern + "/?", re.IGNORECASE), endpoint))

    def answer(self, call: Call) -> Answer:
        """Carry out the call; a refusal becomes its answer."""
        try:
            return self._found(call)
        except Refused as refused:
            return Answer(refused.status, [refused.entry()])
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # a body of another shape
            text = f"The request body has another shape: {type(error).__name__} at [line:1, column:1]"
            return Answer(400, [unparsable(text).entry()])

    def _found(self, call: Call) -> Answer:
        others = False
        for method, pattern, endpoint in self._table:
            hit = pattern.fullmatch(call.path)
            if hit and method == call.method:
                return endpoint(Call(**{**vars(call), "named": hit.groupdict()}))
            others = others or hit is not None
        if others:
            text = f"HTTP Method '{call.method}' not allowed. Allowed are other methods"
            raise Refused("METHOD_NOT_ALLOWED", text, status=405)
        raise not_found()
