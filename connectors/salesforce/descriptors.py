"""The messages of the Pub/Sub API, built at run time from tables, so that no generated code is kept here.

Package eventbus.v1 of the published pubsub_api.proto: only what subscribing needs. A test compares the tables
with the published file, field by field. protobuf is loaded at the first use: it costs memory.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

PACKAGE = "eventbus.v1"
SUBSCRIBE = f"/{PACKAGE}.PubSub/Subscribe"  # stream of FetchRequest -> stream of FetchResponse
GET_SCHEMA = f"/{PACKAGE}.PubSub/GetSchema"  # SchemaRequest -> SchemaInfo
GET_TOPIC = f"/{PACKAGE}.PubSub/GetTopic"  # TopicRequest -> TopicInfo

LATEST, EARLIEST, CUSTOM = 0, 1, 2
ENUMS = {"ReplayPreset": {"LATEST": LATEST, "EARLIEST": EARLIEST, "CUSTOM": CUSTOM}}

# message -> its fields: name, number, type; a star: repeated
MESSAGES = {
    "TopicInfo": (
        "topic_name 1 string, tenant_guid 2 string, can_publish 3 bool, can_subscribe 4 bool, "
        "schema_id 5 string, rpc_id 6 string"
    ),
    "TopicRequest": "topic_name 1 string",
    "EventHeader": "key 1 string, value 2 bytes",
    "ProducerEvent": "id 1 string, schema_id 2 string, payload 3 bytes, headers 4 EventHeader*",
    "ConsumerEvent": "event 1 ProducerEvent, replay_id 2 bytes",
    "FetchRequest": (
        "topic_name 1 string, replay_preset 2 ReplayPreset, replay_id 3 bytes, num_requested 4 int32, "
        "auth_refresh 5 string"
    ),
    "FetchResponse": (
        "events 1 ConsumerEvent*, latest_replay_id 2 bytes, rpc_id 3 string, pending_num_requested 4 int32"
    ),
    "SchemaRequest": "schema_id 1 string",
    "SchemaInfo": "schema_json 1 string, schema_id 2 string, rpc_id 3 string",
}
_SCALARS = {"string": "TYPE_STRING", "bool": "TYPE_BOOL", "bytes": "TYPE_BYTES", "int32": "TYPE_INT32"}


@cache
def message(name: str) -> Any:
    """The class of a message, e.g. FetchRequest. Raises KeyError for a name that the tables lack."""
    factory = import_module("google.protobuf.message_factory")
    return factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def _pool() -> Any:
    """A pool of our own: the process-wide one would refuse a second definition of the same names."""
    descriptor = import_module("google.protobuf.descriptor_pb2")
    pool = import_module("google.protobuf.descriptor_pool").DescriptorPool()
    file = descriptor.FileDescriptorProto(name="eventbus.proto", package=PACKAGE, syntax="proto3")
    for name, values in ENUMS.items():
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    for name, fields in MESSAGES.items():
        shape = file.message_type.add(name=name)
        for told in fields.split(", "):
            _add_field(shape, descriptor.FieldDescriptorProto, told)
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add_field(shape: Any, kinds: Any, told: str) -> None:
    name, number, type_name = told.split()
    field = shape.field.add(name=name, number=int(number))
    repeated, type_name = type_name.endswith("*"), type_name.removesuffix("*")
    field.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
    if type_name in _SCALARS:
        field.type = getattr(kinds, _SCALARS[type_name])
    else:
        field.type = kinds.TYPE_ENUM if type_name in ENUMS else kinds.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{type_name}"
