"""Draws change events from the Pub/Sub API in bounded pulls, so that no stream has to be kept open.

One pull opens a subscription after a replay id, takes what is there, and closes it. grpc and protobuf are
loaded at the first pull: a process that never subscribes does not pay their 20 MB.
"""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from connectors.salesforce import descriptors
from connectors.salesforce.change_events import OVERFLOW, ChangeEvent, Shape, decode, ours, shape_of
from hub.sdk import AuthFailed, ConnectorError, Invalid, RateLimited, Rejected, Transient

__all__ = ["ChangeEvent", "Drained", "Place", "Session", "Topic", "drain", "ours", "topic"]

CHUNK = 100  # events asked for at once: the API allows 100 per FetchRequest
MOST = 10_000  # of one pull
IDLE_SECONDS = 1.0  # nothing for so long: the stream is drained
FIRST_SECONDS = 3.0  # the first answer may take longer: connection, sign-in, finding the replay id
SCHEMA_SECONDS = 10.0
SCHEMAS_MAX = 64
MESSAGE_MAX = 16 * 1024 * 1024

_REPLAY_REFUSED = (
    ".replayid."  # sfdc.platform.eventbus.grpc.subscription.fetch.replayid.{validation.failed,…}
)
_ERRORS: dict[str, type[ConnectorError]] = {
    "UNAUTHENTICATED": AuthFailed,
    "PERMISSION_DENIED": AuthFailed,
    "RESOURCE_EXHAUSTED": RateLimited,
    **dict.fromkeys(("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "ABORTED"), Transient),
    "CANCELLED": Transient,
}


class Place(NamedTuple):
    """Where to subscribe: host:port (api.pubsub.salesforce.com:7443), TLS or not, the topic's path."""

    address: str
    secure: bool
    topic: str  # /data/OpportunityChangeEvent, /data/ChangeEvents, /event/Name__e


class Session(NamedTuple):
    """Proof of identity: an access token with the address and org id that came with it. Never printed."""

    token: str
    instance_url: str
    org_id: str  # 18 characters

    def __repr__(self) -> str:
        return f"Session(token=***, instance_url={self.instance_url!r}, org_id={self.org_id!r})"


class Drained(NamedTuple):
    """What a pull brought.

    `replay`: go on after it, None where the bus told none. `gap`: events are lost (the replay id was refused,
    a transaction overflowed, an event could not be decoded), so ask for changes with a query as well.
    """

    events: Sequence[ChangeEvent]
    replay: bytes | None
    gap: bool
    problems: Sequence[str] = ()  # why there is a gap, for people


class Topic(NamedTuple):
    """What the bus says of a topic: may this session subscribe to it?"""

    name: str
    can_subscribe: bool
    schema_id: str


def drain(
    place: Place,
    session: Session,
    replay: bytes | None,
    *,
    most: int,
    seconds: float,
    earliest: bool = False,
    idle: float = IDLE_SECONDS,
) -> Drained:
    """At most `most` events (up to 10,000) after `replay`, within `seconds`; the rest stays on the bus.

    Without a replay id: from now on, or with `earliest` all that is kept (72 hours). From now on means that
    what happens until the next pull is lost where this one brought no replay id, so begin with `earliest`.
    Raises ConnectorError where nothing was drawn; after some events an error ends the pull, and the next
    pull meets it again.
    """
    pull = _Pull(place, session, most=min(max(most, 1), MOST), earliest=earliest)
    with _channel(place) as channel:
        return pull.run(channel, replay, until=time.monotonic() + seconds, idle=idle)


def topic(place: Place, session: Session, seconds: float = SCHEMA_SECONDS) -> Topic:
    """What the bus knows of the place's topic, to check a connection. Raises ConnectorError."""
    with _channel(place) as channel:
        request = descriptors.message("TopicRequest")(topic_name=place.topic)
        found = _ask(channel, session, descriptors.GET_TOPIC, request, answer="TopicInfo", seconds=seconds)
    return Topic(found.topic_name, found.can_subscribe, found.schema_id)


class _Pull:
    """One subscription from its first request to its end."""

    def __init__(self, place: Place, session: Session, *, most: int, earliest: bool) -> None:
        self._place, self._session = place, session
        self._most, self._earliest = most, earliest
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._asked = 0
        self._taken = 0
        self._events: list[ChangeEvent] = []
        self._problems: list[str] = []
        self._replay: bytes | None = None

    def run(self, channel: Any, replay: bytes | None, *, until: float, idle: float) -> Drained:
        """Open the stream, take what comes, close it."""
        self._replay = replay
        self._request(replay, first=True)
        subscribe = channel.stream_stream(
            descriptors.SUBSCRIBE,
            request_serializer=_serialized,
            response_deserializer=descriptors.message("FetchResponse").FromString,
        )
        timeout = max(until - time.monotonic(), 0.0)  # a hard end, also where the server says nothing
        call = subscribe(iter(self._requests.get, None), metadata=_metadata(self._session), timeout=timeout)
        reader = threading.Thread(target=self._read, args=(call,), daemon=True, name="pubsub")
        reader.start()
        try:
            self._take(channel, until, idle)
        finally:
            self._requests.put(None)
            call.cancel()
            reader.join(timeout=5.0)
        return Drained(tuple(self._events), self._replay, bool(self._problems), tuple(self._problems))

    def _read(self, call: Any) -> None:
        """In a thread of its own, because a stream cannot be read with a time limit of ours."""
        try:
            for reply in call:
                self._replies.put(reply)
            self._replies.put(None)
        except import_module("grpc").RpcError as error:
            self._replies.put(error)

    def _take(self, channel: Any, until: float, idle: float) -> None:
        wait = max(FIRST_SECONDS, idle)
        while self._taken < self._most:
            try:
                reply = self._replies.get(timeout=max(min(wait, until - time.monotonic()), 0.0))
            except queue.Empty:
                return
            if isinstance(reply, Exception):
                self._failed(reply, until)
            if reply is None or isinstance(reply, Exception):  # the stream is over
                return
            self._keep(channel, reply, until)
            if not reply.events:  # a keep-alive: there is nothing to deliver
                return
            wait = idle
            if self._taken >= self._asked:
                self._request()

    def _request(self, replay: bytes | None = None, *, first: bool = False) -> None:
        wanted = min(CHUNK, self._most - self._taken)
        if wanted <= 0:
            return
        self._asked = self._taken + wanted
        request = descriptors.message("FetchRequest")(num_requested=wanted)
        if first:  # topic and place are taken from the first request only
            start = descriptors.EARLIEST if self._earliest else descriptors.LATEST
            request.topic_name = self._place.topic
            request.replay_preset = start if replay is None else descriptors.CUSTOM
            request.replay_id = replay or b""
        self._requests.put(request)

    def _keep(self, channel: Any, reply: Any, until: float) -> None:
        """Replay ids only move with what was read: the latest one of a reply counts when it has no events."""
        for one in reply.events:
            event = self._decoded(channel, one.event, until)
            if event is not None:
                self._events.append(event)
            if event is not None and event.change_type == OVERFLOW:
                self._problems.append(f"{event.sobject}: too many changes in one transaction ({OVERFLOW})")
            self._taken += 1
            self._replay = one.replay_id or self._replay
        if not reply.events:
            self._replay = reply.latest_replay_id or self._replay

    def _decoded(self, channel: Any, event: Any, until: float) -> ChangeEvent | None:
        """None for an event that nobody can read: it must not block the stream, so it counts as a gap."""
        try:
            shape = _shape(channel, self._place, self._session, event.schema_id, until)
            return decode(shape, event.payload, event.id)
        except (Invalid, Rejected) as error:
            self._problems.append(str(error))
            return None

    def _failed(self, error: Any, until: float) -> None:
        trouble = _error(error, self._session)
        if trouble.code and _REPLAY_REFUSED in trouble.code:
            self._replay = None
            self._problems.append(f"the replay id was refused: {trouble}")
            return
        # our own deadline is the plain end of a quiet stream; with events in hand they come first
        leeway = 0.1
        late = error.code().name == "DEADLINE_EXCEEDED" and time.monotonic() >= until - leeway
        if self._taken or late:
            return
        raise trouble


_shapes: OrderedDict[tuple[str, str, str], Shape] = OrderedDict()
_shapes_lock = threading.Lock()


def _shape(channel: Any, place: Place, session: Session, schema_id: str, until: float) -> Shape:
    """The schema of an event: asked once, as an id is a fingerprint of what it stands for."""
    key = (place.address, session.org_id, schema_id)
    with _shapes_lock:
        if key in _shapes:
            _shapes.move_to_end(key)
            return _shapes[key]
    request = descriptors.message("SchemaRequest")(schema_id=schema_id)
    wait = min(max(until - time.monotonic(), 1.0), SCHEMA_SECONDS)
    found = _ask(channel, session, descriptors.GET_SCHEMA, request, answer="SchemaInfo", seconds=wait)
    shape = shape_of(found.schema_json)
    with _shapes_lock:
        _shapes[key] = shape
        while len(_shapes) > SCHEMAS_MAX:
            _shapes.popitem(last=False)
    return shape


def _ask(channel: Any, session: Session, path: str, request: Any, *, answer: str, seconds: float) -> Any:
    ask = channel.unary_unary(
        path,
        request_serializer=_serialized,
        response_deserializer=descriptors.message(answer).FromString,
    )
    try:
        return ask(request, metadata=_metadata(session), timeout=seconds)
    except import_module("grpc").RpcError as error:
        raise _error(error, session) from None


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _metadata(session: Session) -> Sequence[tuple[str, str]]:
    return (
        ("accesstoken", session.token),
        ("instanceurl", session.instance_url),
        ("tenantid", session.org_id),
    )


@contextmanager
def _channel(place: Place) -> Iterator[Any]:
    grpc = import_module("grpc")
    options = (
        ("grpc.max_receive_message_length", MESSAGE_MAX),
        ("grpc.enable_http_proxy", 0),  # nothing from the environment, as everywhere else
    )
    if place.secure:
        channel = grpc.secure_channel(place.address, grpc.ssl_channel_credentials(_roots()), options)
    else:
        channel = grpc.insecure_channel(place.address, options)
    try:
        yield channel
    finally:
        channel.close()


@cache
def _roots() -> bytes | None:
    """The system's certificate authorities; None: those that come with grpc."""
    file = ssl.get_default_verify_paths().cafile
    return Path(file).read_bytes() if file else None


def _error(error: Any, session: Session) -> ConnectorError:
    """A gRPC status in our tree, with Salesforce's own code and RPC id from the trailers.

    Nothing was written, so nothing can be in doubt. Codes: Pub/Sub API guide, "Handle Errors".
    """
    trailers = {str(key): _text(value) for key, value in error.trailing_metadata() or ()}
    status = error.code().name
    told = (error.details() or status).replace(session.token or "\0", "***")
    return _ERRORS.get(status, Rejected)(
        f"Pub/Sub API: {' '.join(told.split())[:500]}",
        code=trailers.get("error-code", "") or status,
        request_id=trailers.get("rpc-id", ""),
        sent=False,
    )


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:200]
