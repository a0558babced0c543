"""What every test may ask for: real databases, a real Redis, a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests import servers, templates

# What waits for processes, vendors and browsers begins first, so that nobody waits for it in the end.
LONG = (
    "tests/prove/", "tests/flows/", "tests/bench/", "tests/thirdparty/", "tests/house/test_image",
    "tests/ui/",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long tests first, the others in their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


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
    """SQLAlchemy URL of a fresh PostgreSQL database, migrated."""
    with servers.database(postgres_server, templates.postgres(postgres_server)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLAlchemy URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    with servers.database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLAlchemy URL of a fresh database, migrated, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'hub.db'}"
        templates.fill(url)
        return url
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
