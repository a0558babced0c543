"""The account's door: checks token-based authentication, and trades signed assertions for access tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, unquote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sandbox.netsuite.refusals import invalid_login

WINDOW = 300  # seconds a timestamp may be off
NONCES_MAX = 100_000
TOKEN_SECONDS = 3600
_DIGESTS: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Call:
    """What the login looks at."""

    method: str
    origin: str  # scheme://host[:port]
    path: str  # as sent, still percent-encoded
    query: str
    authorization: str


@dataclass
class Login:
    """Everything that may log in to one account."""

    account_id: str
    consumer_key: str
    consumer_secret: str
    token_id: str
    token_secret: str
    client_id: str
    certificates: dict[str, str] = field(default_factory=dict)  # certificate id -> public key, PEM
    clock: Callable[[], float] = time.time
    nonces: OrderedDict[str, float] = field(default_factory=OrderedDict)
    tokens: dict[str, float] = field(default_factory=dict)  # access token -> when it ends
    trail: list[str] = field(default_factory=list)  # the Login Audit Trail

    def admit(self, call: Call) -> None:
        """Let the call pass or raise the one refusal; the reason goes to the audit trail."""
        scheme, _, rest = call.authorization.partition(" ")
        if scheme == "Bearer":
            reason = "" if self.tokens.get(rest, 0.0) > self.clock() else "AccessTokenExpired"
        elif scheme == "OAuth":
            reason = self._signed(call, rest)
        else:
            reason = "MissingCredentials"
        if reason:
            self.trail.append(reason)
            raise invalid_login()

    def _signed(self, call: Call, rest: str) -> str:
        told = {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', rest)}
        if told.pop("realm", "") != self.account_id.upper().replace("-", "_"):
            return "InvalidRealm"
        if told.get("oauth_signature_method") != "HMAC-SHA256" or told.get("oauth_version", "1.0") != "1.0":
            return "InvalidSignatureMethod"
        if told.get("oauth_consumer_key") != self.consumer_key:
            return "consumer_key_unknown"
        if told.get("oauth_token") != self.token_id:
            return "token_rejected"
        sent = told.pop("oauth_signature", "")
        if not hmac.compare_digest(sent, self._expected(call, told)):
            return "InvalidSignature"
        return self._fresh(told)

    def admit_passport(self, told: Mapping[str, str], algorithm: str) -> bool:
        """SOAP's tokenPassport: is it good? Its base string is five plain values, without any encoding."""
        names = ("account", "consumerKey", "token", "nonce", "timestamp")
        text = "&".join(told.get(name, "") for name in names)
        key = f"{self.consumer_secret}&{self.token_secret}"
        made = base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()
        reason = ""
        if told.get("account") != self.account_id.upper().replace("-", "_"):
            reason = "InvalidAccount"
        elif (told.get("consumerKey"), told.get("token")) != (self.consumer_key, self.token_id):
            reason = "token_rejected"
        elif algorithm != "HMAC-SHA256":
            reason = "InvalidSignatureMethod"
        elif not hmac.compare_digest(told.get("signature", ""), made):
            reason = "InvalidSignature"
        else:
            stamps = {"oauth_timestamp": told["timestamp"], "oauth_nonce": told["nonce"]}
            reason = self._fresh(stamps)
        if reason:
            self.trail.append(reason)
        return not reason

    def _fresh(self, told: Mapping[str, str]) -> str:
        stamp, nonce = told.get("oauth_timestamp", ""), told.get("oauth_nonce", "")
        if not stamp.isdigit() or abs(self.clock() - int(stamp)) > WINDOW:
            return "InvalidTimestamp"
        if not re.fullmatch(r"[A-Za-z0-9]{6,64}", nonce) or nonce in self.nonces:
            return "nonce_used"
        self.nonces[nonce] = self.clock()
        if len(self.nonces) > NONCES_MAX:
            self.nonces.popitem(last=False)
        return ""

    def _expected(self, call: Call, oauth: Mapping[str, str]) -> str:
        pairs = [(_pct(k), _pct(v)) for k, v in oauth.items()]
        for piece in filter(None, call.query.split("&")):
            name, _, value = piece.partition("=")
            pairs.append((_pct(unquote_plus(name)), _pct(unquote_plus(value))))
        parameters = "&".join("=".join(pair) for pair in sorted(pairs))
        text = f"{call.method}&{_pct(call.origin + call.path)}&{_pct(parameters)}"
        key = f"{_pct(self.consumer_secret)}&{_pct(self.token_secret)}"
        return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()

    def token(self, form_body: bytes, address: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: status and body. Errors are those of RFC 6749 5.2."""
        form = {k: v[0] for k, v in parse_qs(form_body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return 400, {"error": "invalid_request"}
        reason = self._asserted(form.get("client_assertion", ""), address)
        if reason:
            self.trail.append(reason)
            known = reason != "InvalidIntegration"
            return (400, {"error": "invalid_grant"}) if known else (401, {"error": "invalid_client"})
        made = secrets.token_urlsafe(32)
        self.tokens[made] = self.clock() + TOKEN_SECONDS
        return 200, {"access_token": made, "expires_in": str(TOKEN_SECONDS), "token_type": "Bearer"}

    def _asserted(self, jwt: str, address: str) -> str:
        try:
            head64, claims64, signature64 = jwt.split(".")
            head, claims = json.loads(_unb64(head64)), json.loads(_unb64(claims64))
            signed = _unb64(signature64)
        except ValueError:
            return "MalformedAssertion"
        if claims.get("iss") != self.client_id:
            return "InvalidIntegration"
        pem = self.certificates.get(head.get("kid", ""))
        if pem is None:
            return "CertificateNotMapped"
        if not _verified(pem, str(head.get("alg")), f"{head64}.{claims64}".encode(), signed):
            return "InvalidSignature"
        return self._claims(claims, address)

    def _claims(self, claims: Mapping[str, Any], address: str) -> str:
        scope = claims.get("scope")
        scopes = scope.split(",") if isinstance(scope, str) else scope
        if "rest_webservices" not in (scopes or ()):
            return "InvalidScope"
        if claims.get("aud") != address:
            return "InvalidAudience"
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or not isinstance(expires, int) or expires > issued + 3600:
            return "InvalidLifetime"
        now = self.clock()
        return "" if issued - WINDOW <= now < expires else "AssertionExpired"


def _pct(text: str) -> str:
    """RFC 5849 3.6, byte by byte."""
    return "".join(chr(b) if b in _UNRESERVED else f"%{b:02X}" for b in text.encode())


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _verified(pem: str, alg: str, text: bytes, signed: bytes) -> bool:
    """PS256/384/512 and ES256/384/512 only: RS256 is refused, as NetSuite does since 2024."""
    key = serialization.load_pem_public_key(pem.encode())
    digest = _DIGESTS.get(alg[2:])
    if digest is None:
        return False
    try:
        if alg.startswith("PS") and isinstance(key, rsa.RSAPublicKey) and key.key_size >= 3072:
            pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            key.verify(signed, text, pss, digest)
            return True
        if alg.startswith("ES") and isinstance(key, ec.EllipticCurvePublicKey):
            half = len(signed) // 2
            r, s = int.from_bytes(signed[:half], "big"), int.from_bytes(signed[half:], "big")
            key.verify(encode_dss_signature(r, s), text, ec.ECDSA(digest))
            return True
    except InvalidSignature:
        return False
    return False
