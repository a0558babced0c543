"""The Pub/Sub client against a gRPC server made from the published proto: what it asks, takes and refuses."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastavro
import grpc
import pytest
from google.protobuf import descriptor_pool
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.salesforce import descriptors, pubsub
from connectors.salesforce.change_events import decode, names_of, ours, shape_of
from connectors.salesforce.pubsub import Place, Session, drain, topic
from connectors.salesforce.replay import format_replay, parse_replay
from hub.sdk import AuthFailed, Invalid, RateLimited, Rejected, Transient

PROTO = Path(__file__).parents[4] / "shared/specs/salesforce/pubsub_api.proto"
SESSION = Session("00D!the-token", "https://acme.my.salesforce.com", "00D000000000001EAA")
TOPIC = "/data/OpportunityChangeEvent"
HEADER = {
    "type": "record",
    "name": "ChangeEventHeader",
    "namespace": "com.sforce.eventbus",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": {"type": "array", "items": "string"}},
        {
            "name": "changeType",
            "type": {
                "type": "enum",
                "name": "ChangeType",
                "symbols": ["CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE", "GAP_OVERFLOW"],
            },
        },
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": {"type": "array", "items": "string"}},
        {"name": "diffFields", "type": {"type": "array", "items": "string"}},
        {"name": "changedFields", "type": {"type": "array", "items": "string"}},
    ],
}
PERSON = {
    "type": "record",
    "name": "PersonName",
    "fields": [
        {"name": name, "type": ["null", "string"]} for name in ("Salutation", "FirstName", "LastName")
    ],
}
SCHEMA = {
    "type": "record",
    "name": "OpportunityChangeEvent",
    "namespace": "com.sforce.eventbus",
    "fields": [
        {"name": "ChangeEventHeader", "type": HEADER},
        {"name": "Name", "type": ["null", "string"]},
        {"name": "Amount", "type": ["null", "double"]},
        {"name": "Buyer", "type": ["null", PERSON]},
        {"name": "Seller", "type": ["null", "string", "com.sforce.eventbus.PersonName"]},
        {"name": "StageName", "type": ["null", "string"]},
        *({"name": f"Custom{n}__c", "type": ["null", "string"]} for n in range(6, 40)),
    ],
}
PARSED = fastavro.parse_schema(SCHEMA)


def payload(change: str = "UPDATE", *, id: str = "006000000000001AAA", **values: Any) -> bytes:
    header = {
        "entityName": "Opportunity",
        "recordIds": [id],
        "changeType": change,
        "changeOrigin": "com/salesforce/api/rest/68.0;client=o2chub",
        "transactionKey": "0000-key",
        "sequenceNumber": 3,
        "commitTimestamp": 1_795_000_000_123,
        "commitNumber": 77,
        "commitUser": "005000000000001AAA",
        "nulledFields": [],
        "diffFields": [],
        "changedFields": [],
        **values.pop("header", {}),
    }
    empty = {field["name"]: None for field in SCHEMA["fields"]}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED, {**empty, "ChangeEventHeader": header, **values})
    return out.getvalue()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The published proto, compiled."""
    if not PROTO.exists():
        pytest.skip("the published proto (shared/specs/salesforce) is not there")
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    folder = tmp_path_factory.mktemp("proto")
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{PROTO.parent}",
        f"--python_out={folder}",
        PROTO.name,
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=PROTO.parent)
    spec = importlib.util.spec_from_file_location("published_pubsub_api_pb2", folder / "pubsub_api_pb2.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bus:
    """A scripted event bus: `log` holds (replay id, change), subscriptions read it in order."""

    def __init__(self, pb: Any) -> None:
        self.pb = pb
        self.log: list[tuple[bytes, Any]] = []
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str]] = []
        self.schemas_asked: list[str] = []
        self.fail: Callable[[Any], None] | None = None
        self.fail_after = 0  # events given before it fails
        self.keep_alive = b""
        self.over = False
        self.cancelled = 0

    def add(self, *payloads: bytes, schema: str = "s1") -> None:
        for body in payloads:
            number = len(self.log) + 1
            event = self.pb.ProducerEvent(id=f"event-{number}", schema_id=schema, payload=body)
            self.log.append((f"r{number:04d}".encode(), event))

    def subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        self.metadata.append(dict(context.invocation_metadata()))
        context.add_callback(self._ended)
        given, place = 0, None
        for request in requests:
            self.requests.append(request)
            place = self._start(request, context) if place is None else place
            if self.fail and self.fail_after <= given:
                self.fail(context)
            some = self.log[place : place + request.num_requested]
            place += len(some)
            given += len(some)
            for at in range(0, len(some), 40):
                events = [{"event": event, "replay_id": id} for id, event in some[at : at + 40]]
                yield self.pb.FetchResponse(events=events, latest_replay_id=b"r9999")
            if not some and self.keep_alive:
                yield self.pb.FetchResponse(latest_replay_id=self.keep_alive)
            if self.over:
                return

    def _ended(self) -> None:
        self.cancelled += 1

    def _start(self, request: Any, context: Any) -> int:
        if request.replay_preset == self.pb.CUSTOM:
            ids = [id for id, _ in self.log]
            if request.replay_id not in ids:
                code = "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted"
                refuse("INVALID_ARGUMENT", code)(context)
            return ids.index(request.replay_id) + 1
        return 0 if request.replay_preset == self.pb.EARLIEST else len(self.log)

    def schema(self, request: Any, context: Any) -> Any:
        self.schemas_asked.append(request.schema_id)
        if request.schema_id != "s1":
            refuse("NOT_FOUND", "sfdc.platform.eventbus.grpc.schema.not.found")(context)
        return self.pb.SchemaInfo(schema_json=json.dumps(SCHEMA), schema_id=request.schema_id)

    def topic(self, request: Any, context: Any) -> Any:
        self.metadata.append(dict(context.invocation_metadata()))
        if self.fail:
            self.fail(context)
        return self.pb.TopicInfo(topic_name=request.topic_name, can_subscribe=True, schema_id="s1")


