"""The event stream, driven with stubs generated from the published interface: code nobody here wrote."""

from __future__ import annotations

import importlib
import io
import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from sandbox.salesforce import avro, descriptors, pubsub_bus
from sandbox.salesforce.avro import Column
from sandbox.salesforce.org import INTEGRATION, PERSON, Org
from sandbox.salesforce.pubsub import PubSub, serving, sessions_of
from sandbox.salesforce.pubsub_bus import SUPPORTED, EventBus
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.simulator import SalesforceSandbox
from tests.sandbox.salesforce.orgs import Clock, deal, empty

PROTO = Path(__file__).parents[4] / "shared/specs/salesforce/pubsub_api.proto"
TOPIC = "/data/OpportunityChangeEvent"
TOKEN = "00D!token"
CODE = "sfdc.platform.eventbus.grpc."
FAST = {"keep_alive": 0.15, "idle": 10.0}


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PROTO.exists():
        pytest.skip("the published pubsub_api.proto is not there (shared/specs/salesforce)")
    out = tmp_path_factory.mktemp("stubs")
    arguments = ["protoc", f"-I{PROTO.parent}", f"--python_out={out}", f"--grpc_python_out={out}"]
    code = protoc.main([*arguments, f"--descriptor_set_out={out / 'set'}", PROTO.name])
    assert code == 0
    return out


@pytest.fixture(scope="session")
def stubs(generated: Path) -> Iterator[tuple[Any, Any]]:
    sys.path.insert(0, str(generated))
    yield importlib.import_module("pubsub_api_pb2"), importlib.import_module("pubsub_api_pb2_grpc")
    sys.path.remove(str(generated))


class Subscriber:
    """One stream: what was asked for goes out, replies are taken one by one."""

    def __init__(self, client: Client, **first: Any) -> None:
        self.client, self.outbox = client, queue.SimpleQueue[Any]()
        self.ask(**{"topic_name": TOPIC, "num_requested": 100, **first})
        self.call = client.stub.Subscribe(iter(self.outbox.get, None), metadata=client.metadata, timeout=20)

    def ask(self, **facts: Any) -> None:
        self.outbox.put(self.client.pb.FetchRequest(**facts))

    def next(self) -> Any:
        return next(self.call)

    def events(self, count: int) -> list[tuple[dict[str, Any], bytes]]:
        """So many events, decoded, each with its replay id."""
        found: list[tuple[dict[str, Any], bytes]] = []
        while len(found) < count:
            found += [(self.client.decoded(one), one.replay_id) for one in self.next().events]
        return found

    def settled(self) -> bytes:
        """Wait for the first keep-alive: the stream stands. Returns its replay id."""
        reply = self.next()
        assert not reply.events
        return bytes(reply.latest_replay_id)

    def end(self) -> None:
        self.outbox.put(None)
        self.call.cancel()


class Client:
    """The generated stub on the server's port, with an Avro reader that asks for schemas by id."""

    def __init__(self, stubs: tuple[Any, Any], address: str, org: Org) -> None:
        self.pb, module = stubs
        self.channel = grpc.insecure_channel(address)
        self.stub = module.PubSubStub(self.channel)
        self.metadata: tuple[tuple[str, str], ...] = (
            ("accesstoken", TOKEN),
            ("instanceurl", "https://x"),
            ("tenantid", org.org_id),
        )
        self.schemas: dict[str, Any] = {}
        self.open: list[Subscriber] = []

    def subscribe(self, **first: Any) -> Subscriber:
        self.open.append(Subscriber(self, **first))
        return self.open[-1]

    def topic(self, name: str) -> Any:
        return self.stub.GetTopic(self.pb.TopicRequest(topic_name=name), metadata=self.metadata, timeout=5)

    def schema(self, id: str) -> Any:
        if id not in self.schemas:
            asked = self.pb.SchemaRequest(schema_id=id)
            told = self.stub.GetSchema(asked, metadata=self.metadata, timeout=5)
            self.schemas[id] = json.loads(told.schema_json)
        return self.schemas[id]

    def decoded(self, event: Any) -> dict[str, Any]:
        schema = self.schema(event.event.schema_id)
        record = fastavro.schemaless_reader(io.BytesIO(event.event.payload), schema, None)
        assert isinstance(record, dict)
        header = record.get("ChangeEventHeader", {})
        for name in ("changedFields", "nulledFields"):
            if header:
                header[name] = _named(schema, header[name])
        return record

    def close(self) -> None:
        for one in self.open:
            one.end()
        self.channel.close()


