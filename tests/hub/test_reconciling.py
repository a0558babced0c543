"""Reconciliation against a scripted ERP on real stores: whatever is seeded is found, explained, repaired."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from hub import reconciling, repairing
from hub.errors import AuthFailed, Invalid, Rejected
from hub.store import reconciliations, staging
from hub.store.reconciliations import Filter
from tests.bookkeeper import Keeper, keep, pay, rest, trade
from tests.world import World


@pytest.fixture
def erp(world: World) -> Keeper:
    return keep(world)


def reconcile(world: World, **options: Any) -> Any:
    run_id = reconciling.ask(world.hub, "erp", by="ada", customer=options.pop("customer", ""))
    assert reconciling.perform(world.hub, run_id, **options)
    with world.hub.store.look() as tx:
        return reconciliations.one(tx.conn, run_id)


def found(world: World, run: Any, **wanted: Any) -> list[Any]:
    with world.hub.store.look() as tx:
        return list(reconciliations.differences(tx.conn, run.id, Filter(**wanted), limit=1000))


def whys(rows: list[Any]) -> Counter[str]:
    return Counter(row.why for row in rows)


def totals(run: Any) -> dict[str, Any]:
    return {one["currency"]: one for one in json.loads(run.totals)}


def test_books_that_agree_have_no_difference_and_leave_nothing_behind(world: World, erp: Keeper) -> None:
    trade(world, 4)
    rest(world)
    run = reconcile(world)
    assert (run.state, run.error, run.found, run.in_flight) == ("done", "", 0, 0)
    assert (run.items_here, run.items_there) == (4, 4)
    assert erp.pages == [None, erp.pages[1]], "two pages of three and one"
    same = totals(run)["USD"]
    assert (same["here"], same["there"], same["explained"]) == (41_000, 41_000, 0)
    for table in ("reconciled_here", "reconciled_there", "reconciled_totals", "differences"):
        assert world.rows(table) == []


def seed(world: World, erp: Keeper) -> dict[str, str]:
    """Ten different differences and one invoice that agrees; the ERP's ids by what was done to them."""
    ids = trade(world, 9)
    names = (
        "same",
        "gone",
        "amount",
        "currency",
        "customer",
        "cancelled",
        "paid_here",
        "paid_there",
        "twice",
    )
    of = dict(zip(names, ids, strict=True))
    # paid here, the payment never reaches the ERP
    erp.faults = [Rejected("the period is closed")]
    pay(world, "p1", erp.records[of["paid_here"]]["total"], erp.records[of["paid_here"]]["number"])
    # never sent: the ERP refuses it
    lines = [{"id": 1, "sku": "A", "quantity": "1", "price": "77.00"}]
    world.send("crm", world.deal("refused", lines=lines))
    world.work()
    erp.faults = [Rejected("the customer is locked")]
    world.send("erp", world.shipment("s-refused", world.erp_order(), A="1"))
    world.work()
    del erp.records[of["gone"]]
    erp.books[of["amount"]] = {"amount": Decimal("999.99"), "open": Decimal("999.99")}
    erp.books[of["currency"]] = {"currency": "EUR"}
    erp.books[of["customer"]] = {"customer": "erp-other"}
    erp.books[of["cancelled"]] = {"open": Decimal(0), "status": "Voided"}
    erp.books[of["paid_there"]] = {"open": Decimal(0), "status": "Paid In Full"}
    erp.by_hand("zz-copy", total="109.00", reference=erp.records[of["twice"]]["reference"])
    erp.by_hand("zz-hand", total="55.50", number="HAND-1")
    rest(world)
    return of


SEEDED = {
    "deleted_there", "amount", "currency", "customer", "cancelled_there", "settled_here", "settled_there",
    "twice", "stopped", "made_there",
}  # fmt: skip


