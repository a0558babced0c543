"""A person at a real browser: every click works, and the console never complains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui import company as companies
from tests.ui.company import Company

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: run make setup")
pytestmark = pytest.mark.browser
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The browser's own company: it changes things."""
    with companies.busy(tmp_path_factory.mktemp("busy")) as made:
        yield made


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def complaints(page: Any) -> list[str]:
    """Collects what the browser complains about: errors, warnings, and refusals by the content policy."""
    found: list[str] = []
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    # a request that was still under way when the page was left is not a failure
    page.on(
        "requestfailed",
        lambda request: (
            found.append(f"{request.failure} {request.url}")
            if request.failure != "net::ERR_ABORTED"
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: found.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI));"
    )
    return found


def opened(chromium: Any, url: str, width: str = "desktop", scheme: str = "light") -> Any:
    size = WIDTHS[width]
    context = chromium.new_context(
        base_url=url, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    context.set_default_timeout(8_000)
    return context.new_page()


def log_in(page: Any, company: Company, role: str) -> None:
    page.goto("/")
    page.get_by_label("Access token").fill(company.tokens[role])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def test_a_held_order_is_released_and_the_timeline_tells_it(
    chromium: Any, url: str, company: Company
) -> None:
    page = opened(chromium, url)
    found = complaints(page)
    log_in(page, company, "operator")
    page.get_by_role("link", name="Credit hold The order waits").click()
    page.get_by_role("link", name="Order SO-4731 of Globex").click()
    assert "40,000.00 USD" in page.get_by_role("row", name="Credit limit").inner_text()
    page.get_by_label("Note").fill("agreed with their CFO")
    page.get_by_role("button", name="Release the order").click()
    page.get_by_text("Done: release the order.").wait_for()
    page.get_by_role("link", name="Order SO-4731", exact=True).click()
    timeline = page.locator("#timeline")
    timeline.get_by_text("Order approved").wait_for()
    assert "agreed with their CFO" in timeline.inner_text()
    assert "operator Kim" in timeline.inner_text()
    assert found == []
    page.context.close()


def test_a_payment_is_matched_by_ticking_with_the_difference_in_view(
    chromium: Any, url: str, company: Company
) -> None:
    page = opened(chromium, url)
    found = complaints(page)
    log_in(page, company, "operator")
    page.goto(f"/cases/{company.case('unmatched_payment')}")
    difference = page.locator("#difference")
    assert "stays unapplied 15,912.75 USD" in " ".join(difference.inner_text().split())
    page.get_by_label("Pay INV-2026-000003").check()
    page.get_by_text("nothing is left over").wait_for()
    page.get_by_label("Amount for INV-2026-000003").fill("15000")
    page.locator("#difference.warn").get_by_text("912.75 USD", exact=True).wait_for()
    page.get_by_label("Find an open invoice").fill("000002")
    page.get_by_label("Pay INV-2026-000002").check()
    page.locator("#difference.bad").get_by_text("too much by").wait_for()
    page.get_by_label("Amount for INV-2026-000002").fill("912.75")
    page.get_by_text("nothing is left over").wait_for()
    assert page.get_by_label("Amount for INV-2026-000003").input_value() == "15000"
    page.get_by_role("button", name="Apply to the ticked invoices").click()
    page.get_by_text("Done: apply to invoices.").wait_for()
    page.goto(f"/documents/{company.ids['mystery']}")
    page.get_by_text("Applied", exact=True).first.wait_for()
    assert found == []
    page.context.close()


def test_a_connection_is_added_and_checked_on_the_way(chromium: Any, url: str, company: Company) -> None:
    page = opened(chromium, url)
    found = complaints(page)
    log_in(page, company, "admin")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Connections").click()
    page.get_by_role("link", name="Add a connection").click()
    page.get_by_role("link", name="Generic HTTP").click()
    page.get_by_label("Name required").fill("warehouse")
    page.locator('[name="setting.secret"]').fill("canary-browser-secret")
    page.get_by_role("button", name="Save and check").click()
    page.get_by_text("Receives webhooks").wait_for()
    assert "canary" not in page.content()
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("Receives webhooks").wait_for()
    assert found == []
    page.context.close()


def test_the_overview_refreshes_by_itself(chromium: Any, url: str, company: Company) -> None:
    page = opened(chromium, url)
    found = complaints(page)
    log_in(page, company, "viewer")
    page.evaluate("document.querySelector('#live').dataset.old = 'yes'")
    page.locator("#live[data-old]").wait_for(state="detached")
    assert page.get_by_role("heading", name="Overview").count() == 1
    assert found == []
    page.context.close()


def test_pages_fit_the_screen_and_never_scroll_sideways(
    chromium: Any, url: str, company: Company, width: str, tmp_path: Path
) -> None:
    page = opened(chromium, url, width, scheme="dark" if width == "phone" else "light")
    found = complaints(page)
    log_in(page, company, "admin")
    paths = [
        "/", "/orders", f"/orders/{company.ids['SO-4711']}", f"/orders/{company.ids['SO-4725']}", "/invoices",
        f"/documents/{company.ids['paid']}", "/cases", f"/cases/{company.case('unknown_outcome')}",
        "/connections", "/connections/erp", "/connections/new?connector=netsuite", "/deliveries", "/outbox",
        "/audit", "/access",
    ]  # fmt: skip
    for n, path in enumerate(paths):
        page.goto(path)
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), path
        page.screenshot(path=tmp_path / f"{n}.png", full_page=True)
    assert found == []
    page.context.close()


def test_the_phone_has_a_menu_and_the_keyboard_a_way_in(chromium: Any, url: str, company: Company) -> None:
    page = opened(chromium, url, "phone")
    found = complaints(page)
    log_in(page, company, "viewer")
    page.get_by_text("Menu").click()
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Payments").click()
    page.get_by_role("heading", name="Payments").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    assert found == []
    page.context.close()
