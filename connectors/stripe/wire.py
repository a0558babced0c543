"""One call to Stripe: key, version and account on every request, errors raised without secrets in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from connectors.stripe.answers import MISSING, is_replay, trouble
from connectors.stripe.encoding import Form, encoded, pairs
from connectors.stripe.settings import Settings
from hub.sdk import Door, Record, Rejected, Reply, Transient

PAGE = 100  # the most one page of a list has
KEY_MAX = 255  # characters of an Idempotency-Key


class Listed(NamedTuple):
    """One page of a list, newest first, and whether there is more."""

    objects: Sequence[Record]
    more: bool


class Answer(NamedTuple):
    """What a write was answered; `replayed`: it is the stored answer of an earlier call with this key."""

    record: Record
    replayed: bool


class Wire:
    """Calls to one account in one version. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.api_key.get_secret_value()
        headers = {"authorization": f"Bearer {self._secret}", "stripe-version": settings.api_version}
        if settings.account:
            headers["stripe-account"] = settings.account
        self._door = Door(
            settings.base_url.rstrip("/"),
            headers=headers,
            deadline=settings.deadline,
            connections=settings.concurrency,
        )

    def get(self, path: str, form: Form | None = None) -> Record:
        """GET one object."""
        return _record(self._call("GET", path, params=pairs(form or {})))

    def find(self, path: str, form: Form | None = None) -> Record | None:
        """GET one object; None where there is none, or it was deleted."""
        try:
            found = self.get(path, form)
        except Rejected as error:
            if error.status == 404 and error.code == MISSING:
                return None
            raise
        return None if found.get("deleted") else found

    def page(self, path: str, form: Form | None = None, *, after: str = "") -> Listed:
        """GET one page of a list: up to a hundred objects, newest first."""
        asked = {"limit": PAGE, **(form or {}), "starting_after": after or None}
        answer = self.get(path, asked)
        found = answer.get("data")
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise Transient(f"Stripe's list {path} has no objects in it", code="bad_answer")
        return Listed(found, bool(answer.get("has_more")) and bool(found))

    def every(self, path: str, form: Form | None = None, *, pages: int) -> Iterator[Record]:
        """All objects of a list, newest first. Raises Rejected where `pages` pages do not hold them."""
        after = ""
        for _ in range(pages):
            found = self.page(path, form, after=after)
            yield from found.objects
            if not found.more:
                return
            after = str(found.objects[-1]["id"])
        raise Rejected(f"Stripe's list {path} has over {pages} pages", code="too_many", sent=False)

    def post(self, path: str, form: Form, key: str) -> Answer:
        """POST once: repeated for seconds under the same Idempotency-Key, with the same bytes."""
        headers = {"idempotency-key": key[:KEY_MAX], "content-type": "application/x-www-form-urlencoded"}
        reply = self._call("POST", path, content=encoded(form), headers=headers, idempotent=True)
        return Answer(_record(reply), is_replay(reply))

    def delete(self, path: str) -> None:
        """DELETE an object; one that is gone already is no trouble."""
        try:
            self._call("DELETE", path, idempotent=True)
        except Rejected as error:
            if error.status != 404:
                raise

    def _call(self, method: str, path: str, **options: Any) -> Reply:
        reply = self._door.call(method, path, **options)
        if not reply.ok:
            reply = replace(reply, body=reply.body.replace(self._secret.encode(), b"***"))
        error = trouble(reply)
        if error is not None:
            raise error
        return reply

    def close(self) -> None:
        """Give the sockets back."""
        self._door.close()


def _record(reply: Reply) -> Record:
    answer = reply.json()
    if not isinstance(answer, dict):
        raise Transient("Stripe's answer is not a JSON object", status=reply.status, code="bad_answer")
    return answer
