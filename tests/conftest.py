"""What every test may ask for: real databases, a real Redis, a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests import servers


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL server per test process, started when first asked for: its own URL."""
    try:
        with servers.postgres() as url:
            yield url
    except servers.Unavailable as reason:
        pytest.skip(f"no PostgreSQL: {reason}")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """SQLAlchemy URL of a fresh PostgreSQL database."""
    with servers.database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLAlchemy URL of a fresh database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """One Redis server per test process, started when first asked for."""
    try:
        with servers.redis_server() as url:
            yield url
    except servers.Unavailable as reason:
        pytest.skip(f"no Redis: {reason}")


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """URL of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """An installed Chromium for Playwright's executable_path."""
    try:
        return servers.chromium()
    except servers.Unavailable as reason:
        pytest.skip(str(reason))
