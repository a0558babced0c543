"""No kind of document and no page of the console is wider than a phone, or asks for what is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ui import office
from tests.ui.company import Company
from tests.ui.test_browser import ARGUMENTS, complaints, log_in, opened

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: run make setup")
pytestmark = pytest.mark.browser
PAGES_MAX = 100


@pytest.fixture(scope="module")
def company(company: Company) -> Company:
    """With something of every sort."""
    office.furnish(company)
    return company


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


def _links(page: Any) -> list[str]:
    found = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    paths = [one.split("#")[0] for one in found if one.startswith("/")]
    return [one for one in paths if not one.endswith(".md")]  # a file to keep, no page


def _sort(path: str) -> tuple[str, int, str]:
    """What pages of one template have in common: the first word of the address, its depth, what is asked."""
    address, _, asked = path.partition("?")
    words = address.strip("/").split("/")
    return words[0] + words[-1] * (len(words) > 2), len(words), re.sub(r"=[^&]*", "", asked)


def _walk(page: Any, start: list[str]) -> Iterator[str]:
    """Every page that a click leads to, one of each sort."""
    waiting, met = list(start), {_sort(path) for path in start}
    for _ in range(PAGES_MAX):
        if not waiting:
            return
        path = waiting.pop(0)
        page.goto(path)
        yield path
        for link in _links(page):
            if _sort(link) not in met:
                met.add(_sort(link))
                waiting.append(link)
    raise AssertionError(f"more than {PAGES_MAX} pages")


def test_every_page_fits_a_phone_and_asks_for_nothing_that_is_missing(
    chromium: Any, url: str, company: Company
) -> None:
    page = opened(chromium, url, "phone")
    found = complaints(page)
    log_in(page, company, "admin")
    documents = {name: f"/documents/{one}" for name, one in company.ids.items()}
    wide = [
        path
        for path in _walk(page, ["/", *documents.values(), *(f"{one}/lineage" for one in documents.values())])
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    ]
    assert wide == []
    assert found == []
    page.context.close()


def test_a_page_of_bare_text_leaves_no_complaint(chromium: Any, url: str, company: Company) -> None:
    page = opened(chromium, url)
    found = complaints(page)
    log_in(page, company, "viewer")
    page.goto("/connections/harbor/specification")
    page.get_by_role("heading", name="For the partner").wait_for()
    with page.expect_download() as file:
        page.get_by_role("link", name="Download").click()
    assert file.value.suggested_filename == "harbor.md"
    page.goto("/static/vendor/htmx.LICENSE.txt")  # a browser asks for /favicon.ico here
    assert found == []
    page.context.close()
