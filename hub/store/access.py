"""Who may do what: bearer tokens by digest, and leases that make one process the leader."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hub.store.database import Database, clock
from hub.store.tables import LEASES, TOKENS


def add_token(conn: Connection, *, digest: str, name: str, role: str, now: datetime) -> None:
    """Remember a token by its digest."""
    conn.execute(TOKENS.insert(), {"digest": digest, "name": name, "role": role, "created_at": now})


def token(conn: Connection, digest: str) -> Row[Any, Any] | None:
    """The living token with this digest, or None."""
    query = sa.select(TOKENS).where(TOKENS.c.digest == digest, TOKENS.c.revoked_at.is_(None))
    return conn.execute(query).first()


def tokens(conn: Connection) -> Sequence[Row[Any, Any]]:
    """Every token ever made, without its secret."""
    return conn.execute(sa.select(TOKENS).order_by(TOKENS.c.created_at)).all()


def revoke(conn: Connection, name: str, now: datetime) -> int:
    """End all living tokens of this name; returns how many."""
    done = conn.execute(
        TOKENS.update().where(TOKENS.c.name == name, TOKENS.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return done.rowcount


def lead(database: Database, conn: Connection, name: str, holder: str, seconds: float) -> bool:
    """Take or keep the lease of this name; False while another holder has it."""
    insert = database.insert(LEASES).values(name=name, holder=holder, lease_until=clock() + seconds)
    taken = insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "lease_until": clock() + seconds},
        where=sa.or_(LEASES.c.holder == holder, LEASES.c.lease_until < clock()),
    ).returning(LEASES.c.holder)
    return conn.execute(taken).scalar() == holder


def leave(conn: Connection, names: Sequence[str], holder: str) -> None:
    """Give leases up, and forget their names."""
    conn.execute(LEASES.delete().where(LEASES.c.name.in_(names), LEASES.c.holder == holder))
