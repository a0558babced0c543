"""The wire: one method per Salesforce endpoint, records in and out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from connectors.salesforce.answers import Allowance, trouble
from connectors.salesforce.auth import Login, Session
from hub.sdk import Door, Record, Reply, Transient, encode

COLLECTION_MAX = 200  # records of one collections call (REST guide, "sObject Collections")
SUBREQUESTS_MAX = 25
PAGES_MAX = 100  # of one question: 200,000 rows at 2,000 each
KEPT_SECONDS = 600.0  # describes and org facts are remembered: calls are scarce, these hardly ever change


class Client:
    """The REST API of one org in one version. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(
        self, door: Door, login: Login, *, version: str, client_name: str, allowance: Allowance
    ) -> None:
        self._door = door
        self._login = login
        self._root = f"/services/data/v{version}"
        self._allowance = allowance
        self._headers = {"sforce-call-options": f"client={client_name}"}
        self._known: dict[str, tuple[float, Record]] = {}

    def session(self) -> Session:
        """A session that is good now, for other wires than this one."""
        known = self._login.session
        if known is None:
            self.limits()
            known = self._login.session
        if known is None:
            raise Transient("the session ended while it was being used", code="no_session", sent=False)
        return known

    def limits(self) -> Record:
        """GET limits: what is left of the org's allowances."""
        return self._object(self.call("GET", f"{self._root}/limits").json())

    def describe(self, sobject: str) -> Record:
        """GET an object's describe: the fields this user may see, their types and what may be written."""
        return self._kept(f"{self._root}/sobjects/{sobject}/describe")

    def organization(self) -> Record:
        """The org's own row: its id, and its time zone (IANA name)."""
        path = f"{self._root}/query?q=SELECT+Id,TimeZoneSidKey,IsSandbox+FROM+Organization"
        rows = self._kept(path).get("records") or [{}]
        return self._object(rows[0])

    def forget(self) -> None:
        """Ask for describes and org facts anew."""
        self._known.clear()

    def query(self, soql: str, *, deleted: bool = False) -> list[Record]:
        """GET query, or queryAll with rows in the recycle bin; follows nextRecordsUrl as it is told.

        Raises Transient where there are over 100 pages.
        """
        answer = self._object(
            self.call("GET", f"{self._root}/{'queryAll' if deleted else 'query'}", params={"q": soql}).json()
        )
        rows = _records(answer)
        for _ in range(PAGES_MAX):
            if answer.get("done") is not False:
                return rows
            answer = self._object(self.call("GET", _path(answer.get("nextRecordsUrl"))).json())
            rows += _records(answer)
        raise Transient(f"an answer has over {PAGES_MAX} pages", code="too_large", sent=False)

    def update(self, sobject: str, records: Iterable[Record]) -> list[Record]:
        """PATCH collections by Id: at most 200. One entry per record, which may hold errors (HTTP 200!)."""
        return self._collection("composite/sobjects", sobject, records)

    def upsert(self, sobject: str, key: str, records: Iterable[Record]) -> list[Record]:
        """PATCH collections by an external id, which stands in each record: at most 200."""
        return self._collection(f"composite/sobjects/{sobject}/{key}", sobject, records)

    def composite(self, parts: Sequence[Record], *, all_or_none: bool = True) -> list[Record]:
        """POST composite: at most 25 requests in one, which may refer to each other's answers.

        Their statuses are in `httpStatusCode` of each; the call itself is always a 200.
        """
        body = {"allOrNone": all_or_none, "compositeRequest": list(parts)}
        answer = self._object(self.call("POST", f"{self._root}/composite", json=body).json())
        found = answer.get("compositeResponse")
        if not isinstance(found, list) or len(found) != len(parts):
            raise Transient("the answer has another number of entries", code="bad_answer")
        return found

    def deploy(self, package: bytes, options: Record) -> str:
        """POST deployRequest of the Metadata REST API: a zipped package; returns the id of the deployment."""
        kind, body = _form({"deployOptions": options}, package)
        headers = {"content-type": kind, "accept": "application/json"}
        path = f"{self._root}/metadata/deployRequest"
        answer = self._object(self.call("POST", path, content=body, headers=headers).json())
        id = str(answer.get("id") or "")
        if not (id.isascii() and id.isalnum()):  # it goes into an address
            raise Transient("Salesforce gave no id of the deployment", code="bad_answer")
        return id

    def deployment(self, id: str) -> Record:
        """GET deployRequest: how far a deployment is (`deployResult`), with the failures of its parts."""
        path = f"{self._root}/metadata/deployRequest/{id}"
        answer = self._object(self.call("GET", path, params={"includeDetails": "true"}).json())
        return self._object(answer.get("deployResult") or {})

    def call(self, method: str, path: str, **options: Any) -> Reply:
        """One call to the org's own address. Raises what the answer stands for; keeps the reserve."""
        self._allowance.ask()
        headers = {**self._headers, **options.pop("headers", {})}
        reply = self._door.call(method, path, headers=headers, **options)
        self._allowance.note(reply.headers)
        error = None if reply.ok else trouble(replace(reply, body=self._redacted(reply.body)))
        if error is not None:
            raise error
        return reply

    def _redacted(self, body: bytes) -> bytes:
        """A proxy's error page may echo our headers."""
        for secret in self._login.secrets():
            body = body.replace(secret.encode(), b"***")
        return body

    @property
    def root(self) -> str:
        """The path that all resources of the chosen version begin with."""
        return self._root

    def close(self) -> None:
        """Give the sockets back."""
        self._door.close()

    def _collection(self, path: str, sobject: str, records: Iterable[Record]) -> list[Record]:
        sent = [{"attributes": {"type": sobject}, **record} for record in records]
        if not 1 <= len(sent) <= COLLECTION_MAX:
            raise ValueError(f"a collection has 1 to {COLLECTION_MAX} records, not {len(sent)}")
        # The same values again change nothing, so a call whose answer was lost may be repeated.
        reply = self.call(
            "PATCH",
            f"{self._root}/{path}",
            json={"allOrNone": False, "records": sent},
            headers={"sforce-duplicate-rule-header": "allowSave=true", "sforce-auto-assign": "FALSE"},
            idempotent=True,
        )
        found = reply.json()
        if not isinstance(found, list) or len(found) != len(sent):
            raise Transient("the answer has another number of entries than the call", code="bad_answer")
        return [self._object(one) for one in found]

    def _kept(self, path: str) -> Record:
        until, known = self._known.get(path, (0.0, {}))
        if time.monotonic() < until:
            return known
        answer = self._object(self.call("GET", path).json())
        self._known[path] = (time.monotonic() + KEPT_SECONDS, answer)
        return answer

    @staticmethod
    def _object(answer: Any) -> Record:
        if not isinstance(answer, Mapping):
            raise Transient("the answer is not a JSON object", code="bad_answer")
        return answer


def _records(answer: Record) -> list[Record]:
    found = answer.get("records")
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise Transient("the answer has no list of records", code="bad_answer")
    return found


def _path(told: Any) -> str:
    """The address of the next page as told, without a host: our own login decides where it goes."""
    parts = urlsplit(str(told or ""))
    if not parts.path.startswith("/services/"):
        raise Transient("the answer does not tell where its next page is", code="bad_answer")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _form(json_part: Record, package: bytes) -> tuple[str, bytes]:
    """Content type and body of multipart/form-data as deployRequest wants it: `json` and `file`."""
    mark = f"o2c{secrets.token_hex(16)}".encode()
    head = b'Content-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n'
    file = b'Content-Disposition: form-data; name="file"; filename="package.zip"\r\n'
    file += b"Content-Type: application/zip\r\n\r\n"
    parts = (head + encode(json_part), file + package)
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"
    return f"multipart/form-data; boundary={mark.decode()}", body
