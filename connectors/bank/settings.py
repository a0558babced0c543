"""The settings of a bank connection: what it is about, how files come, and which of them bring payments."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator
from pydantic import Field as Setting

from connectors.bank import csv_dialect
from connectors.bank.translate import compact, is_iban
from hub.sdk import Invalid, SftpAccount


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
    format: Literal["", "camt", "mt940", "bai2", "nacha", "lockbox", "ofx", "csv"] = Setting(
        default="", description="format of the files; empty: each file is recognised by its content"
    )
    csv_dialect: str = Setting(
        default="",
        max_length=10_000,
        description="YAML that says what the columns of this bank's CSV mean; see the guide",
    )
    intraday: Literal["ignore", "take"] = Setting(
        default="ignore",
        description="payments of camt.052, camt.054, MT942 and interim BAI2: `ignore` leaves them to the "
        "final statement, `take` is for banks that send no final one",
    )
    elsewhere: tuple[str, ...] = Setting(
        default=(),
        description="bank transaction codes whose money arrives by a file of its own, such as 115 where "
        "a lockbox file comes too: their lines are not read as payments",
    )

    sftp_host: str = Setting(
        default="", max_length=253, description="server to fetch files from by SFTP; empty: none"
    )
    sftp_port: int = Setting(default=22, ge=1, le=65535)
    sftp_user: str = Setting(default="", max_length=100)
    sftp_password: SecretStr = Setting(default=SecretStr(""), description="or a private key")
    sftp_private_key: SecretStr = Setting(
        default=SecretStr(""), description="Ed25519, ECDSA or RSA, as ssh-keygen writes it"
    )
    sftp_passphrase: SecretStr = Setting(
        default=SecretStr(""), description="of the private key, if it has one"
    )
    sftp_host_key: str = Setting(
        default="",
        max_length=2_000,
        description="key the server must show, such as `ssh-ed25519 AAAA...`; none is taken on trust",
    )
    sftp_folder: str = Setting(default=".", max_length=500, description="folder the files lie in there")
    sftp_pattern: str = Setting(default="", max_length=100, description="such as *.xml; empty: every file")
    sftp_processed: str = Setting(
        default="",
        max_length=500,
        description="folder that fetched files are moved into there; empty: they stay and are remembered",
    )
    sftp_settled: int = Setting(
        default=30, ge=0, le=86_400, description="seconds a file must not have changed before it is fetched"
    )

    @model_validator(mode="after")
    def _reachable(self) -> Settings:
        if self.sftp_host:
            for name in ("sftp_user", "sftp_host_key"):
                if not getattr(self, name):
                    raise ValueError(f"{name}: needed to fetch files by SFTP")
        return self

    def account_there(self) -> SftpAccount:
        """Our account at the SFTP server."""
        return SftpAccount(
            host=self.sftp_host, port=self.sftp_port, user=self.sftp_user, host_key=self.sftp_host_key,
            password=self.sftp_password, private_key=self.sftp_private_key, passphrase=self.sftp_passphrase,
        )  # fmt: skip

    @field_validator("account")
    @classmethod
    def _plausible(cls, value: str) -> str:
        account = compact(value)
        looks_like_iban = account[:2].isalpha() and account[2:4].isdigit()
        if looks_like_iban and not is_iban(account):
            raise ValueError("the check digits of this IBAN are wrong; copy it from a statement")
        return account

    @field_validator("csv_dialect")
    @classmethod
    def _declared(cls, value: str) -> str:
        try:
            if value.strip():
                csv_dialect.declared(value)
        except Invalid as error:
            raise ValueError(str(error)) from None
        return value.strip()
