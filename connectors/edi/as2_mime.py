"""MIME (RFC 2045, 2046) to the byte: a signature covers a part exactly as it was sent."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Mapping, Sequence
from email.message import Message
from typing import NamedTuple

from hub.sdk import Invalid

HEADERS_MAX = 16_384
PIECES_MAX = 20
_BLANK = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_LINE_BYTES = 76


class Part(NamedTuple):
    """Headers (names in lower case, unfolded), the body as it was sent, and both as they came."""

    headers: Mapping[str, str]
    body: bytes
    raw: bytes

    @property
    def type(self) -> str:
        """The content type in lower case; text/plain where none is told."""
        return _told(self.headers).get_content_type()

    def parameter(self, name: str) -> str:
        """A parameter of the content type, or nothing."""
        value = _told(self.headers).get_param(name)
        return value if isinstance(value, str) else ""

    @property
    def content(self) -> bytes:
        """The body without its transfer encoding. Raises Invalid for an encoding that nobody knows."""
        encoding = self.headers.get("content-transfer-encoding", "binary").strip().lower()
        if encoding == "base64":
            try:
                return base64.b64decode(b"".join(self.body.split()), validate=True)
            except binascii.Error:
                raise Invalid("a part is not the base64 it says", field="body") from None
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        if encoding in ("binary", "7bit", "8bit", ""):
            return self.body
        raise Invalid("a part has a transfer encoding that is not known", field="body")


def _told(headers: Mapping[str, str]) -> Message:
    message = Message()
    message["content-type"] = headers.get("content-type", "")
    return message


def part(raw: bytes) -> Part:
    """The part that these bytes are. Raises Invalid where its headers do not end."""
    if raw[:2] == b"\r\n" or raw[:1] == b"\n":
        return Part({}, raw[2:] if raw[:1] == b"\r" else raw[1:], raw)
    end = _BLANK.search(raw, 0, HEADERS_MAX)
    if end is None:
        raise Invalid("a part has no end of its headers", field="body")
    return Part(fields(raw[: end.start()]), raw[end.end() :], raw)


def fields(raw: bytes) -> dict[str, str]:
    """Header lines as names in lower case and values; of a name that comes twice the first counts."""
    found: dict[str, str] = {}
    for line in _FOLD.sub(" ", raw.decode("utf-8", "replace")).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def pieces(whole: Part) -> Sequence[Part]:
    """The parts of a multipart, each to the byte. Raises Invalid where one is not closed."""
    boundary = whole.parameter("boundary")
    if not boundary:
        raise Invalid("a multipart message names no boundary", field="body")
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?:\r?\n|\Z)")
    found: list[Part] = []
    begin: int | None = None
    at = 0
    while len(found) <= PIECES_MAX and (mark := line.search(whole.body, at)):
        if begin is not None:
            found.append(part(whole.body[begin : mark.start()]))
        if mark[1]:
            return found
        begin = mark.end()
        # the line break that ends this line may begin the next one: an empty part
        at = begin - 2 if whole.body[begin - 2 : begin] == b"\r\n" else begin - 1
    raise Invalid("a multipart message is not closed, or has too many parts", field="body")


def made(headers: Mapping[str, str], body: bytes) -> bytes:
    """A part as it is sent."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return lines.encode("ascii", "replace") + b"\r\n" + body


def joined(parts: Sequence[bytes], boundary: str) -> bytes:
    """The body of a multipart."""
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


def lines_of(content: bytes) -> bytes:
    """Base64 in lines."""
    text = base64.b64encode(content)
    return b"\r\n".join(text[at : at + _LINE_BYTES] for at in range(0, len(text), _LINE_BYTES)) + b"\r\n"
