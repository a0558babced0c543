"""Both ways to log in: signatures against known vectors and a second implementation, tokens on the wire."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client
from pydantic import ValidationError

from connectors.netsuite import auth
from connectors.netsuite.settings import Settings
from hub.errors import AuthFailed
from hub.sdk import SecretStr
from sandbox.kit import Fault
from sandbox.netsuite import NetSuiteSandbox
from tests.connectors.netsuite.conftest import CUSTOMER, Connect, customer, write

SUITEQL = "https://123456-sb1.suitetalk.api.netsuite.com/services/rest/query/v1/suiteql?limit=1000&offset=0"


def signer(nonce: str = "abcdef1234567890", at: float = 1_700_000_000) -> auth.TbaAuth:
    return auth.TbaAuth(
        account_id="123456_SB1",
        consumer_key="ck",
        consumer_secret=SecretStr("cs"),
        token_id="tok",
        token_secret=SecretStr("toksec"),
        clock=lambda: at,
        nonce=lambda: nonce,
    )


def test_token_signature_matches_the_reference_vector() -> None:
    header = signer().header("POST", httpx.URL(SUITEQL))
    assert 'oauth_signature="nRFo57A9OIyDJ3D0DA5K9fCIywTrbgoS0p7It4xnNjo%3D"' in header
    assert header.startswith('OAuth realm="123456_SB1",')


@pytest.mark.parametrize(
    "url",
    [
        SUITEQL,
        "https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/salesOrder/3/!transform/invoice",
        "https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/customer/eid:ab?replace=item%2Capply",
        "http://127.0.0.1:8099/x?b=2&a=%C3%BC+1&a=",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_token_signature_agrees_with_a_second_implementation(method: str, url: str) -> None:
    other = Client(
        "ck",
        client_secret="cs",
        resource_owner_key="tok",
        resource_owner_secret="toksec",
        signature_method=SIGNATURE_HMAC_SHA256,
        nonce="abcdef1234567890",
        timestamp="1700000000",
        realm="123456_SB1",
    )
    _, headers, _ = other.sign(url, http_method=method)
    theirs = dict(part.strip().split("=", 1) for part in headers["Authorization"][6:].split(","))
    ours = dict(part.split("=", 1) for part in signer().header(method, httpx.URL(url))[6:].split(","))
    assert ours == theirs


@pytest.mark.parametrize(
    ("account_id", "host", "realm"),
    [
        ("123456_SB1", "123456-sb1", "123456_SB1"),
        ("123456-sb1", "123456-sb1", "123456_SB1"),
        ("TSTDRV7", "tstdrv7", "TSTDRV7"),
    ],
)
def test_account_id_is_spelled_for_host_and_realm(account_id: str, host: str, realm: str) -> None:
    assert (auth.host_label(account_id), auth.realm(account_id)) == (host, realm)


def test_every_attempt_carries_its_own_nonce(account: NetSuiteSandbox, connect: Connect) -> None:
    lost = Fault(kind="lost_reply", method="GET", path="/customer/", times=1)
    account.kit.faults.append(lost)
    assert connect().find("customer", CUSTOMER) is None  # the second attempt would be a replayed nonce
    assert lost.times == 0
    assert "nonce_used" not in account.login.trail
    assert len(account.login.nonces) == 2


@pytest.mark.parametrize(
    "field", ["consumer_key", "consumer_secret", "token_id", "token_secret", "account_id"]
)
def test_any_wrong_credential_is_refused_and_not_shown(field: str, connect: Connect) -> None:
    wrong = connect(**{field: "WRONGSECRET9"})
    with pytest.raises(AuthFailed) as refused:
        wrong.find("customer", CUSTOMER)
    assert refused.value.code == "INVALID_LOGIN"
    assert "WRONGSECRET9" not in str(refused.value)


def test_a_clock_that_is_off_is_refused(account: NetSuiteSandbox, connect: Connect) -> None:
    account.login.clock = lambda: time.time() + 301
    with pytest.raises(AuthFailed):
        connect().find("customer", CUSTOMER)
    assert account.login.trail == ["InvalidTimestamp"]


def m2m(account: NetSuiteSandbox) -> dict[str, str]:
    return {"auth": "m2m", **account.m2m}


def test_certificate_login_works_and_fetches_one_token(account: NetSuiteSandbox, connect: Connect) -> None:
    netsuite = connect(**m2m(account))
    barrier = threading.Barrier(4)

    def ask(_: int) -> str | None:
        barrier.wait()
        return netsuite.find("customer", CUSTOMER)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [None] * 4
    assert len(account.login.tokens) == 1


def test_an_ended_token_is_replaced_without_a_failure(account: NetSuiteSandbox, connect: Connect) -> None:
    netsuite = connect(**m2m(account))
    first = netsuite.push(write("customer", customer(), CUSTOMER))
    account.end_tokens()
    assert netsuite.push(write("customer", customer("Acme AG"), CUSTOMER)) == first
    assert account.count("customer") == 1
    assert account.get("customer", first)["companyName"] == "Acme AG"


def test_a_token_is_refreshed_before_it_ends(account: NetSuiteSandbox, url: str) -> None:
    now = [time.time()]
    account.login.clock = lambda: now[0]
    told = account.m2m
    flow = auth.M2mAuth(
        base_url=url,
        client_id=told["client_id"],
        certificate_id=told["certificate_id"],
        private_key=SecretStr(told["private_key"]),
        clock=lambda: now[0],
    )
    with httpx.Client(auth=flow, base_url=url) as client:
        for passed in (0, 3000, 3500):
            now[0] = time.time() + passed
            assert client.get("/services/rest/record/v1/customer").status_code == 200
    assert len(account.login.tokens) == 2
    assert account.login.trail == []


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_each_elliptic_curve_is_accepted(
    account: NetSuiteSandbox, connect: Connect, curve: ec.EllipticCurve
) -> None:
    key = ec.generate_private_key(curve)
    account.map_certificate("other", public(key))
    netsuite = connect(
        auth="m2m", client_id=account.m2m["client_id"], certificate_id="other", private_key=pem(key)
    )
    assert netsuite.find("customer", CUSTOMER) is None


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*kinds).decode()


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    kinds = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*kinds).decode()


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


def test_rsa_is_signed_with_ps256_and_rs256_is_refused(
    account: NetSuiteSandbox, connect: Connect, rsa_key: rsa.RSAPrivateKey, url: str
) -> None:
    account.map_certificate("rsa", public(rsa_key))
    told = {"client_id": account.login.client_id, "certificate_id": "rsa"}
    assert connect(auth="m2m", private_key=pem(rsa_key), **told).find("customer", CUSTOMER) is None

    audience = url + auth.GRANT_PATH
    good = auth.assertion(rsa_key, audience=audience, now=time.time(), **told)
    head, claims, _ = good.split(".")
    weak_head = auth._b64(b'{"typ":"JWT","alg":"RS256","kid":"rsa"}')
    text = f"{weak_head}.{claims}"
    signed = rsa_key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    for jwt, status in ((good, 200), (f"{text}.{auth._b64(signed)}", 400), (f"{head}.{claims}.AAAA", 400)):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt,
        }
        assert httpx.post(audience, data=form).status_code == status


@pytest.mark.parametrize("field", ["client_id", "certificate_id"])
def test_wrong_certificate_settings_name_the_way_out(
    account: NetSuiteSandbox, connect: Connect, field: str
) -> None:
    with pytest.raises(AuthFailed, match="certificate is mapped") as refused:
        connect(**{**m2m(account), field: "wrong"}).find("customer", CUSTOMER)
    assert not refused.value.sent


def test_settings_name_what_is_missing_and_never_show_a_key() -> None:
    with pytest.raises(ValidationError, match="also needs consumer_secret, token_secret"):
        Settings(account_id="1", auth="tba", consumer_key="k", token_id="t")
    small = pem(rsa.generate_private_key(65537, 2048))
    for key in ("MYSECRETKEY", small):
        with pytest.raises(ValidationError, match="private_key") as refused:
            Settings(account_id="1", client_id="c", certificate_id="x", private_key=key)  # type: ignore[arg-type]  # as from a form
        assert "MYSECRETKEY" not in str(refused.value)
        assert small[60:90] not in str(refused.value)


def test_settings_and_connector_never_show_their_secrets(account: NetSuiteSandbox, connect: Connect) -> None:
    told = Settings(**{"auth": "tba", **account.tba})
    netsuite = connect()
    shown = f"{told!r} {told} {netsuite!r} {vars(netsuite)!r} {told.httpx_auth()!r}"
    for secret in (account.login.consumer_secret, account.login.token_secret):
        assert secret not in shown


@pytest.mark.parametrize("url", ["ftp://x", "https://user:pass@x.y", "nonsense"])
def test_a_bad_address_is_refused(url: str, account: NetSuiteSandbox) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        Settings(**{"auth": "tba", "base_url": url, **account.tba})


def test_the_address_follows_from_the_account_id(account: NetSuiteSandbox) -> None:
    settings = Settings(**{"auth": "tba", **account.tba})
    assert settings.address == "https://tstdrv123-sb1.suitetalk.api.netsuite.com"
