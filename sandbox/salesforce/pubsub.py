"""The Pub/Sub API on a real gRPC port: topics, schemas, and streams with flow control and replay."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from sandbox.salesforce import pubsub_bus
from sandbox.salesforce.descriptors import METHODS, PACKAGE, messages
from sandbox.salesforce.login import Login
from sandbox.salesforce.org import Org
from sandbox.salesforce.pubsub_bus import CUSTOM, EventBus, Lost
from sandbox.salesforce.pubsub_calls import STATUS, Calls, Ended, end, signed_out
from sandbox.salesforce.refusals import Refused

REQUESTED_MAX = 100  # events a client can have asked for at once; more counts as this (guide, "Flow Control")


@dataclass
class Stream:
    """One subscription: how many events the client still wants, and how it stands. Guarded by the bus."""

    topic: str
    place: int
    wanted: int
    era: int
    asked_at: float = field(default_factory=time.monotonic)
    told_at: float = field(default_factory=time.monotonic)
    closed: bool = False
    ended: Ended | None = None


class PubSub:
    """Serves one org's bus. `admits` says whether an access token is valid now."""

    def __init__(
        self,
        org: Org,
        bus: EventBus,
        admits: Callable[[str], bool],
        *,
        keep_alive: float = 270.0,
        idle: float = 60.0,
        streams: int = 16,
    ) -> None:
        self.org, self.bus, self.admits = org, bus, admits
        self.keep_alive, self.idle = keep_alive, idle  # seconds of real time, not of the org's clock
        self._calls = Calls(bus)
        self.refusals: list[Ended] = []  # each ends one call to come
        self._era = 0
        self._stopping = False
        # A stream holds a worker for as long as it is open; a few more are for the short calls.
        self._workers = futures.ThreadPoolExecutor(streams + 4, thread_name_prefix="pubsub")
        self._server = grpc.server(self._workers)
        self._server.add_generic_rpc_handlers((self._methods(),))

    def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1; returns host:port. Raises OSError where the port is taken."""
        try:
            bound = self._server.add_insecure_port(f"127.0.0.1:{port}")
        except RuntimeError as failed:
            raise OSError(
                f"port {port} is taken: stop what listens there, or choose another port"
            ) from failed
        self._server.start()
        return f"127.0.0.1:{bound}"

    def stop(self) -> None:
        """End every stream and listen no more."""
        with self.bus.changed:
            self._stopping = True
            self.bus.changed.notify_all()
        self._server.stop(0.2).wait(5.0)
        self._workers.shutdown(wait=False)

    def break_streams(self) -> None:
        """Every open stream ends as when Salesforce moves traffic: UNAVAILABLE, to be taken up again."""
        with self.bus.changed:
            self._era += 1
            self.bus.changed.notify_all()

    def refuse(self, code: str, status: str = "UNAVAILABLE", times: int = 1) -> None:
        """Let the next calls fail; `code` is the last part of Salesforce's, as in `service.unavailable`."""
        ended = Ended(STATUS[status], code, f"refused on purpose: {code}")
        with self.bus.changed:
            self.refusals += [ended] * times

    def _methods(self) -> Any:
        known = messages()
        unary = self._calls.table()
        table = {}
        for name, method in METHODS.items():
            make = grpc.stream_stream_rpc_method_handler if method.streams else None
            make = make or grpc.unary_unary_rpc_method_handler
            table[name] = make(
                self._subscribe if name == "Subscribe" else self._answering(unary[name]),
                request_deserializer=known[method.asked].FromString,
                response_serializer=known[method.answered].SerializeToString,
            )
        return grpc.method_handlers_generic_handler(f"{PACKAGE}.PubSub", table)

    def _answering(self, answer: Callable[[Any, str], Any]) -> Callable[[Any, Any], Any]:
        def called(request: Any, context: Any) -> Any:
            rpc_id = str(uuid.uuid4())
            try:
                with self.bus.changed:
                    self._admit(context)
                    return answer(request, rpc_id)
            except Ended as ended:
                end(context, ended, rpc_id)

        return called

    def _admit(self, context: Any) -> str:
        """Check the metadata of a call; returns the access token."""
        if self.refusals:
            raise self.refusals.pop(0)
        sent = {str(one.key).lower(): str(one.value) for one in context.invocation_metadata()}
        for name in ("accesstoken", "instanceurl", "tenantid"):
            if not sent.get(name):
                text = f"Authentication header {name} is missing or blank"
                raise Ended(STATUS.UNAUTHENTICATED, "service.auth.headers.invalid", text)
        token = sent["accesstoken"].removeprefix("Bearer ")
        if sent["tenantid"] not in (self.org.org_id, self.org.org_id[:15]) or not self.admits(token):
            raise signed_out()
        return token

    def _subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        rpc_id = str(uuid.uuid4())
        try:
            with self.bus.changed:
                token = self._admit(context)
            first = next(requests, None)
            if first is None:
                return
            stream = self._begin(first)
            context.add_callback(lambda: self._shut(stream))
            threading.Thread(target=self._listen, args=(requests, stream), daemon=True).start()
            while (reply := self._next(stream, token, rpc_id)) is not None:
                yield reply
        except Ended as ended:
            end(context, ended, rpc_id)

    def _begin(self, first: Any) -> Stream:
        wanted = _wanted(first)
        with self.bus.changed:
            self._calls.schema_of(first.topic_name)
            if first.replay_preset == CUSTOM and not first.replay_id:
                text = "The Replay ID is missing although the replay preset is CUSTOM."
                raise Ended(STATUS.INVALID_ARGUMENT, "subscription.fetch.replayid.validation.failed", text)
            try:
                place = self.bus.start(first.replay_preset, first.replay_id)
            except Lost:
                text = "The Replay ID validation failed: it is invalid or outside of the retention window."
                code = "subscription.fetch.replayid.corrupted"
                raise Ended(STATUS.INVALID_ARGUMENT, code, text) from None
            return Stream(first.topic_name, place, wanted, self._era)

    def _listen(self, requests: Iterable[Any], stream: Stream) -> None:
        """Take in what the client asks for until it has no more to say."""
        try:
            for request in requests:
                if request.topic_name not in ("", stream.topic):
                    text = f"The topic name {request.topic_name} does not match {stream.topic}."
                    code = "subscription.fetch.topic.mismatch"
                    raise Ended(STATUS.INVALID_ARGUMENT, code, text)
                with self.bus.changed:
                    stream.wanted = min(REQUESTED_MAX, stream.wanted + _wanted(request))
                    stream.asked_at = time.monotonic()
                    self.bus.changed.notify_all()
        except Ended as ended:
            stream.ended = ended
        except Exception:  # noqa: BLE001,S110  gRPC raises a plain Exception where the call was cancelled
            pass
        self._shut(stream)

    def _shut(self, stream: Stream) -> None:
        with self.bus.changed:
            stream.closed = True
            self.bus.changed.notify_all()

    def _next(self, stream: Stream, token: str, rpc_id: str) -> Any:
        """The next reply of a stream, waiting for it; None where the stream ends well."""
        with self.bus.changed:
            while True:
                self._still_good(stream)
                events, stream.place = self.bus.after(stream.place, stream.topic, stream.wanted)
                if events:
                    stream.wanted -= len(events)
                    stream.asked_at = time.monotonic()
                    return self._reply(stream, events, rpc_id)
                now = time.monotonic()
                if (
                    stream.closed
                    or self._stopping
                    or (not stream.wanted and now - stream.asked_at >= self.idle)
                ):
                    return None
                if stream.wanted and now - stream.told_at >= self.keep_alive:
                    if not self.admits(token):
                        raise signed_out()
                    return self._reply(stream, [], rpc_id)
                self.bus.changed.wait(self._patience(stream, now))

    def _patience(self, stream: Stream, now: float) -> float:
        """Seconds until something is due by itself."""
        # With no request pending there is no keep-alive: its place would lie behind events not yet sent.
        left = self.keep_alive - (now - stream.told_at)
        return max(0.001, left if stream.wanted else self.idle - (now - stream.asked_at))

    def _still_good(self, stream: Stream) -> None:
        if stream.ended:
            raise stream.ended
        if stream.era != self._era:
            raise Ended(STATUS.UNAVAILABLE, "service.unavailable", "The service is unavailable. Try again.")

    def _reply(self, stream: Stream, entries: list[pubsub_bus.Entry], rpc_id: str) -> Any:
        stream.told_at = time.monotonic()
        events = []
        for entry in entries:
            schema_id, payload = self.bus.encoded(entry)
            id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(entry.number)))
            event = messages()["ProducerEvent"](id=id, schema_id=schema_id, payload=payload)
            events.append({"event": event, "replay_id": entry.replay_id})
        latest = entries[-1].replay_id if entries else self.bus.tip().replay_id
        return messages()["FetchResponse"](
            events=events, latest_replay_id=latest, rpc_id=rpc_id, pending_num_requested=stream.wanted
        )


def _wanted(request: Any) -> int:
    if request.num_requested <= 0:
        text = "The number of requested events must be greater than zero."
        raise Ended(STATUS.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid", text)
    return min(REQUESTED_MAX, int(request.num_requested))


def sessions_of(login: Login) -> Callable[[str], bool]:
    """Whether a token is that of a session open now; asking prolongs it, as any call does."""

    def admits(token: str) -> bool:
        try:
            login.admit(f"Bearer {token}")
        except Refused:
            return False
        return True

    return admits


@contextmanager
def serving(pubsub: PubSub, port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields host:port of an endpoint without TLS."""
    address = pubsub.start(port)
    try:
        yield address
    finally:
        pubsub.stop()
