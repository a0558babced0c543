"""Credentials at rest: envelope encryption, bound to where a secret belongs.

Each secret has its own key (AES-256-GCM); that key is wrapped by the master key (RFC 3394). The
connection and field are authenticated with it, so a row moved to another connection does not open.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from hub.errors import Invalid

_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAPPED_BYTES = _KEY_BYTES + 8  # RFC 3394 adds one 64-bit block


class Vault:
    """Seals and opens secrets with one master key. Never prints it."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise Invalid("the master key must be 32 bytes, base64 encoded", field="O2C_MASTER_KEY")
        self._key = master_key

    def __repr__(self) -> str:
        return "Vault(***)"

    def derived(self, purpose: str) -> bytes:
        """A key for another purpose (HKDF, RFC 5869): it tells nothing about the master key."""
        return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=purpose.encode()).derive(self._key)

    def seal(self, plain: str, place: str) -> str:
        """Ciphertext as text; `place` (connection/field) is needed to open it again."""
        key, nonce = os.urandom(_KEY_BYTES), os.urandom(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, plain.encode(), place.encode())
        return "v1." + base64.b64encode(aes_key_wrap(self._key, key) + nonce + sealed).decode()

    def open(self, sealed: str, place: str) -> str:
        """The secret. Raises Invalid when the master key or the place is not the one it was sealed with."""
        try:
            raw = base64.b64decode(sealed.removeprefix("v1."), validate=True)
            key = aes_key_unwrap(self._key, raw[:_WRAPPED_BYTES])
            nonce = raw[_WRAPPED_BYTES : _WRAPPED_BYTES + _NONCE_BYTES]
            return AESGCM(key).decrypt(nonce, raw[_WRAPPED_BYTES + _NONCE_BYTES :], place.encode()).decode()
        except (InvalidTag, InvalidUnwrap, binascii.Error, ValueError):
            raise Invalid(
                f"the secret of {place} does not open: the master key changed; enter the secret again",
                field=place,
            ) from None


def load_master_key(given: str | None, data_dir: Path) -> bytes:
    """The configured key, else the key file of this data directory, made on first use (mode 0600)."""
    if given:
        try:
            return base64.b64decode(given, validate=True)
        except binascii.Error:
            raise Invalid("the master key is not base64", field="O2C_MASTER_KEY") from None
    path = data_dir / "master.key"
    if not path.exists():
        _make_key(path)
    return base64.b64decode(path.read_bytes())


def _make_key(path: Path) -> None:
    """Under its name only when it is complete and on disk; of several processes, the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(os.urandom(_KEY_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def new_token() -> str:
    """A bearer token for people and programs, shown once."""
    return "o2c_" + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored instead of a token: it has 256 random bits, so a plain hash suffices."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(a: str, b: str) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(a.encode(), b.encode())
