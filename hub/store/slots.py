"""Slots of vendors' accounts as rows, for several processes: each call in flight stands in one of them.

Leases end by the database's clock (ADR 0007). Each method is one statement of its own that does not wait
for the disk: a slot that a crash of the database forgets was in use for seconds at the most.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hub.governing import Leased
from hub.store.database import Database, clock, insert_new, new_id
from hub.store.tables import CALL_SLOTS

SURE_SECONDS = 60.0  # how long we believe that an account's rows are there
_LEASE = sa.text("""
    UPDATE call_slots SET holder = :holder,
        lease_until = extract(epoch from statement_timestamp())::float8 + :seconds
    WHERE account = :account AND slot = ANY(ARRAY(
        SELECT slot FROM call_slots
        WHERE account = :account AND slot < :limit
            AND lease_until < extract(epoch from statement_timestamp())::float8
        ORDER BY slot LIMIT :most FOR UPDATE SKIP LOCKED
    )) RETURNING slot
""")  # the array is made once; of a plain IN the planner may ask anew for every row, and lock too many
_OURS = sa.and_(
    CALL_SLOTS.c.account == sa.bindparam("place"),
    sa.tuple_(CALL_SLOTS.c.slot, CALL_SLOTS.c.holder).in_(sa.bindparam("held", expanding=True)),
)
_FREE = CALL_SLOTS.update().where(_OURS).values(holder="", lease_until=0.0)
_RENEW = (
    CALL_SLOTS.update().where(_OURS).values(lease_until=clock() + sa.bindparam("seconds", type_=sa.Double))
)


def shared_slots(database: Database) -> SharedSlots | None:
    """The slots of this database; None for SQLite, which belongs to one process."""
    return None if database.is_sqlite else SharedSlots(database)


class SharedSlots:
    """`hub.governing.Slots` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        # connections of their own: a call must not wait for its turn behind the hub's transactions
        self._engine = sa.create_engine(
            database.engine.url, pool_size=2, max_overflow=14, isolation_level="AUTOCOMMIT"
        )
        sa.event.listen(self._engine, "connect", _prepare)
        self._sure: dict[tuple[str, int], float] = {}

    def lease(self, account: str, limit: int, most: int, seconds: float) -> Sequence[Leased]:
        """Up to `most` free slots with a number below `limit`, for so many seconds."""
        at, holder = time.monotonic(), new_id()
        names = {"account": account, "limit": limit, "most": most, "holder": holder, "seconds": seconds}
        if at > self._sure.get((account, limit), 0.0):
            self._make_sure(account, limit)
            self._sure[account, limit] = at + SURE_SECONDS
        found = self._run(_LEASE, names)
        return [Leased(row.slot, holder, at, at + seconds) for row in found]

    def renew(self, account: str, held: Sequence[Leased], seconds: float) -> None:
        """Keep slots for so many seconds from now; one that was lost stays lost."""
        self._run(_RENEW, {"place": account, "held": _named(held), "seconds": seconds})

    def give_back(self, account: str, held: Sequence[Leased]) -> None:
        """These slots are free again."""
        self._run(_FREE, {"place": account, "held": _named(held)})

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _make_sure(self, account: str, limit: int) -> None:
        rows = [{"account": account, "slot": n, "holder": "", "lease_until": 0.0} for n in range(limit)]
        with self._engine.connect() as conn:
            insert_new(conn, CALL_SLOTS, rows)

    def _run(self, statement: Any, names: Mapping[str, Any]) -> Sequence[Any]:
        """One statement; tried again where the server had gone and come back meanwhile."""
        for last in (False, True):
            try:
                with self._engine.connect() as conn:
                    done = conn.execute(statement, names)
                    return done.all() if done.returns_rows else ()
            except sa.exc.DBAPIError as error:
                if last or not error.connection_invalidated:
                    raise
        raise AssertionError("unreachable")


def _named(held: Sequence[Leased]) -> Sequence[tuple[int, str]]:
    return [(one.slot, one.holder) for one in held]


def _prepare(connection: Any, _record: Any) -> None:
    connection.autocommit = True
    connection.execute("SET synchronous_commit = off")
