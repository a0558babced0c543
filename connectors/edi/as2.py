"""AS2 messages (RFC 4130): what leaves is signed and encrypted, what comes is opened.

A Message-ID of ours carries the number of the interchange and the digest (MIC) of what was signed: a repeat
is the same message to the partner, and a receipt can be checked whenever it comes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.edi import as2_cms, as2_mime
from connectors.edi.as2_cms import Identity
from connectors.edi.as2_mime import Part
from connectors.edi.settings import Settings
from hub.sdk import AuthFailed, Delivery, Invalid

BYTES_MAX = 50_000_000  # of a document, unpacked
LAYERS_MAX = 5
KEY_BITS_MIN = 2048
ID_MAX = 255  # of a Message-ID
VERSION = "1.1"  # 1.1 says that compression is understood (RFC 4130 6.1)
REPORT = "multipart/report"
_SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_NAME = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}")  # RFC 4130 6.2, without quotes in names
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_OURS = re.compile(r"<?(\d{1,14})\.([0-9a-f]{64})@[^<>\s]*>?")
_STRANGE, _STRANGE_NAME = re.compile(r"[^A-Za-z0-9-]+"), re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who we are, who they are, and how messages are closed. The first certificates are for sending."""

    our_id: str
    partner_id: str
    ours: tuple[Identity, ...]
    theirs: tuple[x509.Certificate, ...]
    cipher: str = "aes256"  # empty: not encrypted
    compress: bool = False


class Outgoing(NamedTuple):
    """A message as it leaves."""

    message_id: str
    headers: Mapping[str, str]
    body: bytes


class Opened(NamedTuple):
    """A message whose signature is right. `signed` is what it covers, `digest` by what (sha256 ...)."""

    message_id: str
    inner: Part
    signed: bytes
    digest: str

    @property
    def is_report(self) -> bool:
        """Is it a receipt of something that we sent?"""
        return self.inner.type == REPORT

    @property
    def event_id(self) -> str:
        """The same for a repeat, which is encrypted anew; never for another content under an old id."""
        known = self.message_id if len(self.message_id) <= 120 else _hex(self.message_id.encode())
        return f"{'mdn' if self.is_report else 'as2'} {known} {_hex(self.signed)[:32]}"


def agreement(settings: Settings) -> Agreement:
    """What the settings say, keys and certificates read. Raises Invalid that names the field."""
    for field in ("as2_id", "as2_partner_id"):
        if not _NAME.fullmatch(getattr(settings, field)):
            raise Invalid("an AS2 name is 1 to 128 printable ASCII characters without quotes", field=field)
    theirs = certificates(settings.as2_partner_certificate, "as2_partner_certificate")
    ours = _identities(settings.as2_certificate, settings.as2_private_key.get_secret_value())
    cipher = "" if settings.as2_encryption == "none" else settings.as2_encryption
    return Agreement(settings.as2_id, settings.as2_partner_id, ours, theirs, cipher, settings.as2_compression)


