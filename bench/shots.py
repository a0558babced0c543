"""Events to send: won deals, each with its own id and signature, rendered before the clock runs."""

from __future__ import annotations

import hmac
import json
import random
from dataclasses import dataclass, field
from typing import Any

SECRET = "bench-webhook-secret"
MARK = b"EID"  # every event id is this and 12 digits, so that a sink finds it in any body
ID_LENGTH = 15
SMALL, LARGE = 1_200, 6_900  # bytes of a body with 1 line and with 20 lines
_WORDS = ("seat", "licence", "module", "gateway", "onboarding", "support", "analytics", "storage", "training")


def event_id(number: int) -> bytes:
    """The id of the event with this number."""
    return b"EID%012d" % number


def number_in(body: bytes) -> int:
    """The number of the event a body speaks of; -1 where there is none."""
    at = body.find(MARK)
    digits = body[at + 3 : at + ID_LENGTH]
    return int(digits) if at >= 0 and len(digits) == 12 and digits.isdigit() else -1


def deal(lines: int, size: int, id: str) -> bytes:
    """A won deal with everything around it, filled up to `size` bytes."""
    dice = random.Random(20)
    body: dict[str, Any] = {
        "eventId": id,
        "type": "deal.won",
        "deal": {
            "id": id, "name": "Northwind: renewal and expansion", "currency": "EUR", "terms": "net_30",
            "closed_at": "2026-02-11T09:15:00.123Z", "po": "PO-77-1204", "owner": "o.lindqvist",
            "start": "2026-03-01", "billing": "annually",
        },
        "company": {
            "id": "830017", "name": "Northwind Traders GmbH", "country": "Germany", "city": "Hamburg",
            "zip": "20457", "street": "Am Sandtorkai 4", "vat_id": "DE811907980",
        },
        "contact": {"email": "Accounts.Payable@Northwind.example", "first": "Mai", "last": "Berger"},
        "items": [_item(n, dice) for n in range(lines)],
        "note": "",
    }  # fmt: skip
    short = size - len(json.dumps(body, separators=(",", ":")))
    body["note"] = ("as agreed on the phone; " * (short // 24 + 1))[: max(short, 0)]
    return json.dumps(body, separators=(",", ":")).encode()


def _item(n: int, dice: random.Random) -> dict[str, Any]:
    return {
        "id": str(5_100_000 + n),
        "properties": {
            "sku": f"NW-{dice.randint(100, 999)}",
            "name": f"{dice.choice(_WORDS)} {dice.choice(_WORDS)} tier {n % 5}",
            "quantity": str(dice.randint(1, 60)),
            "price": f"{dice.randint(400, 90_000) / 100:.2f}",
            "discount": dice.choice(["0", "5", "7.5", "12.5", None]),
            "tax_group": dice.choice(["standard", "reduced", "zero"]),
            "period": dice.choice(["P1M", "P1Y", None]),
            "unit": "each",
            "created": f"2026-02-{n % 27 + 1:02d}T10:00:00Z",
        },
    }


@dataclass
class Shots:
    """Events `first` to `first + count`, ready to be written to a socket."""

    count: int
    path: str
    lines: int = 1
    size: int = SMALL
    first: int = 0
    signed: bool = True
    _heads: list[bytes] = field(default_factory=list)
    _parts: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        template = deal(self.lines, self.size, event_id(0).decode())
        self._parts = template.split(event_id(0))
        start = f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n".encode()
        start += b"content-length: %d\r\n" % len(template)
        key = SECRET.encode()
        for number in range(self.first, self.first + self.count):
            line = b""
            if self.signed:
                line = b"x-signature: %b\r\n" % hmac.digest(key, self.body(number), "sha256").hex().encode()
            self._heads.append(b"%b%b\r\n" % (start, line))

    def body(self, number: int) -> bytes:
        """The body of one event."""
        return event_id(number).join(self._parts)

    def wire(self, index: int) -> bytes:
        """The whole request of one event."""
        return self._heads[index] + self.body(self.first + index)
