"""Banks as a source of payments: statements, notifications and receipts in any format."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import ClassVar, cast

from connectors.bank import changes, csv_dialect, formats, schema
from connectors.bank.changes import File, Taking
from connectors.bank.flat import masked
from connectors.bank.settings import Settings
from connectors.bank.statement import Statement
from connectors.bank.translate import same_account
from hub.sdk import (
    REFUSED,
    AuthFailed,
    Change,
    ConnectorError,
    Delivery,
    Folder,
    Health,
    Invalid,
    Kind,
    Manifest,
    Page,
    Rejected,
    Schema,
    SftpDoor,
    SftpPickup,
)

__all__ = ["Bank", "Settings"]

_MODULES = {"camt": "camt_stream", "csv": "csv_dialect"}
_PACKED = {
    b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"\x28\xb5\x2f\xfd": "zstandard",
    b"\x1f\x9d": "compress",
}  # fmt: skip
# BAI2 record 02, field 8 (as-of-date modifier): 1 and 3 are interim reports.
_MODIFIER = re.compile(rb"^02,(?:[^,\r\n/]*,){6}([1-4])", re.MULTILINE)


class Bank:
    """A source: reads what banks send, writes nothing."""

    manifest: ClassVar[Manifest] = Manifest(
        name="bank",
        title="Bank statements and receipts",
        settings=Settings,
        kinds={"statement": Kind(inbound=True), "payment": Kind(inbound=True)},
        docs="connectors/bank/README.md",
        tier="silver",
        files=True,
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pickup: SftpPickup | None = None
        if settings.sftp_host:
            told = Folder(
                settings.sftp_folder, settings.sftp_pattern, settings.sftp_processed, settings.sftp_settled
            )
            self._pickup = SftpPickup(SftpDoor(settings.account_there()), told)

    def check(self) -> Health:
        """Looks into the SFTP folder, if there is one; else tells what the connection will accept."""
        account = masked(self.settings.account) if self.settings.account else "any account"
        doors = ["the console", "the watched folder"]
        findings: list[str] = []
        if self.settings.upload_key.get_secret_value():
            doors.append("uploads")
        else:
            findings.append("no upload key: uploads over HTTP are refused")
        if self._pickup is not None:
            place = self._pickup.door.account.place
            try:
                findings += self._pickup.check()
            except ConnectorError as error:
                return Health(False, f"cannot fetch files: {error}", findings)
            doors.append(f"SFTP from {place}")
        return Health(True, f"reads files for {account} from {', '.join(doors)}", findings)

    def poll(self, cursor: str | None) -> Page:
        """Files that came to the SFTP folder. Raises ConnectorError, Rejected where none is set."""
        if self._pickup is None:
            raise Rejected(
                "there is no SFTP server to ask: set one, or leave the interval of polls at 0",
                code="no_server",
            )
        return self._pickup.poll(cursor)

    def schema(self, kind: str) -> Schema:
        """Fields of a bank line or statement. Raises Invalid for a kind that banks do not send."""
        if kind not in self.manifest.kinds:
            raise Invalid(f"banks send statements and payments, not {kind}", field="kind")
        return schema.payment() if kind == "payment" else schema.statement()

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """The sha256 of the file, after the upload key was found right. Raises AuthFailed or Invalid."""
        key = self.settings.upload_key.get_secret_value().encode()
        sent = delivery.headers.get("authorization", "").encode("utf-8", "replace")
        if not key:
            raise AuthFailed("this connection has no upload key: set one to upload files over HTTP")
        if not hmac.compare_digest(sent, b"Bearer " + key):
            raise AuthFailed("the upload key is missing or wrong")
        _readable(delivery)
        return [hashlib.sha256(delivery.body).hexdigest()]

    def read(self, delivery: Delivery) -> Iterator[Change]:
        """Per statement: itself, then a payment for each line that concerns us.

        A statement whose totals do not hold is told with the arithmetic and without payments. Raises Invalid
        for a file that cannot be read to its end, Rejected where it is about another account.
        """
        _readable(delivery)
        taking = Taking(
            self.settings.account, self.settings.intraday == "take", frozenset(self.settings.elsewhere)
        )
        known, statements = self._statements(delivery.body)
        final = known not in changes.INTERIM and not (known == "bai2" and _interim(delivery.body))
        file = File(set(), {})
        for statement in statements:
            self._expect(statement, known)
            yield from changes.changes_of(statement, known, taking, file, final=final)

    def _statements(self, body: bytes) -> tuple[str, Iterator[Statement]]:
        """The format's name and its statements: by the setting, else by the content."""
        wanted, dialect = self.settings.format, self.settings.csv_dialect
        head = body[: formats.HEAD]
        if wanted == "csv" and dialect:
            return "csv", csv_dialect.read_as(csv_dialect.declared(dialect), body)
        if wanted:
            name = f"connectors.bank.{_MODULES.get(wanted, wanted)}"
            reader = cast(formats.Reader, import_module(name))
            return reader.recognises(head) or wanted, reader.read(body)
        try:
            known, reader = formats.reader_of(head)
        except Invalid:
            if not dialect:
                raise
            return "csv", csv_dialect.read_as(csv_dialect.declared(dialect), body)
        return known, reader.read(body)

    def _expect(self, statement: Statement, known: str) -> None:
        """Nacha files name the accounts of payers too, and some CSV none: what they are about is our word."""
        wanted, told = self.settings.account, statement.account
        if not wanted or known == "nacha" or (known == "csv" and not told):
            return
        if not same_account(told, wanted, statement.currency):
            raise Rejected(
                f"the file is about account {masked(told)}, this connection is for {masked(wanted)}: send it "
                "to the connection of that account, or leave the account setting empty",
                code="wrong_account",
            )


def _readable(delivery: Delivery) -> None:
    """Raises Invalid for a file that is empty or packed (what would it unpack to?), or was not fetched."""
    body = delivery.body
    if told := delivery.headers.get(REFUSED):
        raise Invalid(told, field="body")
    if not body.strip():
        raise Invalid("the file is empty", field="body")
    packed = next((name for mark, name in _PACKED.items() if body.startswith(mark)), "")
    if packed:
        raise Invalid(f"the file is packed ({packed}): unpack it before it is sent", field="body")


def _interim(body: bytes) -> bool:
    """Does every group of a BAI2 file say that it is an interim report?"""
    found = [one[1] for one in _MODIFIER.finditer(body)]
    return bool(found) and all(one in b"13" for one in found)