def test_ten_seeded_differences_are_found_each_with_its_reason(world: World, erp: Keeper) -> None:
    of = seed(world, erp)
    run = reconcile(world)
    rows = found(world, run)
    assert whys(rows) == Counter(dict.fromkeys(SEEDED, 1))
    assert (run.state, run.found, run.in_flight) == ("done", 10, 0)
    said = {row.why: row.said for row in rows}
    assert "999.99 USD at erp" in said["amount"]
    assert "103.00 USD here" in said["amount"]
    assert said["currency"].endswith("over 104.00 USD here and over 104.00 EUR, another currency, at erp.")
    assert "belongs to Company c1 here and to customer erp-other of erp" in said["customer"]
    assert "cancelled at erp (Voided)" in said["cancelled_there"]
    assert "settled here and still 107.00 USD open at erp: payment " in said["settled_here"]
    assert said["settled_here"].endswith(" over 107.00 USD is applied here only.")
    assert "settled at erp (Paid In Full)" in said["settled_there"]
    assert "the customer is locked" in said["stopped"]
    assert f"carries the same reference as {of['twice']}" in said["twice"]
    assert "made there by hand, or was not read yet" in said["made_there"]
    assert of["gone"] in said["deleted_there"]


def test_the_sums_of_what_was_found_explain_the_whole_difference(world: World, erp: Keeper) -> None:
    seed(world, erp)
    run = reconcile(world)
    for one in totals(run).values():
        assert one["here"] - one["there"] == one["explained"] + one["in_flight"]
    here = sum(range(10_100, 11_000, 100)) - 10_700 + 7_700
    assert totals(run)["USD"]["here"] == here
    assert totals(run)["EUR"] == {
        "currency": "EUR", "here": 0, "there": 10_400, "explained": -10_400, "in_flight": 0,
    }  # fmt: skip
    with world.hub.store.look() as tx:
        off = staging.off(tx.conn, run.id, limit=50)
    assert {row.customer_id.partition(":")[2] for row in off} == {"", "erp-other"}
    for row in off:
        assert row.here_minor - row.there_minor == row.explained_minor + row.in_flight_minor


def test_repairing_all_of_them_leaves_only_what_a_person_must_decide(world: World, erp: Keeper) -> None:
    seed(world, erp)
    run = reconcile(world)
    told = repairing.repair(world.hub, run.id, "all", reconciliations.EVERY, by="ada")
    assert all(one.done for one in told), told
    assert Counter(one.repair for one in told) == {"resend": 4, "case": 4, "reread": 2}
    world.hurry()
    world.work()
    erp.books = {}  # what people do about the cases, and what was written by mistake is overwritten
    del erp.records["zz-copy"]
    erp.records.pop("zz-hand")
    rest(world)
    world.hurry()
    world.work()
    again = reconcile(world)
    assert (again.found, again.in_flight) == (0, 0), [row.said for row in found(world, again)]
    assert [case for case in world.cases() if case.reason == "reconciliation"] == []


def test_a_repair_is_done_once_and_kept_with_its_name(world: World, erp: Keeper) -> None:
    seed(world, erp)
    run = reconcile(world)
    first = repairing.repair(world.hub, run.id, "all", reconciliations.EVERY, by="ada")
    inbox, cases = len(world.rows("inbox")), len(world.cases())
    second = repairing.repair(world.hub, run.id, "all", reconciliations.EVERY, by="bob")
    assert not any(one.done for one in second)
    assert {one.outcome.partition(":")[0] for one in second} == {"done already by ada"}
    assert (len(world.rows("inbox")), len(world.cases())) == (inbox, cases)
    rows = found(world, run)
    assert {row.repaired_by for row in rows} == {"ada"}
    assert [row.outcome for row in rows] == [one.outcome for one in first]
    audit = [row for row in world.rows("audit") if row.action == "reconciliation.repair"]
    assert [row.actor for row in audit] == ["ada", "bob"]
    assert audit[0].detail == "all: 10 of 10 differences with erp"


