"""The one socket door: every call to a vendor goes through here.

Bounds what httpx leaves open (a total deadline, a byte cap), repeats for seconds only what is safe to
repeat, and turns network trouble into the error tree. Minutes and days of retries live in the queue rows.
"""

from __future__ import annotations

import email.utils
import json
import math
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, partial
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import httpx
import orjson
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from hub import wire
from hub.errors import AuthFailed, Conflict, ConnectorError, Fenced, RateLimited, Rejected, Transient
from hub.failpoints import failpoint

_deadline = 30.0  # seconds for one call, first byte to last, where a Door is not told otherwise
BYTES_MAX = 32 * 1024 * 1024
RETRY_AFTER_MAX = 3600.0
EXCERPT = 500
STEPS_MAX = 5  # calls that one authentication may need

_NEVER_LEFT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, *wire.NEVER_LEFT
)  # fmt: skip
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
Answer = TypeVar("Answer", httpx.Response, wire.Answer)
_PACKED = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. Numbers with a decimal point are parsed as Decimal."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = ""

    @property
    def ok(self) -> bool:
        """A 2xx status."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON. Raises Transient (unknown outcome) where it is not JSON."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError):  # not JSON, a number out of range, too deep
            raise Transient(
                f"answer is not JSON: {self.excerpt()}", status=self.status, code="bad_json"
            ) from None

    def excerpt(self) -> str:
        """The start of the body for a person, in one line."""
        return " ".join(self.body[:EXCERPT].decode("utf-8", "replace").split())


def set_deadline(seconds: float) -> None:
    """The deadline of every Door made from now on in this process; leases are chosen to outlast it."""
    global _deadline  # noqa: PLW0603 - set once, by the composition root, before any connector exists
    _deadline = seconds


_last_call: ContextVar[float] = ContextVar("last_call", default=math.inf)


@contextmanager
def calls_until(last: float) -> Iterator[None]:
    """Inside the block no call begins after `last` (monotonic clock): later, another worker may be at it.

    A call that comes too late raises Fenced, which no connector takes for an answer of its vendor.
    """
    before = _last_call.set(last)
    try:
        yield
    finally:
        _last_call.reset(before)


def _in_time() -> None:
    """Asked when a request is signed and about to leave."""
    if time.monotonic() > _last_call.get():
        raise Fenced("it is too late for another call: our claim of the row is about to end")


class Lane(Protocol):
    """The way to one account of a vendor, which bears so many calls at a time."""

    def slot(self, deadline: float, last: float) -> AbstractContextManager[None]:
        """Inside the block a call of `deadline` seconds may be in flight; waits for its turn before.

        `last` (monotonic clock): later no call may begin. Raises RateLimited where our turn does not come.
        """
        ...


_lane: ContextVar[Lane | None] = ContextVar("lane", default=None)
_lanes_only = False


def lanes_only() -> None:
    """From now on this process makes no door without a lane: no call of a hub at work goes uncounted."""
    global _lanes_only  # noqa: PLW0603 - set once, by the composition root
    _lanes_only = True


@contextmanager
def governed(lane: Lane) -> Iterator[None]:
    """Doors made inside the block lead through this lane, whoever calls through them later."""
    before = _lane.set(lane)
    try:
        yield
    finally:
        _lane.reset(before)


def lane_here() -> Lane | None:
    """The lane that a door made now leads through. Raises RuntimeError where it must have one."""
    lane = _lane.get()
    if lane is None and _lanes_only:
        raise RuntimeError("a connector makes its doors in its constructor, and nobody else makes any")
    return lane


@contextmanager
def turn(lane: Lane | None, deadline: float) -> Iterator[None]:
    """Inside the block one call of `deadline` seconds is in flight; may raise RateLimited or Fenced."""
    _in_time()
    with lane.slot(deadline, _last_call.get()) if lane else nullcontext():
        _in_time()  # again: it may have been a long wait
        yield


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 10.2.3: seconds or a date), capped; else None."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_MAX)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
    return min(max(at - (time.time() if now is None else now), 0.0), RETRY_AFTER_MAX)


def verdict(
    reply: Reply, message: str = "", *, code: str = "", request_id: str = ""
) -> ConnectorError | None:
    """What a status means by the general rules; None for a 2xx. Connectors refine it by vendor code."""
    if reply.ok:
        return None
    text = message or reply.excerpt() or f"HTTP {reply.status}"
    kind: type[ConnectorError]
    if reply.status == 401:
        kind = AuthFailed
    elif reply.status in (409, 412):
        kind = Conflict
    elif reply.status == 429:
        kind = RateLimited
    elif reply.status in (408, 423, 425) or reply.status >= 500:
        kind = Transient
    else:
        kind = Rejected
    sent = reply.status not in (423, 425, 429)
    wait = retry_after(reply.headers)
    return kind(text, code=code, status=reply.status, request_id=request_id, retry_after=wait, sent=sent)


def _repeatable(idempotent: bool) -> Any:
    def decide(error: BaseException) -> bool:
        if isinstance(error, RateLimited):
            return False  # it has a time of its own, and the row waits for it
        return isinstance(error, Transient) and (idempotent or not error.sent)

    return decide


@cache
def _trust() -> ssl.SSLContext:
    """One TLS context for all doors: reading the certificate authorities takes 40 ms."""
    return httpx.create_ssl_context(trust_env=False)


def _transport(trust: ssl.SSLContext | None, most: int) -> httpx.HTTPTransport:
    """The transport below httpx.Client.

    No redirects (they would carry a signature to another host), no cookies kept between calls, nothing from
    the environment, and half the time per call.
    """
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
    return httpx.HTTPTransport(verify=trust or False, trust_env=False, limits=limits)


class Ask(NamedTuple):
    """One request, before it is signed."""

    method: str
    url: str
    headers: Mapping[str, str]
    params: httpx.QueryParams | None
    content: bytes | None


class Door:
    """Calls to one system: base address, authentication, deadline, byte cap. Shared by threads.

    A connector makes its doors in its constructor: there the hub sets the lane they lead through.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        bytes_max: int = BYTES_MAX,
        connections: int = 16,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.deadline = deadline = deadline or _deadline
        self.bytes_max = bytes_max
        self._base = base_url.rstrip("/")
        self._auth = auth
        self._lane = lane_here()
        self._headers = {
            "user-agent": "o2c-hub", "accept": "*/*", "accept-encoding": "gzip, deflate", **(headers or {})
        }  # fmt: skip
        quick = min(5.0, deadline)
        self._timeout = {"connect": quick, "pool": quick, "read": deadline, "write": deadline}
        # plain http has nothing to verify; `trust` is for a client certificate or an authority of one's own
        trust = (trust or _trust()) if self._base.startswith("https:") else None
        self._transport = None if auth is None else _transport(trust, connections)
        self._wire = wire.Wire(trust, connections=connections, timeout=self._timeout)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        json: Any = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool = False,
    ) -> Reply:
        """One call. Any status is an answer; raises Transient where there was none.

        Safe methods and `idempotent` calls are tried at most 3 times within 10 seconds; others only
        when no byte had left us.
        """
        made = {**self._headers, **(headers or {})}
        if json is not None:
            content = encode(json)
            made.setdefault("content-type", "application/json")
        elif form is not None:
            content = urlencode(form).encode()
            made.setdefault("content-type", "application/x-www-form-urlencoded")
        url = path if "://" in path else f"{self._base}/{path.lstrip('/')}"
        query = httpx.QueryParams(params if isinstance(params, Mapping) else list(params)) if params else None
        ask = Ask(method, url, made, query, content)
        repeatable = _repeatable(idempotent or method in _SAFE)
        try:
            return self._once(ask)
        except Transient as error:
            if not repeatable(error):
                raise
        time.sleep(random.uniform(0.05, 0.15))  # noqa: S311 - spreads repeats, hides nothing
        again = Retrying(
            retry=retry_if_exception(repeatable),
            stop=stop_after_attempt(2) | stop_after_delay(10.0),
            wait=wait_random_exponential(multiplier=0.1, max=2.0),
            reraise=True,
        )
        return again(self._once, ask)

    def _once(self, ask: Ask) -> Reply:
        try:
            if self._auth is None or self._transport is None:
                return self._plain(ask)
            return self._signed(ask, self._auth, self._transport)
        except _NEVER_LEFT as error:
            raise Transient(f"no connection: {error}", code="unreachable", sent=False) from error
        except httpx.InvalidURL as error:
            raise Rejected(f"not a valid address: {error}", code="bad_url", sent=False) from error
        except (httpx.HTTPError, *wire.FAILURES) as error:
            raise Transient(f"no answer: {type(error).__name__}", code="no_answer") from error

    def _plain(self, ask: Ask) -> Reply:
        url = str(httpx.URL(ask.url).copy_merge_params(ask.params)) if ask.params else ask.url
        answer, body = self._whole(partial(self._wire.send, ask.method, url, ask.headers, ask.content))
        return Reply(answer.status_code, answer.headers, body, ask.url)

    def _signed(self, ask: Ask, auth: httpx.Auth, transport: httpx.HTTPTransport) -> Reply:
        """Through the authentication's own steps: sign, send, refresh, send again, as it asks.

        It gets each answer whole, after the slot was left: while it waits for another thread's login, that
        one must find a slot.
        """
        request = httpx.Request(
            ask.method, ask.url, params=ask.params, headers=ask.headers, content=ask.content,
            extensions={"timeout": self._timeout},
        )  # fmt: skip
        flow = auth.sync_auth_flow(request)
        request = next(flow)
        try:
            for _ in range(STEPS_MAX):
                answer, body = self._whole(partial(transport.handle_request, request))
                try:
                    request = flow.send(_loaded(answer, body, request))
                except StopIteration:
                    return Reply(answer.status_code, answer.headers, body, ask.url)
        finally:
            flow.close()
        raise Transient(f"logging in took over {STEPS_MAX} calls", code="login_loop")

    def _whole(self, send: Callable[[], Answer]) -> tuple[Answer, bytes]:
        """One request and its answer to the last byte, in one slot of the account."""
        with turn(self._lane, self.deadline):
            until = time.monotonic() + self.deadline
            failpoint("call.before_send")
            answer = send()
            try:
                failpoint("call.after_send")
                return answer, b"".join(self._bounded(answer, until))
            finally:
                answer.close()

    def _bounded(self, answer: httpx.Response | wire.Answer, until: float) -> Iterator[bytes]:
        size = 0
        for chunk in answer.iter_bytes():
            size += len(chunk)
            if size > self.bytes_max:
                raise Transient(f"answer is over {self.bytes_max} bytes", code="too_large")
            if time.monotonic() > until:
                raise Transient(f"answer took over {self.deadline} s", code="deadline")
            yield chunk

    def close(self) -> None:
        """Give the sockets back."""
        self._wire.close()
        if self._transport is not None:
            self._transport.close()


def _loaded(answer: httpx.Response, body: bytes, request: httpx.Request) -> httpx.Response:
    """The same answer with its body, which is unpacked already."""
    headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in _PACKED]
    return httpx.Response(
        answer.status_code, headers=headers, stream=httpx.ByteStream(body), request=request,
        extensions=answer.extensions,
    )  # fmt: skip


def encode(value: Any) -> bytes:
    """JSON with exact decimals: a Decimal becomes a JSON number with its own digits, a date ISO text."""
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"cannot send a {type(value).__name__} as JSON")