def _named(schema: Any, bitmaps: list[str]) -> set[str]:
    """Field names of a bitmap list, by the vendor's description of it."""
    found = set()
    for text in bitmaps:
        place, _, bits = text.rpartition("-")
        fields, prefix = schema["fields"], ""
        if place:
            parent = fields[int(place)]
            record = next(one for one in parent["type"] if isinstance(one, dict))
            fields, prefix = record["fields"], parent["name"] + "."
        number = int(bits, 16)
        found |= {prefix + one["name"] for at, one in enumerate(fields) if number >> at & 1}
    return found


class World:
    """An org with its stream and a client of it."""

    def __init__(self, stubs: tuple[Any, Any], **facts: Any) -> None:
        self.clock = Clock()
        self.org = empty(self.clock)
        self.bus = EventBus(self.org, captured=facts.pop("captured", None))
        self.tokens = {TOKEN}
        self.server = PubSub(self.org, self.bus, lambda token: token in self.tokens, **{**FAST, **facts})
        self.stubs = stubs

    def client(self) -> Client:
        return Client(self.stubs, self.address, self.org)

    address = ""


@pytest.fixture
def make(stubs: tuple[Any, Any]) -> Iterator[Callable[..., tuple[World, Client]]]:
    ends: list[Callable[[], Any]] = []

    def made(**facts: Any) -> tuple[World, Client]:
        world = World(stubs, **facts)
        block = serving(world.server)
        world.address = block.__enter__()
        client = world.client()
        ends.extend([lambda: block.__exit__(None, None, None), client.close])
        return world, client

    yield made
    for end in reversed(ends):
        end()


@pytest.fixture
def world(make: Callable[..., tuple[World, Client]]) -> tuple[World, Client]:
    return make()


