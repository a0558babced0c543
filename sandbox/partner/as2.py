"""AS2 (RFC 4130) as the retailer speaks it: OpenSSL's command signs, encrypts, opens and verifies.

The connector has another implementation; a message that both take is one that others take too.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sandbox.partner.hearing import Sent
from sandbox.partner.outbox import exchange

COMMAND_SECONDS = 20
KEY_BITS, KEPT_DAYS = 2048, 3650
_MIC = re.compile(r"^Received-Content-MIC:\s*([^,\s]+)\s*,", re.IGNORECASE | re.MULTILINE)
_SAID = re.compile(r"^Disposition:[^;]*;\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_ABOUT = re.compile(r"^Original-Message-ID:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)


class Refused(Exception):
    """A message is not signed and encrypted as agreed; says why, as a disposition modifier and in words."""

    def __init__(self, modifier: str, words: str) -> None:
        super().__init__(words)
        self.modifier = modifier


class Keys(NamedTuple):
    """A private key and its certificate as PEM."""

    key: str
    certificate: str


class Received(NamedTuple):
    """A message that was opened: what was signed, and the document inside."""

    message_id: str
    signed: bytes
    content: bytes


class Answer(NamedTuple):
    """A receipt (MDN) on its way: where to, if not in the answer."""

    headers: dict[str, str]
    body: bytes
    later: str = ""


def new_keys(name: str) -> Keys:
    """An RSA key with a certificate signed by itself."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=2 * KEPT_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Keys(private.decode(), made.public_bytes(serialization.Encoding.PEM).decode())


