"""Preview and back-test: what a mapping would do, on records that were really there, without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import trying, versions
from hub.mapping import Translator
from hub.trying import Pair
from tests.mapped import IN, OUT, SHOP, Mapped

LOWER = SHOP.replace("{ from: mail, optional: true }", "{ formula: 'LOWER(mail)', optional: true }")


@pytest.fixture
def mapped(database_url: str, tmp_path: Path) -> Iterator[Mapped]:
    made = Mapped(database_url, tmp_path)
    yield made
    made.hub.store.database.close()


def pair(mapped: Mapped, text: str) -> Pair:
    return Pair(compiled(mapped, text), compiled(mapped, SHOP))


def compiled(mapped: Mapped, text: str) -> Translator:
    return versions.translator(mapped.hub, IN, text)


def rows(mapped: Mapped) -> list[int]:
    from sqlalchemy import func, select

    from hub.store.tables import metadata

    with mapped.hub.store.look() as tx:
        return [
            tx.conn.execute(select(func.count()).select_from(table)).scalar() or 0
            for table in metadata.sorted_tables
        ]


def test_records_are_kept_as_their_connector_read_them(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": "Acme", "limit": 1234567890.12, "list": [{"a": None}]})
    [sample] = trying.samples(mapped.hub, IN, 10)
    assert (sample.external_id, str(sample.record["limit"])) == ("7", "1234567890.12")
    assert sample.record["list"] == [{"a": None}]


def test_a_record_that_could_not_be_translated_is_there_to_try_the_next_version_on(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": ""})
    assert mapped.customers() == []
    [sample] = trying.samples(mapped.hub, IN, 10)
    [shown] = trying.preview(mapped.hub, IN, compiled(mapped, SHOP), [sample])
    assert [(failed.field, failed.line) for failed in shown.trace.failed] == [("name", 5)]
    mended = compiled(mapped, SHOP.replace("{ from: title }", '{ from: title, default: "unnamed" }'))
    [shown] = trying.preview(mapped.hub, IN, mended, [sample])
    assert shown.document is not None
    assert shown.document["name"] == "unnamed"


def test_a_preview_says_of_every_field_where_it_comes_from_and_changes_nothing(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": "Acme", "mail": "X@A.example"})
    before = rows(mapped)
    [shown] = trying.preview(mapped.hub, IN, compiled(mapped, LOWER), trying.samples(mapped.hub, IN, 1))
    by_target = {origin.target: origin for origin in shown.trace.origins}
    assert by_target["domain"].value == "x@a.example"
    assert [tuple(part) for part in by_target["domain"].inputs] == [("mail", "X@A.example")]
    assert by_target["domain"].formula == "LOWER(mail)"
    assert rows(mapped) == before


def test_a_preview_tells_what_the_canonical_model_refuses(mapped: Mapped) -> None:
    long = compiled(
        mapped, SHOP.replace("{ from: title }", "{ formula: 'JOIN(\"-\", title, title, title)' }")
    )
    sample = trying.Sample("given", "", {"id": 1, "title": "x" * 200})
    [shown] = trying.preview(mapped.hub, IN, long, [sample])
    assert shown.document is None
    assert "name" in shown.problem


def test_a_back_test_counts_what_differs_field_by_field_with_examples(mapped: Mapped) -> None:
    mapped.send(
        *({"id": n, "title": f"Co {n}", "mail": "A@B.example" if n % 2 else "c@d.example"} for n in range(10))
    )
    before = rows(mapped)
    found = trying.backtest(mapped.hub, IN, pair(mapped, LOWER), trying.samples(mapped.hub, IN, 100))
    assert (found.compared, found.same, found.different) == (10, 5, 5)
    assert dict(found.fields) == {"domain": 5}
    assert {(one.before, one.after) for one in found.examples["domain"]} == {("A@B.example", "a@b.example")}
    assert dict(found.systems) == {"erp": 5}
    assert rows(mapped) == before


def test_a_back_test_finds_what_would_newly_fail_and_what_would_be_cured(mapped: Mapped) -> None:
    mapped.send({"id": 1, "title": "Acme"}, {"id": 2, "title": "Beta", "terms": "30"})
    mapped.send({"id": 3, "title": "", "mail": "m@x.example"})
    text = SHOP.replace("{ from: title }", "{ from: mail }")
    found = trying.backtest(mapped.hub, IN, pair(mapped, text), trying.samples(mapped.hub, IN, 100))
    assert found.outcomes["translated", "failed"] == 2
    assert found.outcomes["failed", "translated"] == 1
    assert any("no value from mail" in reason for reason in found.reasons)


def test_what_a_candidate_does_not_own_touches_nobody(mapped: Mapped) -> None:
    mapped.send({"id": 1, "title": "Acme", "mail": "A@B.example"})
    text = LOWER.replace("owns: [name, domain, payment_terms]", "owns: [name]")
    found = trying.backtest(mapped.hub, IN, pair(mapped, text), trying.samples(mapped.hub, IN, 10))
    assert found.different == 1
    assert dict(found.systems) == {}


def test_outgoing_mappings_are_tried_on_documents(mapped: Mapped) -> None:
    mapped.send({"id": 1, "title": "Acme"}, {"id": 2, "title": "Beta"})
    with mapped.hub.store.look() as tx:
        text = versions.sheet(mapped.hub, tx, OUT).text
    now = versions.translator(mapped.hub, OUT, text)
    then = versions.translator(mapped.hub, OUT, text.replace("UPPER(name)", "LOWER(name)"))
    found = trying.backtest(mapped.hub, OUT, Pair(then, now), trying.samples(mapped.hub, OUT, 10))
    assert (found.different, dict(found.systems)) == (2, {"erp": 2})
    assert {one.after for one in found.examples["title"]} == {"acme", "beta"}


def test_a_thousand_records_are_compared_with_progress(mapped: Mapped) -> None:
    for at in range(0, 1000, 250):
        mapped.send(*({"id": n, "title": f"Co {n}", "mail": "A@B.example"} for n in range(at, at + 250)))
    told: list[tuple[int, int]] = []
    found = trying.backtest(
        mapped.hub, IN, pair(mapped, LOWER), trying.samples(mapped.hub, IN, 1000),
        lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert (found.compared, found.different) == (1000, 1000)
    assert told == [(200, 1000), (400, 1000), (600, 1000), (800, 1000), (1000, 1000)]


@pytest.mark.parametrize(
    "odd",
    [10**40, "half \ud800 a surrogate", {"deep": [[[]]]}, 1e300],
    ids=["large", "surrogate", "deep", "float"],
)
def test_a_record_with_odd_values_is_kept_and_its_delivery_processed(mapped: Mapped, odd: object) -> None:
    mapped.send({"id": 1, "title": "Acme", "odd": odd})
    assert len(mapped.customers()) == 1
    assert len(trying.samples(mapped.hub, IN, 1)) == 1


def test_a_record_that_cannot_be_kept_stops_neither_its_delivery_nor_its_neighbours(mapped: Mapped) -> None:
    mapped.send(
        {"id": "x" * 400, "title": ""}
    )  # refused by the mapping, and its id is too long for our table
    mapped.send({"id": 2, "title": "Beta"})
    assert [one.document.name for one in mapped.customers()] == ["Beta"]
    with mapped.hub.store.look() as tx:
        from sqlalchemy import text

        open_cases = tx.conn.execute(text("select reason from cases where state = 'open'")).scalars().all()
    assert open_cases == ["unmappable"]