def code_of(failed: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[str, str]:
    """gRPC status and Salesforce's code of a failed call."""
    trailers = {str(one.key): str(one.value) for one in failed.value.trailing_metadata()}
    assert trailers["rpc-id"] in str(failed.value.details())
    return failed.value.code().name, trailers["error-code"].removeprefix(CODE)


def test_our_tables_say_what_the_published_interface_says(generated: Path) -> None:
    published = descriptor_pb2.FileDescriptorSet.FromString((generated / "set").read_bytes()).file[0]
    ours = descriptors.described()
    assert ours.package == published.package

    def fields(file: Any) -> dict[str, list[tuple[Any, ...]]]:
        return {
            message.name: [(f.name, f.number, f.type, f.label, f.type_name) for f in message.field]
            for message in file.message_type
        }

    theirs = fields(published)
    assert fields(ours) == {name: theirs[name] for name in fields(ours)}
    enums = {one.name: [(v.name, v.number) for v in one.value] for one in published.enum_type}
    assert {one.name: [(v.name, v.number) for v in one.value] for one in ours.enum_type} == enums
    methods = {
        one.name: (one.input_type, one.output_type, one.client_streaming, one.server_streaming)
        for one in published.service[0].method
    }
    assert f"{published.package}.{published.service[0].name}" == f"{descriptors.PACKAGE}.PubSub"
    for name, method in descriptors.METHODS.items():
        dotted = f".{descriptors.PACKAGE}."
        stream = (method.streams, method.streams)
        assert methods[name] == (dotted + method.asked, dotted + method.answered, *stream)


def test_a_new_record_comes_whole(world: tuple[World, Client]) -> None:
    place, client = world
    stream = client.subscribe()
    stream.settled()
    record = deal(place.org, "Rollout", NextStep="call")
    [(event, _)] = stream.events(1)
    header = event["ChangeEventHeader"]
    assert (header["entityName"], header["recordIds"], header["changeType"]) == (
        "Opportunity",
        [record],
        "CREATE",
    )
    assert (header["changedFields"], header["nulledFields"]) == (set(), set())
    assert (event["Name"], event["Amount"], event["NextStep"]) == ("Rollout", 1200.5, "call")
    assert event["CloseDate"] == 1_798_675_200_000
    assert (header["commitTimestamp"], header["commitUser"]) == (1_795_167_015_250, PERSON)
    assert "Id" not in event
    assert "SystemModstamp" not in event


def test_an_update_fills_only_what_changed_and_names_what_was_emptied(world: tuple[World, Client]) -> None:
    place, client = world
    record = deal(place.org, NextStep="call")
    stream = client.subscribe()
    stream.settled()
    place.clock.on(seconds=5)
    place.org.update("Opportunity", record, {"Amount": "99.90", "NextStep": None}, by="api", client="o2chub")
    [(event, _)] = stream.events(1)
    header = event["ChangeEventHeader"]
    assert header["changeType"] == "UPDATE"
    assert header["changeOrigin"] == "com/salesforce/api/rest/68.0;client=o2chub"
    assert header["commitUser"] == INTEGRATION
    assert {"Amount", "NextStep", "LastModifiedDate"} <= header["changedFields"]
    assert "Name" not in header["changedFields"]
    assert "NextStep" in header["nulledFields"]
    assert (event["Amount"], event["Name"], event["NextStep"]) == (99.9, None, None)


def test_changes_of_the_browser_have_no_origin_and_the_api_needs_no_client(
    world: tuple[World, Client],
) -> None:
    place, client = world
    stream = client.subscribe()
    stream.settled()
    deal(place.org)
    place.org.insert(
        "Opportunity", {"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-12-31"}, by="api"
    )
    origins = [event["ChangeEventHeader"]["changeOrigin"] for event, _ in stream.events(2)]
    assert origins == ["", "com/salesforce/api/rest/68.0"]


def test_deletion_and_return_are_told(world: tuple[World, Client]) -> None:
    place, client = world
    record = deal(place.org)
    stream = client.subscribe()
    stream.settled()
    place.org.delete("Opportunity", record)
    place.org.undelete("Opportunity", record)
    (gone, _), (back, _) = stream.events(2)
    assert (gone["ChangeEventHeader"]["changeType"], gone["Name"]) == ("DELETE", None)
    assert (back["ChangeEventHeader"]["changeType"], back["Name"]) == ("UNDELETE", "Rollout")


def test_parts_of_an_address_are_fields_of_a_record_with_their_own_bitmap(
    world: tuple[World, Client],
) -> None:
    place, client = world
    account = place.org.insert("Account", {"Name": "Acme", "BillingStreet": "Way 1", "BillingCity": "Ulm"})
    stream = client.subscribe(topic_name="/data/AccountChangeEvent")
    stream.settled()
    place.org.update("Account", account, {"BillingCity": "Bonn", "Phone": "1"})
    [(event, _)] = stream.events(1)
    assert event["BillingAddress"]["City"] == "Bonn"
    assert event["BillingAddress"]["Street"] is None
    assert event["ShippingAddress"] is None
    changed = event["ChangeEventHeader"]["changedFields"]
    assert {"BillingAddress.City", "Phone"} <= changed
    assert not {"BillingAddress.Street", "BillingAddress"} & changed


def test_the_name_of_a_person_is_a_record(world: tuple[World, Client]) -> None:
    place, client = world
    stream = client.subscribe(topic_name="/data/ContactChangeEvent")
    stream.settled()
    place.org.insert("Contact", {"LastName": "Meier", "FirstName": "Ida"})
    [(event, _)] = stream.events(1)
    assert (event["Name"]["FirstName"], event["Name"]["LastName"]) == ("Ida", "Meier")


def test_bitmaps_are_hexadecimal_with_the_first_field_in_the_lowest_bit() -> None:
    assert avro.bitmap([1]) == "0x02"
    assert avro.bitmap([0, 8, 15]) == "0x8101"
    assert avro.bitmap([31]) == "0x80000000"


def test_one_channel_has_the_changes_of_all_objects(world: tuple[World, Client]) -> None:
    place, client = world
    stream = client.subscribe(topic_name="/data/ChangeEvents")
    stream.settled()
    place.org.insert("Account", {"Name": "Acme"})
    deal(place.org)
    names = [event["ChangeEventHeader"]["entityName"] for event, _ in stream.events(2)]
    assert names == ["Account", "Opportunity"]


def test_no_more_comes_than_was_asked_for(world: tuple[World, Client]) -> None:
    place, client = world
    for number in range(7):
        deal(place.org, f"{number}")
    stream = client.subscribe(num_requested=3, replay_preset="EARLIEST")
    first = stream.next()
    assert (len(first.events), first.pending_num_requested) == (3, 0)
    assert first.latest_replay_id == first.events[-1].replay_id
    stream.ask(num_requested=2)
    stream.ask(topic_name=TOPIC, num_requested=1)
    names = [event["Name"] for event, _ in stream.events(3)]
    assert names == ["3", "4", "5"]


def test_a_stream_that_wants_nothing_more_is_ended(make: Callable[..., tuple[World, Client]]) -> None:
    place, client = make(idle=0.2)
    deal(place.org)
    stream = client.subscribe(num_requested=1, replay_preset="EARLIEST")
    assert sum(len(one.events) for one in stream.call) == 1
    assert stream.call.code() == grpc.StatusCode.OK


def test_a_satisfied_client_is_never_told_a_place_behind_what_it_has_not_got(
    make: Callable[..., tuple[World, Client]],
) -> None:
    place, client = make(keep_alive=0.1, idle=0.5)
    for number in range(3):
        deal(place.org, f"{number}")
    replies = list(client.subscribe(num_requested=1, replay_preset="EARLIEST").call)
    assert {reply.latest_replay_id for reply in replies} == {replies[0].events[0].replay_id}


def test_more_than_a_hundred_counts_as_a_hundred(world: tuple[World, Client]) -> None:
    place, client = world
    for number in range(130):
        deal(place.org, f"{number}")
    stream = client.subscribe(num_requested=5_000, replay_preset="EARLIEST")
    assert len(stream.next().events) == 100


def test_quiet_streams_are_kept_alive_with_a_place_to_resume_from(world: tuple[World, Client]) -> None:
    place, client = world
    place_one = client.subscribe().settled()
    stream = client.subscribe(topic_name="/data/AccountChangeEvent")
    stream.settled()
    deal(place.org)
    resumed = client.subscribe(replay_preset="CUSTOM", replay_id=place_one)
    assert [event["Name"] for event, _ in resumed.events(1)] == ["Rollout"]
    assert stream.settled() != place_one


def test_a_stream_resumes_after_a_replay_id(world: tuple[World, Client]) -> None:
    place, client = world
    for number in range(5):
        deal(place.org, f"{number}")
    seen = client.subscribe(replay_preset="EARLIEST").events(5)
    resumed = client.subscribe(replay_preset="CUSTOM", replay_id=seen[1][1])
    assert [event["Name"] for event, _ in resumed.events(3)] == ["2", "3", "4"]
    numbers = [int.from_bytes(replay[:8], "big") for _, replay in seen]
    assert numbers == sorted(numbers)
    assert numbers != list(range(numbers[0], numbers[0] + 5))


@pytest.mark.parametrize("bad", [b"\0", b"\0" * 10, b"\xff" * 10, b"x" * 40])
def test_a_replay_id_that_is_none_of_theirs_is_refused(world: tuple[World, Client], bad: bytes) -> None:
    _, client = world
    with pytest.raises(grpc.RpcError) as failed:
        client.subscribe(replay_preset="CUSTOM", replay_id=bad).next()
    assert code_of(failed) == ("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted")


def test_a_custom_start_needs_a_replay_id(world: tuple[World, Client]) -> None:
    _, client = world
    with pytest.raises(grpc.RpcError) as failed:
        client.subscribe(replay_preset="CUSTOM").next()
    assert code_of(failed) == ("INVALID_ARGUMENT", "subscription.fetch.replayid.validation.failed")


def test_events_are_kept_for_72_hours(world: tuple[World, Client]) -> None:
    place, client = world
    deal(place.org, "old")
    [(_, old)] = client.subscribe(replay_preset="EARLIEST").events(1)
    place.clock.on(hours=71)
    deal(place.org, "new")
    resumed = client.subscribe(replay_preset="CUSTOM", replay_id=old)
    assert [event["Name"] for event, _ in resumed.events(1)] == ["new"]
    place.clock.on(hours=2)
    with pytest.raises(grpc.RpcError) as failed:
        client.subscribe(replay_preset="CUSTOM", replay_id=old).next()
    assert code_of(failed) == ("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted")
    left = client.subscribe(replay_preset="EARLIEST").events(1)
    assert [event["Name"] for event, _ in left] == ["new"]


def test_the_oldest_events_go_first_where_there_are_too_many(
    world: tuple[World, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub_bus, "KEPT_MAX", 20)
    place, client = world
    for number in range(40):
        deal(place.org, f"{number:02}")
    names = [event["Name"] for event, _ in client.subscribe(replay_preset="EARLIEST").events(18)]
    assert names == sorted(names)
    assert (names[0] > "18", names[-1]) == (True, "39")


def test_a_move_of_the_org_makes_every_replay_id_invalid(world: tuple[World, Client]) -> None:
    place, client = world
    known = client.subscribe().settled()
    place.bus.forget()
    with pytest.raises(grpc.RpcError) as failed:
        client.subscribe(replay_preset="CUSTOM", replay_id=known).next()
    assert code_of(failed) == ("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"accesstoken": ""}, "service.auth.headers.invalid"),
        ({"tenantid": None}, "service.auth.headers.invalid"),
        ({"accesstoken": "stale"}, "service.auth.error"),
        ({"tenantid": "00D000000000001AAA"}, "service.auth.error"),
    ],
)
def test_calls_without_a_session_of_this_org_are_refused(
    world: tuple[World, Client], change: dict[str, str | None], wanted: str
) -> None:
    _, client = world
    sent = {**dict(client.metadata), **change}
    client.metadata = tuple((name, value) for name, value in sent.items() if value is not None)
    with pytest.raises(grpc.RpcError) as failed:
        client.topic(TOPIC)
    assert code_of(failed) == ("UNAUTHENTICATED", wanted)
    with pytest.raises(grpc.RpcError) as failed:
        client.subscribe().next()
    assert code_of(failed) == ("UNAUTHENTICATED", wanted)


def test_a_session_that_ends_ends_its_stream(world: tuple[World, Client]) -> None:
    place, client = world
    stream = client.subscribe()
    stream.settled()
    place.tokens.clear()
    with pytest.raises(grpc.RpcError) as failed:
        stream.events(1)
    assert code_of(failed) == ("UNAUTHENTICATED", "service.auth.error")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"topic_name": "/data/NoSuchChangeEvent"}, ("NOT_FOUND", "topic.not.found")),
        ({"topic_name": ""}, ("INVALID_ARGUMENT", "topic.validation.empty")),
        ({"num_requested": 0}, ("INVALID_ARGUMENT", "subscription.fetch.requested.events.invalid")),
    ],
)
def test_a_stream_that_cannot_begin_says_why(
    world: tuple[World, Client], asked: dict[str, Any], wanted: tuple[str, str]
) -> None:
    _, client = world
    with pytest.raises(grpc.RpcError) as failed:
        client.subscribe(**asked).next()
    assert code_of(failed) == wanted


