"""A customer that may be known elsewhere: the page shows who was found, and links the one that is chosen."""

from __future__ import annotations

from typing import Any

from hub.model import Customer
from hub.store.tables import XREF
from tests.ui.company import Company


def test_the_one_that_was_found_is_chosen_by_name_and_linked(visit: Any, company: Company) -> None:
    path = f"/cases/{_asked(company)}"
    page = visit("operator").get(path).text
    assert "Known there?" in page
    assert '<option value="77">Northwind Ltd (77, Berlin)</option>' in page
    assert '<option value="78" disabled>' in page
    assert "It is a new one" in page
    operator = visit("operator")
    assert operator.submit(path, path, decision="link", external_id="").status_code == 422
    assert operator.submit(path, path, decision="link", external_id="77").status_code == 303
    with company.hub.store.look() as tx:
        [row] = [one for one in tx.xrefs.of_document("cust-1") if one.connection == "erp"]
    assert (row.external_id, row.state) == ("77", "pending")
    assert "Customer found at a system and linked" in visit("viewer").get("/documents/cust-1").text


def _asked(company: Company) -> str:
    customer = Customer(id="cust-1", name="Northwind")
    found = [
        {"external_id": "77", "name": "Northwind Ltd", "by": "name", "detail": "Berlin", "linked_to": ""},
        {"external_id": "78", "name": "Northwind", "by": "name", "detail": "", "linked_to": "Northwind Inc"},
    ]
    with company.hub.store.begin() as tx:
        version = tx.documents.save(customer, tx.now)
        tx.xrefs.want("erp", customer, version, tx.now)
        tx.xrefs.flush()
        tx.conn.execute(XREF.update().where(XREF.c.document_id == "cust-1").values(state="dead"))
        [row] = tx.xrefs.of_document("cust-1")
        return tx.cases.open(
            reason="customer_match", title="erp may have customer Northwind already", now=tx.now,
            evidence={"queue": "xref", "ours": {"name": "Northwind"}, "candidates": found},
            document_id="cust-1", connection="erp", row_id=row.id,
        )  # fmt: skip
