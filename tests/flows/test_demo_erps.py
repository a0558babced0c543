"""`o2c demo` with SAP in place of NetSuite, and with both: the same story, and it ties out in every book."""

from __future__ import annotations

import pytest

from tests.flows.test_demo_crms import o2c, proofs


@pytest.mark.parametrize(("choice", "harbor", "others"), [("sap", "SAP", "SAP"), ("both", "NetSuite", "SAP")])
def test_the_story_ties_out_whichever_erp_keeps_the_books(choice: str, harbor: str, others: str) -> None:
    played = o2c("demo", "--once", "--erp", choice)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    checked = proofs(played.stdout)
    assert set(checked.values()) == {"yes"}, played.stdout
    titles = " and ".join(dict.fromkeys((harbor, others)))
    expected = {
        "one sales order per won deal",
        f"each invoice once in {titles}",
        f"invoiced here = booked in {titles}",
        f"payments in {titles} = bank credits",
        f"{titles}: nothing is open",
    }
    assert expected <= set(checked)
    assert f"{harbor}: the last machine shipped" in played.stdout
    assert f"{others}: the reply to invoice" in played.stdout
    assert ("NetSuite" in played.stdout) is (choice == "both")


def test_an_unknown_erp_is_told_which_ones_there_are() -> None:
    told = o2c("demo", "--once", "--erp", "navision")
    assert told.returncode == 1
    assert "erp 'navision' is not one of netsuite, sap, both" in told.stderr
    assert "Traceback" not in told.stderr
