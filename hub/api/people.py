"""Routes for tokens: who may use the hub."""

from __future__ import annotations

from fastapi import APIRouter

from hub.api import actions, showing
from hub.api.access import Admin, TheHub
from hub.api.shapes import Done, TokenIn, TokenMade, TokenOut
from hub.store import access

router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.get("")
def tokens(who: Admin, hub: TheHub) -> list[TokenOut]:
    """Every token ever made, without its secret."""
    with hub.store.look() as tx:
        return [showing.pick(TokenOut, row) for row in access.tokens(tx.conn)]


@router.post("", status_code=201)
def make(who: Admin, hub: TheHub, given: TokenIn) -> TokenMade:
    """Make a token. It is shown in this answer and never again."""
    token = actions.make_token(hub, who, given.name, given.role)
    return TokenMade(name=given.name, role=given.role, token=token)


@router.delete("/{name}")
def revoke(who: Admin, hub: TheHub, name: str) -> Done:
    """End a token and every console session begun with it."""
    actions.revoke_token(hub, who, name)
    return Done()