class As2:
    """One end of an AS2 line. `broken` receipts so far are kept in `complaints`."""

    def __init__(self, url: str, us: str, them: str, ours: Keys, their_certificate: str) -> None:
        self.url, self.us, self.them = url, us, them
        self.complaints: list[str] = []
        self._pem = {"us.key": ours.key, "us.crt": ours.certificate, "them.crt": their_certificate}

    def _openssl(self, *words: str, given: bytes, content: bytes = b"") -> bytes:
        """What the command prints; it finds our keys and `content` beside it. Raises CalledProcessError."""
        program = shutil.which("openssl")
        if program is None:
            raise RuntimeError("the openssl command is not there: AS2 cannot be simulated")
        with tempfile.TemporaryDirectory(prefix="partner-as2-") as folder:
            for name, text in self._pem.items():
                (Path(folder) / name).write_text(text)
            (Path(folder) / "content").write_bytes(content)
            ran = subprocess.run(  # noqa: S603 - a fixed program, its arguments are written in this file
                [program, *words],
                input=given,
                cwd=folder,
                check=True,
                capture_output=True,
                timeout=COMMAND_SECONDS,
            )
        return ran.stdout

    # ours

    def carry(self, sent: Sent) -> tuple[int, str]:
        """See outbox.Line. Asks for a signed receipt in the answer, and checks it."""
        part = _part("application/edi-x12", sent.body)
        message_id = f"<{sent.control}.{uuid4().hex}@{_plain(self.us)}>"
        headers, body = self._sealed(*self._signed(part))
        headers = {
            **self._heading(message_id), **headers,
            "Disposition-Notification-To": "edi@example.com",
            "Disposition-Notification-Options": "signed-receipt-protocol=required, pkcs7-signature; "
            "signed-receipt-micalg=required, sha-256",
        }  # fmt: skip
        status, told, answer = exchange(self.url, body, headers)
        if not 200 <= status < 300:
            return status, answer.decode("utf-8", "replace")
        try:
            return status, self._receipt(message_id, part, told, answer)
        except Refused as refused:
            self.complaints.append(str(refused))
            return status, str(refused)

    def _receipt(self, about: str, part: bytes, headers: Mapping[str, str], body: bytes) -> str:
        """The disposition of a receipt that proves what they got. Raises Refused."""
        if "multipart/signed" not in headers.get("content-type", ""):
            raise Refused("", "the answer is no signed receipt")
        signed = self._verified(headers["content-type"], body)
        text = signed.decode("latin-1")
        said, mic, meant = _SAID.search(text), _MIC.search(text), _ABOUT.search(text)
        if not said or not said[1].lower().startswith("processed") or "error" in said[1].lower():
            raise Refused("", f"the receipt says {said[1] if said else 'nothing'}")
        if not meant or meant[1] != about:
            raise Refused("", "the receipt is about another message")
        if not mic or mic[1] != _digest(part):
            raise Refused("", "the receipt is about other content (MIC)")
        return said[1]

    def _signed(self, part: bytes) -> tuple[str, bytes]:
        """Content type and body of a multipart/signed."""
        who = ("-signer", "us.crt", "-inkey", "us.key", "-md", "sha256")
        der = self._openssl("cms", "-sign", "-binary", "-outform", "DER", *who, given=part)
        proof = base64.encodebytes(der).replace(b"\n", b"\r\n")
        mark = uuid4().hex
        lines = (
            b"--%b" % mark.encode(), part,
            b"--%b" % mark.encode(), b"Content-Type: application/pkcs7-signature; name=smime.p7s",
            b"Content-Transfer-Encoding: base64", b"", proof + b"--%b--" % mark.encode(), b"",
        )  # fmt: skip
        kind = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256'
        return f'{kind}; boundary="{mark}"', b"\r\n".join(lines)

    def _sealed(self, kind: str, body: bytes) -> tuple[dict[str, str], bytes]:
        """The same, encrypted for them."""
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        words = ("cms", "-encrypt", "-binary", "-outform", "DER", "-aes256", "them.crt")
        headers = {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"}
        return headers, self._openssl(*words, given=whole)

    def _heading(self, message_id: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "AS2-Version": "1.2", "AS2-From": _quoted(self.us), "AS2-To": _quoted(self.them),
            "Message-ID": message_id, "MIME-Version": "1.0", "Date": f"{now:%a, %d %b %Y %H:%M:%S +0000}",
        }  # fmt: skip

    # theirs

    def opened(self, headers: Mapping[str, str], body: bytes) -> Received:
        """A message of theirs. Raises Refused where it is not from them, signed and encrypted for us."""
        names = (headers.get("as2-from", "").strip('"'), headers.get("as2-to", "").strip('"'))
        if names != (self.them, self.us):
            raise Refused("unknown-trading-partner", f"AS2-From and AS2-To are {' and '.join(names)}")
        kind = headers.get("content-type", "")
        if "enveloped-data" not in kind:
            raise Refused("decryption-failed", "the message is not encrypted")
        words = ("cms", "-decrypt", "-inform", "DER", "-recip", "us.crt", "-inkey", "us.key")
        try:
            whole = self._openssl(*words, given=body)
        except subprocess.CalledProcessError:
            raise Refused("decryption-failed", "the message cannot be decrypted with our key") from None
        head, _, inner = whole.partition(b"\r\n\r\n")
        found = message_from_bytes(head + b"\r\n\r\n")
        signed = self._verified(str(found["content-type"]), inner)
        content = signed.partition(b"\r\n\r\n")[2]
        return Received(headers.get("message-id", ""), signed, content)

    def _verified(self, kind: str, body: bytes) -> bytes:
        """The part that they have signed. Raises Refused."""
        told: Message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n")
        mark = told.get_param("boundary")
        parts = (b"\r\n" + body).split(b"\r\n--" + str(mark).encode()) if mark else []
        if told.get_content_type() != "multipart/signed" or len(parts) != 4:
            raise Refused("authentication-failed", f"the message is not signed ({told.get_content_type()})")
        part, proof = parts[1].removeprefix(b"\r\n"), message_from_bytes(parts[2].removeprefix(b"\r\n"))
        der = proof.get_payload(decode=True)
        trusted = ("-CAfile", "them.crt", "-partial_chain", "-purpose", "any", "-certfile", "them.crt")
        words = ("cms", "-verify", "-binary", "-inform", "DER", "-content", "content", *trusted)
        try:
            self._openssl(*words, given=der if isinstance(der, bytes) else b"", content=part)
        except subprocess.CalledProcessError:
            raise Refused("authentication-failed", "the signature is not theirs") from None
        return part

    def answer(self, headers: Mapping[str, str], received: Received | Refused) -> Answer | None:
        """The receipt that they asked for; None where they want none."""
        if not headers.get("disposition-notification-to"):
            return None
        lines = [
            "Reporting-UA: simulated retailer", f"Final-Recipient: rfc822; {self.us}",
            f"Original-Message-ID: {headers.get('message-id', '')}",
        ]  # fmt: skip
        said = "processed"
        words = "The message was received."
        if isinstance(received, Refused):
            said, words = f"processed/error: {received.modifier}", str(received)
        lines.append(f"Disposition: automatic-action/MDN-sent-automatically; {said}")
        if isinstance(received, Received):
            lines.append(f"Received-Content-MIC: {_digest(received.signed)}, sha-256")
        kind, body = self._signed(_report(words, lines))
        made = {**self._heading(f"<{uuid4().hex}@{_plain(self.us)}>"), "Content-Type": kind}
        return Answer(made, body, headers.get("receipt-delivery-option", ""))


def _report(words: str, lines: Sequence[str]) -> bytes:
    mark = uuid4().hex
    text = "\r\n".join(
        (
            f'Content-Type: multipart/report; report-type=disposition-notification; boundary="{mark}"', "",
            f"--{mark}", "Content-Type: text/plain", "", words,
            f"--{mark}", "Content-Type: message/disposition-notification", "", *lines, "",
            f"--{mark}--", "",
        )
    )  # fmt: skip
    return text.encode("ascii", "replace")


def _part(kind: str, content: bytes) -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode() + content


def _digest(part: bytes) -> str:
    return base64.b64encode(hashlib.sha256(part).digest()).decode()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", name)


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
