"""POST /webhooks/{connection}: verify, make durable, answer. A plain ASGI route, for speed.

Nothing is mapped and nobody is called before the answer; the commit happens before the 2xx. Senders that can
sign nothing prove themselves by a secret in the address, POST /webhooks/{connection}/{token}: it is handed to
the connector as a header, and neither kept nor logged with the address.
"""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from hub.connector import Answer, Delivery
from hub.engine import Hub
from hub.errors import AuthFailed, Invalid
from hub.metrics import answered
from hub.store.intake import Busy, Intake, Item, Verdict

log = structlog.get_logger("o2c.webhooks")
HEADERS_MAX = 100
TOKEN_HEADER = "o2c-path-token"  # noqa: S105 - the name of a header
TOKEN_MAX = 200
NAME_MAX = 64


class Refusal(Exception):
    """An answer other than 2xx: status and one sentence for the sender."""

    def __init__(self, status: int, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


class Receiver:
    """The public door for webhooks."""

    def __init__(self, hub: Hub, intake: Intake, *, public_url: str, bytes_max: int) -> None:
        self.hub = hub
        self.intake = intake
        self.public_url = public_url.rstrip("/")
        self.bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook."""
        try:
            it, verdict = await self._accept(scope, receive)
        except Refusal as refusal:
            answered(str(refusal.status)).inc()
            await _answer(send, refusal.status, {"error": refusal.message}, refusal.retry_after)
            return
        answered(verdict).inc()
        own = self.hub.response(it)
        if own is None:
            await _answer(send, 202, {"status": str(verdict)})
        else:
            await _send(send, 200, own)

    async def _accept(self, scope: Scope, receive: Receive) -> tuple[Item, Verdict]:
        if scope["method"] != "POST":
            raise Refusal(405, "send a POST")
        connection, _, token = scope["path"].rpartition("/webhooks/")[2].partition("/")
        connection = connection[:NAME_MAX]
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"][:HEADERS_MAX]}
        headers.pop(TOKEN_HEADER, None)  # only the address can give it
        body = await self._body(headers, receive)
        url = self._url(scope, headers)
        if token:
            headers[TOKEN_HEADER] = token[:TOKEN_MAX]
            url = url.partition("/webhooks/")[0] + f"/webhooks/{connection}"
        delivery = Delivery(headers, body, url, self.hub.store.now())
        try:
            it = self.hub.receive(connection, delivery)
        except AuthFailed as error:
            log.warning("webhook_refused", connection=connection, code=error.code)
            raise Refusal(401, "the signature is not valid") from None
        except Invalid as error:
            if error.field == "connection":  # the same answer as a bad signature: names cannot be guessed
                raise Refusal(401, "the signature is not valid") from None
            raise Refusal(400, str(error)) from None
        except (ValueError, RecursionError):
            log.warning("webhook_unreadable", connection=connection)
            raise Refusal(400, "the body cannot be read") from None
        try:
            return it, await self.intake.put(it)
        except Busy:
            raise Refusal(503, "too many deliveries at once; send it again", retry_after=5) from None
        except Exception as error:  # noqa: BLE001 - the sender must repeat it, whatever our database said
            log.error("webhook_not_stored", connection=connection, error=type(error).__name__)
            raise Refusal(503, "it could not be stored; send it again", retry_after=10) from None

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
        told = headers.get("content-length", "")
        if told.isdigit() and int(told) > self.bytes_max:
            raise Refusal(413, f"the body is over {self.bytes_max} bytes")
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(408, "the body did not arrive in time")
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            if len(body) > self.bytes_max:
                raise Refusal(413, f"the body is over {self.bytes_max} bytes")
            return body
        chunks = [body]
        size = len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(408, "the body did not arrive in time")
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self.bytes_max:
                raise Refusal(413, f"the body is over {self.bytes_max} bytes")
        return b"".join(chunks)

    def _url(self, scope: Scope, headers: dict[str, str]) -> str:
        """The address as the sender called it: signatures cover it, and a proxy may have changed ours."""
        origin = self.public_url or f"{scope['scheme']}://{headers.get('host', '')}"
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope.get("query_string", b"")
        return origin + raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")


async def _answer(send: Send, status: int, body: dict[str, Any], retry_after: int = 0) -> None:
    headers = {"retry-after": str(retry_after)} if retry_after else {}
    await _send(send, status, Answer("application/json", orjson.dumps(body), headers))


async def _send(send: Send, status: int, told: Answer) -> None:
    size = str(len(told.body))
    headers = {**told.headers, "content-type": told.content_type, "content-length": size}
    raw = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": told.body})