def test_the_topic_of_a_stream_cannot_change(world: tuple[World, Client]) -> None:
    _, client = world
    stream = client.subscribe()
    stream.settled()
    stream.ask(topic_name="/data/AccountChangeEvent", num_requested=1)
    with pytest.raises(grpc.RpcError) as failed:
        stream.events(1)
    assert code_of(failed) == ("INVALID_ARGUMENT", "subscription.fetch.topic.mismatch")


def test_objects_not_selected_for_capture_have_no_channel(make: Callable[..., tuple[World, Client]]) -> None:
    place, client = make(captured={"Account"})
    with pytest.raises(grpc.RpcError) as failed:
        client.topic(TOPIC)
    assert code_of(failed)[0] == "NOT_FOUND"
    stream = client.subscribe(topic_name="/data/ChangeEvents")
    stream.settled()
    deal(place.org)
    place.org.insert("Account", {"Name": "Acme"})
    assert [event["ChangeEventHeader"]["entityName"] for event, _ in stream.events(1)] == ["Account"]


def test_topics_name_their_schema(world: tuple[World, Client]) -> None:
    place, client = world
    told = client.topic(TOPIC)
    assert (told.tenant_guid, told.can_publish, told.can_subscribe) == (place.org.org_id, False, True)
    schema = client.schema(told.schema_id)
    assert (schema["name"], schema["namespace"]) == ("OpportunityChangeEvent", "com.sforce.eventbus")
    assert schema["fields"][0]["name"] == "ChangeEventHeader"
    kinds = {field["name"]: (field["type"][1], field.get("doc")) for field in schema["fields"][1:]}
    assert kinds["Amount"] == ("double", "Data:Currency")
    assert kinds["AccountId"] == ("string", "ForeignKey:EntityId")
    assert kinds["CloseDate"] == ("long", "Data:DateOnly")
    with pytest.raises(grpc.RpcError) as failed:
        client.schema("no-such-schema")
    assert failed.value.code().name == "NOT_FOUND"


