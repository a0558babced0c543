"""A trading partner who speaks AS2 by OpenSSL's command line and Python's mail package, not by our code."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connectors.edi.settings import Settings
from hub.connector import Delivery

X12 = b"ISA*00*          *00*          *ZZ*ACME           *ZZ*US             ~\r\nGS*PO~\xe9--\n~"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Keys:
    """A key and a certificate of its own, as PEM."""

    key: str
    certificate: str


@cache
def keys(name: str, begins: int = -1000, ends: int = 3650) -> Keys:
    """Made once; `begins` and `ends` are days from today."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) + begins * DAY)
        .not_valid_after(datetime.now(UTC) + ends * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Keys(private.decode(), made.public_bytes(serialization.Encoding.PEM).decode())


def settings(**changed: Any) -> Settings:
    """Our side of the agreement with this partner."""
    told = {
        "our_id": "US", "partner_id": "ACME", "as2_id": "US-EDI", "as2_partner_id": "Acme Stores",
        "as2_certificate": keys("us").certificate, "as2_private_key": keys("us").key,
        "as2_partner_certificate": keys("acme").certificate,
    }  # fmt: skip
    return Settings.model_validate({**told, **changed})


@dataclass
class Partner:
    """One of them: a folder for the keys, and whose they are."""

    folder: Path
    own: str = "acme"

    def openssl(self, *words: str, given: bytes) -> bytes:
        """What the command prints. Raises CalledProcessError where it fails, as for a wrong signature."""
        for name in (self.own, "us"):
            path = self.folder / name
            if not path.with_suffix(".key").exists():
                path.with_suffix(".key").write_text(keys(name).key)
                path.with_suffix(".crt").write_text(keys(name).certificate)
        command = ["openssl", *words]
        return subprocess.run(command, input=given, cwd=self.folder, check=True, capture_output=True).stdout

    def sign(self, part: bytes, *options: str) -> bytes:
        who = ("-signer", f"{self.own}.crt", "-inkey", f"{self.own}.key")
        return self.openssl("cms", "-sign", "-binary", "-outform", "DER", *who, *options, given=part)

    def signed(self, part: bytes, *options: str) -> tuple[str, bytes]:
        """Content type and body of a multipart/signed."""
        proof = base64.encodebytes(self.sign(part, *options)).replace(b"\n", b"\r\n")
        body = (
            b"a preamble\r\n--b1\r\n" + part + b"\r\n--b1\r\nContent-Type: application/pkcs7-signature\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + proof + b"\r\n--b1--\r\n"
        )
        return 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="b1"', body

    def sealed(self, kind: str, body: bytes, *options: str) -> tuple[str, bytes]:
        """The same, encrypted for us."""
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        words = ("cms", "-encrypt", "-binary", "-outform", "DER", *(options or ("-aes256",)), "us.crt")
        return "application/pkcs7-mime; smime-type=enveloped-data", self.openssl(*words, given=whole)

    def message(self, content: bytes = X12, message_id: str = "<m1@acme>", **headers: str) -> Delivery:
        """An interchange on its way to us."""
        return delivery(*self.sealed(*self.signed(payload(content))), message_id, **headers)

    def opened(self, headers: Mapping[str, str], body: bytes) -> tuple[bytes, bytes]:
        """What was signed, and the document in it."""
        kind = headers["content-type"]
        if "enveloped-data" in kind:
            words = ("cms", "-decrypt", "-inform", "DER", "-recip", f"{self.own}.crt", "-inkey")
            whole = self.openssl(*words, f"{self.own}.key", given=body)
        else:
            whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        return self.verified(whole)

    def verified(self, whole: bytes) -> tuple[bytes, bytes]:
        """The part whose signature by us is right, and its content."""
        boundary = (message_from_bytes(whole).get_boundary() or "").encode()
        _, part, proof, end = (b"\r\n" + whole).split(b"\r\n--" + boundary)
        assert (part[:2], end) == (b"\r\n", b"--\r\n")
        (self.folder / "part").write_bytes(part[2:])
        der = message_from_bytes(proof[2:]).get_payload(decode=True)
        words = ("cms", "-verify", "-binary", "-inform", "DER", "-content", "part", "-CAfile", "us.crt")
        assert isinstance(der, bytes)
        assert self.openssl(*words, "-purpose", "any", given=der) == part[2:]
        return part[2:], part.partition(b"\r\n\r\n")[2]

    def receipt(
        self,
        about: str,
        signed: bytes = b"",
        said: str = "processed",
        mic: str = "",
        by: str = "sha-256",
    ) -> bytes:
        """The report that a partner signs, as a part."""
        told = mic or base64.b64encode(hashlib.sha256(signed).digest()).decode()
        mic_line = f"Received-Content-MIC: {told}, {by}\r\n" if told != "none" else ""
        return (
            'Content-Type: multipart/report; report-type=disposition-notification; boundary="r1"\r\n\r\n'
            "--r1\r\nContent-Type: text/plain\r\n\r\nThe words of a person.\r\n"
            "--r1\r\nContent-Type: message/disposition-notification\r\n\r\n"
            f"Reporting-UA: openssl\r\nOriginal-Recipient: rfc822; US-EDI\r\n"
            f"Final-Recipient: rfc822; US-EDI\r\nOriginal-Message-ID: {about}\r\n"
            f"Disposition: automatic-action/MDN-sent-automatically; {said}\r\n{mic_line}"
            "\r\n--r1--\r\n"
        ).encode()


def payload(content: bytes = X12) -> bytes:
    """The part that is signed."""
    return b"Content-Type: application/EDI-X12\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content


def delivery(kind: str, body: bytes, message_id: str = "<m1@acme>", **headers: str) -> Delivery:
    """As it comes to our door."""
    told = {
        "as2-version": "1.2", "as2-from": '"Acme Stores"', "as2-to": "US-EDI", "message-id": message_id,
        "content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    return Delivery(told, body, "https://hub.example/webhooks/edi-acme", datetime.now(UTC))


WANTED = {
    "disposition_notification_to": "edi@acme.example",
    "disposition_notification_options": "signed-receipt-protocol=optional, pkcs7-signature; "
    "signed-receipt-micalg=optional, sha1, sha-256",
}
