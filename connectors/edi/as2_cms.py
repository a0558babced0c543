"""Cryptographic messages (CMS, RFC 5652) for AS2: signed apart, encrypted for one receiver, compressed.

All ciphers, digests and signatures are those of the cryptography package; it has no check of a signature
and reads no BER, so that the structure around them is read here.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import pkcs7

from connectors.edi import as2_ber as ber
from connectors.edi.as2_ber import Node
from hub.sdk import AuthFailed, Invalid

_PKCS7 = "1.2.840.113549.1.7"
_PLAIN, _SIGNED, _ENVELOPED = f"{_PKCS7}.1", f"{_PKCS7}.2", f"{_PKCS7}.3"
_COMPRESSED, _ZLIB = "1.2.840.113549.1.9.16.1.9", "1.2.840.113549.1.9.16.3.8"  # RFC 3274
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_RSA, _OAEP, _PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.7", "1.2.840.113549.1.1.10"
DIGESTS = {
    "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"
}  # fmt: skip
_SIGNATURES = {
    _RSA: "", "1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}  # fmt: skip
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()
}  # fmt: skip
_KEY_BYTES = {"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}
_CIPHERS: dict[str, pkcs7.ContentEncryptionAlgorithm] = {
    "aes128": algorithms.AES128, "aes256": algorithms.AES256
}  # fmt: skip


class Identity(NamedTuple):
    """A certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


def sign(content: bytes, by: Identity) -> bytes:
    """A signature (SHA-256) that stands apart from what it signs."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    signed = builder.add_signer(by.certificate, by.key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return signed.sign(serialization.Encoding.DER, options)


def encrypt(content: bytes, to: x509.Certificate, cipher: str) -> bytes:
    """`content` for the holder of a certificate; `cipher` is aes128 or aes256, both in CBC mode."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(to)
    builder = builder.set_content_encryption_algorithm(_CIPHERS[cipher])
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def verify(signature: bytes, content: bytes, by: Sequence[x509.Certificate], at: datetime) -> str:
    """The digest (sha256 ...) of a signature over `content` by one of these certificates, valid at that time.

    Certificates that the message brings along prove nothing and are not looked at. Raises AuthFailed or
    Invalid.
    """
    signed = _inside(signature, _SIGNED)
    signers = signed.parts[-1]
    if signers.tag != ber.SET or not signers.parts:
        raise AuthFailed("nobody signed the message", code="as2_signature")
    for signer in signers.parts:
        for certificate in by:
            if _is_of(signer.at(1), certificate):
                _valid(certificate, at)
                return _checked(signer, content, certificate)
    raise AuthFailed("the message is signed by none of the partner's certificates", code="as2_signer")


def _inside(body: bytes, kind: str) -> Node:
    """The content of a message of this kind."""
    outer = ber.read(body)
    if outer.at(0).oid != kind:
        raise Invalid("the message is of another kind than its content type says", field="body")
    inner = outer.at(1, 0)
    if not inner.parts:
        raise Invalid("the message has no content", field="body")
    return inner


def _is_of(name: Node, certificate: x509.Certificate) -> bool:
    """Is this the certificate that a signer or receiver is named by: issuer and number, or key identifier?"""
    if name.tag in (0x80, 0xA0):
        return name.octets == _key_id(certificate)
    issuer, serial = name.at(0).der, int.from_bytes(name.at(1).content, "big", signed=True)
    return issuer == certificate.issuer.public_bytes() and serial == certificate.serial_number