def refuse(status: str, code: str = "") -> Callable[[Any], None]:
    def fail(context: Any) -> None:
        context.set_trailing_metadata((("error-code", code), ("rpc-id", "rpc-17")) if code else ())
        context.abort(getattr(grpc.StatusCode, status), f"no entry for {SESSION.token}. rpcId: rpc-17")

    return fail


@contextmanager
def listening(bus: Bus) -> Iterator[Place]:
    pb = bus.pb
    table = {
        "Subscribe": grpc.stream_stream_rpc_method_handler(
            bus.subscribe, pb.FetchRequest.FromString, pb.FetchResponse.SerializeToString
        ),
        "GetSchema": grpc.unary_unary_rpc_method_handler(
            bus.schema, pb.SchemaRequest.FromString, pb.SchemaInfo.SerializeToString
        ),
        "GetTopic": grpc.unary_unary_rpc_method_handler(
            bus.topic, pb.TopicRequest.FromString, pb.TopicInfo.SerializeToString
        ),
    }
    server = grpc.server(futures.ThreadPoolExecutor(6))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("eventbus.v1.PubSub", table),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield Place(f"127.0.0.1:{port}", False, TOPIC)
    finally:
        server.stop(0).wait(5)


@pytest.fixture
def bus(published: Any) -> Bus:
    return Bus(published)


@pytest.fixture
def place(bus: Bus) -> Iterator[Place]:
    with listening(bus) as place:
        yield place


def pull(
    place: Place, replay: bytes | None = None, *, most: int = 1000, seconds: float = 10.0, **more: Any
) -> Any:
    return drain(place, SESSION, replay, most=most, seconds=seconds, idle=0.15, **more)


