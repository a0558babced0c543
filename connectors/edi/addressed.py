"""Whether what arrived is from this partner to us, on the line (test or production) of the profile."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.edi import exchanged, tokens
from connectors.edi.header import Header
from connectors.edi.settings import Settings
from hub.sdk import Misdelivered, Rejected

# An ISA where a segment can begin: its separator is no letter or digit, and its first element has two signs.
_ISA = re.compile(rb"(?<![A-Za-z0-9])ISA(?=([^A-Za-z0-9\s])[^\n]{2}\1)")


def check_all(body: bytes, settings: Settings) -> None:
    """Looks at every envelope of a file that may hold several, before anything is told of the first."""
    if settings.mailbox:
        sort(body, settings)
    if body.count(b"ISA") == 1:
        return
    header: Header | None = None
    for token in tokens.of_bytes(body):
        if isinstance(token, Header):
            header = token
            check_interchange(token, settings)
        elif isinstance(token, str) and header is not None and token[:2] == "GS":
            check_group(token.split(header.marks.element), settings)


def sort(body: bytes, settings: Settings) -> None:
    """Raises Misdelivered with each interchange by itself where not all of a file are of this partner."""
    addresses = [
        f"{exchanged.side(one.at(5), one.at(6))} to {exchanged.side(one.at(7), one.at(8))} ({one.at(15)})"
        for one in tokens.of_bytes(body)
        if isinstance(one, Header) and one.usable and not one.headless
    ]
    if not addresses or set(addresses) == {settings.address}:
        return
    starts = [found.start() for found in _ISA.finditer(body)]
    if len(starts) != len(addresses):
        words = f"{len(addresses)} interchanges begin at {len(starts)} places: they cannot be told apart"
        raise Rejected(f"{words}; have them sent in files of their own", code="unclear_mailbox")
    pieces = [body[start:end] for start, end in zip(starts, [*starts[1:], len(body)], strict=True)]
    raise Misdelivered("it holds interchanges of other partners", list(zip(addresses, pieces, strict=True)))


def check_interchange(header: Header, settings: Settings) -> None:
    """Raises Rejected for an ISA of another sender, receiver or usage; one that names nobody passes."""
    if not header.usable or header.headless:
        return
    number = header.at(13)
    sides = (
        ("sender", (header.at(5), header.at(6)), settings.partner),
        ("receiver", (header.at(7), header.at(8)), settings.us),
    )
    for name, told, wanted in sides:
        if told != (wanted.qualifier, wanted.id):
            raise Rejected(
                f"interchange {number} names {exchanged.side(*told)} as {name}, this connection is for "
                f"{exchanged.side(wanted.qualifier, wanted.id)}: send it to the connection of that "
                "partner, or mend the ids in the settings",
                code=f"wrong_{name}",
            )
    if header.at(15) != settings.usage:
        words = {"P": "production", "T": "test"}.get(header.at(15), f"of usage {header.at(15) or 'unknown'}")
        raise Rejected(
            f"interchange {number} is {words} (ISA15), the connection takes {settings.usage} only",
            code="wrong_usage",
        )


def check_group(elements: Sequence[str], settings: Settings) -> None:
    """Raises Rejected for a GS of codes that the profile does not know, where it names any."""
    if not elements or elements[0] != "GS":
        return
    values = [value.strip() for value in (*elements, "", "", "", "")]
    if settings.partner_codes and values[2] not in settings.partner_codes:
        words = f"a group names {values[2]!r} as its sender (GS02), which is none of partner_codes"
        raise Rejected(words, code="wrong_sender")
    if settings.our_code and values[3] != settings.our_code:
        words = f"a group names {values[3]!r} as its receiver (GS03), our_code is {settings.our_code!r}"
        raise Rejected(words, code="wrong_receiver")