def test_one_open_case_per_question_and_none_when_the_difference_is_gone(world: World, erp: Keeper) -> None:
    (id,) = trade(world, 1)
    erp.books[id] = {"amount": Decimal(1), "open": Decimal(1)}
    rest(world)
    for _ in range(2):
        run = reconcile(world)
        repairing.repair(world.hub, run.id, "case", reconciliations.EVERY, by="ada")
    (case,) = world.cases()
    assert (case.reason, case.connection) == ("reconciliation", "erp")
    assert "1.00 USD at erp" in case.title
    erp.books = {}
    reconcile(world)
    assert world.cases() == []
    (case,) = world.cases("resolved")
    assert (case.resolved_by, case.note) == ("hub", "a later reconciliation found no difference")


def test_what_is_missing_there_is_told_apart_by_why(world: World, erp: Keeper) -> None:
    ids = trade(world, 4)
    documents = {erp.records[id]["reference"]: id for id in ids}
    first, second, third, fourth = documents
    with world.hub.store.begin() as tx:
        tx.conn.exec_driver_sql(f"DELETE FROM xref WHERE connection = 'erp' AND document_id = '{first}'")
        told = "external_id = NULL, state = 'pending', next_at = 9e9, last_error = 'no answer'"
        tx.conn.exec_driver_sql(f"UPDATE xref SET {told} WHERE document_id = '{second}'")
        tx.conn.exec_driver_sql(f"UPDATE xref SET external_id = NULL WHERE document_id = '{fourth}'")
    for id in ids:
        del erp.records[id]
    rest(world)
    rows = {row.document_id: row.why for row in found(world, reconcile(world))}
    assert rows == {first: "never_sent", second: "waiting", third: "deleted_there"}
    assert fourth not in rows, "its mapping keeps it away from there"


def test_a_lost_answer_is_no_difference_where_the_reference_is_there(world: World, erp: Keeper) -> None:
    (id,) = trade(world, 1)
    with world.hub.store.begin() as tx:
        tx.conn.exec_driver_sql(
            f"UPDATE xref SET external_id = NULL, state = 'dead' WHERE external_id = '{id}'"
        )
    rest(world)
    assert reconcile(world).found == 0


def test_what_was_deleted_there_is_made_anew_once_asked_for(world: World, erp: Keeper) -> None:
    (id,) = trade(world, 1)
    kept = erp.records.pop(id)
    rest(world)
    run = reconcile(world)
    erp.records[id] = kept
    (refused,) = repairing.repair(world.hub, run.id, "resend", reconciliations.EVERY, by="ada")
    assert (refused.done, "is there again" in refused.outcome) == (False, True)
    del erp.records[id]
    (done,) = repairing.repair(world.hub, run.id, "resend", reconciliations.EVERY, by="ada")
    assert done.done
    world.work()
    rest(world)
    again = reconcile(world)
    assert (again.found, len(erp.of("invoice"))) == (0, 1)


def test_a_payment_made_by_hand_there_is_read_again(world: World, erp: Keeper) -> None:
    trade(world, 1)
    erp.by_hand("hand-1", "payment", amount="40.00", payer="Somebody")
    rest(world)
    run = reconcile(world)
    (row,) = found(world, run)
    assert (row.why, row.offers, row.kind) == ("made_there", "reread,case", "payment")
    (done,) = repairing.repair(world.hub, run.id, "all", reconciliations.EVERY, by="ada")
    assert done.outcome == "read again: 1 object"
    world.work()
    (payment,) = world.documents("payment")
    assert str(payment.amount) == "40.00 USD"
    rest(world)
    assert reconcile(world).found == 0


