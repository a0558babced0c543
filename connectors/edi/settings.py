"""The settings of an EDI connection: the profile of one trading partner, checked before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator, model_validator
from pydantic import Field as Setting

from connectors.edi.faults import DEFAULT, RULES, Weight
from connectors.edi.guide import GROUP_CODES, release_of
from connectors.edi.header import Marks
from connectors.edi.write import Party, Style
from hub.sdk import SecretStr, SftpAccount, web_address, zone_name

DEFAULT_VERSION = "004010"
_NEWLINES = {"none": "", "lf": "\n", "crlf": "\r\n"}
_HEX = re.compile(r"0x([0-9A-Fa-f]{2})")
_VERSION = re.compile(r"00\d{4}[A-Z0-9]{0,6}", re.ASCII)


def _id(value: str) -> str:
    if value != value.strip() or not value.isascii() or not value.isprintable():
        raise ValueError("plain characters without blanks around them, as the partner writes it")
    return value


def _mark(value: str) -> str:
    """A separator, or its code as 0x15 where no keyboard has it."""
    found = _HEX.fullmatch(value)
    char = chr(int(found.group(1), 16)) if found else value
    if len(char) > 1:
        raise ValueError("one character, or its code such as 0x15")
    if char and (char.isalnum() or char in " .-" or ord(char) > 0x7E):
        raise ValueError("no letter, digit, blank, point or minus: these stand in values")
    return char


Qualifier = Annotated[str, Setting(pattern=r"^[A-Z0-9]{2}$")]
PartnerId = Annotated[str, AfterValidator(_id), Setting(min_length=1, max_length=15)]
Code = Annotated[str, AfterValidator(_id), Setting(max_length=15)]
Mark = Annotated[str, AfterValidator(_mark), Setting(max_length=4)]


class Settings(BaseModel):
    """Who the partner is, which documents go how, and by which way."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # who
    partner_name: str = Setting(default="", max_length=100, description="what people call the partner")
    our_qualifier: Qualifier = Setting(
        default="ZZ", description="kind of our id: 01 DUNS, 12 phone, 08 UCC ..., ZZ agreed"
    )
    our_id: PartnerId = Setting(description="our id in ISA, at most 15 characters")
    our_code: Code = Setting(default="", description="our code in GS; empty: the id of ISA")
    partner_qualifier: Qualifier = Setting(default="ZZ", description="kind of the partner's id")
    partner_id: PartnerId = Setting(description="the partner's id in ISA, at most 15 characters")
    partner_codes: tuple[Code, ...] = Setting(
        default=(),
        max_length=50,
        description="the partner's codes in GS, the first for what we send; empty: the id of ISA for what we "
        "send, any for what comes",
    )
    usage: Literal["P", "T"] = Setting(
        default="P", description="P production, T test: an interchange of the other kind is refused"
    )
    customer: str = Setting(
        default="",
        max_length=120,
        description="whose orders come here: CONNECTION:ID such as netsuite:107, or the hub's id",
    )
    seller: str = Setting(
        default="",
        max_length=40,
        description="which of our companies sells to the partner, a code of policies.yaml; empty: we are one",
    )

    # form
    versions: Mapping[str, str] = Setting(
        default_factory=dict,
        description=f"version per set, such as 856: 004030VICS; those not named go as {DEFAULT_VERSION}",
    )
    element_separator: Mark = Setting(default="*", description="in what we send; one character or 0x1d")
    component_separator: Mark = Setting(default=">", description="in what we send")
    repetition_separator: Mark = Setting(default="^", description="in what we send from 00402 on")
    segment_terminator: Mark = Setting(default="~", description="in what we send; one character or 0x15")
    newline: Literal["none", "lf", "crlf"] = Setting(
        default="none", description="line break behind each segment of what we send"
    )
    substitute: str = Setting(
        default="",
        max_length=1,
        description="takes the place of a separator inside a value; empty: other separators are taken",
    )
    time_zone: str = Setting(default="UTC", description="in which dates and times of envelopes are written")

    # acknowledgments
    acknowledge: Literal["997", "999", "none"] = Setting(
        default="997", description="how groups are acknowledged; 999 from 005010 on, older ones by 997"
    )
    acknowledge_technical: bool = Setting(
        default=True, description="TA1 where ISA14 asks for one and where the envelope has faults"
    )
    wants_997: bool = Setting(default=True, description="the partner acknowledges what we send")
    acknowledge_hours: int = Setting(
        default=24, ge=1, le=720, description="hours after which a missing acknowledgment becomes a case"
    )
    checks: Mapping[str, Weight] = Setting(
        default_factory=dict,
        description="weight of single rules: ignore, note (accepted with errors) or reject, such as "
        "set_count: note",
    )
    duplicate_days: int = Setting(
        default=90, ge=0, le=3650, description="days in which a control number is not used again; 0: never"
    )

    # orders
    response: Literal["asked", "always", "never"] = Setting(
        default="always", description="855: always, only where the order asks for it (BEG07), or never"
    )
    order_types: tuple[Annotated[str, Setting(pattern=r"^[A-Z0-9]{2}$")], ...] = Setting(
        default=(), max_length=50, description="further order types (BEG02) that are firm orders"
    )
    price_bases: Mapping[Annotated[str, Setting(pattern=r"^[A-Z0-9]{2}$")], Annotated[int, Setting(ge=1)]] = (
        Setting(
            default_factory=dict,
            description="further price bases (PO105) and for how many units such a price is, such as UM: 1",
        )
    )
    default_country: str = Setting(
        default="US", pattern=r"^([A-Z]{2})?$", description="of addresses that name none (N404); empty: none"
    )
    sku_qualifiers: tuple[Annotated[str, Setting(pattern=r"^[A-Z0-9]{2}$")], ...] = Setting(
        default=("VN", "VP", "UP", "UK", "EN", "BP", "IN"),
        min_length=1,
        max_length=30,
        description="where our item number stands, by order of trust",
    )
    default_currency: str = Setting(
        default="USD", pattern=r"^[A-Z]{3}$", description="where a document names none (CUR)"
    )

    # what we send
    tax: Literal["TXI", "SAC"] = Setting(default="TXI", description="how an 810 tells tax, never both ways")
    credit_sign: Literal["positive", "negative"] = Setting(
        default="positive", description="amounts of credit memos (BIG07 CR)"
    )
    pack: Literal["none", "shipment", "line"] = Setting(
        default="none",
        description="cartons in an 856: none (S-O-I), as the shipment tells, or one for each line",
    )
    gs1_prefix: str = Setting(
        default="", pattern=r"^(\d{6,12})?$", description="GS1 company prefix, for SSCC-18 of cartons"
    )
    scac: str = Setting(
        default="", pattern=r"^([A-Z]{2,4})?$", description="carrier where the shipment names none"
    )
    references: tuple[Annotated[str, Setting(pattern=r"^[A-Z0-9]{2,3}$")], ...] = Setting(
        default=("IA", "DP"), max_length=30, description="REF of the order that our documents repeat"
    )
    contact: str = Setting(default="", max_length=60, description="our person for questions (PER)")
    contact_phone: str = Setting(default="", max_length=80)
    contact_email: str = Setting(default="", max_length=80)

    # remittances
    adx_sign: Literal["", "reduces", "adds"] = Setting(
        default="",
        description="what a positive adjustment (ADX) does to the payment; empty: it adds from 003050 on, "
        "before it reduces",
    )

    # doors of files
    upload_key: SecretStr = Setting(
        default=SecretStr(""), description="key an upload over HTTP carries as `Authorization: Bearer <key>`"
    )
    sftp_host: str = Setting(
        default="", max_length=253, description="server of the partner or VAN; empty: none"
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
    sftp_in: str = Setting(default="", max_length=500, description="folder we fetch from; empty: nothing")
    sftp_pattern: str = Setting(default="", max_length=100, description="such as *.edi; empty: every file")
    sftp_processed: str = Setting(
        default="", max_length=500, description="folder that fetched files are moved into; empty: they stay"
    )
    sftp_settled: int = Setting(
        default=30, ge=0, le=86_400, description="seconds a file must not have changed before it is fetched"
    )
    sftp_out: str = Setting(default="", max_length=500, description="folder we put files into; empty: none")
    http_url: str = Setting(default="", max_length=500, description="address we post interchanges to")
    http_key: SecretStr = Setting(default=SecretStr(""), description="sent there as a bearer token")

    mailbox: bool = Setting(
        default=False,
        description="files that come here may hold interchanges of other partners (a VAN's mailbox): each "
        "is handed on to the connection of its partner, whose sender is then not asked for again",
    )

    # ---- further fields of the transports (transport.py) stand below this line ----
    as2_id: str = Setting(default="", max_length=128, description="our name in AS2; empty: no AS2")
    as2_partner_id: str = Setting(default="", max_length=128, description="the partner's name in AS2")
    as2_url: str = Setting(
        default="", max_length=500, description="address we send AS2 messages to; empty: we send none"
    )
    as2_certificate: str = Setting(
        default="",
        max_length=50_000,
        description="our certificate as PEM; of several the first is for sending, all are for reading",
    )
    as2_private_key: SecretStr = Setting(
        default=SecretStr(""),
        description="its RSA key as PEM, without a passphrase; one for each certificate",
    )
    as2_partner_certificate: str = Setting(
        default="",
        max_length=50_000,
        description="the partner's certificate as PEM; several while they change it, the first for sending",
    )
    as2_mdn: Literal["sync", "async", "none"] = Setting(
        default="sync",
        description="receipt that we ask for: in the answer, later in a call of theirs, or none",
    )
    as2_mdn_url: str = Setting(
        default="",
        max_length=500,
        description="for async: the address of this connection's webhook as the partner reaches it",
    )
    as2_encryption: Literal["aes128", "aes256", "none"] = Setting(
        default="aes256", description="of what we send; unless none, what comes must be encrypted too"
    )
    as2_compression: bool = Setting(default=False, description="compress what we send (RFC 5402)")
    send_by: Literal["", "as2", "sftp", "http"] = Setting(
        default="",
        description="how interchanges leave where more than one way is set; empty: by the only one",
    )

    @field_validator("http_url", "as2_url", "as2_mdn_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return web_address(value, "https://edi.partner.example/inbox")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return zone_name(name, "America/Chicago")

    @field_validator("versions")
    @classmethod
    def _known_versions(cls, told: Mapping[str, str]) -> Mapping[str, str]:
        for set_id, version in told.items():
            if set_id not in GROUP_CODES:
                raise ValueError(
                    f"{set_id}: there is no such set; there are {', '.join(sorted(GROUP_CODES))}"
                )
            if not _VERSION.fullmatch(version) or (release_of(version) or 0) < 2000:
                raise ValueError(f"{set_id}: {version} is no version such as 004010 or 004030VICS")
        return told

    @field_validator("checks")
    @classmethod
    def _known_rules(cls, told: Mapping[str, Weight]) -> Mapping[str, Weight]:
        unknown = sorted(set(told) - RULES)
        if unknown:
            raise ValueError(f"there is no rule {', '.join(unknown)}; there are {', '.join(sorted(RULES))}")
        return told

    @model_validator(mode="after")
    def _sound(self) -> Self:
        marks = [self.element_separator, self.component_separator, self.segment_terminator]
        marks += [self.repetition_separator] if self.repetition_separator else []
        if not all(marks):
            raise ValueError("element_separator, component_separator, segment_terminator: none may be empty")
        if len(set(marks)) != len(marks):
            raise ValueError("two separators are the same character: a value could not be told from its end")
        if self.substitute and (self.substitute in marks or not self.substitute.isprintable()):
            raise ValueError("substitute: it is a separator itself, or cannot be printed")
        if (self.our_qualifier, self.our_id) == (self.partner_qualifier, self.partner_id):
            raise ValueError("partner_id: this is our own id")
        if self.sftp_host:
            for name in ("sftp_user", "sftp_host_key"):
                if not getattr(self, name):
                    raise ValueError(f"{name}: needed to exchange files by SFTP")
        return self

    @property
    def us(self) -> Party:
        """Our side of an envelope."""
        return Party(self.our_qualifier, self.our_id, self.our_code or self.our_id)

    @property
    def partner(self) -> Party:
        """Their side of what we send."""
        code = self.partner_codes[0] if self.partner_codes else self.partner_id
        return Party(self.partner_qualifier, self.partner_id, code)

    @property
    def address(self) -> str:
        """Both sides of what comes and its usage, by which a mailbox tells whose it is."""
        partner = f"{self.partner_qualifier}/{self.partner_id}"
        return f"{partner} to {self.our_qualifier}/{self.our_id} ({self.usage})"

    @property
    def style(self) -> Style:
        """How what we send is written."""
        marks = Marks(
            self.element_separator,
            self.component_separator,
            self.repetition_separator,
            self.segment_terminator,
        )
        return Style(marks, _NEWLINES[self.newline], others=not self.substitute, substitute=self.substitute)

    @property
    def policy(self) -> Mapping[str, Weight]:
        """Weights of all rules for this partner."""
        return {**DEFAULT, **self.checks}

    def version_of(self, set_id: str) -> str:
        """GS08 of a set that we send."""
        return self.versions.get(set_id, DEFAULT_VERSION)

    def account_there(self) -> SftpAccount:
        """Our account at the SFTP server."""
        return SftpAccount(
            host=self.sftp_host, port=self.sftp_port, user=self.sftp_user, host_key=self.sftp_host_key,
            password=self.sftp_password, private_key=self.sftp_private_key, passphrase=self.sftp_passphrase,
        )  # fmt: skip