def test_our_tables_say_what_the_published_proto_says(published: Any) -> None:
    file = published.DESCRIPTOR
    assert file.package == descriptors.PACKAGE
    for name in descriptors.MESSAGES:
        ours_, theirs = descriptors.message(name).DESCRIPTOR, file.message_types_by_name[name]
        assert facts(ours_) == facts(theirs)
    for name, values in descriptors.ENUMS.items():
        assert values == {one.name: one.number for one in file.enum_types_by_name[name].values}
    service = file.services_by_name["PubSub"]
    paths = {f"/{service.full_name}/{method.name}": method for method in service.methods}
    for path, (asked, answered) in {
        descriptors.SUBSCRIBE: ("FetchRequest", "FetchResponse"),
        descriptors.GET_SCHEMA: ("SchemaRequest", "SchemaInfo"),
        descriptors.GET_TOPIC: ("TopicRequest", "TopicInfo"),
    }.items():
        assert (paths[path].input_type.name, paths[path].output_type.name) == (asked, answered)


def facts(message: Any) -> list[tuple[Any, ...]]:
    def kind(field: Any) -> str:
        named = field.message_type or field.enum_type
        return named.full_name if named else ""

    return [(f.name, f.number, f.type, f.is_repeated, kind(f)) for f in message.fields]


def test_our_messages_are_in_a_pool_of_their_own() -> None:
    descriptors.message("FetchRequest")
    mine = descriptors.message("FetchRequest").DESCRIPTOR.file
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindFileByName(mine.name)


def test_a_pull_takes_everything_after_the_replay_id_and_tells_where_it_stands(
    bus: Bus, place: Place
) -> None:
    bus.add(*(payload(id=f"006{n:012d}AAA", Name=f"Deal {n}") for n in range(250)))
    drained = pull(place, b"r0010")
    assert [event.values["Name"] for event in drained.events] == [f"Deal {n}" for n in range(10, 250)]
    assert (drained.replay, drained.gap) == (b"r0250", False)
    first, *others = bus.requests
    assert (first.topic_name, first.replay_preset, first.replay_id) == (TOPIC, bus.pb.CUSTOM, b"r0010")
    assert {(one.topic_name, one.replay_id) for one in others} == {("", b"")}
    assert max(one.num_requested for one in bus.requests) == 100
    assert bus.schemas_asked == ["s1"]  # asked once for 240 events


def test_a_pull_never_asks_for_more_than_it_may_take(bus: Bus, place: Place) -> None:
    bus.add(*(payload() for _ in range(250)))
    drained = pull(place, most=130, earliest=True)
    assert (len(drained.events), drained.replay) == (130, b"r0130")
    assert [one.num_requested for one in bus.requests] == [100, 30]
    assert len(pull(place, drained.replay).events) == 120


def test_the_stream_is_closed_when_the_pull_is_over(bus: Bus, place: Place) -> None:
    bus.add(payload())
    pull(place, earliest=True)
    for _ in range(100):
        if bus.cancelled:
            break
        time.sleep(0.02)
    assert bus.cancelled == 1


def test_without_a_replay_id_a_pull_begins_now_or_at_the_earliest(bus: Bus, place: Place) -> None:
    bus.add(payload())
    bus.keep_alive = b"r0001"
    assert pull(place) == ((), b"r0001", False, ())
    assert len(pull(place, earliest=True).events) == 1
    assert [one.replay_preset for one in bus.requests if one.topic_name] == [bus.pb.LATEST, bus.pb.EARLIEST]


def test_a_keep_alive_moves_the_replay_id_and_events_do_not_let_it_run_ahead(bus: Bus, place: Place) -> None:
    bus.add(payload(), payload())
    assert pull(place, b"r0001", most=1).replay == b"r0002"  # not the r9999 of the reply
    bus.keep_alive = b"r0777"
    assert pull(place, b"r0002") == ((), b"r0777", False, ())


def test_a_quiet_topic_ends_the_pull_without_an_error(bus: Bus, place: Place) -> None:
    began = time.monotonic()
    assert pull(place, seconds=0.5) == ((), None, False, ())
    assert time.monotonic() - began < 2


def test_a_stream_that_the_server_ends_keeps_what_came(bus: Bus, place: Place) -> None:
    bus.add(payload())
    bus.over = True
    assert len(pull(place, earliest=True).events) == 1


