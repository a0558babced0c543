"""An admin at a real browser writes, checks, tries, activates and rolls back a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ui import shop
from tests.ui.company import Company
from tests.ui.shop import BROKEN, ORDER_IN

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: run make setup")
pytestmark = pytest.mark.browser
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAGE = "/mappings/shop/order/in"
RENAMED = ORDER_IN.replace('"Shop order "', '"Web order "')


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The browser's own shop: it changes things."""
    with shop.open_shop(tmp_path_factory.mktemp("shop")) as made:
        yield made


def complaints(page: Any) -> list[str]:
    """Collects what the browser complains about: errors, warnings, and refusals by the content policy."""
    found: list[str] = []
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "response",
        lambda answer: found.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI));"
    )
    return found


def logged_in(chromium: Any, url: str, token: str, width: str = "desktop") -> Any:
    size = WIDTHS[width]
    scheme = "dark" if width == "phone" else "light"
    context = chromium.new_context(
        base_url=url, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    context.set_default_timeout(8_000)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    return page


def fits(page: Any) -> bool:
    root = "document.documentElement"
    return bool(page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"))


def test_an_admin_writes_a_fault_finds_it_tries_activates_and_rolls_back(
    chromium: Any, url: str, company: Company
) -> None:
    page = logged_in(chromium, url, company.tokens["admin"])
    found = complaints(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Mappings").click()
    page.get_by_role("link", name="Generic HTTP order → order").click()
    page.get_by_role("button", name="Write a new version").click()
    text = page.locator("#text")
    text.fill(BROKEN)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("Unknown function 'UPPR'").wait_for()
    assert page.get_by_role("button", name="Activate").is_disabled()
    page.get_by_role("link", name="Line 16, column 24").click()
    assert page.evaluate("document.activeElement.id") == "text"
    assert page.evaluate("document.getElementById('text').selectionStart") == BROKEN.index("UPPR")
    page.get_by_text("Line 16, column 24", exact=True).nth(1).wait_for(state="attached")
    assert text.input_value() == BROKEN
    text.fill(RENAMED)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("No faults").wait_for()
    page.get_by_label("Record", exact=False).first.select_option("S-SO-9002")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Preview of S-SO-9002").wait_for()
    assert "Web order SO-9002" in page.get_by_role("row", name="title").inner_text()
    page.get_by_role("button", name="Back-test").click()
    page.get_by_role("heading", name="Back-test on the last 4 records").wait_for()
    page.get_by_label("Why this version").fill("the shop has a new name")
    page.get_by_role("button", name="Activate").click()
    page.get_by_text("v2 is in force from now on.").wait_for()
    assert "the shop has a new name" in page.locator("#versions").inner_text()
    page.get_by_text("Roll back…").click()
    page.get_by_role("button", name="Roll back v2").click()
    page.get_by_text("Rolled back: the file of mappings/ is in force.").wait_for()
    assert found == []
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_about_mappings_fit_the_screen(chromium: Any, url: str, company: Company, width: str) -> None:
    page = logged_in(chromium, url, company.tokens["admin"], width)
    found = complaints(page)
    for path in (
        "/mappings",
        "/mappings/erp/customer/out",
        f"/documents/{company.ids['SO-9001']}/lineage",
        PAGE,
    ):
        page.goto(path)
        assert fits(page), path
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Preview of").wait_for()
    assert fits(page)
    page.get_by_role("button", name="Write a new version").click()
    page.locator("#text").fill(RENAMED.replace("{ from: price,", "{ from: " + "x" * 200 + ","))
    for button, heading in (
        ("Preview", "Preview of"),
        ("Back-test", "Back-test on"),
        ("Show changes", "Changes"),
    ):
        page.get_by_role("button", name=button).click()
        page.locator("#trial").get_by_role("heading", name=heading).wait_for()
        assert fits(page), button
    assert found == []
    page.context.close()


def test_every_input_of_the_editor_has_a_name_and_every_id_is_there_once(
    chromium: Any, url: str, company: Company
) -> None:
    page = logged_in(chromium, url, company.tokens["admin"])
    page.goto(PAGE)
    page.get_by_role("button", name="Write a new version").click()
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("No faults").wait_for()
    nameless = (
        "[...document.querySelectorAll('main input:not([type=hidden]), main textarea, main select')]"
        ".filter(e => !(e.labels && e.labels.length) && !e.ariaLabel).map(e => e.outerHTML)"
    )
    assert page.evaluate(nameless) == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.context.close()


def test_the_editor_works_by_keyboard_alone(chromium: Any, url: str, company: Company) -> None:
    page = logged_in(chromium, url, company.tokens["admin"])
    page.goto(PAGE)
    page.get_by_role("button", name="Write a new version").click()
    page.locator("#text").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Save draft"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("No faults").wait_for()
    page.context.close()
