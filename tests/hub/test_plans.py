"""How SQLite looks for things: by what singles them out, never through everything of a kind or a connection.

A search that is right on ten rows and walks through a million looks the same in every other test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.duedates import DueDates
from hub.store import statistics
from hub.store.cases import Cases
from hub.store.database import Database
from tests.hub.cash_world import invoice, with_bank
from tests.hub.test_provider_year import QUICK, Year
from tests.world import World, make_world

LARGE = ("attempts", "cases", "documents", "events", "inbox", "journal", "postings", "records", "xref")
SINGLES_OUT = re.compile(
    r"\b(rowid|id|amount_minor|cause|customer_id|document_id|event_id|external_id|group_id|inbox_id|invoice_id|"
    r"lease_until|next_at|number|order_id|payment_id|reference|row_id|subject|trace|waits_for)[=<>]"
)
WORK_LISTS = (  # what is open of a kind, in pages: as many rows as there is work
    re.compile(r"(?s)documents\.state (=|IN) .*LIMIT"),
    re.compile(r"WHERE cases\.state = \?"),
)
OF_TESTS = re.compile(r"^select |GROUP BY postings\.account|^UPDATE (inbox|xref) SET next_at=\(\(", re.ASCII)
Ran = dict[str, tuple[str, Any]]


@contextmanager
def statements() -> Iterator[Ran]:
    """Every different statement that runs meanwhile, with an example of what it was given."""
    ran: Ran = {}

    def note(_conn: Any, _cursor: Any, text: str, given: Any, _context: Any, many: bool) -> None:
        ran.setdefault(re.sub(r"\?(, \?)+", "?", text), (text, given[0] if many else given))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield ran
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def walks(database: Database, ran: Ran) -> list[str]:
    """Steps that look through a large table by nothing that singles rows out."""
    found = []
    with database.reading() as conn:
        for text, given in ran.values():
            if not text.startswith(("SELECT", "UPDATE", "DELETE")) or "sqlite_" in text:
                continue
            plan = [str(row[-1]) for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
            found += [f"{step}: {' '.join(text.split())}" for step in plan if is_walk(step, text)]
    return found


def is_walk(step: str, text: str) -> bool:
    """Is a step of a plan one that takes longer with every row there is?"""
    names = re.match(r"(?:SCAN|SEARCH) (\w+)", step)
    if names is None or names[1] not in LARGE or any(one.search(text) for one in WORK_LISTS):
        return False
    return "ANY(" in step or not SINGLES_OUT.search(step)


def year(world: World) -> None:
    """Orders, invoices, payments, refunds, disputes, payouts and what people decide about them."""
    some = Year(world, 12, QUICK)
    some.live()


def loop(world: World) -> None:
    """A deal becomes an order, is shipped, invoiced and paid; other money comes for nothing."""
    with_bank(world)
    world.send("crm", world.company(), world.deal())
    world.work(20)
    world.send("erp", world.shipment("s1", "d1", A="2"))
    world.work(20)
    world.send("erp", *(invoice(world, f"INV-{n}", "10.00") for n in range(3)))
    world.send("bank", world.credit("p1", "200.00", "Invoice 1"), world.credit("p2", "77.00", "nobody knows"))
    world.work(20)
    DueDates(world.hub).look()


@pytest.mark.parametrize("story", [year, loop])
def test_no_search_walks_through_a_large_table(story: Any, tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with statements() as ran:
        story(world)
    ours = {key: one for key, one in ran.items() if not OF_TESTS.search(key)}
    assert len(ours) > 20
    assert walks(world.hub.store.database, ours) == []
    world.hub.store.database.close()


def test_the_rule_sees_a_walk(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    queries = (
        "SELECT id FROM documents WHERE kind = 'order'",
        "SELECT id FROM xref WHERE connection = 'erp'",
    )
    ran: Ran = {text: (text, ()) for text in queries}
    assert len(walks(world.hub.store.database, ran)) == 2
    world.hub.store.database.close()


def test_cases_are_found_by_their_document_and_row_on_every_database(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'hub.db'}")
    with statements() as ran, world.hub.store.begin() as tx:
        Cases("sqlite", tx.conn).close("a document", ["short_payment"], tx.now)
        Cases("sqlite", tx.conn).close_row("a row", tx.now)
    plans = []
    with world.hub.store.database.reading() as conn:
        for text, given in (one for one in ran.values() if one[0].startswith("UPDATE cases")):
            plans += [str(row[-1]) for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
    assert ["cases_by_document" in plans[0], "cases_by_row" in plans[1]] == [True, True], plans
    world.hub.store.database.close()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["id"], "1000000 1"),
        (["kind", "state", "created_at"], "1000000 125000 625 1"),
        (["order_id", "kind"], "1000000 6 1"),
    ],
)
def test_the_planner_is_told_how_many_rows_share_a_prefix(columns: list[str], told: str) -> None:
    assert statistics.figures(columns, statistics.ROWS) == told
