"""Versions of mappings: drafted, put in force, rolled back; never with a fault, never half."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import versions
from hub.errors import Conflict, Invalid, MappingInvalid
from hub.replaying import replay
from hub.store import mappings
from tests.mapped import ERP, IN, OUT, SHOP, Mapped

CALM = SHOP.replace("title }", "title, via: text }").replace("{ from: mail,", "{ formula: 'LOWER(mail)',")
BROKEN = SHOP.replace("{ from: title }", "{ formula: 'UPER(title)' }")


@pytest.fixture
def mapped(database_url: str, tmp_path: Path) -> Iterator[Mapped]:
    made = Mapped(database_url, tmp_path)
    yield made
    made.hub.store.database.close()


def put_in_force(mapped: Mapped, text: str, by: str = "ann") -> str:
    draft = versions.save_draft(mapped.hub, IN, text, by=by, reason="try")
    versions.activate(mapped.hub, draft, by=by, four_eyes=False)
    return draft


def states(mapped: Mapped) -> list[tuple[int, str]]:
    with mapped.hub.store.look() as tx:
        return [(row.version, row.state) for row in mappings.versions(tx.conn, IN)]


def test_without_versions_the_file_is_in_force(mapped: Mapped) -> None:
    mapped.send({"id": 1, "title": "Acme"})
    [customer] = mapped.customers()
    assert customer.translated_by == "http.account -> customer v3"


def test_a_draft_does_nothing_until_it_is_activated(mapped: Mapped) -> None:
    versions.save_draft(mapped.hub, IN, CALM, by="ann", reason="")
    mapped.send({"id": 1, "title": "Acme", "mail": "X@ACME.example"})
    [customer] = mapped.customers()
    assert customer.document.domain == "X@ACME.example"


def test_an_activated_version_is_in_force_at_once_and_documents_remember_it(mapped: Mapped) -> None:
    put_in_force(mapped, CALM)
    mapped.send({"id": 1, "title": "Acme", "mail": "X@ACME.example"})
    [customer] = mapped.customers()
    assert customer.document.domain == "x@acme.example"
    assert customer.translated_by == "http.account -> customer v4"  # the file was 3


def test_another_process_sees_the_version_too(mapped: Mapped, database_url: str, tmp_path: Path) -> None:
    from hub.registry import Registry

    other = Registry(mapped.hub.store, mapped.registry.vault, mapped.files)
    assert other.get("shop").translator("customer", "in").document.version == 3
    put_in_force(mapped, CALM)
    other.refresh(force=True)
    assert other.get("shop").translator("customer", "in").document.version == 4


def test_a_version_with_a_fault_never_comes_into_force(mapped: Mapped) -> None:
    draft = versions.save_draft(mapped.hub, IN, BROKEN, by="ann", reason="")
    with pytest.raises(MappingInvalid, match="unknown function 'UPER'"):
        versions.activate(mapped.hub, draft, by="ann", four_eyes=False)
    assert states(mapped) == [(4, "draft")]
    mapped.send({"id": 1, "title": "Acme"})
    assert mapped.customers()[0].document.name == "Acme"


def test_a_text_for_another_place_is_refused(mapped: Mapped) -> None:
    checked = versions.check(mapped.hub, IN, ERP)
    assert [finding.message for finding in checked.findings] == [
        "this is a mapping for customer.out, not for shop/customer.in"
    ]


def test_four_eyes_need_a_second_person(mapped: Mapped) -> None:
    draft = versions.save_draft(mapped.hub, IN, CALM, by="ann", reason="")
    with pytest.raises(Invalid, match="ann wrote this version: another admin has to activate it"):
        versions.activate(mapped.hub, draft, by="ann", four_eyes=True)
    versions.activate(mapped.hub, draft, by="ben", four_eyes=True)
    assert states(mapped) == [(4, "active")]


def test_rolling_back_goes_from_version_to_version_and_then_to_the_file(mapped: Mapped) -> None:
    put_in_force(mapped, CALM)
    put_in_force(mapped, CALM.replace("LOWER", "UPPER"))
    assert versions.roll_back(mapped.hub, IN, by="ann") == "v4"
    assert states(mapped) == [(5, "retired"), (4, "active")]
    mapped.send({"id": 1, "title": "Acme", "mail": "X@acme.example"})
    assert mapped.customers()[0].document.domain == "x@acme.example"


def test_rolling_back_the_first_version_gives_the_file_its_place_again(mapped: Mapped) -> None:
    put_in_force(mapped, CALM)
    assert versions.roll_back(mapped.hub, IN, by="ann") == "the file of mappings/"
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 3
    with pytest.raises(Invalid, match="nothing to roll back"):
        versions.roll_back(mapped.hub, IN, by="ann")


def test_a_draft_can_be_changed_and_thrown_away_but_what_was_in_force_stays(mapped: Mapped) -> None:
    draft = versions.save_draft(mapped.hub, IN, BROKEN, by="ann", reason="")
    assert versions.save_draft(mapped.hub, IN, CALM, by="ben", reason="better", draft_id=draft) == draft
    versions.activate(mapped.hub, draft, by="ann", four_eyes=False)
    with pytest.raises(Invalid, match="no draft any more"):
        versions.save_draft(mapped.hub, IN, SHOP, by="ben", reason="", draft_id=draft)
    with pytest.raises(Invalid, match="stays on record"):
        versions.discard(mapped.hub, draft, by="ben")
    other = versions.save_draft(mapped.hub, IN, SHOP, by="ann", reason="")
    versions.discard(mapped.hub, other, by="ann")
    assert states(mapped) == [(4, "active")]


def test_two_who_activate_at_once_leave_exactly_one_version_in_force(mapped: Mapped) -> None:
    drafts = [versions.save_draft(mapped.hub, IN, CALM, by="ann", reason="") for _ in range(4)]
    ready = threading.Barrier(len(drafts))
    refused: list[Exception] = []

    def go(draft: str) -> None:
        ready.wait()
        try:
            versions.activate(mapped.hub, draft, by="ben", four_eyes=True)
        except (Conflict, Invalid) as error:
            refused.append(error)

    threads = [threading.Thread(target=go, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state for _, state in states(mapped)].count("active") == 1


def test_the_text_keeps_its_comments_and_gets_its_number(mapped: Mapped) -> None:
    draft = versions.save_draft(mapped.hub, IN, SHOP, by="ann", reason="")
    with mapped.hub.store.look() as tx:
        text = versions.one(tx, draft).text
    assert text == SHOP.replace("version: 3", "version: 4")


def test_a_delivery_under_way_ends_on_the_version_it_began_with(mapped: Mapped) -> None:
    """The batch holds its translators: what was translated is merged under the same version."""
    began = mapped.registry.get("shop")
    put_in_force(mapped, CALM)
    assert began.translator("customer", "in").document.version == 3
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 4


def test_documents_made_before_can_be_made_again_with_the_new_version(mapped: Mapped) -> None:
    mapped.send({"id": 1, "title": "Acme", "mail": "X@ACME.example"})
    put_in_force(mapped, CALM)
    [customer] = mapped.customers()
    assert replay(mapped.hub, IN, [customer.document.id, "unknown"], by="ann") == (1, ["unknown"])
    while mapped.hub.process():
        pass
    [again] = mapped.customers()
    assert again.document.domain == "x@acme.example"
    assert again.translated_by == "http.account -> customer v4"


def test_a_document_is_sent_again_under_a_new_key(mapped: Mapped) -> None:
    mapped.send({"id": 1, "title": "Acme"})
    [customer] = mapped.customers()
    assert replay(mapped.hub, OUT, [customer.document.id], by="ann") == (1, [])
    [again] = mapped.customers()
    assert again.version == customer.version + 1


def test_local_tables_belong_to_the_hub_and_outlive_every_version(mapped: Mapped) -> None:
    put_in_force(mapped, SHOP)
    versions.set_table(mapped.hub, "shop", "terms", {"30": "NET30", "x": "COD"}, by="ann")
    put_in_force(mapped, CALM.replace('"60": NET60', '"60": NET90'))
    mapped.send({"id": 1, "title": "Acme", "terms": "x"})
    assert str(mapped.customers()[0].document.payment_terms) == "COD"
    with pytest.raises(Invalid, match="no mapping of shop has a local table 'term'"):
        versions.set_table(mapped.hub, "shop", "term", {}, by="ann")


def test_who_did_what_is_on_record(mapped: Mapped) -> None:
    put_in_force(mapped, CALM)
    versions.roll_back(mapped.hub, IN, by="ben")
    from hub.store import views

    with mapped.hub.store.look() as tx:
        told = [(row.actor, row.action, row.subject) for row in views.audit(tx.conn)]
    assert ("ben", "mapping.roll_back", "shop/customer.in") in told
    assert ("ann", "mapping.activate", "shop/customer.in v4") in told


def test_what_a_roll_back_would_bring_is_checked_like_any_version(mapped: Mapped) -> None:
    put_in_force(mapped, CALM)
    mapped.file(IN, BROKEN)  # edited meanwhile
    with pytest.raises(MappingInvalid, match="unknown function 'UPER'"):
        versions.roll_back(mapped.hub, IN, by="ann")
    assert states(mapped) == [(4, "active")]


def test_a_roll_back_finds_what_was_in_force_however_many_drafts_there_are(mapped: Mapped) -> None:
    put_in_force(mapped, CALM)
    put_in_force(mapped, SHOP)
    with mapped.hub.store.begin() as tx:
        for number in range(6, 6 + mappings.LIST_MAX + 1):
            mappings.add_draft(tx.conn, IN, number, SHOP, author="ann", reason="", now=tx.now)
    assert versions.roll_back(mapped.hub, IN, by="ann") == "v4"


def test_a_connection_of_the_same_name_does_not_inherit_mappings(mapped: Mapped) -> None:
    from hub.store import upkeep

    put_in_force(mapped, CALM)
    with mapped.hub.store.begin() as tx:
        upkeep.forget(tx.conn, "shop")
    mapped.connect("shop", {"secret": "another", "kind": "customer"})
    assert mapped.registry.get("shop").translator("customer", "in").document.version == 3
    assert states(mapped) == []
