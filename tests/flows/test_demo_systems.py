"""`o2c demo` with each CRM and each ERP, and with all at once: the same story, and it ties out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from typer.testing import CliRunner

from hub.cli import app
from sandbox.salesforce.simulator import CONSUMER_KEY, CONSUMER_SECRET

O2C = Path(sys.executable).parent / "o2c"
ROOT = Path(__file__).parents[2]
ENV = {k: v for k, v in os.environ.items() if not k.startswith("O2C_")} | {"COLUMNS": "160"}
START_SECONDS = 90.0
CHECKED = re.compile(r"^│ (\S+) +│ (.+?) +│", re.MULTILINE)


def o2c(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(O2C), *arguments], cwd=ROOT, env=ENV, capture_output=True, text=True, timeout=110, check=False
    )


def proofs(told: str) -> dict[str, str]:
    """What was checked -> yes or NO."""
    return {what: answer for answer, what in CHECKED.findall(told.partition("Does it tie out?")[2])}


class Cast(NamedTuple):
    """Who plays: the CRM and the ERP of the customer Harbor, and those of the others."""

    crm: str
    erp: str
    crm_of_others: str
    erp_of_others: str


def tells(said: str, cast: Cast) -> None:
    """It is the story, with these systems, and it ties out in each of them."""
    checked = proofs(said)
    assert set(checked.values()) == {"yes"}, said
    books = " and ".join(dict.fromkeys((cast.erp, cast.erp_of_others)))
    expected = {
        f"O-000001: {cast.crm} shows closed and paid",
        f"O-000002: {cast.crm_of_others} shows closed and paid",
        f"O-000003: {cast.crm_of_others} shows closed and paid",
        *(f"{title} has the same invoices and payments" for title in {cast.crm, cast.crm_of_others}),
        "one sales order per won deal and purchase order",
        f"each invoice once in {books}",
        f"invoiced here = booked in {books}",
        f"payments in {books} = paid by customers",
        "bank credits = cash in the ledger",
        f"{books}: nothing is open",
    }
    assert expected <= set(checked)
    assert f"{cast.crm}: deal won" in said
    assert f"{cast.crm_of_others}: a service order" in said
    assert f"{cast.erp}: the last machine shipped" in said
    assert f"{cast.erp_of_others}: the reply to invoice" in said


@pytest.mark.prove
def test_the_story_ties_out_with_other_systems_in_their_places() -> None:
    played = o2c("demo", "--once", "--crm", "salesforce", "--erp", "sap")
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    tells(played.stdout, Cast("Salesforce", "SAP", "Salesforce", "SAP"))
    assert "HubSpot" not in played.stdout
    assert "NetSuite" not in played.stdout


@pytest.mark.parametrize(
    ("what", "wrong", "known"),
    [
        ("crm", "siebel", "hubspot, salesforce, both"),
        ("erp", "navision", "netsuite, sap, both"),
        ("pay", "cash", "bank, all"),
    ],
)
def test_an_unknown_system_is_told_which_ones_there_are(what: str, wrong: str, known: str) -> None:
    told = CliRunner().invoke(app, ["demo", "--once", f"--{what}", wrong])
    assert told.exit_code == 1
    assert f"{what} '{wrong}' is not one of {known}" in told.stderr
    assert "starting" not in told.stdout


class Running(NamedTuple):
    """A demo that stays open: where its hub and its Salesforce listen."""

    process: subprocess.Popen[bytes]
    said: str
    salesforce: str
    hub: str
    token: str

    def orders(self, customer: str) -> list[dict[str, Any]]:
        """The orders of a customer as the hub has them."""
        asked = {"kind": "order", "search": customer}
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.hub}/api/v1/documents", params=asked, headers=headers)
        return [
            httpx.get(f"{self.hub}/api/v1/documents/{one['id']}", headers=headers).json()
            for one in answer.json()["items"]
        ]


@pytest.fixture
def staying(tmp_path: Path) -> Iterator[Running]:
    """The demo with both CRMs, both ERPs, every way to pay and a retailer by EDI, after its encore."""
    output = tmp_path / "demo.txt"
    with output.open("wb") as file:
        words = [str(O2C), "demo", "--crm", "both", "--erp", "both", "--pay", "all", "--edi"]
        process = subprocess.Popen(words, cwd=ROOT, env={**ENV, "O2C_PORT": "0"}, stdout=file, stderr=file)
    try:
        until = time.monotonic() + START_SECONDS
        while "Everything keeps running" not in output.read_text("utf-8"):
            assert process.poll() is None, output.read_text("utf-8")
            assert time.monotonic() < until, output.read_text("utf-8")
            time.sleep(0.1)
        said = output.read_text("utf-8")
        places = (r"Salesforce +(http\S+)", r"Console: +(http\S+)", r"Sign in with: +(\S+)")
        salesforce, hub, token = (str(found[1]) for place in places if (found := re.search(place, said)))
        yield Running(process, said, salesforce, hub, token)
    finally:
        process.terminate()
        process.wait(20)


def test_the_story_ties_out_with_all_systems_and_goes_on_while_the_demo_stays_open(staying: Running) -> None:
    held = next(one for one in staying.orders("Meridian") if one["state"] == "held")
    assert held["body"]["title"] == "Meridian: staff kitchens"
    [deal] = [one["external_id"] for one in held["xrefs"] if one["connection"] == "salesforce"]
    rename(staying.salesforce, deal, "Meridian: all kitchens")
    until = time.monotonic() + 20
    while not any(one["body"]["title"] == "Meridian: all kitchens" for one in staying.orders("Meridian")):
        assert time.monotonic() < until, staying.orders("Meridian")
        time.sleep(0.1)
    tells(staying.said, Cast("HubSpot", "NetSuite", "Salesforce", "SAP"))
    assert {
        "held by Stripe in the ledger = its balance", "paid by customers = bank credits + fees of Stripe",
        "billed here = booked at Harbor and Pine", "Harbor and Pine: billed = paid + deducted",
        "every interchange acknowledged, their numbers without a gap", "Harbor and Pine charges nothing back",
    } <= set(proofs(staying.said))  # fmt: skip
    assert "goods not accepted: damaged" in staying.said
    staying.process.terminate()
    assert staying.process.wait(20) == 0


def rename(org: str, deal: str, title: str) -> None:
    """Somebody with a program of their own, over the org's API."""
    grant = {"grant_type": "client_credentials"}
    grant |= {"client_id": CONSUMER_KEY, "client_secret": CONSUMER_SECRET}
    session = httpx.post(f"{org}/services/oauth2/token", data=grant).json()["access_token"]
    address = f"{org}/services/data/v68.0/sobjects/Opportunity/{deal}"
    headers = {"authorization": f"Bearer {session}"}
    answer = httpx.patch(address, json={"Name": title}, headers=headers)
    assert answer.status_code == 204, answer.text