def _invoice() -> SObject:
    one = SObject("ERP_Invoice__c", "a01", custom=True)
    one.add([Field("Id", "id"), Field("Name", "string"), Field("Open__c", "currency")])
    return one


def test_every_object_with_change_events_has_a_schema_that_can_be_used(world: tuple[World, Client]) -> None:
    place, client = world
    place.org.features |= {"contracts", "multi_currency", "state_country_codes", "person_accounts"}
    place.org.define(_invoice())
    for name in (*SUPPORTED, "ERP_Invoice__c"):
        told = client.topic(f"/data/{avro.channel(name)}")
        schema = client.schema(told.schema_id)
        fastavro.parse_schema(schema)
        assert schema["name"] == avro.channel(name)
    with pytest.raises(grpc.RpcError) as failed:
        client.topic("/data/OrganizationChangeEvent")
    assert code_of(failed) == ("NOT_FOUND", "topic.not.found")


def test_gap_and_overflow_events_have_a_header_and_no_more(world: tuple[World, Client]) -> None:
    place, client = world
    stream = client.subscribe()
    stream.settled()
    place.bus.degraded = 1
    record = deal(place.org)
    place.bus.announce("Opportunity", "GAP_DELETE", ["0065g00000000XAAAQ", record])
    place.bus.overflow("Opportunity")
    headers = [event["ChangeEventHeader"] for event, _ in stream.events(3)]
    assert [one["changeType"] for one in headers] == ["GAP_CREATE", "GAP_DELETE", "GAP_OVERFLOW"]
    assert [len(one["recordIds"]) for one in headers] == [1, 2, 0]


