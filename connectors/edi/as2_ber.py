"""BER (X.690) as cryptographic messages use it: read with any lengths, written with the definite ones of DER.

The cryptography package reads DER only; many senders stream their messages with lengths they did not know.
"""

from __future__ import annotations

from typing import NamedTuple

from hub.sdk import Invalid

DEPTH_MAX = 40
NODES_MAX = 250_000  # 50 MB in pieces of 1,000 bytes have a fifth of it
INTEGER, OCTETS, NULL, OID, SEQUENCE, SET = 0x02, 0x04, 0x05, 0x06, 0x30, 0x31
_CONSTRUCTED, _MANY = 0x20, 0x1F


class Node(NamedTuple):
    """One value: `content` of a primitive one, `parts` of one made of others."""

    tag: int
    content: bytes = b""
    parts: tuple[Node, ...] = ()

    @property
    def der(self) -> bytes:
        """The same with definite lengths."""
        return tlv(self.tag, self.content, *(part.der for part in self.parts))

    @property
    def octets(self) -> bytes:
        """The bytes of an octet string, in one piece or in many."""
        return self.content + b"".join(part.octets for part in self.parts)

    @property
    def oid(self) -> str:
        """An object identifier with dots. Raises Invalid where it is none."""
        if self.tag != OID or not self.content or self.content[-1] & 0x80:
            raise Invalid("an algorithm or type has no name", field="body")
        numbers, value = [], 0
        for byte in self.content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))

    def at(self, *path: int) -> Node:
        """The part at this path of places. Raises Invalid where there is none."""
        here = self
        for place in path:
            if place >= len(here.parts):
                raise Invalid("a part is missing", field="body")
            here = here.parts[place]
        return here

    def tagged(self, tag: int) -> Node | None:
        """The first part with this tag."""
        return next((part for part in self.parts if part.tag == tag), None)


def read(body: bytes) -> Node:
    """The value that is the whole of `body`. Raises Invalid for anything else, and too much of it."""
    reader = _Reader(body)
    node = reader.node(0, len(body), 0)
    if reader.at != len(body):
        raise Invalid("bytes follow the message", field="body")
    return node


class _Reader:
    """Where reading stands."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at, self.count = body, 0, 0

    def node(self, start: int, end: int, depth: int) -> Node:
        self.count += 1
        if depth > DEPTH_MAX or self.count > NODES_MAX:
            raise Invalid("the message is nested too deep or has too many parts", field="body")
        self.at = start
        tag = self._byte(end)
        if tag & _MANY == _MANY:
            raise Invalid("a tag of many bytes has no place in a message", field="body")
        length = self._length(end)
        if length is None:
            if not tag & _CONSTRUCTED:
                raise Invalid("a plain value has no length", field="body")
            return Node(tag, b"", self._parts(end, depth, open_ended=True))
        last = self.at + length
        if last > end:
            raise Invalid("the message is cut off", field="body")
        if tag & _CONSTRUCTED:
            return Node(tag, b"", self._parts(last, depth, open_ended=False))
        content = self.body[self.at : last]
        self.at = last
        return Node(tag, content)

    def _parts(self, end: int, depth: int, *, open_ended: bool) -> tuple[Node, ...]:
        parts: list[Node] = []
        while self.at < end:
            if open_ended and self.body[self.at : self.at + 2] == b"\0\0":
                self.at += 2
                return tuple(parts)
            parts.append(self.node(self.at, end, depth + 1))
        if open_ended:
            raise Invalid("the message is cut off", field="body")
        return tuple(parts)

    def _length(self, end: int) -> int | None:
        """None: it lasts until an end-of-contents mark."""
        first = self._byte(end)
        if first < 0x80:
            return first
        if first == 0x80:
            return None
        if first > 0x84:
            raise Invalid("a length is out of bounds", field="body")
        return int.from_bytes(bytes(self._byte(end) for _ in range(first & 0x7F)), "big")

    def _byte(self, end: int) -> int:
        if self.at >= end:
            raise Invalid("the message is cut off", field="body")
        self.at += 1
        return self.body[self.at - 1]


def tlv(tag: int, *contents: bytes) -> bytes:
    """Tag, length and content, the shortest way."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def named(oid: str) -> bytes:
    """An object identifier, encoded."""
    first, second, *rest = map(int, oid.split("."))
    return tlv(OID, b"".join(_base128(number) for number in (40 * first + second, *rest)))


def _base128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))
