"""The calls of the Pub/Sub API that ask once and are answered once, and how any call ends with an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from sandbox.salesforce import avro
from sandbox.salesforce.avro import Schema
from sandbox.salesforce.descriptors import messages
from sandbox.salesforce.pubsub_bus import ALL_CHANGES, EventBus

CODES = "sfdc.platform.eventbus.grpc."
STATUS = grpc.StatusCode


class Ended(Exception):
    """A call that ends with an error: the gRPC status, and Salesforce's own code for the trailers."""

    def __init__(self, status: Any, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, CODES + code, message


def signed_out() -> Ended:
    """The token is not, or no longer, that of a session of this org."""
    text = "Authentication exception occurred. Please check your session and tenant."
    return Ended(STATUS.UNAUTHENTICATED, "service.auth.error", text)


def end(context: Any, ended: Ended, rpc_id: str) -> NoReturn:
    """End a call with an error: the error code and the call's id travel in the trailers."""
    context.set_trailing_metadata((("error-code", ended.code), ("rpc-id", rpc_id)))
    context.abort(ended.status, f"{ended.message} rpcId: {rpc_id}")
    raise AssertionError("abort does not return")


class Calls:
    """Answers about one bus. Called under its lock."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus

    def table(self) -> dict[str, Callable[[Any, str], Any]]:
        """The calls by name; each takes the request and the call's id."""
        return {"GetTopic": self.get_topic, "GetSchema": self.get_schema, "Publish": self.publish}

    def get_topic(self, request: Any, rpc_id: str) -> Any:
        """What a topic is and which schema its events have. Raises Ended."""
        schema = self.schema_of(request.topic_name)
        return messages()["TopicInfo"](
            topic_name=request.topic_name,
            tenant_guid=self.bus.org.org_id,
            can_publish=request.topic_name.startswith("/event/"),
            can_subscribe=True,
            schema_id=schema.id if schema else "",
            rpc_id=rpc_id,
        )

    def schema_of(self, topic: str) -> Schema | None:
        """A topic's schema; the channel of all changes has none. Raises Ended."""
        if not topic:
            raise Ended(STATUS.INVALID_ARGUMENT, "topic.validation.empty", "The topic name is empty.")
        schema = self.bus.schema_of(topic)
        if schema is None and topic != ALL_CHANGES:
            raise Ended(STATUS.NOT_FOUND, "topic.not.found", f"The topic {topic} does not exist.")
        return schema

    def get_schema(self, request: Any, rpc_id: str) -> Any:
        """A schema by its id. Raises Ended."""
        if not request.schema_id:
            text = "The schema ID is empty."
            raise Ended(STATUS.INVALID_ARGUMENT, "schema.validation.failed", text)
        schema = self.bus.schema(request.schema_id)
        if schema is None:
            text = f"There is no schema {request.schema_id}."
            raise Ended(STATUS.NOT_FOUND, "schema.meta.permission", text)
        return messages()["SchemaInfo"](schema_json=schema.text, schema_id=schema.id, rpc_id=rpc_id)

    def publish(self, request: Any, rpc_id: str) -> Any:
        """Put platform events on the bus, each accepted or refused alone. Raises Ended."""
        schema = self.schema_of(request.topic_name)
        if schema is None or not request.topic_name.startswith("/event/"):
            text = "Change events cannot be published."
            raise Ended(STATUS.PERMISSION_DENIED, "topic.meta.permission", text)
        if not request.events:
            text = "The publish request contains no events."
            raise Ended(STATUS.INVALID_ARGUMENT, "publish.event.count.invalid", text)
        results = [self._published(request.topic_name, schema, event) for event in request.events]
        return messages()["PublishResponse"](results=results, schema_id=schema.id, rpc_id=rpc_id)

    def _published(self, topic: str, schema: Schema, event: Any) -> Any:
        result = messages()["PublishResult"]
        try:
            if event.schema_id != schema.id:
                raise ValueError(f"the event's schema is not {schema.id}")
            avro.read(schema, event.payload)
        except (ValueError, EOFError, IndexError) as failed:
            return result(error={"code": 1, "msg": str(failed)}, correlation_key=event.id)
        return result(replay_id=self.bus.publish(topic, schema, event.payload), correlation_key=event.id)
