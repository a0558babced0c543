"""The contract suite notices what it is there to notice: a broken connector fails the test meant for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from hub.contract import ConnectorContract, Contract
from hub.sdk import (
    Arrival,
    AuthFailed,
    Candidate,
    Change,
    ConnectorError,
    Delivery,
    Health,
    Idempotency,
    Invalid,
    Kind,
    Manifest,
    OpenItem,
    OpenItems,
    RateLimited,
    Rejected,
    Schema,
    Transient,
    Write,
)
from hub.trial import floats

SECRET = "the-secret"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
GENUINE = Delivery({"key": SECRET}, b'{"id": "1"}', "", NOW)
FAILED = (AssertionError, pytest.fail.Exception)


class Settings(BaseModel):
    secret: SecretStr = SecretStr(SECRET)


@dataclass
class Vendor:
    """A system in memory, with the faults of a sandbox."""

    faults: list[Mapping[str, Any]] = field(default_factory=list)
    effects: list[Mapping[str, Any]] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)

    def put(self, reference: str) -> str:
        fault = self.faults[0] if self.faults else {"kind": ""}
        if fault["kind"] == "refuse":
            raise refusal(fault["status"])
        id = self.objects.setdefault(reference, f"v{len(self.objects)}")
        self.effects.append({"kind": "message", "id": id})
        if fault["kind"]:
            raise Transient("no answer")
        return id


def refusal(status: int) -> ConnectorError:
    kinds: dict[int, type[ConnectorError]] = {400: Rejected, 401: AuthFailed, 429: RateLimited}
    return kinds.get(status, Transient)("refused", status=status, retry_after=3, sent=status != 429)


class Sound:
    """A connector that keeps the contract; each test breaks one thing of it."""

    manifest = Manifest(
        name="sound",
        title="Sound",
        settings=Settings,
        kinds={"message": Kind(True, True, Idempotency.LOOKUP, 1)},
        docs="somewhere",
    )

    def __init__(self, vendor: Vendor, settings: Settings) -> None:
        self.vendor, self.settings = vendor, settings

    def check(self) -> Health:
        good = self.settings.secret.get_secret_value() == SECRET and not self.vendor.faults
        return Health(good, "as it should be")

    def schema(self, kind: str) -> Schema:
        return Schema(fields=())

    def verify(self, delivery: Delivery) -> Sequence[str]:
        if delivery.headers.get("key") != SECRET:
            raise AuthFailed("wrong key")
        return [json_of(delivery)["id"]]

    def read(self, delivery: Delivery) -> Iterable[Change]:
        return [Change("message", json_of(delivery)["id"], {"price": 1}, NOW)]

    def push(self, write: Write) -> str:
        return self.vendor.put(write.reference)

    def find(self, kind: str, reference: str) -> str | None:
        return self.vendor.objects.get(reference)


def json_of(delivery: Delivery) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = json.loads(delivery.body)
    except (ValueError, RecursionError):
        raise Invalid("not JSON") from None
    return parsed


def contract(kind: type[Sound] = Sound) -> Contract:
    vendor, numbers = Vendor(), count()

    def faults(many: Sequence[Mapping[str, Any]]) -> None:
        vendor.faults[:] = many

    return Contract(
        connector=lambda **given: kind(vendor, Settings(**given)),
        secrets=[SECRET],
        bad_credentials={"secret": "wrong"},
        deliveries=[GENUINE],
        forged={"key": GENUINE._replace(headers={"key": "x"})},
        write=lambda name: Write(name, {}, None, f"r{next(numbers)}", "k"),
        faults=faults,
        effects=lambda: list(vendor.effects),
        reset=vendor.faults.clear,
    )


def run(kind: type[Sound], test: str, *arguments: Any) -> None:
    getattr(ConnectorContract(), test)(contract(kind), *arguments)


class TestSound(ConnectorContract):
    """Nothing of a sound connector is complained about."""

    @pytest.fixture
    def contract(self) -> Contract:
        return contract()


class NoTitle(Sound):
    manifest = replace(Sound.manifest, title="")


class NoQuiesce(Sound):
    manifest = replace(Sound.manifest, kinds={"message": Kind(True, True, Idempotency.LOOKUP)})


class StrangeKind(Sound):
    manifest = replace(Sound.manifest, kinds={"widget": Kind(True)})


class OtherKind(Sound):
    def read(self, delivery: Delivery) -> Iterable[Change]:
        return [Change("order", "1", {})]


class WithFloat(Sound):
    def read(self, delivery: Delivery) -> Iterable[Change]:
        return [Change("message", "1", {"lines": [{"price": 0.1}]})]


class LocalTime(Sound):
    def read(self, delivery: Delivery) -> Iterable[Change]:
        return [Change("message", "1", {}, NOW.replace(tzinfo=None))]


class BackToFront(Sound):
    manifest = replace(Sound.manifest, kinds={"customer": Kind(True), "order": Kind(True)})

    def read(self, delivery: Delivery) -> Iterable[Change]:
        return [Change("order", "1", {}), Change("customer", "2", {})]


class Trusting(Sound):
    def verify(self, delivery: Delivery) -> Sequence[str]:
        return ["1"]


class WithoutEvents(Sound):
    def verify(self, delivery: Delivery) -> Sequence[str]:
        return []


class Forgetful(Sound):
    numbers = count()

    def verify(self, delivery: Delivery) -> Sequence[str]:
        return [str(next(self.numbers))]


class Crashing(Sound):
    def verify(self, delivery: Delivery) -> Sequence[str]:
        raise Transient("no")


class Calling(Sound):
    def verify(self, delivery: Delivery) -> Sequence[str]:
        with socket.socket() as probe:
            probe.connect_ex(("127.0.0.1", 9))
        return super().verify(delivery)


class Telling(Sound):
    def __repr__(self) -> str:
        return f"Telling({self.settings.secret.get_secret_value()})"


class AlwaysWell(Sound):
    def check(self) -> Health:
        return Health(True, "well")


class Unwell(Sound):
    def check(self) -> Health:
        return Health(False, "no")


class Twice(Sound):
    def push(self, write: Write) -> str:
        self.vendor.put(f"{write.reference}/{len(self.vendor.effects)}")
        return self.vendor.put(write.reference)


class Blind(Sound):
    def find(self, kind: str, reference: str) -> str | None:
        return None


class SeesGhosts(Sound):
    def find(self, kind: str, reference: str) -> str | None:
        return "v0"


class Duplicating(Sound):
    def push(self, write: Write) -> str:
        return self.vendor.put(f"{write.reference}/{len(self.vendor.effects)}")

    find = Blind.find


class Confident(Sound):
    def push(self, write: Write) -> str:
        try:
            return super().push(write)
        except ConnectorError:
            return "fine"


class Flat(Sound):
    def push(self, write: Write) -> str:
        try:
            return super().push(write)
        except ConnectorError as error:
            raise Rejected(str(error)) from error


class NeverSent(Sound):
    def push(self, write: Write) -> str:
        try:
            return super().push(write)
        except ConnectorError as error:
            error.sent = False
            raise


class OffTheLane(Sound):
    """As one whose door is made late, when no lane is set."""

    def push(self, write: Write) -> str:
        with socket.socket() as late:
            late.connect_ex(("127.0.0.1", 9))
        return super().push(write)


class Unmatched(Sound):
    manifest = replace(
        Sound.manifest, kinds={"message": Kind(True, True, Idempotency.LOOKUP, 1, matched=True)}
    )


class Matching(Unmatched):
    """A sound one that knows what it has."""

    found: Sequence[Candidate] = (Candidate("1", "One", "tax_id"), Candidate("2", "Two", "name"))

    def candidates(self, write: Write) -> Sequence[Candidate]:
        return self.found if write.record["match"] else ()


class Unsorted(Matching):
    found = Matching.found[::-1]


class Overwhelming(Matching):
    found = tuple(Candidate(str(n), "One", "name") for n in range(21))


class Writing(Matching):
    def candidates(self, write: Write) -> Sequence[Candidate]:
        self.vendor.put(f"{write.reference}/search")
        return ()


class Keeping(Sound):
    """A sound one that keeps books: one payment on each of two pages."""

    manifest = replace(Sound.manifest, kinds={"payment": Kind(True)})
    pages: Sequence[Sequence[OpenItem]] = tuple(
        (OpenItem("payment", id, f"P{id}", "c1", "EUR", Decimal(10), Decimal(4)),) for id in "12"
    )

    def open_items(self, cursor: str | None) -> OpenItems:
        at = int(cursor or 0)
        return OpenItems(self.pages[at], str(at + 1) if at + 1 < len(self.pages) else None)

    def items(self, wanted: Sequence[tuple[str, str]]) -> Sequence[OpenItem]:
        return [one for page in self.pages for one in page if (one.kind, one.external_id) in wanted]

    def arrival(self, kind: str, external_id: str) -> Arrival:
        return Arrival(["e"], GENUINE._replace(body=f'{{"id": "{external_id}"}}'.encode()))

    def read(self, delivery: Delivery) -> Iterable[Change]:
        return [Change("payment", json_of(delivery)["id"], {})]


def keeping(**changes: Any) -> type[Keeping]:
    """A book of one item, which is not as it should be."""
    item = Keeping.pages[0][0]._replace(**changes)
    return type("Wrong", (Keeping,), {"pages": ((item,),)})


class ListsTwice(Keeping):
    pages = (Keeping.pages[0], Keeping.pages[0])


class StandsStill(Keeping):
    def open_items(self, cursor: str | None) -> OpenItems:
        return OpenItems((), "0")


class ForgetsItems(Keeping):
    def items(self, wanted: Sequence[tuple[str, str]]) -> Sequence[OpenItem]:
        return ()


class TellsOfAnother(Keeping):
    def arrival(self, kind: str, external_id: str) -> Arrival:
        return Arrival(["e"], GENUINE._replace(body=b'{"id": "another"}'))


@pytest.mark.parametrize("broken", [Unsorted, Overwhelming, Writing])
def test_broken_candidates_are_noticed(broken: type[Sound]) -> None:
    run(Matching, "test_candidates_are_sorted_by_trust_and_bounded")
    with pytest.raises(FAILED):
        run(broken, "test_candidates_are_sorted_by_trust_and_bounded")


@pytest.mark.parametrize(
    "broken",
    [
        keeping(kind="order"), keeping(currency="eur"), keeping(open=Decimal(-1)), keeping(open=Decimal(11)),
        keeping(amount=10.0), keeping(external_id=""), ListsTwice, StandsStill, ForgetsItems, TellsOfAnother,
    ],
)  # fmt: skip
def test_broken_books_are_noticed(broken: type[Sound]) -> None:
    run(Keeping, "test_open_items_are_listed_page_by_page")
    with pytest.raises(FAILED):
        run(broken, "test_open_items_are_listed_page_by_page")


@pytest.mark.parametrize(
    ("broken", "test", "arguments"),
    [
        (NoTitle, "test_manifest_is_complete_and_true", ()),
        (NoQuiesce, "test_manifest_is_complete_and_true", ()),
        (StrangeKind, "test_manifest_is_complete_and_true", ()),
        (Unmatched, "test_manifest_is_complete_and_true", ()),
        (OffTheLane, "test_no_call_leaves_past_the_governor", ()),
        (OtherKind, "test_changes_are_what_the_manifest_declares", ()),
        (WithFloat, "test_changes_are_what_the_manifest_declares", ()),
        (LocalTime, "test_changes_are_what_the_manifest_declares", ()),
        (BackToFront, "test_changes_are_what_the_manifest_declares", ()),
        (Trusting, "test_forged_deliveries_are_refused", ()),
        (Crashing, "test_forged_deliveries_are_refused", ()),
        (WithoutEvents, "test_genuine_deliveries_have_stable_distinct_event_ids", ()),
        (Forgetful, "test_genuine_deliveries_have_stable_distinct_event_ids", ()),
        (Calling, "test_verifying_touches_neither_network_nor_disk", ()),
        (Telling, "test_secrets_are_never_shown", ()),
        (AlwaysWell, "test_check_refuses_bad_credentials_and_never_raises", ()),
        (Unwell, "test_check_accepts_good_credentials", ()),
        (Twice, "test_same_write_twice_makes_one_object", ()),
        (Blind, "test_same_write_twice_makes_one_object", ()),
        (SeesGhosts, "test_find_knows_nothing_of_a_reference_never_written", ()),
        (Flat, "test_refusal_is_told_by_its_class", (429, RateLimited)),
        (Confident, "test_refusal_is_told_by_its_class", (500, Transient)),
        (Duplicating, "test_unknown_outcome_never_writes_twice", ("lost_reply",)),
        (NeverSent, "test_unknown_outcome_never_writes_twice", ("truncate",)),
        (Flat, "test_unknown_outcome_never_writes_twice", ("fail_after",)),
    ],
)
def test_broken_connector_fails_the_test_that_is_meant_for_it(
    broken: type[Sound], test: str, arguments: tuple[Any, ...]
) -> None:
    run(Sound, test, *arguments)
    with pytest.raises(FAILED):
        run(broken, test, *arguments)


def test_floats_are_found_wherever_they_hide() -> None:
    assert list(floats({"a": [1, {"b": 0.5}], "c": ("x", 2.0)})) == ["record.a[1].b", "record.c[1]"]
