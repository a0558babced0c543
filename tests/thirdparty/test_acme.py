"""A connector from another package is installed, found and used like one of ours."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ACME = Path(__file__).resolve().parent / "acme"

PROGRAM = """
import json, sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib import metadata

import acme_shop
from hub import sdk
from hub.registry import connector_class

entry = {e.name: e for e in metadata.entry_points(group="o2c.connectors")}["acme"]
Acme = entry.load()
assert connector_class("acme") is Acme
shop = acme_shop.Shop(orders=[acme_shop.order(n) for n in range(1, 61)])
with shop.running() as url:
    given = {"base_url": url, "token": acme_shop.TOKEN, "webhook_secret": acme_shop.WEBHOOK_SECRET}
    acme = Acme(Acme.manifest.settings.model_validate(given))
    headers, body = acme_shop.signed({"id": "e1", "type": "order.placed", "order": acme_shop.order(1)})
    delivery = sdk.Delivery(headers, body, url, datetime.now(UTC))
    first = acme.poll(None)
    second = acme.poll(first.cursor)
    record = {"number": "INV-1", "amount": Decimal("10.00"), "currency": "EUR"}
    write = sdk.Write("invoice", record, None, "d1", "k1")
    try:
        acme.verify(delivery._replace(body=body + b" "))
        forged = "accepted"
    except sdk.AuthFailed:
        forged = "refused"
    print(json.dumps({
        "package": entry.dist.name,
        "home": Acme.__module__,
        "healthy": acme.check().ok,
        "events": list(acme.verify(delivery)),
        "read": [change.external_id for change in acme.read(delivery)],
        "forged": forged,
        "polled": [len(first.arrivals), first.more, len(second.arrivals), second.more],
        "same": acme.push(write) == acme.push(write) == acme.find("invoice", "d1"),
        "unknown": acme.find("invoice", "d2"),
        "effects": [effect["action"] for effect in shop.kit.effects],
    }))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Acme, installed by pip into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    if subprocess.run(
        [sys.executable, "-c", "import hatchling"], capture_output=True, check=False
    ).returncode:
        pytest.skip("hatchling is not installed: run make setup")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--target", target, ACME],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return target


def run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that sees Acme as installed, and its simulator."""
    paths = os.pathsep.join(map(str, [installed, ACME, ROOT]))
    return subprocess.run(
        [sys.executable, *command],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_an_installed_package_is_found_by_its_entry_point_and_works(installed: Path) -> None:
    ran = run(installed, "-c", PROGRAM)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert json.loads(ran.stdout) == {
        "package": "acme-o2c",
        "home": "acme_o2c.connector",
        "healthy": True,
        "events": ["e1"],
        "read": ["o0001"],
        "forged": "refused",
        "polled": [50, True, 10, False],
        "same": True,
        "unknown": None,
        "effects": ["create", "update"],
    }


def test_it_passes_the_contract_suite_from_where_it_was_installed(installed: Path) -> None:
    options = ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ACME)]
    ran = run(installed, "-m", "pytest", *options, str(ACME / "contract_acme.py"))
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-1000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed
    assert int(passed.group(1)) >= 20, ran.stdout[-500:]
    assert "failed" not in ran.stdout


def test_it_knows_the_sdk_and_nothing_else_of_the_hub() -> None:
    known = set()
    for path in (ACME / "acme_o2c").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                known |= {alias.name for alias in node.names if alias.name.split(".")[0] in HOUSE}
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in HOUSE:
                inner = node.module == "hub"
                known |= {f"hub.{alias.name}" for alias in node.names} if inner else {node.module}
    assert known == {"hub.sdk"}


HOUSE = {"hub", "connectors", "webhooks", "sandbox", "tests"}