def test_a_refused_replay_id_is_a_gap_and_not_an_error(bus: Bus, place: Place) -> None:
    drained = pull(place, b"long gone")
    assert (drained.events, drained.replay, drained.gap) == ((), None, True)
    assert "replayid.corrupted" in drained.problems[0]


def test_an_overflow_is_a_gap_and_other_gaps_are_hints_without_values(bus: Bus, place: Place) -> None:
    bus.add(payload("GAP_UPDATE", Name="should not be believed"), payload())
    hints = pull(place, earliest=True)
    assert not hints.gap
    assert (hints.events[0].gap, hints.events[0].values) == (True, {})
    assert hints.events[0].record_ids == ("006000000000001AAA",)
    bus.add(payload("GAP_OVERFLOW", header={"recordIds": []}))
    assert pull(place, b"r0002").gap


@pytest.mark.parametrize(("body", "schema"), [(b"\xff\xff not avro", "s1"), (payload(), "s2"), (b"", "s1")])
def test_an_event_nobody_can_decode_is_a_gap_and_blocks_nothing(
    bus: Bus, place: Place, body: bytes, schema: str
) -> None:
    bus.add(body, schema=schema)
    bus.add(payload())
    drained = pull(place, earliest=True)
    assert (len(drained.events), drained.replay, drained.gap) == (1, b"r0002", True)
    assert drained.problems


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("UNAUTHENTICATED", AuthFailed),
        ("PERMISSION_DENIED", AuthFailed),
        ("RESOURCE_EXHAUSTED", RateLimited),
        ("UNAVAILABLE", Transient),
        ("DEADLINE_EXCEEDED", Transient),
        ("INTERNAL", Transient),
        ("INVALID_ARGUMENT", Rejected),
        ("NOT_FOUND", Rejected),
    ],
)
def test_a_refusal_is_told_in_our_tree_with_code_and_rpc_id_but_without_the_token(
    bus: Bus, place: Place, status: str, kind: type[Exception]
) -> None:
    bus.fail = refuse(status, "sfdc.platform.eventbus.grpc.some.code")
    for ask in (lambda: pull(place), lambda: topic(place, SESSION)):
        with pytest.raises(kind) as caught:
            ask()
        assert type(caught.value) is kind
        assert (caught.value.code, caught.value.request_id) == (
            "sfdc.platform.eventbus.grpc.some.code",
            "rpc-17",
        )
        assert caught.value.sent is False
        assert SESSION.token not in str(caught.value) + repr(caught.value)


def test_an_error_after_events_does_not_lose_them_and_comes_with_the_next_pull(
    bus: Bus, place: Place
) -> None:
    bus.add(*(payload() for _ in range(100)))
    bus.fail, bus.fail_after = refuse("UNAVAILABLE"), 100
    drained = pull(place, earliest=True)
    assert (len(drained.events), drained.replay) == (100, b"r0100")
    bus.fail_after = 0
    with pytest.raises(Transient):
        pull(place, drained.replay)


def test_a_server_that_is_not_there_is_transient_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(Transient) as caught:
        pull(Place("127.0.0.1:1", False, TOPIC))
    assert caught.value.code == "UNAVAILABLE"
    assert time.monotonic() - began < 4


def test_a_secure_place_refuses_a_server_without_a_certificate(bus: Bus, place: Place) -> None:
    with pytest.raises(Transient):
        pull(place._replace(secure=True), seconds=5)
    assert not bus.metadata


def test_the_session_goes_into_the_metadata_and_never_into_a_repr(bus: Bus, place: Place) -> None:
    assert topic(place, SESSION) == (TOPIC, True, "s1")
    sent = bus.metadata[0]
    assert (sent["accesstoken"], sent["instanceurl"], sent["tenantid"]) == tuple(SESSION)
    assert SESSION.token not in repr(SESSION) + f"{SESSION}"


def test_schemas_are_remembered_in_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubsub, "_shapes", type(pubsub._shapes)())
    asked: list[str] = []

    def answer(request: Any, **_: Any) -> Any:
        asked.append(request.schema_id)
        return SimpleNamespace(schema_json=json.dumps(SCHEMA))

    channel = SimpleNamespace(unary_unary=lambda *_, **__: answer)
    for number in (*range(70), 69):
        pubsub._shape(channel, Place("a", False, TOPIC), SESSION, f"s{number}", time.monotonic() + 5)
    assert len(asked) == 70
    assert len(pubsub._shapes) == pubsub.SCHEMAS_MAX