def test_what_it_cannot_read_again_is_said(world: World, erp: Keeper) -> None:
    trade(world, 1)
    erp.by_hand("locked-1", "payment", amount="40.00")
    rest(world)
    run = reconcile(world)
    (told,) = repairing.repair(world.hub, run.id, "all", reconciliations.EVERY, by="ada")
    assert (told.done, told.outcome) == (False, "payment locked-1 may not be read")
    (told,) = repairing.repair(world.hub, run.id, "resend", reconciliations.EVERY, by="ada")
    assert told.outcome == "resend does not fit it; reread or case does"


def test_what_changed_just_now_is_in_flight_and_shown_apart(world: World, erp: Keeper) -> None:
    ids = trade(world, 2)
    rest(world)
    erp.faults = [Rejected("closed")]
    pay(world, "p1", "60.00", erp.records[ids[0]]["number"])
    del erp.records[ids[1]]
    run = reconcile(world)
    assert (run.found, run.in_flight) == (1, 1)
    (flying,) = found(world, run, in_flight=True)
    assert (flying.why, flying.external_id) == ("applied_here", ids[0])
    told = "60.00 USD more is settled here than there: payment R-000001 over 60.00 USD is applied here only."
    assert flying.said.endswith(told)
    usd = totals(run)["USD"]
    assert (usd["explained"], usd["in_flight"]) == (10_200, -6_000)
    assert not repairing.repair(world.hub, run.id, "all", Filter(in_flight=True), by="ada")
    assert not repairing.repair(world.hub, run.id, "all", Filter(seqs=[flying.seq]), by="ada")
    rest(world)
    assert reconcile(world).found == 2
    assert reconcile(world, settle_seconds=1e6).in_flight == 2


def test_deliveries_that_wait_to_be_read_make_what_they_may_bring_in_flight(
    world: World, erp: Keeper
) -> None:
    trade(world, 1)
    erp.by_hand("hand-1", total="10.00")
    world.send("erp", {"kind": "message", "id": "m1", "record": {}})
    assert (run := reconcile(world)).in_flight == 1, run
    rest(world)
    assert reconcile(world).found == 1, "what has waited so long is stuck"


def test_the_system_is_read_before_the_books_are_compared(world: World, erp: Keeper) -> None:
    order: list[str] = []
    trade(world, 1)
    reconcile(world, catch_up=lambda: order.append("caught up"), progress=lambda step, n: order.append(step))
    steps = list(dict.fromkeys(order))
    assert steps == [
        "open items of erp",
        "reads what is new",
        "caught up",
        "open items of the hub",
        "compared",
    ]


def test_an_applied_payment_there_is_named_when_it_can_be_told(world: World, erp: Keeper) -> None:
    ids = trade(world, 2)
    pay(world, "p1", "150.00", erp.records[ids[0]]["number"])
    (payment,) = [id for id, one in erp.records.items() if one["kind"] == "payment"]
    assert erp.ledger()[-1].open == Decimal("49.00")
    erp.records[payment]["applied"].append({"invoice": ids[1], "amount": Decimal("49.00")})
    rest(world)
    rows = {row.kind: row for row in found(world, reconcile(world))}
    assert rows["invoice"].said.endswith("49.00 USD more is settled there than here: payment R-000001 over "
                                         "49.00 USD is applied there only.")  # fmt: skip
    assert rows["payment"].why == "settled_there"


def test_only_one_customer_where_that_is_asked(world: World, erp: Keeper) -> None:
    (first,) = trade(world, 1)
    world.send("crm", world.company("c2"))
    world.send("crm", world.deal("other", company="c2"))
    world.work()
    world.send("erp", world.shipment("s-other", world.erp_order(), A="2"))
    world.work()
    erp.books[first] = {"amount": Decimal(5), "open": Decimal(5)}
    rest(world)
    run = reconcile(world, customer="company C2")
    assert (run.found, run.items_here, run.items_there) == (0, 1, 1)
    assert reconcile(world, customer="Company c1").found == 1
    with pytest.raises(Invalid, match="customer 'Nobody' is not known"):
        reconciling.ask(world.hub, "erp", by="ada", customer="Nobody")


