"""Misbehaviour that only this API has: errors kept under a key, locks, slow requests, a wrong clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Trouble(BaseModel):
    """One to come. `sticky_error`: 500, the same again under the same key; `committed`: carried out all the
    same. `lock_timeout`: 429 of a locked object. `busy`: the request takes `seconds` (a second one with its
    key is answered 409)."""

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(pattern="^(sticky_error|lock_timeout|busy)$")
    method: str = "POST"
    path: str = ""  # a regular expression searched in the path; empty: any
    times: int = 1  # how often; -1 for ever
    skip: int = 0
    committed: bool = False
    seconds: float = 0.0

    def hits(self, method: str, path: str) -> bool:
        """Does this call meet it? Uses up `skip` and `times`."""
        if self.times == 0 or (self.method and self.method != method) or not re.search(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        return True


@dataclass
class Troubles:
    """All to come; `skew` seconds by which the API's clock is ahead."""

    lock: Any
    coming: list[Trouble] = field(default_factory=list)
    skew: int = 0

    def meet(self, method: str, path: str) -> Trouble | None:
        """The first one this call meets."""
        with self.lock:
            return next((one for one in self.coming if one.hits(method, path)), None)
