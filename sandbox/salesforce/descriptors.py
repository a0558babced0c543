"""The messages and methods of the Pub/Sub API (package eventbus.v1): a table of facts, built at run time."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "eventbus.v1"

# Names and numbers as in the published interface (Pub/Sub API version 1); enum values count from 0.
ENUMS: dict[str, tuple[str, ...]] = {
    "ErrorCode": ("UNKNOWN", "PUBLISH", "COMMIT"),
    "ReplayPreset": ("LATEST", "EARLIEST", "CUSTOM"),
}
# A message is `number name type`, one field after the other; `*` before the type: repeated.
MESSAGES: dict[str, str] = {
    "TopicInfo": "1 topic_name string, 2 tenant_guid string, 3 can_publish bool, 4 can_subscribe bool,"
    " 5 schema_id string, 6 rpc_id string",
    "TopicRequest": "1 topic_name string",
    "EventHeader": "1 key string, 2 value bytes",
    "ProducerEvent": "1 id string, 2 schema_id string, 3 payload bytes, 4 headers *EventHeader",
    "ConsumerEvent": "1 event ProducerEvent, 2 replay_id bytes",
    "PublishResult": "1 replay_id bytes, 2 error Error, 3 correlation_key string",
    "Error": "1 code ErrorCode, 2 msg string",
    "FetchRequest": "1 topic_name string, 2 replay_preset ReplayPreset, 3 replay_id bytes,"
    " 4 num_requested int32, 5 auth_refresh string",
    "FetchResponse": "1 events *ConsumerEvent, 2 latest_replay_id bytes, 3 rpc_id string,"
    " 4 pending_num_requested int32",
    "SchemaRequest": "1 schema_id string",
    "SchemaInfo": "1 schema_json string, 2 schema_id string, 3 rpc_id string",
    "PublishRequest": "1 topic_name string, 2 events *ProducerEvent, 3 auth_refresh string",
    "PublishResponse": "1 results *PublishResult, 2 schema_id string, 3 rpc_id string",
}
TYPES = {"bool": "TYPE_BOOL", "bytes": "TYPE_BYTES", "int32": "TYPE_INT32", "string": "TYPE_STRING"}


class Method(NamedTuple):
    """One remote call: what is asked, what is answered, and whether each side is a stream."""

    asked: str
    answered: str
    streams: bool = False


METHODS: dict[str, Method] = {
    "Subscribe": Method("FetchRequest", "FetchResponse", streams=True),
    "GetSchema": Method("SchemaRequest", "SchemaInfo"),
    "GetTopic": Method("TopicRequest", "TopicInfo"),
    "Publish": Method("PublishRequest", "PublishResponse"),
}


def described() -> descriptor_pb2.FileDescriptorProto:
    """The tables above as one file descriptor."""
    file = descriptor_pb2.FileDescriptorProto(
        name="sandbox/salesforce/eventbus", package=PACKAGE, syntax="proto3"
    )
    for name, values in ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(", "):
            _add_field(message, *field.split())
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, number: str, name: str, kind: str) -> None:
    proto = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=int(number))
    field.label = proto.LABEL_REPEATED if kind.startswith("*") else proto.LABEL_OPTIONAL
    kind = kind.removeprefix("*")
    if kind in TYPES:
        field.type = getattr(proto, TYPES[kind])
        return
    field.type = proto.TYPE_ENUM if kind in ENUMS else proto.TYPE_MESSAGE
    field.type_name = f".{PACKAGE}.{kind}"


@cache
def messages() -> dict[str, Any]:
    """Message classes by name, in a pool of their own: other definitions of the package do not clash."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(described().SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in MESSAGES
    }