def test_documents_that_are_not_for_there_do_not_count(world: World, erp: Keeper) -> None:
    trade(world, 1)
    world.send("bank", world.credit("p9", "12.00", "for nothing we know"))
    world.work()
    rest(world)
    run = reconcile(world)
    assert (run.found, run.items_here) == (0, 1), "a payment that is not applied is not routed there"


@pytest.mark.parametrize(
    ("book", "told"),
    [
        ({"currency": "XXX"}, "(101.00 and 101.00 open in XXX) are no amounts of a currency we know"),
        ({"open": Decimal("1.005")}, "(101.00 and 1.005 open in USD) are no amounts"),
        ({"open": Decimal("-1")}, "are negative"),
    ],
)
def test_figures_that_are_none_are_a_difference_of_their_own(
    world: World, erp: Keeper, book: Any, told: str
) -> None:
    (id,) = trade(world, 1)
    erp.books[id] = book
    rest(world)
    run = reconcile(world)
    (row,) = found(world, run)
    assert (row.why, row.offers) == ("unreadable", "case")
    assert told in row.said
    assert totals(run)["USD"]["explained"] == 10_100


def test_a_system_that_fails_ends_the_run_with_its_words(world: World, erp: Keeper) -> None:
    trade(world, 1)
    erp.troubles = [AuthFailed("revoked")]
    run = reconcile(world)
    assert (run.state, run.error) == ("failed", "revoked")
    assert [case.reason for case in world.cases()] == ["auth_failed"]
    assert world.rows("reconciled_there") == []
    with pytest.raises(Invalid, match="only a reconciliation that is done"):
        repairing.repair(world.hub, run.id, "all", reconciliations.EVERY, by="ada")


def test_only_one_process_works_on_a_connection_and_a_dead_one_is_given_up(
    world: World, erp: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(world, 1)

    def dies() -> None:
        raise KeyboardInterrupt

    first = reconciling.ask(world.hub, "erp", by="ada")
    with pytest.raises(KeyboardInterrupt):
        reconciling.perform(world.hub, first, catch_up=dies)
    second = reconciling.ask(world.hub, "erp", by="bob")
    assert not reconciling.perform(world.hub, second), "the first one's lease stands"
    with world.hub.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE leases SET lease_until = 0")
    assert reconciling.perform(world.hub, second)
    with world.hub.store.look() as tx:
        rows = {row.id: row for row in reconciliations.runs(tx.conn)}
    assert (rows[first].state, "ended; run it again" in rows[first].error) == ("failed", True)
    assert rows[second].state == "done"
    assert world.rows("reconciled_there") == []


def test_a_request_waits_once_and_a_system_without_books_is_refused(world: World, erp: Keeper) -> None:
    assert reconciling.ask(world.hub, "erp", by="ada") == reconciling.ask(world.hub, "erp", by="bob")
    with pytest.raises(Invalid, match=r"crm \(crm\) keeps no books to compare with; those that do: erp"):
        reconciling.ask(world.hub, "crm", by="ada")


def test_more_differences_than_are_kept_are_counted(
    world: World, erp: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliations, "KEPT_MAX", 2)
    for n in range(5):
        erp.by_hand(f"h{n}", total="1.00", customer="x")
    run = reconcile(world)
    assert (run.found, run.kept, len(found(world, run))) == (5, 2, 2)
    assert json.loads(run.counts) == {"made_there": 5}
    assert totals(run)["USD"]["explained"] == -500


def test_old_runs_are_forgotten(world: World, erp: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliations, "RUNS_MAX", 2)
    erp.by_hand("h1", total="1.00", customer="x")
    for _ in range(4):
        last = reconcile(world)
        rest(world, seconds=1)
    assert len(world.rows("reconciliations")) == 2
    assert {row.run_id for row in world.rows("differences")} >= {last.id}
    assert len(world.rows("differences")) == 2
