"""Where the tests of the simulated HubSpot account play: the account, its clock, and a client for its API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from sandbox.hubspot import HubSpotSandbox

TOKEN = "pat-na1-for-tests"
SECRET = "secret-for-tests"
OBJECTS = "/crm/objects/2026-09"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 10, 5, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Switchboard:
    """One server for all tests: starting and stopping one takes longer than most tests do."""

    def __init__(self) -> None:
        self.app: Any = None
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Place:
    """An account that listens."""

    def __init__(self, box: HubSpotSandbox, url: str, clock: Clock) -> None:
        self.box, self.url, self.clock = box, url, clock
        # plain HTTP on this machine: reading the list of authorities would take longer than most tests
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, verify=False, trust_env=False
        )

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: str) -> Any:
        """The JSON that a call is answered, None for an empty one."""
        answer = self.http.request(method, path, json=body, params=query or None)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def create(self, kind: str, **properties: str) -> str:
        """An object made over the API; its id."""
        made = self.call("POST", f"{OBJECTS}/{kind}", {"properties": properties}, status=201)
        return str(made["id"])

    def search(self, kind: str, *filters: dict[str, Any], **more: Any) -> Any:
        """The answer to a search."""
        groups = [{"filters": list(filters)}] if filters else []
        return self.call("POST", f"{OBJECTS}/{kind}/search", {"filterGroups": groups, **more})

    def unique(self, kind: str, name: str = "o2c_key") -> None:
        """A property with unique values."""
        group = self.call("GET", f"/crm/properties/2026-09/{kind}/groups")["results"][0]["name"]
        body = {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": group}
        self.call("POST", f"/crm/properties/2026-09/{kind}", {**body, "hasUniqueValue": True}, status=201)