def test_the_same_change_to_many_records_in_a_transaction_is_one_event(world: tuple[World, Client]) -> None:
    place, client = world
    records = [deal(place.org, "same") for _ in range(3)]
    stream = client.subscribe()
    stream.settled()
    with place.org.transaction():
        for record in records:
            place.org.update("Opportunity", record, {"NextStep": "ship"})
        place.org.update("Opportunity", records[0], {"NextStep": "wait"})
    (first, _), (second, _) = stream.events(2)
    told = [set(event["ChangeEventHeader"]["recordIds"]) for event in (first, second)]
    assert sorted(map(len, told)) == [1, 2]
    assert set().union(*told) == set(records)
    keys = {event["ChangeEventHeader"]["transactionKey"] for event in (first, second)}
    assert len(keys) == 1
    assert [e["ChangeEventHeader"]["sequenceNumber"] for e in (first, second)] == [1, 2]


def test_streams_break_and_are_taken_up_again_without_loss(world: tuple[World, Client]) -> None:
    place, client = world
    stream = client.subscribe()
    at = stream.settled()
    place.server.break_streams()
    with pytest.raises(grpc.RpcError) as failed:
        stream.events(1)
    assert code_of(failed) == ("UNAVAILABLE", "service.unavailable")
    deal(place.org)
    assert len(client.subscribe(replay_preset="CUSTOM", replay_id=at).events(1)) == 1


