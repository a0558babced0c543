"""$batch: queries and changesets in one multipart request; a changeset happens whole or not at all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sandbox.sap.odata import Answer, Ask, query_of
from sandbox.sap.refusals import Refusal, bad_request

PARTS_MAX = 1000
REASONS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found"}
Serve = Callable[[Ask], Answer]


class Part(NamedTuple):
    """One part of a multipart body: its headers in lower case, and the rest."""

    headers: Mapping[str, str]
    body: bytes


def boundary_of(content_type: str) -> str:
    """The boundary of a multipart content type. Raises Refusal."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not found or "multipart/mixed" not in content_type:
        raise bad_request("The Data Services Request could not be understood due to malformed syntax")
    return found.group(1)


def parts(body: bytes, boundary: str) -> list[Part]:
    """The parts of a multipart body (RFC 2046, 5.1)."""
    found = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?:\r?\n|$)", body)
    inner = [one for one in found[1:] if one.strip()]
    if not inner or len(inner) > PARTS_MAX:
        raise bad_request("The batch has no parts, or too many")
    return [_part(one) for one in inner]


def _part(text: bytes) -> Part:
    head, _, rest = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    return Part(_headers(head), rest)


def _headers(text: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.decode("latin-1").splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def request_of(part: Part, outer: Ask, root: str) -> Ask:
    """The request inside a part. Its address is relative to the service root, or absolute."""
    head, _, body = part.body.lstrip(b"\n").partition(b"\n\n")
    first, _, rest = head.partition(b"\n")
    words = first.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise bad_request("A part of the batch has no request line")
    path, _, query = words[1].partition("?")
    if root in path:
        path = path.split(root, 1)[1]
    kept = {k: v for k, v in outer.headers.items() if k in ("accept", "accept-language")}
    return Ask(words[0], path, query_of(query), {**kept, **_headers(rest)}, body.strip(b"\n"), outer.origin)


class Batch:
    """Carries out one batch of one service."""

    def __init__(
        self, serve: Serve, whole: Callable[[Callable[[], list[Answer]]], list[Answer]], root: str
    ) -> None:
        self.serve, self.whole, self.root = serve, whole, root

    def answer(self, ask: Ask) -> Answer:
        """The 202 with the answers of all parts in their order."""
        told = [
            self._one(part, ask) for part in parts(ask.body, boundary_of(ask.headers.get("content-type", "")))
        ]
        mark = f"batch_{uuid.uuid4().hex}"
        body = "".join(f"--{mark}\r\n{one}\r\n" for one in told) + f"--{mark}--\r\n"
        return Answer(202, body, f"multipart/mixed; boundary={mark}", {"dataserviceversion": "2.0"})

    def _one(self, part: Part, outer: Ask) -> str:
        kind = part.headers.get("content-type", "")
        if kind.startswith("multipart/mixed"):
            return self._changeset(parts(part.body, boundary_of(kind)), outer)
        ask = request_of(part, outer, self.root)
        if ask.method != "GET":
            raise bad_request("Changes belong into a changeset")
        return written(self._served(ask))

    def _changeset(self, inner: list[Part], outer: Ask) -> str:
        asks = [request_of(part, outer, self.root) for part in inner]
        ids = [part.headers.get("content-id", "") for part in inner]
        if any(ask.method == "GET" for ask in asks):
            raise bad_request("A changeset must not contain queries")
        try:
            answers = self.whole(lambda: [self.serve(ask) for ask in asks])
        except Refusal as no:
            return written(refused(no, asks[0]))
        mark = f"changeset_{uuid.uuid4().hex}"
        body = "".join(f"--{mark}\r\n{written(one, id)}\r\n" for one, id in zip(answers, ids, strict=True))
        return f"Content-Type: multipart/mixed; boundary={mark}\r\n\r\n{body}--{mark}--\r\n"

    def _served(self, ask: Ask) -> Answer:
        try:
            return self.serve(ask)
        except Refusal as no:
            return refused(no, ask)


def refused(no: Refusal, ask: Ask) -> Answer:
    """A refusal as an answer inside the batch."""
    body, kind = no.body(ask.headers.get("accept", ""), uuid.uuid4().hex.upper())
    return Answer(no.status, body, kind, no.headers)


def written(answer: Answer, id: str = "") -> str:
    """An answer as an HTTP message in a part."""
    body = answer.body if isinstance(answer.body, str) else answer.body.decode()
    headers = {**answer.headers, "content-length": str(len(body.encode()))}
    if body:
        headers["content-type"] = answer.type
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    mark = f"Content-ID: {id}\r\n" if id else ""
    return (
        f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{mark}\r\n"
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Error')}\r\n{head}\r\n{body}"
    )
