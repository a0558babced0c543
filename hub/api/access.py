"""Who is asking, and what they may do. A route without a declared role is refused when the app is built."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, NamedTuple

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hub.engine import Hub
from hub.secrets import token_digest
from hub.store import access

_bearer = HTTPBearer(auto_error=False, description="an API token, made by `o2c token` or by an admin")


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    VIEWER = 1  # reads
    OPERATOR = 2  # answers cases, retries, replays, polls
    ADMIN = 3  # connections and tokens

    @classmethod
    def named(cls, name: str) -> Role | None:
        """The role of this name, or None."""
        return cls.__members__.get(name.upper())


class Actor(NamedTuple):
    """A person or program with a living token."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Is the actor allowed what this role is?"""
        return self.role >= role


def actor_by_digest(hub: Hub, digest: str) -> Actor | None:
    """Whose token this is, if it is still alive."""
    with hub.store.look() as tx:
        row = access.token(tx.conn, digest)
    role = Role.named(row.role) if row is not None else None
    return Actor(row.name, role) if row is not None and role is not None else None


class Needs:
    """FastAPI dependency: the actor, if they have at least this role. 401 without a token, 403 below it."""

    def __init__(self, role: Role) -> None:
        self.role = role

    def __call__(
        self, request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Actor:
        """Who asks."""
        actor = actor_by_digest(request.app.state.hub, token_digest(sent.credentials)) if sent else None
        if actor is None:
            told = "send a living API token as `Authorization: Bearer o2c_...`"
            raise HTTPException(401, told, {"www-authenticate": "Bearer"})
        if not actor.may(self.role):
            needed, has = self.role.name.lower(), actor.role.name.lower()
            raise HTTPException(403, f"this needs the role {needed}; your token {actor.name!r} is {has}")
        return actor


def _the_hub(request: Request) -> Hub:
    found: Hub = request.app.state.hub
    return found


TheHub = Annotated[Hub, Depends(_the_hub)]
Viewer = Annotated[Actor, Depends(Needs(Role.VIEWER))]
Operator = Annotated[Actor, Depends(Needs(Role.OPERATOR))]
Admin = Annotated[Actor, Depends(Needs(Role.ADMIN))]