def test_calls_can_be_refused_on_purpose(world: tuple[World, Client]) -> None:
    place, client = world
    place.server.refuse("service.tenant.license", "PERMISSION_DENIED")
    with pytest.raises(grpc.RpcError) as failed:
        client.topic(TOPIC)
    assert code_of(failed) == ("PERMISSION_DENIED", "service.tenant.license")
    assert client.topic(TOPIC).can_subscribe


def test_platform_events_are_published_and_received(world: tuple[World, Client]) -> None:
    place, client = world
    schema = place.bus.define("Order_Ready__e", [Column("Number__c", "string"), Column("Total__c", "double")])
    topic = "/event/Order_Ready__e"
    assert client.topic(topic).schema_id == schema.id
    stream = client.subscribe(topic_name=topic)
    stream.settled()
    facts = {"CreatedDate": 1, "CreatedById": "005", "Number__c": "7", "Total__c": 1.5}
    good = {"id": "a", "schema_id": schema.id, "payload": avro.written(schema, facts)}
    bad = {"id": "b", "schema_id": schema.id, "payload": b"\x80"}
    asked = client.pb.PublishRequest(topic_name=topic, events=[good, bad])
    told = client.stub.Publish(asked, metadata=client.metadata, timeout=5)
    assert [(one.correlation_key, one.error.msg != "") for one in told.results] == [("a", False), ("b", True)]
    [(event, replay)] = stream.events(1)
    assert event == facts
    assert replay == told.results[0].replay_id


def test_change_events_cannot_be_published_and_managed_streams_are_not_there(
    world: tuple[World, Client],
) -> None:
    _, client = world
    asked = client.pb.PublishRequest(topic_name=TOPIC, events=[{"id": "a"}])
    with pytest.raises(grpc.RpcError) as failed:
        client.stub.Publish(asked, metadata=client.metadata, timeout=5)
    assert code_of(failed)[0] == "PERMISSION_DENIED"
    managed = client.stub.ManagedSubscribe(iter([]), metadata=client.metadata, timeout=5)
    with pytest.raises(grpc.RpcError) as failed:
        next(managed)
    assert failed.value.code().name == "UNIMPLEMENTED"


def test_a_thousand_changes_arrive_once_each_in_order(make: Callable[..., tuple[World, Client]]) -> None:
    place, client = make(keep_alive=5.0, idle=5.0)
    stream = client.subscribe(replay_preset="EARLIEST")
    for number in range(1000):
        deal(place.org, f"{number}")
    found: list[str] = []
    while len(found) < 1000:
        reply = stream.next()
        found += [client.decoded(one)["Name"] for one in reply.events]
        if reply.pending_num_requested < 50:
            stream.ask(num_requested=50)
    assert found == [f"{number}" for number in range(1000)]


def test_closing_ends_open_streams_at_once(stubs: tuple[Any, Any]) -> None:
    world = World(stubs, keep_alive=60.0)
    with serving(world.server) as world.address:
        client = world.client()
        deal(world.org)
        client.subscribe(replay_preset="EARLIEST").events(1)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    client.close()


def test_the_stream_of_the_whole_sandbox_goes_by_its_sessions(stubs: tuple[Any, Any]) -> None:
    place = SalesforceSandbox()
    server = PubSub(place.org, EventBus(place.org), sessions_of(place.login), **FAST)
    with serving(server) as address:
        client = Client(stubs, address, place.org)
        with pytest.raises(grpc.RpcError) as failed:
            client.topic(TOPIC)
        assert code_of(failed) == ("UNAUTHENTICATED", "service.auth.error")
        client.metadata = (("accesstoken", place.access_token), *client.metadata[1:])
        stream = client.subscribe()
        stream.settled()
        account = place.add_account()
        place.add_product("WIDGET")
        record = place.add_opportunity(account, lines=[("WIDGET", 3, "10.50")])
        place.win(record)
        (made, _), (won, _) = stream.events(2)
        assert (made["ChangeEventHeader"]["recordIds"], made["Amount"]) == ([record], 31.5)
        assert won["StageName"] == "Closed Won"
        place.expire_sessions()
        with pytest.raises(grpc.RpcError) as failed:
            stream.events(1)
        assert code_of(failed) == ("UNAUTHENTICATED", "service.auth.error")
        client.close()