def change(**more: Any) -> Any:
    return decode(shape_of(json.dumps(SCHEMA)), payload(**more), "e1")


def test_a_change_event_tells_names_values_and_origin() -> None:
    event = change(
        Amount=1234.1,
        Buyer={"Salutation": None, "FirstName": "Ada", "LastName": "King"},
        header={"changedFields": ["0x6", "3-0x06"], "nulledFields": ["0x22"]},
    )
    assert (event.sobject, event.change_type, event.event_id) == ("Opportunity", "UPDATE", "e1")
    assert (event.transaction, event.sequence) == ("0000-key", 3)
    assert event.commit_at == datetime(2026, 11, 18, 11, 6, 40, 123000, tzinfo=UTC)
    assert event.changed_fields == ("Name", "Amount", "Buyer.FirstName", "Buyer.LastName")
    assert event.nulled_fields == ("Name", "StageName")
    assert event.values == {"Amount": Decimal("1234.1"), "Buyer": {"FirstName": "Ada", "LastName": "King"}}


@pytest.mark.parametrize(
    ("bitmaps", "names"),
    [
        ([], ()),
        (["0x"], ()),
        (["0x00"], ()),
        (["0x8000000004"], ("Amount", "Custom39__c")),
        (["4-0x1"], ("Seller.Salutation",)),  # a record named again, not defined again, in a union of three
        (["0x20", "3-0x1", "4-0x4"], ("StageName", "Buyer.Salutation", "Seller.LastName")),
    ],
)
def test_bitmaps_name_fields_by_their_position_in_the_schema(
    bitmaps: Sequence[str], names: Sequence[str]
) -> None:
    assert names_of(shape_of(json.dumps(SCHEMA)), bitmaps) == names


@pytest.mark.parametrize("bitmap", ["0x80000000000", "3-0x8", "99-0x1", "1-0x1", "x-0x1", "Name", "0xZZ"])
def test_a_bitmap_without_its_field_is_refused_instead_of_guessed(bitmap: str) -> None:
    with pytest.raises(Invalid):
        change(header={"changedFields": [bitmap]})


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 200), cut=st.integers(0, 20), put=st.binary(max_size=12))
def test_a_damaged_event_is_refused_or_read_but_never_an_accident(at: int, cut: int, put: bytes) -> None:
    body = payload(Name="Deal", Amount=1.5, header={"changedFields": ["0x6", "3-0x6"]})
    with suppress(Invalid):
        assert decode(shape_of(json.dumps(SCHEMA)), body[:at] + put + body[at + cut :], "e1").event_id == "e1"


def test_only_our_own_client_makes_an_echo() -> None:
    event = change()
    assert ours(event, "o2chub")
    assert not ours(event, "o2chub2")
    assert not ours(event, "")
    assert not ours(event._replace(origin_client="com/salesforce/api/rest/68.0;client=o2chub2"), "o2chub")
    assert not ours(event._replace(origin_client=""), "o2chub")


def test_a_platform_event_is_its_values() -> None:
    fields = [{"name": "CreatedDate", "type": "long"}, {"name": "Order__c", "type": ["null", "string"]}]
    schema = {"type": "record", "name": "O2C__e", "namespace": "com.sforce.eventbus", "fields": fields}
    out = io.BytesIO()
    fastavro.schemaless_writer(
        out, fastavro.parse_schema(schema), {"CreatedDate": 1_795_000_000_000, "Order__c": "801"}
    )
    event = decode(shape_of(json.dumps(schema)), out.getvalue(), "e2")
    assert (event.sobject.rpartition(".")[2], event.record_ids, event.change_type) == ("O2C__e", (), "")
    assert event.values["Order__c"] == "801"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '"string"', '{"type":"record","name":"x"}', "{", "[" * 5000]
)
def test_a_schema_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        shape_of(text)


