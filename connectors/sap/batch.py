"""OData's $batch: many reads, or several changes that happen together or not at all, in one call.

SAP Gateway takes only requests of one service in a batch. A change set is one unit of work there.
"""

from __future__ import annotations

import email.parser
import email.policy
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.message import Message
from typing import NamedTuple

from hub.sdk import Reply, Transient, encode

READS_MAX = 50  # requests of one batch


class Change(NamedTuple):
    """One change of a change set, its path below the service's root."""

    method: str
    path: str
    body: Mapping[str, object]
    etag: str = ""


class Written(NamedTuple):
    """A batch ready to be sent."""

    content_type: str
    body: bytes


def reads(paths: Iterable[str]) -> Written:
    """A batch of GETs; each path is below the service's root, query included and escaped."""
    boundary = f"batch_{secrets.token_hex(8)}"
    parts = [f"GET {path} HTTP/1.1\r\nAccept: application/json\r\n\r\n".encode() for path in paths]
    return _written(boundary, [_http(part) for part in parts])


def changes(operations: Sequence[Change]) -> Written:
    """A batch with one change set."""
    outer, inner = f"batch_{secrets.token_hex(8)}", f"changeset_{secrets.token_hex(8)}"
    parts = [_http(_request(one), number) for number, one in enumerate(operations, 1)]
    nested = _written(inner, parts)
    return _written(outer, [f"Content-Type: {nested.content_type}\r\n\r\n".encode() + nested.body])


def _request(one: Change) -> bytes:
    body = encode(one.body)
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Content-Length": str(len(body)),
        **({"If-Match": one.etag} if one.etag else {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{one.method} {one.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def _http(request: bytes, number: int = 0) -> bytes:
    content_id = f"Content-ID: {number}\r\n" if number else ""
    head = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{content_id}\r\n"
    return head.encode() + request


def _written(boundary: str, parts: Sequence[bytes]) -> Written:
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return Written(f"multipart/mixed; boundary={boundary}", body)


def answers(reply: Reply) -> list[Reply]:
    """The answers inside a batch, in order; a change set that failed has a single one.

    Raises Transient where the body is no batch.
    """
    head = f"Content-Type: {reply.headers.get('content-type', '')}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(head + reply.body)
    if not parsed.is_multipart():
        raise Transient("the answer is no batch", status=reply.status, code="bad_answer")
    return [_answer(part) for part in _leaves(parsed)]


def _leaves(parsed: Message) -> Iterator[Message]:
    for part in parsed.walk():
        if part.get_content_type() == "application/http":
            yield part


def _answer(part: Message) -> Reply:
    raw = part.get_payload(decode=True)
    told = raw if isinstance(raw, bytes) else b""
    head, _, body = told.lstrip().replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise Transient("a part of the batch is no answer", code="bad_answer")
    pairs = (line.partition(":")[::2] for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    return Reply(int(words[1]), headers, body.strip())
