"""The connector contract as a pytest suite: any connector, ours or another package's, proves itself with it.

A connector's test module provides a fixture and a class:

    from hub.contract import ConnectorContract, Contract

    @pytest.fixture
    def contract() -> Iterator[Contract]:
        with serve(sandbox.app) as url:
            yield Contract(connector=..., ...)

    class TestContract(ConnectorContract):
        pass

What a connector is not (a source, a sink) is skipped with the reason.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from hub.connector import (
    Bookkeeper,
    Candidate,
    Delivery,
    Health,
    Idempotency,
    Matcher,
    OpenItem,
    Poller,
    Schema,
    Sink,
    Source,
)
from hub.errors import (
    AuthFailed,
    ConnectorError,
    HubError,
    Invalid,
    RateLimited,
    Rejected,
    Transient,
    Unmappable,
)
from hub.http import encode, governed
from hub.mapping import check_mapping, load
from hub.model import KINDS
from hub.trial import NEVER_ENDS, SLOW_SECONDS, Contract, Trial, floats, watched

__all__ = ["ConnectorContract", "Contract"]

PAGES_MAX = 50  # of a poll, until it must have caught up
RETRY_AFTER = 3
TIERS = ("bronze", "silver", "gold")
CANDIDATES_MAX = 20
ITEMS_MAX = 1_000  # of one page
ASKED_MAX = 200


def trials(contract: Contract) -> Iterator[Trial]:
    """One trial per outbound kind, each on a fresh sandbox."""
    connector = contract.connector()
    # What leaves in an envelope is not pushed by itself: the envelope is.
    kinds = connector.manifest.kinds.items()
    outbound = {kind: how for kind, how in kinds if how.outbound and not how.enveloped}
    if not outbound:
        pytest.skip("a source only: it writes nothing")
    assert contract.write, "the contract gives no writes for a connector that has outbound kinds"
    for kind, declared in outbound.items():
        contract.reset()
        write = contract.write(kind)
        yield Trial(contract, connector, kind, declared, write, len(contract.effects()))


def genuine(contract: Contract) -> Sequence[Delivery]:
    """The genuine deliveries, or a skip."""
    manifest = contract.connector().manifest
    if not any(kind.inbound for kind in manifest.kinds.values()):
        pytest.skip("a sink only: it reads nothing")
    if not contract.deliveries:
        assert isinstance(contract.connector(), Poller), "a source needs genuine deliveries in its contract"
        pytest.skip("nothing is pushed to this source: it polls")
    return contract.deliveries


class ConnectorContract:
    """Inherit from this in a class whose name starts with Test, beside a fixture `contract`."""

    @pytest.fixture(autouse=True)
    def _fresh(self, contract: Contract) -> None:
        contract.reset()

    # who it is

    def test_manifest_is_complete_and_true(self, contract: Contract) -> None:
        connector = contract.connector()
        manifest = connector.manifest
        assert re.fullmatch(r"[a-z][a-z0-9_]*", manifest.name), f"not a name: {manifest.name!r}"
        assert type(connector).manifest.name == manifest.name
        assert manifest.title, "the manifest has no title"
        assert manifest.docs, "the manifest does not say where the documentation is"
        assert manifest.tier in TIERS, f"tier {manifest.tier!r} is none of {TIERS}"
        assert issubclass(manifest.settings, BaseModel)
        assert manifest.limits.concurrency >= 1
        assert manifest.limits.batch >= 1
        assert manifest.kinds, "the connector does nothing"
        for name, kind in manifest.kinds.items():
            assert name in KINDS, f"{name} is no canonical kind"
            assert kind.inbound or kind.outbound, f"{name} goes nowhere"
            assert not kind.inbound or isinstance(connector, Source), f"{name}: no verify() and read()"
            assert not kind.outbound or isinstance(connector, Sink), f"{name}: no push() and find()"
            assert kind.idempotency is not Idempotency.LOOKUP or kind.quiesce > 0, f"{name}: no quiesce time"
            assert not kind.matched or isinstance(connector, Matcher), f"{name}: no candidates()"

    def test_schema_covers_what_the_shipped_mappings_use(self, contract: Contract) -> None:
        connector = contract.connector()
        for kind in connector.manifest.kinds:
            assert isinstance(connector.schema(kind), Schema)
        if contract.mappings is None:
            pytest.skip("no mappings are shipped for this connector")
        files = sorted(contract.mappings.glob("*.yaml"))
        assert files, f"no mappings in {contract.mappings}"
        for path in files:
            document = load(path)
            kind = document.kind
            found = check_mapping(document, connector.schema(kind))
            errors = [finding for finding in found if finding.severity == "error"]
            assert not errors, "\n".join(str(one) for one in errors)
            declared = connector.manifest.kinds[kind]
            assert declared.inbound if document.direction == "in" else declared.outbound, (
                f"{path.name}: unused"
            )

    def test_check_accepts_good_credentials(self, contract: Contract) -> None:
        health = contract.connector().check()
        assert isinstance(health, Health)
        assert health.ok, f"{health.summary}: {list(health.findings)}"
        assert health.summary

    def test_check_refuses_bad_credentials_and_never_raises(self, contract: Contract) -> None:
        if not contract.bad_credentials:
            pytest.skip("there is nobody to ask about credentials")
        health = contract.connector(**contract.bad_credentials).check()
        assert not health.ok, "check() accepted bad credentials"
        if contract.faults:
            contract.faults([{"kind": "refuse", "status": 500, "times": NEVER_ENDS}])
            assert not contract.connector().check().ok, "check() passed although every call failed"

    def test_secrets_are_never_shown(self, contract: Contract) -> None:
        connector = contract.connector()
        shown = [repr(connector), str(connector), repr(connector.check())]
        kept = [value for value in vars(connector).values() if isinstance(value, BaseModel)]
        shown += [form(one) for one in kept for form in (repr, str, BaseModel.model_dump_json)]
        if contract.bad_credentials:
            shown.append(repr(contract.connector(**contract.bad_credentials).check()))
        for delivery in contract.forged.values():
            shown.append(_refusal(connector, delivery))
        for secret in contract.secrets:
            assert secret, "an empty secret proves nothing"
            assert not [text for text in shown if secret in text], "a secret is shown"

    def test_no_call_leaves_past_the_governor(self, contract: Contract) -> None:
        with governed(_Closed()):
            connector = contract.connector()  # its doors are made here, and lead through the lane
        with watched() as events:
            with suppress(ConnectorError):
                connector.check()
            for kind, declared in connector.manifest.kinds.items():
                if declared.outbound and contract.write:
                    with suppress(HubError):
                        connector.push(contract.write(kind))
        past = [event for event in events if event.startswith("socket.connect")]
        assert not past, f"calls that nobody counts: {past}"

    # what it reads

    def test_genuine_deliveries_have_stable_distinct_event_ids(self, contract: Contract) -> None:
        for delivery in genuine(contract):
            ids = list(contract.connector().verify(delivery))
            assert ids, "a genuine delivery without events"
            assert all(isinstance(id, str) and id for id in ids), f"unusable event ids: {ids}"
            assert len(set(ids)) == len(ids), f"events share an id: {ids}"
            assert list(contract.connector().verify(delivery)) == ids, "event ids differ from call to call"

    def test_forged_deliveries_are_refused(self, contract: Contract) -> None:
        connector = contract.connector()
        deliveries = genuine(contract)
        assert contract.forged, "the contract gives no forged deliveries"
        variants = dict(contract.forged)
        for number, delivery in enumerate(deliveries):
            variants[f"no headers ({number})"] = delivery._replace(headers={})
            variants[f"empty ({number})"] = delivery._replace(body=b"")
        for name, delivery in variants.items():
            assert _refusal(connector, delivery), f"accepted: {name}"

    def test_broken_bodies_are_refused_at_the_latest_when_read(self, contract: Contract) -> None:
        connector = contract.connector()
        for delivery in genuine(contract):
            for body in (delivery.body[: len(delivery.body) // 2], b"\xff\xfe\x00", b"[" * 100_000):
                broken = delivery._replace(body=body)
                if _refusal(connector, broken):
                    continue
                with pytest.raises((Invalid, Rejected, Unmappable)):
                    list(connector.read(broken))

    def test_verifying_touches_neither_network_nor_disk(self, contract: Contract) -> None:
        connector = contract.connector()
        for delivery in (*genuine(contract), *contract.forged.values()):
            _refusal(connector, delivery)  # what is imported or cached on first use is not counted
            with watched() as events:
                _refusal(connector, delivery)
            assert events == [], f"verify() did I/O: {events}"

    def test_changes_are_what_the_manifest_declares(self, contract: Contract) -> None:
        connector = contract.connector()
        seen = 0
        for delivery in genuine(contract):
            seen += _examine(connector, list(connector.read(delivery)))
        assert seen, "no genuine delivery carries a change"

    def test_polling_catches_up_page_by_page(self, contract: Contract) -> None:
        connector = contract.connector()
        polls = isinstance(connector, Poller)
        if not polls:
            pytest.skip("it cannot be polled")
        cursor, ids = None, []
        for _ in range(PAGES_MAX):
            page, again = connector.poll(cursor), connector.poll(cursor)
            told = [list(arrival.event_ids) for arrival in page.arrivals]
            assert all(one and all(one) for one in told), "an arrival without an event id"
            assert told == [list(a.event_ids) for a in again.arrivals], "a repeated poll has other event ids"
            for arrival in page.arrivals:
                _examine(connector, list(connector.read(arrival.delivery)))
            ids += [id for one in told for id in one]
            assert not page.more or page.cursor != cursor, "more is to come, but the cursor stands still"
            cursor = page.cursor
            if not page.more:
                break
        else:
            pytest.fail(f"still more after {PAGES_MAX} pages")
        assert ids, "the sandbox had nothing to poll: give it something in reset()"

    def test_open_items_are_listed_page_by_page(self, contract: Contract) -> None:
        connector = contract.connector()
        if not isinstance(connector, Bookkeeper):
            pytest.skip("it keeps no receivables that it could tell of")
        cursor, listed = None, []
        for _ in range(PAGES_MAX):
            page = connector.open_items(cursor)
            assert len(page.items) <= ITEMS_MAX, f"{len(page.items)} items on one page"
            listed += [_sound_item(one) for one in page.items]
            assert page.cursor is None or page.cursor != cursor, "the cursor stands still"
            cursor = page.cursor
            if cursor is None:
                break
        else:
            pytest.fail(f"still more after {PAGES_MAX} pages")
        keys = [(one.kind, one.external_id) for one in listed]
        assert len(set(keys)) == len(keys), "an item is listed twice"
        again = {(one.kind, one.external_id): one for one in connector.items(keys[:ASKED_MAX])}
        assert set(again) == set(keys[:ASKED_MAX]), "items() does not know what open_items() lists"
        for kind, id in keys[:3]:
            _tells_again(connector, kind, id)

    # what it writes

    def test_candidates_are_sorted_by_trust_and_bounded(self, contract: Contract) -> None:
        for trial in trials(contract):
            if not trial.declared.matched:
                continue
            trial.connector.push(trial.write)
            wanted = {"tax_id": "none such 0815", "name": "Nobody ever heard of them"}
            for match in (trial.write.record.get("match") or {}, wanted, {}):
                write = trial.write._replace(record={**trial.write.record, "match": match})
                found = trial.connector.candidates(write)
                assert len(found) <= CANDIDATES_MAX, f"{trial.kind}: {len(found)} candidates"
                ranks = [_RANKS[one.by] for one in found]
                assert ranks == sorted(ranks), f"{trial.kind}: weaker candidates come before stronger ones"
                assert all(isinstance(one, Candidate) and one.external_id for one in found)
            assert len(trial.made()) == 1, f"{trial.kind}: looking for candidates wrote something"

    def test_same_write_twice_makes_one_object(self, contract: Contract) -> None:
        for trial in trials(contract):
            id = trial.connector.push(trial.write)
            assert isinstance(id, str), f"{trial.kind}: push returned {id!r}"
            assert id, f"{trial.kind}: push returned no id"
            assert len(trial.made()) == 1, f"{trial.kind}: one push made {len(trial.made())} objects"
            if trial.declared.idempotency is Idempotency.NATIVE:
                assert trial.connector.push(trial.write) == id, f"{trial.kind}: a repeat gave another id"
                assert len(trial.made()) == 1, f"{trial.kind}: a repeat made another object"
            if trial.declared.idempotency is Idempotency.LOOKUP:
                assert trial.connector.find(trial.kind, trial.write.reference) == id

    def test_find_knows_nothing_of_a_reference_never_written(self, contract: Contract) -> None:
        for trial in trials(contract):
            if trial.declared.idempotency is Idempotency.LOOKUP:
                assert trial.connector.find(trial.kind, f"{trial.write.reference}-never") is None

    @pytest.mark.parametrize(
        ("status", "error"),
        [(400, Rejected), (401, AuthFailed), (429, RateLimited), (500, Transient), (503, Transient)],
    )
    def test_refusal_is_told_by_its_class(
        self, contract: Contract, status: int, error: type[ConnectorError]
    ) -> None:
        for trial in trials(contract):
            trial.fault("refuse", status=status, body={}, headers={"retry-after": str(RETRY_AFTER)})
            told = trial.failure()
            assert type(told) is error, f"{trial.kind}: {status} is {type(told).__name__}: {told}"
            assert status != 429 or told.retry_after == RETRY_AFTER, f"{trial.kind}: Retry-After is ignored"
            assert not [s for s in contract.secrets if s in f"{told!s}{told!r}"], "an error shows a secret"
            assert not trial.made(), f"{trial.kind}: refused, but written"
            trial.calm()
            trial.settle()

    @pytest.mark.parametrize("fault", ["lost_reply", "truncate", "fail_after"])
    def test_unknown_outcome_never_writes_twice(self, contract: Contract, fault: str) -> None:
        for trial in trials(contract):
            trial.fault(fault)
            told = trial.failure()
            assert type(told) is Transient, f"{trial.kind}: {fault} is {type(told).__name__}: {told}"
            assert told.sent, f"{trial.kind}: {fault} is taken for a call that never left"
            trial.calm()
            trial.settle()

    @pytest.mark.parametrize("fault", ["slow", "hang_after"])
    def test_answer_after_the_deadline_is_an_unknown_outcome(self, contract: Contract, fault: str) -> None:
        if contract.hasty is None:
            pytest.skip("its deadline cannot be shortened")
        for trial in trials(contract):
            trial.fault(fault, seconds=SLOW_SECONDS)
            told = trial.failure(contract.hasty())
            assert type(told) is Transient, f"{trial.kind}: the deadline is {type(told).__name__}: {told}"
            assert told.sent, f"{trial.kind}: a slow call is taken for one that never left"
            trial.calm()
            if fault == "slow":  # the quiesce time: what is under way arrives before anyone looks
                time.sleep(SLOW_SECONDS + 0.2)
            trial.settle()
            if fault == "slow":
                break  # waiting is the same for every kind; what is written late was tried with hang_after


def _refusal(connector: Any, delivery: Delivery) -> str:
    """What verify() says against a delivery; empty where it accepts it. Other errors are a fault of it."""
    try:
        connector.verify(delivery)
    except (AuthFailed, Invalid) as error:
        return f"{error!s} {error!r}"
    except HubError as error:
        pytest.fail(f"verify() may raise AuthFailed and Invalid, not {type(error).__name__}: {error}")
    return ""


def _examine(connector: Any, changes: Sequence[Any]) -> int:
    """Check changes against the manifest; returns how many there are."""
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    highest = -1
    for change in changes:
        declared = connector.manifest.kinds.get(change.kind)
        assert declared, f"{change.kind} is not in the manifest"
        assert declared.inbound, f"{change.kind} is declared as outbound only"
        assert isinstance(change.external_id, str), f"{change.kind}: external id {change.external_id!r}"
        assert change.external_id, f"{change.kind}: a change without an external id"
        assert ranks[change.kind] >= highest, f"{change.kind} comes after what refers to it"
        # A statement or interchange refers to nothing; what is in it follows, then the next one with its own.
        highest = -1 if change.kind in ("statement", "interchange") else ranks[change.kind]
        if change.revision is not None:
            assert change.revision.utcoffset() == timedelta(0), f"{change.kind}: the revision is not in UTC"
        if change.record is not None:
            assert not list(floats(change.record)), f"{change.kind}: float at {next(floats(change.record))}"
            assert encode(change.record)
    return len(changes)


_RANKS = {by: rank for rank, by in enumerate(("external_id", "tax_id", "duns", "domain", "name"))}


class _Closed:
    """The lane of an account that bears no call at all."""

    @contextmanager
    def slot(self, deadline: float, last: float) -> Iterator[None]:
        """Never anybody's turn."""
        raise RateLimited("the contract suite lets no call through", code="no_slot", sent=False)
        yield