def test_a_replay_id_survives_its_text_form() -> None:
    assert parse_replay(format_replay(b"\x00\xff\x10")) == b"\x00\xff\x10"
    for text in ("", "zz", "00 ff", "0", "00" * 257, "00FF", "00\n"):
        with pytest.raises(Invalid):
            parse_replay(text)
    for replay in (b"", b"x" * 257):
        with pytest.raises(Invalid):
            format_replay(replay)


@pytest.fixture
def org() -> Iterator[Any]:
    """The simulated org with its event bus on a real port."""
    kit, buses, servers, orgs = (
        pytest.importorskip(f"sandbox.{name}")
        for name in ("kit", "salesforce.pubsub_bus", "salesforce.pubsub", "salesforce.org")
    )
    simulated = orgs.Org(kit.Kit(), lambda: datetime.now(UTC))
    bus = buses.EventBus(simulated)
    served = servers.PubSub(simulated, bus, lambda token: token == SESSION.token, keep_alive=0.1)
    with servers.serving(served) as address:
        place = Place(address, False, "/data/ChangeEvents")
        session = SESSION._replace(org_id=simulated.org_id)
        yield SimpleNamespace(rows=simulated, bus=bus, served=served, place=place, session=session)


def from_org(org: Any, replay: bytes | None = None, most: int = 1000) -> Any:
    return drain(org.place, org.session, replay, most=most, seconds=10, idle=0.2, earliest=True)


def deal(org: Any, name: str, **how: Any) -> str:
    values = {"Name": name, "StageName": "Prospecting", "CloseDate": "2026-12-01", "Amount": Decimal("12.5")}
    return str(org.rows.insert("Opportunity", values, **how))


def test_changes_in_the_simulated_org_arrive_decoded_and_our_own_are_known(org: Any) -> None:
    id = deal(org, "Deal", client="o2chub", by="api")
    org.rows.update("Opportunity", id, {"StageName": "Closed Won", "Amount": None})
    org.rows.delete("Opportunity", id)
    created, updated, deleted = from_org(org).events
    assert [one.change_type for one in (created, updated, deleted)] == ["CREATE", "UPDATE", "DELETE"]
    assert {one.record_ids for one in (created, updated, deleted)} == {(id,)}
    assert (created.values["Amount"], created.values["Name"]) == (Decimal("12.5"), "Deal")
    assert {"StageName", "Amount"} <= set(updated.changed_fields)
    assert updated.nulled_fields == ("Amount",)
    assert [ours(one, "o2chub") for one in (created, updated, deleted)] == [True, False, False]


def test_pulls_of_the_simulated_org_follow_each_other_without_loss_or_repeat(org: Any) -> None:
    for number in range(230):
        deal(org, f"Deal {number}")
    first = from_org(org, most=120)
    second = from_org(org, first.replay)
    names = [event.values["Name"] for pulled in (first, second) for event in pulled.events]
    assert names == [f"Deal {number}" for number in range(230)]
    assert from_org(org, second.replay).events == ()


def test_the_simulated_org_refuses_forgotten_replay_ids_strangers_and_unknown_topics(org: Any) -> None:
    deal(org, "Deal")
    replay = from_org(org).replay
    org.bus.forget()
    assert from_org(org, replay).gap
    org.session = org.session._replace(token="stolen")
    with pytest.raises(AuthFailed):
        from_org(org)
    org.session = org.session._replace(token=SESSION.token)
    org.place = org.place._replace(topic="/data/NoSuchChangeEvent")
    with pytest.raises(Rejected):
        from_org(org)


def test_gaps_of_the_simulated_org_are_hints(org: Any) -> None:
    id = deal(org, "Deal")
    replay = from_org(org).replay
    org.bus.degraded = 1
    org.rows.update("Opportunity", id, {"Name": "Changed"})
    hint = from_org(org, replay).events[0]
    assert (hint.change_type, hint.record_ids, hint.values) == ("GAP_UPDATE", (id,), {})
    org.bus.overflow("Opportunity")
    assert from_org(org, replay).gap
