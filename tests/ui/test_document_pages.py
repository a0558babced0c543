"""Pages of documents show what people need: masked accounts, the page to pay at, nothing for machines."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.ui import office
from tests.ui.company import ACCOUNTS, Company
from tests.ui.office import IBAN, OURS, PAGE

PAYER = ACCOUNTS["NORTHWIND TRADERS LTD"]


@pytest.fixture(scope="module")
def company(company: Company) -> Company:
    """With something of every sort."""
    office.furnish(company)
    return company


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_viewer_sees_the_end_of_bank_accounts_only(visit: Any, company: Company) -> None:
    viewer, operator = visit("viewer"), visit("operator")
    paid = company.ids["paid"]
    for path in (f"/documents/{paid}", f"/documents/{paid}/lineage"):
        shown = viewer.get(path).text
        assert PAYER not in shown, path
        assert OURS not in shown, path
        assert "…3000" in shown, path
        assert "…2051" in shown, path
        assert PAYER in operator.get(path).text, path
    for kind in ("payout", "statement"):
        assert IBAN not in viewer.get(f"/documents/{company.ids[kind]}").text, kind


def test_a_viewer_sees_no_whole_account_in_a_case(visit: Any, company: Company) -> None:
    shown = visit("viewer").get(f"/cases/{company.case('unmatched_payment')}").text
    assert ACCOUNTS["GLOBEX CORP"] not in shown
    assert OURS not in shown


def test_the_page_where_a_customer_pays_is_one_click_away(visit: Any, company: Company) -> None:
    viewer = visit("viewer")
    link = f'href="{PAGE}" target="_blank" rel="noopener noreferrer"'
    assert link in viewer.get(f"/documents/{company.ids['invoice']}").text
    assert link in viewer.get(f"/orders/{company.ids['SO-4718']}").text


def test_only_an_address_of_the_web_becomes_a_link() -> None:
    from hub.ui import render

    macros: Any = render._ENVIRONMENT.get_template("_parts.html").module
    assert "href" not in str(macros.payment_page("javascript:alert(1)"))
    assert 'href="https://pay.test/1"' in str(macros.payment_page("https://pay.test/1"))


def test_an_acknowledgment_is_about_something_and_keeps_its_machine_form_folded(
    visit: Any, company: Company
) -> None:
    viewer = visit("viewer")
    listed = viewer.get("/acknowledgments").text
    assert '<th scope="col">About</th>' in listed
    assert '<td data-label="About">810 INV-2026-000002 (ours)' in listed
    sent = viewer.get("/interchanges").text
    assert '<td data-label="Holds">810 INV-2026-000002 (to harbor)' in sent
    assert 'placeholder="Number"' in sent
    whole = viewer.get(f"/documents/{company.ids['acknowledgment']}").text
    before, folded = whole.split("<details", 2)[0], whole.rsplit("<details", 1)[1]
    assert "HARBORPINE HARBORPINE" not in before
    assert "HARBORPINE HARBORPINE" in folded


@pytest.mark.parametrize(
    ("kind", "label"), [("paid", "Value date"), ("payout", "Expected"), ("invoice", "Due")]
)
def test_the_date_of_a_document_is_called_what_it_is(
    visit: Any, company: Company, kind: str, label: str
) -> None:
    shown = visit("viewer").get(f"/documents/{company.ids[kind]}").text
    assert f'<span class="label">{label}</span>' in shown
    assert ('<span class="label">Due</span>' in shown) == (label == "Due")


def test_what_waits_for_another_document_is_not_shown_as_a_problem() -> None:
    from hub.api.shapes import Moment
    from hub.ui import render

    macros: Any = render._ENVIRONMENT.get_template("_parts.html").module
    at = datetime(2026, 11, 20, tzinfo=UTC)
    tries = {
        name: str(
            macros.timeline([Moment(at=at, what="attempt", name=name, detail="order SO-1 is not there")])
        )
        for name in ("not_yet", "rejected")
    }
    assert 'class="problem"' not in tries["not_yet"]
    assert 'class="problem"' in tries["rejected"]


# -- the partner's page --------------------------------------------------------------
def test_the_specification_is_a_page_of_the_console_and_a_file_to_send(visit: Any) -> None:
    viewer = visit("viewer")
    page = viewer.get("/connections/harbor/specification")
    assert page.headers["content-type"].startswith("text/html")
    assert "# EDI with Harbor and Pine" in page.text
    assert 'href="/connections/harbor/specification.md"' in page.text
    file = viewer.get("/connections/harbor/specification.md")
    assert file.headers["content-type"].startswith("text/plain")
    assert file.headers["content-disposition"] == 'attachment; filename="harbor.md"'
    assert file.text.startswith("# EDI with Harbor and Pine")
    assert viewer.get("/connections/erp/specification").status_code == 422


def test_a_page_that_names_no_icon_finds_one(visit: Any) -> None:
    icon = visit().get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert icon.text == (Path(office.__file__).parents[2] / "hub/ui/static/favicon.svg").read_text()
