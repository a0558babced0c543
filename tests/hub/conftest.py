"""The small world, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import World, make_world


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A hub with scripted systems on a fresh database."""
    made = make_world(database_url)
    yield made
    made.hub.store.database.close()