def _key_id(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _valid(certificate: x509.Certificate, at: datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise AuthFailed(
            f"the partner's certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}: ask the partner for the one in use",
            code="as2_expired",
        )


def _checked(signer: Node, content: bytes, certificate: x509.Certificate) -> str:
    """The digest of a SignerInfo (RFC 5652 5.3) whose signature is right."""
    digest = DIGESTS.get(signer.at(2, 0).oid, "")
    if not digest:
        raise AuthFailed("the signature has a digest other than SHA-256, -384, -512", code="as2_digest")
    attributes = signer.tagged(0xA0)
    rest = signer.parts[signer.parts.index(attributes) + 1 :] if attributes else signer.parts[3:]
    if len(rest) < 2:
        raise Invalid("the signature is cut off", field="body")
    signed = content
    if attributes:
        told = _attribute(attributes, _MESSAGE_DIGEST)
        right = hmac.compare_digest(told.octets, hashlib.new(digest, content).digest())
        if not right or _attribute(attributes, _CONTENT_TYPE).oid != _PLAIN:
            raise AuthFailed("the message was changed after it was signed", code="as2_changed")
        signed = ber.tlv(ber.SET, *(part.der for part in attributes.parts))
    _signature(rest[0], rest[1].octets, signed, digest, certificate)
    return digest


def _attribute(attributes: Node, wanted: str) -> Node:
    found = [one.at(1) for one in attributes.parts if one.at(0).oid == wanted]
    if len(found) != 1 or len(found[0].parts) != 1:
        raise AuthFailed("the signature says not once what it signs", code="as2_signature")
    return found[0].parts[0]


def _signature(
    algorithm: Node, signature: bytes, signed: bytes, digest: str, certificate: x509.Certificate
) -> None:
    key, name = certificate.public_key(), algorithm.at(0).oid
    if not isinstance(key, rsa.RSAPublicKey):
        raise AuthFailed("the partner's certificate has no RSA key", code="as2_signature")
    hashed = _HASHES[digest]
    way: padding.AsymmetricPadding
    if name == _PSS:
        way = padding.PSS(padding.MGF1(hashed), padding.PSS.AUTO)
    elif _SIGNATURES.get(name) in ("", digest):
        way = padding.PKCS1v15()
    else:
        raise AuthFailed("the signature is of an algorithm that is not accepted", code="as2_signature")
    try:
        key.verify(signature, signed, way, hashed)
    except InvalidSignature:
        raise AuthFailed("the signature is wrong", code="as2_signature") from None


def decrypt(body: bytes, ours: Sequence[Identity]) -> bytes:
    """What was encrypted for one of our certificates, by AES in CBC mode. Raises AuthFailed or Invalid.

    Whether a key or a padding was wrong is not told: who tries could read a message by the answers.
    """
    inner = _inside(body, _ENVELOPED)
    receivers = inner.tagged(ber.SET)
    if receivers is None:
        raise Invalid("the message is for nobody", field="body")
    key, content = _key_for(receivers, ours), inner.parts[inner.parts.index(receivers) + 1 :]
    if key is None or not content:
        raise AuthFailed("the message is not encrypted for our certificate", code="as2_decrypt")
    algorithm, sealed = content[0].at(1), content[0].at(2).octets
    size = _KEY_BYTES.get(algorithm.at(0).oid)
    vector = algorithm.at(1).octets
    if size is None or len(vector) != 16:
        raise AuthFailed("the message is encrypted by another cipher than AES in CBC mode", code="as2_cipher")
    key = key if len(key) == size else os.urandom(size)  # goes on with any: see above
    return _opened(sealed, key, vector)


def _key_for(receivers: Node, ours: Sequence[Identity]) -> bytes | None:
    for receiver in receivers.parts:
        if receiver.tag != ber.SEQUENCE:  # other than by the key of a certificate (RFC 5652 6.2.1)
            continue
        for identity in ours:
            if _is_of(receiver.at(1), identity.certificate):
                return _unwrapped(receiver.at(2), receiver.at(3).octets, identity.key)
    return None


def _unwrapped(algorithm: Node, wrapped: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The key of the content; what cannot be unwrapped gives none that fits (RFC 3218)."""
    name = algorithm.at(0).oid
    ways: list[padding.AsymmetricPadding] = []
    if name == _RSA:
        ways = [padding.PKCS1v15()]
    elif name == _OAEP:  # which digest is in its parameters; those that senders use are tried
        ways = [padding.OAEP(padding.MGF1(one), one, None) for one in (hashes.SHA256(), hashes.SHA1())]  # noqa: S303 - in OAEP it needs no strength
    for way in ways:
        try:
            return key.decrypt(wrapped, way)
        except ValueError:
            continue
    return b""


def _opened(sealed: bytes, key: bytes, vector: bytes) -> bytes:
    try:
        opener = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        padded = opener.update(sealed) + opener.finalize()
        bare = PKCS7(128).unpadder()
        return bare.update(padded) + bare.finalize()
    except ValueError:
        raise AuthFailed("the message cannot be decrypted", code="as2_decrypt") from None


def compress(content: bytes) -> bytes:
    """CompressedData (RFC 3274)."""
    inner = ber.tlv(ber.SEQUENCE, ber.named(_PLAIN),
                    ber.tlv(0xA0, ber.tlv(ber.OCTETS, zlib.compress(content))))  # fmt: skip
    body = ber.tlv(ber.SEQUENCE, ber.tlv(ber.INTEGER, b"\0"), ber.tlv(ber.SEQUENCE, ber.named(_ZLIB)), inner)
    return ber.tlv(ber.SEQUENCE, ber.named(_COMPRESSED), ber.tlv(0xA0, body))


def decompress(body: bytes, bytes_max: int) -> bytes:
    """What was compressed. Raises Invalid where it is no zlib, or larger than `bytes_max`."""
    packed = _inside(body, _COMPRESSED).at(2, 1, 0).octets
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(packed, bytes_max + 1)
    except zlib.error:
        raise Invalid("the compressed content is damaged", field="body") from None
    if len(content) > bytes_max:
        raise Invalid(f"the content is over {bytes_max} bytes: split it", field="body")
    if not stream.eof:
        raise Invalid("the compressed content is cut off", field="body")
    return content
