"""The config form of a generic HTTP connection: how webhooks are signed, where documents are written."""

from __future__ import annotations

import re
import string
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")  # RFC 9110 5.6.2: what a header's name is made of
_PLACEHOLDERS = frozenset({"reference", "external_id"})
KINDS_MAX = 50


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("not a header name: letters, digits and - only")
    return name.lower()


def _template(path: str) -> str:
    try:
        parts = list(string.Formatter().parse(path))
    except ValueError as error:
        raise ValueError(f"not a path template: {error}") from None
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("a path starts with one /")
    for _, field, form, turn in parts:
        if field is not None and (field not in _PLACEHOLDERS or form or turn):
            raise ValueError(f"unknown placeholder {field!r}: use {{reference}} or {{external_id}}")
    return path


def _sendable(secret: SecretStr) -> SecretStr:
    if not all(33 <= ord(char) <= 126 for char in secret.get_secret_value()):
        raise ValueError("only visible ASCII characters can be sent in a header; paste the secret again")
    return secret


Header = Annotated[str, Field(max_length=100), AfterValidator(_header)]
Template = Annotated[str, Field(max_length=500), AfterValidator(_template)]
Templates = Annotated[dict[str, Template], Field(max_length=KINDS_MAX)]
Sendable = Annotated[SecretStr, AfterValidator(_sendable)]
Place = Annotated[str, Field(max_length=200)]


class Settings(BaseModel):
    """Inbound half: `secret` to `revision`. Outbound half: `base_url` and below. Either may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: SecretStr = Field(
        default=SecretStr(""), description="key of the HMAC-SHA256; empty: nothing comes in"
    )
    previous_secret: SecretStr = Field(
        default=SecretStr(""), description="still accepted while a key is rotated"
    )
    signature_header: Header = "x-signature"
    signature_encoding: Literal["hex", "base64"] = "hex"
    signature_prefix: str = Field(default="", max_length=40, description="for example `sha256=`")
    timestamp_header: Header = Field(default="", description="if set, `<timestamp>.<body>` is what is signed")
    tolerance_seconds: int = Field(default=300, ge=1, le=86_400, description="oldest timestamp accepted")
    event_id: Place = Field(
        default="", description="dotted path in the body, or `header:<name>`; empty: a hash of the delivery"
    )
    object_id: Place = Field(default="id", min_length=1, description="dotted path of the object's id")
    kind: str = Field(
        default="message", pattern=r"^[a-z][a-z_]{0,39}$", description="what the records become"
    )
    revision: Place = Field(
        default="", description="dotted path of the time of the last change: ISO 8601, or seconds since 1970"
    )

    base_url: str = Field(default="", max_length=500, description="empty: nothing goes out")
    paths: Templates = Field(
        default={}, description="kind -> path a document is created at, for example `/orders/{reference}`"
    )
    update_paths: Templates = Field(
        default={}, description="kind -> path a known document is PUT to, for example `/orders/{external_id}`"
    )
    methods: dict[str, Literal["POST", "PUT"]] = Field(
        default={}, description="kind -> method of `paths`: POST"
    )
    token: Sendable = Field(default=SecretStr(""), description="sent as `Authorization: Bearer <token>`")
    key_header: Header = Field(default="", description="header the key is sent in, instead of a token")
    key: Sendable = SecretStr("")
    idempotency_header: Header = Field(
        default="", description="header under which the system recognises a repeated call, if it does"
    )
    find_paths: Templates = Field(
        default={},
        description="kind -> path that finds by our reference, for example `/orders?ref={reference}`",
    )
    find_id_path: Place = Field(
        default="", description="where the answer to a search has the id; empty: id_path"
    )
    reference_field: Place = Field(
        default="reference", description="field our reference is written to where find_paths is set"
    )
    quiesce_seconds: float = Field(
        default=5.0, ge=0, le=3_600, description="until a write can be found there"
    )
    id_path: Place = Field(default="id", description="where the answer to a write has the id")
    concurrency: int = Field(default=4, ge=1, le=200, description="calls the system bears at a time")
    account: str = Field(
        default="", max_length=100, description="connections that name the same one share `concurrency`"
    )
    check_path: str = Field(default="", max_length=500, description="GET path that needs the credentials")
    deadline_seconds: float = Field(default=30.0, gt=0, le=120)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = {*self.paths, *self.update_paths}
        if known and not self.base_url:
            raise ValueError("paths are set, base_url is not: set where the paths are")
        if lost := sorted({*self.update_paths, *self.methods, *self.find_paths} - set(self.paths)):
            raise ValueError(f"no path for the kind {lost[0]}: add it to paths")
        if found := [kind for kind, path in self.find_paths.items() if "{reference}" not in path]:
            raise ValueError(f"find_paths.{found[0]} has no {{reference}}: it would find anything")
        if lost := [kind for kind in self.find_paths if not self._updates(kind)]:
            raise ValueError(
                f"find_paths.{lost[0]}: what is found is brought up to date; set update_paths too"
            )
        if bool(self.key_header) != bool(self.key.get_secret_value()):
            raise ValueError("key_header and key belong together: set both or none")
        self._plain_address()
        return self

    def _updates(self, kind: str) -> bool:
        return kind in self.update_paths or self.methods.get(kind) == "PUT"

    def _plain_address(self) -> None:
        if not self.base_url:
            return
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be an http or https address")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url may carry no credentials, query or fragment; use token or key")
