"""Lineage of documents: every value is a record's, the model's default, or the hub's own, and says which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import versions
from hub.origins import Lineage, lineage
from tests.mapped import IN, SHOP, Mapped


@pytest.fixture
def mapped(database_url: str, tmp_path: Path) -> Iterator[Mapped]:
    made = Mapped(database_url, tmp_path)
    yield made
    made.hub.store.database.close()


def told(mapped: Mapped) -> Lineage:
    [customer] = mapped.customers()
    found = lineage(mapped.hub, customer.document.id)
    assert found is not None
    return found


def test_a_mapped_field_names_record_path_value_mapping_and_line(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": "Acme", "terms": "30"})
    by_path = {one.path: one for one in told(mapped).fields}
    terms = by_path["payment_terms"]
    assert (terms.how, terms.value) == ("mapped", "NET30")
    assert terms.source is not None
    assert terms.origin is not None
    assert (terms.source.connection, terms.source.external_id) == ("shop", "7")
    assert terms.source.mapping == "http.account -> customer v3"
    assert [tuple(part) for part in terms.origin.inputs] == [("terms", "30")]
    assert terms.origin.line == 7
    assert by_path["tax_id"].how == "default"
    assert (by_path["state"].how, by_path["state"].event) == ("hub", "customer.received")


def test_what_was_sent_is_explained_too(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": "Acme"})
    [sent] = told(mapped).sent if len(told(mapped).sent) == 1 else told(mapped).sent[-1:]
    assert sent.connection == "erp"
    [title] = [origin for origin in sent.origins if origin.target == "title"]
    assert (title.value, title.formula) == ("ACME", "UPPER(name)")


def test_a_document_is_explained_by_the_version_that_made_it(mapped: Mapped) -> None:
    upper = SHOP.replace("{ from: title }", "{ formula: 'UPPER(title)' }")
    draft = versions.save_draft(mapped.hub, IN, upper, by="ann", reason="")
    versions.activate(mapped.hub, draft, by="ann", four_eyes=False)
    mapped.send({"id": 7, "title": "Acme"})
    versions.roll_back(mapped.hub, IN, by="ann")
    [name] = [one for one in told(mapped).fields if one.path == "name"]
    assert name.source is not None
    assert name.origin is not None
    assert (name.value, name.origin.formula, name.source.exact) == ("ACME", "UPPER(title)", True)


def test_where_the_file_moved_on_the_answer_says_that_it_is_not_exact(mapped: Mapped) -> None:
    mapped.send({"id": 7, "title": "Acme"})
    mapped.file(IN, SHOP.replace("version: 3", "version: 5"))
    mapped.registry.refresh(force=True)
    [name] = [one for one in told(mapped).fields if one.path == "name"]
    assert name.source is not None
    assert name.source.exact is False


def test_nothing_is_known_of_a_document_that_is_not_there(mapped: Mapped) -> None:
    assert lineage(mapped.hub, "nothing") is None
