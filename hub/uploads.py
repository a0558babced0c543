"""Files handed to the hub, by whichever door: taken in once, whatever they are called."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

import orjson

from hub.engine import Hub
from hub.errors import Invalid
from hub.store import views
from hub.store.intake import Item, Verdict

NAME_MAX = 100
_STRANGE = re.compile(r"[^A-Za-z0-9._ +()=,@-]")


class TakenIn(NamedTuple):
    """What became of a file. `delivery_id` is the delivery that holds its content, `first` when it came."""

    verdict: Verdict
    delivery_id: str
    name: str = ""
    first: datetime | None = None

    @property
    def told(self) -> str:
        """One sentence for the person who sent it."""
        if self.verdict is Verdict.NEW:
            return "accepted"
        if self.verdict is Verdict.SUSPICIOUS:
            return "put aside: the same event came before with another content"
        when = f" on {self.first:%Y-%m-%d at %H:%M:%S} UTC" if self.first else ""
        return f"the same content came before{when}{f' as {self.name}' if self.name else ''}: nothing to do"


def safe_name(name: str) -> str:
    """A file's name as it may be kept and shown: no path, no control characters, bounded."""
    last = re.split(r"[/\\]", name)[-1]
    plain = _STRANGE.sub("_", last).strip().lstrip(".")
    return plain[-NAME_MAX:] or "unnamed"


def take_in(hub: Hub, connection: str, name: str, body: bytes, *, bytes_max: int) -> TakenIn:
    """Take in a file whose sender is trusted. Raises Invalid: empty, too large, no such connection."""
    if not body.strip():
        raise Invalid("the file is empty", field="file")
    if len(body) > bytes_max:
        raise Invalid(f"the file is over {bytes_max} bytes; split it", field="file")
    it = hub.dropped(connection, safe_name(name), body)
    return outcome(hub, it, hub.accept([it])[0])


def outcome(hub: Hub, it: Item, verdict: Verdict) -> TakenIn:
    """What a verdict means for the sender of a file: of one that came before, when and under which name."""
    if verdict is not Verdict.KNOWN:
        return TakenIn(verdict, it.inbox_id)
    with hub.store.look() as tx:
        row = views.delivery_of_event(tx.conn, it.connection, it.event_ids[0])
    if row is None:
        return TakenIn(verdict, it.inbox_id)
    name = str(orjson.loads(row.headers).get("x-file-name", ""))
    return TakenIn(verdict, row.id, safe_name(name) if name else "", row.received_at)
