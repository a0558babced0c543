"""The servers the tests run against are the real ones."""

from __future__ import annotations

import os
import time

import pytest
import redis
import sqlalchemy as sa

from tests import servers


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_postgres_answers_with_its_version(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        version = connection.execute(sa.text("SELECT version()")).scalar_one()
    engine.dispose()
    assert version.startswith("PostgreSQL ")


def test_redis_answers_ping(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping() is True
        assert client.dbsize() == 0


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_a_fresh_database(database_url: str, turn: int) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE once (turn INTEGER)"))
    engine.dispose()


def test_redis_is_gone_when_its_block_ends() -> None:
    with servers.redis_server() as url, redis.Redis.from_url(url) as client:
        pid = client.info("server")["process_id"]
        assert alive(pid)
    assert not alive(pid)


def test_servers_start_within_seconds() -> None:
    began = time.monotonic()
    try:
        with servers.postgres() as url, servers.redis_server():
            assert time.monotonic() - began < servers.START_SECONDS
            engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
            with engine.connect() as connection:
                pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            engine.dispose()
    except servers.Unavailable as reason:
        pytest.skip(str(reason))
    assert not alive(pid)
