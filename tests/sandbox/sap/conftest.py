"""One served system per test file, reset for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.sap.place import Place, started


@pytest.fixture(scope="module")
def served() -> Iterator[Place]:
    with started() as place:
        yield place


@pytest.fixture
def place(served: Place) -> Place:
    served.sap.reset()
    return served