def _sound_item(item: OpenItem) -> OpenItem:
    where = f"{item.kind} {item.external_id}"
    assert item.kind in ("invoice", "credit_memo", "payment"), f"{where}: unknown kind"
    assert isinstance(item.external_id, str), f"{where}: the id is no text"
    assert item.external_id, f"{where}: no id"
    assert re.fullmatch(r"[A-Z]{3}", item.currency), f"{where}: currency {item.currency!r}"
    for amount in (item.amount, item.open):
        assert isinstance(amount, Decimal), f"{where}: {amount!r} is not exact"
        assert amount >= 0, f"{where}: {amount} is negative"
    assert item.open <= item.amount, f"{where}: {item.open} of {item.amount} is open"
    return item


def _tells_again(connector: Any, kind: str, external_id: str) -> None:
    """The delivery that arrival() makes is one that read() understands, about the same object."""
    with watched() as events:
        try:
            arrival = connector.arrival(kind, external_id)
        except Rejected:
            return
    assert not [event for event in events if event.startswith("socket")], "arrival() did I/O"
    assert arrival.event_ids, f"{kind} {external_id}: an arrival without an event id"
    told = {(change.kind, change.external_id) for change in connector.read(arrival.delivery)}
    assert (kind, external_id) in told, f"arrival({kind}, {external_id}) tells of {sorted(told)}"
