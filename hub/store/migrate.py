"""Bringing a database to the current schema; safe to run by several processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.failpoints import failpoint
from hub.store import statistics

_HERE = Path(__file__).parent / "migrations"
_LOCK = 0x02C0_0001  # PostgreSQL advisory lock: one migrator at a time


def newest() -> str:
    """The newest revision we ship."""
    return max(path.stem.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py"))


def configuration(url: str) -> Any:
    """Alembic's configuration for a database, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Migrate to the newest revision. A database that is there already costs one question."""
    engine = sa.create_engine(url)
    try:
        if _stands_at(engine) == newest():
            return
        from alembic import command  # 14 MB that a running hub does not need

        with _whole(engine) as conn:
            config = configuration(url)
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
            if engine.dialect.name == "sqlite":
                statistics.write(conn)
            failpoint("migrate.before_commit")
    finally:
        engine.dispose()


@contextmanager
def _whole(engine: sa.Engine) -> Iterator[sa.Connection]:
    """All of it or nothing, one migrator at a time.

    SQLite's driver would commit each CREATE TABLE by itself: a hub killed in between could never start again.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as conn:
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield conn
        return
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        conn.exec_driver_sql("PRAGMA busy_timeout=30000")
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        yield conn
        conn.exec_driver_sql("COMMIT")


def _stands_at(engine: sa.Engine) -> str:
    """The revision of a database; empty for a new one."""
    with engine.connect() as conn:
        if not sa.inspect(conn).has_table("alembic_version"):
            return ""
        return str(conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "")
