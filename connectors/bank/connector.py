"""Bank statements as a source of payments: camt.053 files, uploaded over HTTP or dropped into a folder."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator
from pydantic import Field as Setting

from connectors.bank import camt, schema
from connectors.bank.translate import compact, line_key, line_uid
from hub.sdk import (
    AuthFailed,
    Change,
    Delivery,
    Health,
    Invalid,
    Kind,
    Manifest,
    Rejected,
    Schema,
)


class Settings(BaseModel):
    """One bank account, or all accounts of the files one bank sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    account: str = Setting(
        default="",
        max_length=34,
        description="IBAN this connection is for; empty: every account in the files",
    )
    upload_key: SecretStr = Setting(
        default=SecretStr(""), description="key an upload over HTTP carries as `Authorization: Bearer <key>`"
    )

    @field_validator("account")
    @classmethod
    def _plausible(cls, value: str) -> str:
        account = compact(value)
        looks_like_iban = account[:2].isalpha() and account[2:4].isdigit()
        if looks_like_iban and not _is_iban(account):
            raise ValueError("the check digits of this IBAN are wrong; copy it from a statement")
        return account


class Bank:
    """A source: reads statements, writes nothing."""

    manifest: ClassVar[Manifest] = Manifest(
        name="bank",
        title="Bank statements (camt.053)",
        settings=Settings,
        kinds={"payment": Kind(inbound=True)},
        docs="connectors/bank/README.md",
        tier="silver",
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def check(self) -> Health:
        """A file has nobody to ask: tells what the connection will accept."""
        account = self.settings.account or "any account"
        if not self.settings.upload_key.get_secret_value():
            return Health(
                True, f"reads files for {account}", ("no upload key: uploads over HTTP are refused",)
            )
        return Health(True, f"reads files and uploads for {account}")

    def schema(self, kind: str) -> Schema:
        """Fields of a bank line. Raises Invalid for a kind that banks do not send."""
        if kind != "payment":
            raise Invalid(f"banks send payments, not {kind}", field="kind")
        return schema.payment()

    def verify(self, delivery: Delivery) -> Sequence[str]:
        """The sha256 of the file, after the upload key was found right. Raises AuthFailed or Invalid."""
        key = self.settings.upload_key.get_secret_value().encode()
        sent = delivery.headers.get("authorization", "").encode("utf-8", "replace")
        if not key:
            raise AuthFailed("this connection has no upload key: set one to upload files over HTTP")
        if not hmac.compare_digest(sent, b"Bearer " + key):
            raise AuthFailed("the upload key is missing or wrong")
        if not delivery.body.strip():
            raise Invalid("the file is empty", field="body")
        return [hashlib.sha256(delivery.body).hexdigest()]

    def read(self, delivery: Delivery) -> list[Change]:
        """One payment per credit, and one below zero per reversal of a credit.

        The whole file is checked first, so a file is taken whole or not at all. Raises Invalid for a file
        that is not camt.053, Rejected where control totals or the account are wrong.
        """
        statements = camt.read(delivery.body)
        for statement in statements:
            self._expect(statement.account)
        seen: Counter[str] = Counter()
        return [change for statement in statements for change in _changes(statement, seen)]

    def _expect(self, account: str) -> None:
        wanted = self.settings.account
        if wanted and compact(account) != wanted:
            raise Rejected(
                f"the file is about account {account or '(none)'}, this connection is for {wanted}: send it "
                "to the connection of that account, or leave the account setting empty",
                code="wrong_account",
            )


def _is_iban(account: str) -> bool:
    """ISO 13616: at most 34 characters, ISO 7064 modulo 97-10 over the rearranged number."""
    if not account.isascii() or not account.isalnum() or not 15 <= len(account) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1


def _changes(statement: camt.Statement, seen: Counter[str]) -> Iterator[Change]:
    lines = [line for entry in statement.entries for line in entry.transactions]
    told = _told(statement, lines)
    for line in lines:
        key = line_key(statement.account, statement.page, line)
        seen[key] += 1
        if _concerns_us(line):
            uid = line_uid(key, seen[key])
            record = {**line, "line_uid": uid, "account": statement.account, "statement": told}
            yield Change("payment", uid, record)


def _concerns_us(line: dict[str, Any]) -> bool:
    """Money that came in, and what takes it back: a reversal, or a deduction inside a credit batch."""
    if line["residual"]:
        return bool(line["entry_amount"] > 0)
    return bool(line["amount"] > 0 or (line["amount"] < 0 and (line["reversal"] or line["entry_amount"] > 0)))


def _told(statement: camt.Statement, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The statement a line stands in, with its counts, so that debits left out are seen to be."""
    opening = statement.balance(camt.OPENING, last=False)
    closing = statement.balance(camt.CLOSING, last=True)
    return {
        "id": statement.id,
        "page": statement.page,
        "account": statement.account,
        "currency": statement.currency,
        "opening": opening.amount if opening else Decimal(0),
        "closing": closing.amount if closing else Decimal(0),
        "credits": sum(1 for line in lines if line["amount"] > 0),
        "debits": sum(1 for line in lines if line["amount"] <= 0),
        "not_booked": statement.not_booked,
    }
