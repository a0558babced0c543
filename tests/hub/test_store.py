"""The schema, the migrations, and what must never be slow: claims use their indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.store import queue
from hub.store.database import Database, clock, new_id
from hub.store.migrate import upgrade
from hub.store.tables import metadata
from tests.world import World, make_world


def test_the_migrations_make_exactly_the_tables(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    upgrade(empty_database_url)  # a second time changes nothing
    engine = sa.create_engine(empty_database_url)
    with engine.connect() as conn:
        differences = compare_metadata(MigrationContext.configure(conn), metadata)
    engine.dispose()
    assert differences == []


def test_the_databases_clock_is_the_real_one(database_url: str) -> None:
    import time

    database = Database(database_url)
    with database.reading() as conn:
        assert abs(conn.execute(sa.select(clock())).scalar_one() - time.time()) < 5
    database.close()


def test_ids_are_unique_and_ordered_in_time() -> None:
    ids = [new_id() for _ in range(5_000)]
    assert len(set(ids)) == 5_000
    assert [i[:12] for i in ids] == sorted(i[:12] for i in ids)


def test_sqlite_claims_by_its_partial_indexes(tmp_path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    database = world.hub.store.database
    ran: list[tuple[str, tuple[object, ...]]] = []
    sa.event.listen(
        database.engine,
        "before_cursor_execute",
        lambda conn, cursor, text, given, *rest: ran.append((text, given)),
    )
    with database.writing() as conn:
        for without in ((), ("busy", "busier")):
            queue.claim_inbox(conn, lease=1.0, limit=1, without=without)
        queue.claim_xref(conn, "erp", lease=1.0, limit=1, concurrency=4)
    claims = [(text, given) for text, given in ran if text.startswith("UPDATE")]
    assert len(claims) == 6  # rows that are trusted, then those under suspicion
    with database.reading() as conn:
        for text, given in claims:
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all()
            index = "inbox_due" if text.startswith("UPDATE inbox") else "xref_due"
            assert any(index in str(step) for step in plan), plan


def test_a_failpoint_is_off_by_default(world: World) -> None:
    import os

    assert "O2C_FAILPOINT" not in os.environ