def certificates(pem: str, field: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text, in its order. Raises Invalid where there is none."""
    try:
        found = tuple(x509.load_der_x509_certificate(block) for block in _blocks(pem))
    except ValueError:
        found = ()
    if not found:
        raise Invalid("paste the certificate as PEM: -----BEGIN CERTIFICATE----- and so on", field=field)
    for one in found:
        key = one.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS_MIN:
            raise Invalid(f"the certificate needs an RSA key of {KEY_BITS_MIN} bits or more", field=field)
    return found


def _blocks(pem: str) -> Iterator[bytes]:
    """What stands between the lines of a PEM text; a form may have taken its line breaks away."""
    for block in _PEM.finditer(pem):
        with suppress(ValueError):
            yield base64.b64decode("".join(block[2].split()), validate=True)


@lru_cache(maxsize=64)
def _identities(pem: str, keys: str) -> tuple[Identity, ...]:
    owned = {_public(key.public_key()): key for key in _keys(keys)}
    found = []
    for certificate in certificates(pem, "as2_certificate"):
        key = owned.get(_public(certificate.public_key()))
        if key is None:
            raise Invalid("none of the private keys belongs to the certificate", field="as2_private_key")
        found.append(Identity(certificate, key))
    return tuple(found)


def _keys(pem: str) -> list[rsa.RSAPrivateKey]:
    found = []
    for block in _blocks(pem):
        try:
            key = serialization.load_der_private_key(block, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        if isinstance(key, rsa.RSAPrivateKey):
            found.append(key)
    if not found:
        raise Invalid("paste an RSA key as PEM, without a passphrase", field="as2_private_key")
    return found


def _public(key: object) -> bytes:
    if not isinstance(key, rsa.RSAPublicKey):
        return b""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def outgoing(agreed: Agreement, content: bytes, name: str, number: str) -> Outgoing:
    """An interchange on its way, without what is asked of the receipt. Same arguments, same Message-ID."""
    inner = as2_mime.made(
        {
            "Content-Type": "application/edi-x12",
            "Content-Transfer-Encoding": "binary",
            "Content-Disposition": f'attachment; filename="{plain_name(name)}"',
        },
        content,
    )
    if agreed.compress:
        inner = as2_mime.made(_sealed("compressed-data", "smime.p7z"), as2_cms.compress(inner))
    kind, body = signed(agreed, inner)
    headers = {"Content-Type": kind}
    if agreed.cipher:
        body = as2_cms.encrypt(as2_mime.made(headers, body), agreed.theirs[0], agreed.cipher)
        headers = _sealed("enveloped-data", "smime.p7m")
        del headers["Content-Transfer-Encoding"]  # HTTP has none (RFC 9112 Appendix B.4)
    place = ".".join(_STRANGE.sub("-", one) for one in (agreed.our_id, agreed.partner_id))
    message_id = f"<{number}.{_hex(inner)}@{place}>"
    return Outgoing(message_id, {**heading(agreed, message_id, f"X12 {number}"), **headers}, body)


def plain_name(name: str) -> str:
    """The name of a file as a header may have it."""
    return _STRANGE_NAME.sub("_", name)


def heading(agreed: Agreement, message_id: str, subject: str) -> dict[str, str]:
    """Headers of everything that we send."""
    return {
        "AS2-Version": VERSION,
        "AS2-From": quoted(agreed.our_id),
        "AS2-To": quoted(agreed.partner_id),
        "Message-ID": message_id,
        "Subject": subject,
        "Date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S +0000}",
        "MIME-Version": "1.0",
    }


def _sealed(kind: str, name: str) -> dict[str, str]:
    return {
        "Content-Type": f'application/pkcs7-mime; smime-type={kind}; name="{name}"',
        "Content-Transfer-Encoding": "binary",
        "Content-Disposition": f'attachment; filename="{name}"',
    }


def signed(agreed: Agreement, inner: bytes) -> tuple[str, bytes]:
    """Content type and body of a part with its signature behind it."""
    boundary = f"signed-{uuid4().hex}"
    proof = as2_mime.made(
        {
            "Content-Type": 'application/pkcs7-signature; name="smime.p7s"',
            "Content-Transfer-Encoding": "base64",
            "Content-Disposition": 'attachment; filename="smime.p7s"',
        },
        as2_mime.lines_of(as2_cms.sign(inner, agreed.ours[0])),
    )
    kind = (
        f'multipart/signed; protocol="application/pkcs7-signature"; micalg="sha-256"; boundary="{boundary}"'
    )
    return kind, as2_mime.joined((inner, proof), boundary)


def is_as2(headers: Mapping[str, str]) -> bool:
    """Does a delivery say that it came by AS2?"""
    return "as2-from" in headers or "as2-version" in headers


def opened(agreed: Agreement, delivery: Delivery) -> Opened:
    """A message from the partner to us. Raises AuthFailed for anything that the partner did not sign so.

    Raises Invalid for what is signed and cannot be taken, in words for the partner.
    """
    _addressed(agreed, delivery.headers)
    outer = Part(delivery.headers, delivery.body, b"")
    try:
        found, encrypted = _authentic(agreed, outer, delivery.received_at)
    except Invalid as error:
        raise AuthFailed(f"it is no AS2 message: {error}", code="as2_unreadable") from None
    message_id = delivery.headers.get("message-id", "").strip()
    if not (0 < len(message_id) <= ID_MAX and message_id.isascii() and message_id.isprintable()):
        raise Invalid("the message needs a Message-ID of printable ASCII characters", field="message-id")
    inner = _uncompressed(found.inner)
    if agreed.cipher and not encrypted and inner.type != REPORT:
        raise Invalid("the message is not encrypted, as agreed", field="body")
    return found._replace(message_id=message_id, inner=inner)


def proven(agreed: Agreement, headers: Mapping[str, str], body: bytes, at: datetime) -> Opened | None:
    """A signed answer on the same connection; None where it is not signed. Raises AuthFailed or Invalid."""
    outer = Part(headers, body, b"")
    if outer.type != "multipart/signed":
        return None
    found, _ = _authentic(agreed, outer, at)
    return found._replace(message_id=headers.get("message-id", "").strip()[:ID_MAX])


def _authentic(agreed: Agreement, outer: Part, at: datetime) -> tuple[Opened, bool]:
    """What lies in the signature, and whether that lay in an encrypted envelope."""
    here, encrypted = outer, False
    for _ in range(LAYERS_MAX):
        if here.type == "multipart/signed":
            return _verified(agreed, here, at), encrypted
        if here.type not in _SEALED:
            break
        kind = here.parameter("smime-type").lower()
        if kind == "compressed-data":
            here = as2_mime.part(as2_cms.decompress(here.content, BYTES_MAX))
        elif kind in ("enveloped-data", "") and not encrypted:
            here, encrypted = as2_mime.part(as2_cms.decrypt(here.content, agreed.ours)), True
        else:
            break
    raise AuthFailed("the message has no signature apart (multipart/signed)", code="as2_unsigned")


def _verified(agreed: Agreement, here: Part, at: datetime) -> Opened:
    parts = as2_mime.pieces(here)
    if len(parts) != 2 or parts[1].type not in (
        "application/pkcs7-signature", "application/x-pkcs7-signature"
    ):  # fmt: skip
        raise Invalid("a signed message has a content and a signature", field="body")
    digest = as2_cms.verify(parts[1].content, parts[0].raw, agreed.theirs, at)
    return Opened("", parts[0], parts[0].raw, digest)


def _uncompressed(inner: Part) -> Part:
    if inner.type in _SEALED and inner.parameter("smime-type").lower() == "compressed-data":
        return as2_mime.part(as2_cms.decompress(inner.content, BYTES_MAX))
    return inner


def document(found: Opened) -> bytes:
    """The document of a message. Raises Invalid where it is not exactly one."""
    if found.inner.type.startswith("multipart/") or found.inner.type in _SEALED:
        raise Invalid(
            f"a message of type {found.inner.type} cannot be read: send one X12 file per message",
            field="body",
        )
    return found.inner.content


def ours(message_id: str) -> tuple[str, str] | None:
    """Number of the interchange and hex SHA-256 of what was signed, of a Message-ID that we made."""
    made = _OURS.fullmatch(message_id.strip())
    return (made[1], made[2]) if made else None


def _addressed(agreed: Agreement, headers: Mapping[str, str]) -> None:
    sender, receiver = (_unquoted(headers.get(name, "")) for name in ("as2-from", "as2-to"))
    if (sender, receiver) != (agreed.partner_id, agreed.our_id):
        raise AuthFailed("AS2-From and AS2-To are not those of this connection", code="as2_names")


def quoted(name: str) -> str:
    """An AS2 name as a header has it."""
    return name if re.fullmatch(r"[A-Za-z0-9._+@-]+", name) else f'"{name}"'


def _unquoted(value: str) -> str:
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
