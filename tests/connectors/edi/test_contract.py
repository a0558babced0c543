"""The EDI connector keeps the connector contract, against the sandbox of a strict retailer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connectors.edi import write as x12
from connectors.edi.connector import Edi, Settings
from hub.connector import Delivery, Write
from hub.contract import ConnectorContract, Contract
from hub.sdk import Invalid, SecretStr
from sandbox.kit import Fault, serve
from sandbox.partner.book import Item
from sandbox.partner.simulator import KEY, SUPPLIER, US, PartnerSandbox
from tests.connectors.edi.made import GOOD, group, interchange, order
from tests.sftp_server import PASSWORD, Server, by_password

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
UPLOAD = "edi-upload-secret"
OTHER = "another-sftp-secret"
MAPPINGS = Path(__file__).parents[3] / "mappings" / "edi"


def letter(number: int) -> str:
    """An interchange of ours: an acknowledgment of something."""
    inner = x12.Set("997", "0001", (("AK1", "PO", str(number)), ("AK9", "A", "1", "1", "1")))
    us, them = (x12.Party(one.qualifier, one.id, one.id) for one in (SUPPLIER, US))
    groups = [x12.Group("FA", us.code, them.code, number, "004010", [inner])]
    return x12.interchange(x12.Interchange(us, them, number, NOW, groups))


def upload(body: bytes, key: str = UPLOAD) -> Delivery:
    return Delivery({"authorization": f"Bearer {key}"}, body, "https://hub.example/files/edi", NOW)


def sent(partner: PartnerSandbox) -> list[bytes]:
    """Two orders as the retailer writes them."""
    items = [Item(Decimal(12), Decimal("9.50"), ids=[("VN", "SKU-1")])]
    return [partner.send_order(partner.order(items)).body for _ in range(2)]


@pytest.fixture
def contract(tmp_path: Path) -> Iterator[Contract]:
    partner, folder = PartnerSandbox(now=lambda: NOW, auto=False), tmp_path / "sftp"
    folder.mkdir()
    with by_password(folder) as server, serve(partner.app) as url:
        yield _contract(partner, url, server, folder)


def _contract(partner: PartnerSandbox, url: str, server: Server, folder: Path) -> Contract:
    told = {
        "our_qualifier": SUPPLIER.qualifier, "our_id": SUPPLIER.id, "partner_qualifier": US.qualifier,
        "partner_id": US.id, "customer": "netsuite:107", "upload_key": UPLOAD, "http_url": f"{url}/inbox",
        "http_key": KEY, "sftp_in": "/", "sftp_settled": 0, **server.settings,
    }  # fmt: skip

    def connector(**settings: Any) -> Edi:
        return Edi(Settings.model_validate({**told, **settings}))

    numbers = count(1)

    def write(kind: str) -> Write:
        number = next(numbers)
        record = {"number": f"{number:09}", "body": letter(number), "name": f"997_{number:09}.edi"}
        return Write(kind, record, None, f"doc-{number}", f"doc-{number}:1")

    def faults(many: Sequence[Mapping[str, Any]]) -> None:
        partner.kit.faults[:] = [Fault.model_validate(one) for one in many]

    bodies = sent(partner)
    for at, body in enumerate(bodies):
        (folder / f"{at}.edi").write_bytes(body)
    genuine = upload(bodies[0])
    return Contract(
        connector=connector,
        secrets=[UPLOAD, KEY, PASSWORD, OTHER],
        bad_credentials={"sftp_password": OTHER},
        deliveries=[genuine],
        forged={
            "another key": upload(bodies[0], "other"),
            "no scheme": genuine._replace(headers={"authorization": UPLOAD}),
            "no key": genuine._replace(headers={"authorization": "Bearer "}),
        },
        write=write,
        faults=faults,
        effects=lambda: list(partner.kit.effects),
        aim={"interchange": {"path": "/inbox"}},
        counts=lambda kind, effect: effect["action"] == "create",
        mappings=MAPPINGS,
    )


class TestContract(ConnectorContract):
    def test_check_refuses_bad_credentials_and_never_raises(self, contract: Contract) -> None:
        """Whether an address takes what we post cannot be asked: check() says so instead of posting."""
        assert not contract.connector(**contract.bad_credentials).check().ok
        assert any("only sending tells" in one for one in contract.connector().check().findings)

    def test_broken_bodies_are_refused_at_the_latest_when_read(self, contract: Contract) -> None:
        """An interchange that was cut off is answered: rejected, and nothing of it is taken."""
        connector = contract.connector()
        (genuine,) = contract.deliveries
        cut = list(connector.read(genuine._replace(body=genuine.body[: len(genuine.body) // 2])))
        assert [one.kind for one in cut] == ["interchange", "acknowledgment"]
        assert (cut[-1].record or {})["status"] == "rejected"
        for body in (b"\xff\xfe\x00", b"[" * 100_000):
            with pytest.raises(Invalid):
                list(connector.read(genuine._replace(body=body)))


def test_what_the_retailer_sends_is_read_as_it_was_meant() -> None:
    partner = PartnerSandbox(now=lambda: NOW, auto=False)
    settings = Settings(our_id=SUPPLIER.id, partner_id=US.id, customer="netsuite:107")
    items = [
        Item(Decimal(250), Decimal(12), basis="HP", ids=[("VN", "SKU-1")]),
        Item(
            Decimal(10),
            Decimal("9.50"),
            ids=[("VN", "SKU-2")],
            stores={"0017": Decimal(4), "0018": Decimal(6)},
        ),
    ]
    plain, split = partner.order(items[:1]), partner.order(items[1:])
    found = list(Edi(settings).read(upload(partner.send_order(plain, split).body)))
    orders = {one.external_id: one.record for one in found if one.kind == "order"}
    assert set(orders) == {plain.number, f"{split.number}@0017", f"{split.number}@0018"}
    record = orders[plain.number]
    assert record is not None
    assert [line["unit_price"] for line in record["lines"]] == [Decimal("0.12")]
    assert [one.problem for one in found if one.problem] == []


def test_what_leaves_by_the_connector_is_the_bytes_that_were_composed() -> None:
    body = interchange(group(order(*GOOD))).decode("latin-1")
    partner = PartnerSandbox(now=lambda: NOW, auto=False)
    with serve(partner.app) as url:
        told = Settings(
            our_id=SUPPLIER.id, partner_id=US.id, http_url=f"{url}/inbox", http_key=SecretStr(KEY)
        )
        record = {"number": "000000042", "body": body, "name": "850.edi"}
        assert Edi(told).push(Write("interchange", record, None, "doc-1", "doc-1:1")) == "000000042"
    assert partner.world.received[-1].raw.decode("latin-1").strip() == body.strip()
