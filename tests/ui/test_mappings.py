"""What the pages about mappings show, what their forms do, and what they refuse."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import versions
from hub.api.actions import pause
from hub.registry import Registry
from hub.store import mappings
from hub.store.mappings import Slot
from tests.ui import company as companies
from tests.ui import shop
from tests.ui.company import ADMIN, Company
from tests.ui.shop import BROKEN, ORDER_IN

SLOT = Slot("shop", "order", "in")
PAGE = "/mappings/shop/order/in"
RENAMED = ORDER_IN.replace('"Shop order "', '"Web order "')
MISREAD = ORDER_IN.replace("{ from: price,", "{ from: prize,")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A shop with four orders; shared by the tests of this module."""
    with shop.open_shop(tmp_path_factory.mktemp("shop")) as made:
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Company]:
    """A shop of the test's own, with two orders."""
    with shop.open_shop(tmp_path, orders=2) as made:
        yield made


@pytest.fixture
def at_own(own: Company, visit: Any) -> Iterator[Any]:
    """at_own("admin"): somebody who is logged in there."""
    with companies.served(own) as base:

        def come(role: str) -> Any:
            visitor = visit(base=base)
            assert visitor.login(own.tokens[role]).status_code == 303
            return visitor

        yield come


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def draft(company: Company, text: str = ORDER_IN, by: str = "Robin", reason: str = "") -> str:
    """The address of a new draft."""
    return "/mappings/versions/" + versions.save_draft(company.hub, SLOT, text, by=by, reason=reason)


def put_in_force(company: Company, text: str) -> str:
    """The address of a version that is in force."""
    path = draft(company, text)
    versions.activate(company.hub, path.rpartition("/")[2], by="Kim", four_eyes=False)
    return path


def ask(visitor: Any, path: str, **fields: str) -> str:
    """What a button of the editor answers to the browser's script."""
    form = {"form_token": visitor.token("/mappings"), **fields}
    return str(visitor.post(path, data=form, headers={"hx-request": "true"}).text)


# -- what is in force --------------------------------------------------------------
def test_the_list_names_every_mapping_in_force_in_words(visit: Any) -> None:
    seen = text_of(visit("viewer").get("/mappings").text)
    for words in ("Generic HTTP order → order Order, coming in shop v1 file In force", "order → erp order"):
        assert words in seen, words


def test_the_list_tells_versions_drafts_faults_and_pauses(own: Company, at_own: Any) -> None:
    put_in_force(own, RENAMED)
    draft(own, BROKEN)
    broken = Path(own.folder) / "mappings" / "erp" / "order.out.yaml"
    broken.write_text("mapping: order -> erp.order\nfields:\n  number: { fro: number }\n")
    pause(own.hub, ADMIN, "erp", "")
    seen = text_of(at_own("viewer").get("/mappings").text)
    assert re.search(
        r"order → order Order, coming in shop v2 02 Nov 2026 [\d:]+ by Kim In force 1 draft", seen
    )
    assert re.search(r"order → Generic HTTP Order, going out erp Paused — file 2 faults", seen)


def test_a_place_with_only_a_draft_is_in_the_list_too(own: Company, at_own: Any) -> None:
    versions.save_draft(own.hub, Slot("crm", "order", "in"), "mapping: x", by="Robin", reason="")
    assert "Not yet in force 1 draft" in text_of(at_own("viewer").get("/mappings").text)


def test_a_mapping_is_a_table_before_it_is_text(visit: Any) -> None:
    page = visit("viewer").get(PAGE).text
    seen = text_of(page)
    for words in (
        'Only records for which status == "paid" holds', "customer buyer xref(customer) a case",
        "currency currency currency USD", 'title formula CONCAT("Shop order ", number) left out',
        "lines one for each of items only when quantity > 0", "unit_price price decimal",
        "terms Belongs to this hub Read Becomes 30 days NET30",
    ):  # fmt: skip
        assert words in seen, words
    assert seen.index("What it does") < seen.index("mapping: http.order -> order")
    assert 'id="L22"' in page


def test_anybody_may_see_what_it_makes_of_a_record(visit: Any) -> None:
    viewer = visit("viewer")
    seen = text_of(viewer.get(f"{PAGE}/preview?record=S-SO-9002").text)
    for words in ("Preview of S-SO-9002", "payment_terms COD terms = now", "Northwind Traders buyer = C-1"):
        assert words in seen, words
    part = viewer.get(f"{PAGE}/preview?record=S-SO-9001", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "table terms: 30 days → NET30" in text_of(part)


def test_a_document_goes_out_by_a_mapping_that_can_be_tried_too(visit: Any) -> None:
    seen = text_of(visit("viewer").get("/mappings/erp/order/out/preview?record=SO-9001").text)
    assert "number SO-9001 number = SO-9001" in seen


@pytest.mark.parametrize(
    "path",
    ["/mappings/nobody/order/in", "/mappings/shop/thing/in", "/mappings/shop/order/up",
     "/documents/x/lineage", "/mappings/versions/x", "/mappings/versions/x/diff",
     "/mappings/erp/customer/out/preview"],
)  # fmt: skip
def test_what_is_not_there_is_a_404(path: str, visit: Any) -> None:
    assert visit("admin").get(path).status_code == 404


def test_a_place_without_a_mapping_offers_the_first_version(own: Company, at_own: Any) -> None:
    admin = at_own("admin")
    query = "/mappings?connection=erp&kind=customer&direction=out"
    assert admin.get(query).headers["location"] == "/mappings/erp/customer/out"
    page = admin.get("/mappings/erp/customer/out")
    assert "Nothing is translated here yet" in page.text
    made = admin.submit("/mappings/erp/customer/out/drafts", "/mappings")
    seen = html.unescape(admin.get(made.headers["location"]).text)
    assert "mapping: customer -> http.record" in seen


def test_a_broken_file_is_explained_where_it_is_broken(own: Company, at_own: Any) -> None:
    (Path(own.folder) / "mappings" / "shop" / "order.in.yaml").write_text(BROKEN)
    page = at_own("viewer").get(PAGE)
    assert page.status_code == 200
    seen = text_of(page.text)
    assert "Line 16, column 24 Unknown function 'UPPR' Did you mean 'UPPER'?" in seen
    assert 'href="#L16"' in page.text


def test_a_paused_connection_is_said(own: Company, at_own: Any) -> None:
    pause(own.hub, ADMIN, "shop", "")
    assert "nothing is translated until it is resumed" in at_own("viewer").get(PAGE).text


# -- a draft -------------------------------------------------------------------------
def test_a_draft_is_saved_with_its_faults_and_cannot_be_activated(own: Company, at_own: Any) -> None:
    admin = at_own("admin")
    path = admin.submit(f"{PAGE}/drafts", PAGE).headers["location"]
    saved = admin.submit(path, path, text=BROKEN, reason="upper case")
    assert saved.headers["location"] == path
    page = admin.get(path).text
    assert "The draft is saved. 1 fault keeps it from being activated." in page
    assert 'value="upper case"' in page
    assert re.search(r'formaction="[^"]+/activate" disabled', page)
    refused = admin.submit(f"{path}/activate", path, text=BROKEN, reason="upper case")
    assert refused.status_code == 422
    assert "it has faults and was not activated" in text_of(refused.text).lower()
    assert "UPPR(sku)" in refused.text
    with own.hub.store.look() as tx:
        assert not mappings.active(tx.conn, "shop")


def test_a_check_leads_to_the_line_and_keeps_nothing(company: Company, visit: Any) -> None:
    path, admin = draft(company), visit("admin")
    answer = ask(admin, f"{path}/check", text=BROKEN)
    assert 'data-line="16" data-column="24"' in answer
    assert 'id="activation" hx-swap-oob="true"' in answer
    assert "No faults" in ask(admin, f"{path}/check", text=ORDER_IN)
    whole = admin.submit(f"{path}/check", path, text=BROKEN)  # a browser without scripts
    assert "UPPR(sku)" in whole.text
    assert "Unknown function" in whole.text
    assert "UPPR" not in admin.get(path).text


def test_a_fault_that_is_there_already_between_mappings_does_not_hold_up_a_draft(
    tmp_path: Path, visit: Any
) -> None:
    with shop.open_shop(tmp_path, orders=1) as own:
        (tmp_path / "mappings" / "shop" / "customer.in.yaml").unlink()  # nothing brings buyers any more
        own.hub.registry = Registry(own.hub.store, own.hub.registry.vault, own.hub.registry.mappings_dir)
        path = draft(own, "# another first line\n" + ORDER_IN)
        with companies.served(own) as base:
            admin = visit(base=base)
            admin.login(own.tokens["admin"])
            assert "No faults" in ask(admin, f"{path}/check")
            other = ORDER_IN.replace(
                "fields:\n", "fields:\n  shipment: { from: s, via: xref(shipment) }\n", 1
            )
            assert "no mapping of shipment" in ask(admin, f"{path}/check", text=other)


def test_a_preview_shows_what_fails_first(company: Company, visit: Any) -> None:
    answer = ask(visit("admin"), f"{draft(company)}/preview", text=MISREAD, record="S-SO-9001")
    seen = text_of(answer)
    assert "2 fields fail: such a record becomes a case" in seen
    assert seen.index("lines[0].unit_price No value from prize") < seen.index(
        "number SO-9001 number = SO-9001"
    )
    assert "lines[] left out: condition not met items[2].quantity = 0" in seen


def test_a_pasted_record_is_previewed_with_exact_numbers(company: Company, visit: Any) -> None:
    path, admin = draft(company), visit("admin")
    items = '[{"id": 1, "sku": "a", "quantity": 2.50, "price": 0.10}]'
    pasted = f'{{"number": "P-1", "status": "open", "buyer": "C-9", "items": {items}}}'
    seen = text_of(ask(admin, f"{path}/preview", text=ORDER_IN, pasted=pasted))
    assert "Preview of pasted record" in seen
    assert "2.50" in seen
    assert "0.10" in seen
    assert "C-9" in seen
    for wrong, told in (
        ("{", "not JSON: line 1"),
        ("[1]", "one JSON object"),
        ("[" * 9_999, "pasted record"),
    ):
        assert told in ask(admin, f"{path}/preview", text=ORDER_IN, pasted=wrong)


def test_where_nothing_came_in_a_record_is_asked_for(own: Company, at_own: Any) -> None:
    admin = at_own("admin")
    made = admin.submit("/mappings/crm/order/in/drafts", "/mappings").headers["location"]
    assert "Nothing came in yet: paste a record." in admin.get(made).text
    text = ORDER_IN.replace("http.order", "crm.deal")
    assert "Nothing came in yet" in ask(admin, f"{made}/preview", text=text)
    assert "Nothing came in yet" in ask(admin, f"{made}/backtest", text=text, last="100")


def test_a_back_test_counts_and_shows_before_and_after(company: Company, visit: Any) -> None:
    path, admin = draft(company), visit("admin")
    seen = text_of(ask(admin, f"{path}/backtest", text=RENAMED, last="3"))
    for words in (
        "Back-test on the last 3 records", "Same 0", "Different 3", "Newly failing 0",
        "title 3 S-SO-9004 Shop order SO-9004 Web order SO-9004", "erp 3 documents",
    ):  # fmt: skip
        assert words in seen, words
    failing = text_of(ask(admin, f"{path}/backtest", text=MISREAD, last="100"))
    assert "Newly failing 4" in failing
    assert "no value from prize" in failing
    for last in ("0", "1001", "many", ""):
        assert "a number from 1 to 1000" in ask(admin, f"{path}/backtest", text=RENAMED, last=last)


def test_fields_that_are_agreed_already_are_named(company: Company, visit: Any) -> None:
    text = ORDER_IN.replace("{ from: price, via: decimal }", "{ formula: 'DECIMAL(price) * 2' }")
    seen = text_of(ask(visit("admin"), f"{draft(company)}/backtest", text=text, last="100"))
    assert re.search(r"Agreed already .* lines 4 documents", seen)


def test_changes_are_shown_line_by_line(company: Company, visit: Any) -> None:
    path = draft(company, RENAMED)
    page = visit("viewer").get(f"{path}/diff").text
    assert re.search(r'class="code-line gone">-[^<]*Shop order', page)
    assert re.search(r'class="code-line add">\+[^<]*Web order', page)
    answer = ask(visit("admin"), f"{path}/changes", text=RENAMED.replace("Web", "Net"))
    assert "Net order" in answer


def test_the_fault_of_a_text_that_is_too_long_is_said_and_it_is_not_kept(
    company: Company, visit: Any
) -> None:
    path, admin = draft(company), visit("admin")
    long = "#" * 200_001
    assert "200000 characters" in ask(admin, f"{path}/check", text=long)
    assert admin.submit(path, path, text=long, reason="").status_code == 422


def test_everything_in_a_mapping_or_a_record_is_shown_as_text(company: Company, visit: Any) -> None:
    attack = "<script>alert(1)</script>"
    path, admin = draft(company, reason=attack), visit("admin")
    text = f"# </textarea>{attack}\n" + ORDER_IN.replace("Shop order", attack)
    answers = [
        admin.submit(f"{path}/check", path, text=text, reason=attack).text,
        ask(admin, f"{path}/check", text=f"mapping: {attack}"),
        ask(admin, f"{path}/changes", text=text),
        ask(admin, f"{path}/preview", text=text),
        ask(admin, f"{path}/backtest", text=text, last="5"),
        admin.get(PAGE).text,
    ]
    assert all("<script>alert" not in answer for answer in answers)
    assert "&lt;/textarea&gt;&lt;script&gt;" in answers[0]


def test_long_values_are_cut_and_say_so(company: Company, visit: Any) -> None:
    pasted = '{"number": "' + "9" * 5_000 + '"}'
    answer = ask(visit("admin"), f"{draft(company)}/preview", text=ORDER_IN, pasted=pasted)
    assert "(cut: 5,000 characters in all)" in answer


def test_a_draft_keeps_its_first_empty_line_and_its_line_ends(own: Company, at_own: Any) -> None:
    path, admin = draft(own), at_own("admin")
    admin.submit(path, path, text="\r\n# two\r\n" + ORDER_IN.replace("\n", "\r\n"), reason="")
    with own.hub.store.look() as tx:
        kept = mappings.one(tx.conn, path.rpartition("/")[2])
    assert kept is not None
    assert kept.text.startswith("\n# two\n")
    assert "\r" not in kept.text
    assert '<textarea class="source" id="text"' in admin.get(path).text


# -- in force and back ------------------------------------------------------------------
def test_a_version_is_activated_applied_and_rolled_back(own: Company, at_own: Any) -> None:
    admin = at_own("admin")
    path = admin.submit(f"{PAGE}/drafts", PAGE).headers["location"]
    done = admin.submit(f"{path}/activate", path, text=RENAMED, reason="a new name")
    assert done.headers["location"] == PAGE
    seen = text_of(admin.get(PAGE).text)
    assert "v2 is in force from now on." in seen
    assert "a new name" in seen
    assert "Documents made by another version" in seen
    first = own.ids["SO-9001"]
    again = at_own("operator").submit(f"{PAGE}/replay", PAGE, document=first)
    assert again.headers["location"] == PAGE
    own.hub.process()
    assert "Web order SO-9001" in admin.get(f"/orders/{first}").text
    assert "Shop order SO-9002" in admin.get(f"/orders/{own.ids['SO-9002']}").text
    assert admin.submit(f"{PAGE}/rollback", PAGE).status_code == 303
    assert "Rolled back: the file of mappings/ is in force." in admin.get(PAGE).text
    nothing = admin.submit(f"{PAGE}/rollback", PAGE)
    assert nothing.status_code == 422
    assert "there is nothing to roll back" in nothing.text


def test_with_four_eyes_somebody_else_has_to_activate(tmp_path: Path, visit: Any) -> None:
    with shop.open_shop(tmp_path, orders=1) as own:
        own.settings = own.settings.model_copy(update={"four_eyes": True})
        mine, theirs = draft(own, RENAMED, by="admin Kim"), draft(own, RENAMED, by="Robin")
        with companies.served(own) as base:
            admin = visit(base=base)
            admin.login(own.tokens["admin"])
            page = text_of(admin.get(mine).text)
            assert "You wrote this version: another admin has to activate it" in page
            refused = admin.submit(f"{mine}/activate", mine, text=RENAMED, reason="")
            assert refused.status_code == 422
            assert "Admin Kim wrote this version: another admin has to activate it" in text_of(refused.text)
            changed = admin.submit(f"{theirs}/activate", theirs, text=ORDER_IN, reason="")
            assert changed.status_code == 422  # who changes a text has written it
            third = draft(own, RENAMED, by="Robin")
            with own.hub.store.look() as tx:
                kept: Any = mappings.one(tx.conn, third.rpartition("/")[2])
            assert admin.submit(f"{third}/activate", third, text=kept.text, reason="").status_code == 303


def test_a_draft_is_discarded_and_what_was_in_force_stays_on_record(own: Company, at_own: Any) -> None:
    path, admin = draft(own), at_own("admin")
    assert admin.submit(f"{path}/discard", path).headers["location"] == PAGE
    assert admin.get(path).status_code == 404
    kept = put_in_force(own, RENAMED)
    assert admin.submit(f"{kept}/discard", kept).status_code == 422
    assert admin.submit(kept, kept, text=ORDER_IN, reason="").status_code == 422
    assert "<textarea" not in admin.get(kept).text
    anew = admin.submit(f"{PAGE}/drafts", PAGE, version=kept.rpartition("/")[2]).headers["location"]
    assert "Web order" in admin.get(anew).text


def test_entries_of_a_local_table_are_pasted_from_a_spreadsheet(own: Company, at_own: Any) -> None:
    admin = at_own("admin")
    fields = {"table": "terms", "entries": "30 days\tNET30\r\nnow = COD\r\n\r\n2 weeks = NET14\r\n"}
    assert admin.submit(f"{PAGE}/tables", PAGE, **fields).status_code == 303
    with own.hub.store.look() as tx:
        assert mappings.local_tables(tx.conn, "shop")["terms"] == {
            "30 days": "NET30", "now": "COD", "2 weeks": "NET14",
        }  # fmt: skip
    assert "2 weeks NET14" in text_of(admin.get(PAGE).text)
    for entries, told in (
        ("no mark", "Line 1: write it as"),
        ("a = B\na = C", "is there twice"),
        ("", "1 to 20000 entries"),
    ):
        refused = admin.submit(f"{PAGE}/tables", PAGE, table="terms", entries=entries)
        assert refused.status_code == 422
        assert told in html.unescape(refused.text)
        assert entries in html.unescape(refused.text)
    other = admin.submit(f"{PAGE}/tables", PAGE, table="nothing", entries="a = B")
    assert "has a local table 'nothing'" in text_of(other.text)


def test_a_viewer_reads_a_draft_and_gets_no_editor(company: Company, visit: Any) -> None:
    path = draft(company, BROKEN, reason="half done")
    page = visit("viewer").get(path)
    assert page.status_code == 200
    for words in ("half done", "Unknown function", "UPPR(sku)"):
        assert words in html.unescape(page.text), words
    assert "<textarea" not in page.text
    assert 'method="post" action="/mappings' not in page.text
    assert "Write a new version" not in visit("operator").get(PAGE).text


def test_what_is_in_force_is_compared_with_the_version_before_it(own: Company, at_own: Any) -> None:
    put_in_force(own, RENAMED)
    path = put_in_force(own, RENAMED.replace("Web", "Net"))
    page = at_own("viewer").get(f"{path}/diff").text
    assert "Changes from v2 to v3" in page
    assert re.search(r'class="code-line gone">-[^<]*Web order', page)


# -- lineage --------------------------------------------------------------------------
def test_every_document_leads_to_where_its_fields_come_from(company: Company, visit: Any) -> None:
    viewer, order = visit("viewer"), company.ids["SO-9001"]
    link = f'href="/documents/{order}/lineage"'
    assert link in viewer.get(f"/orders/{order}").text
    seen = text_of(viewer.get(f"/documents/{order}/lineage").text)
    for words in (
        "title Shop order SO-9001 number = SO-9001",
        "shop, record S-SO-9001 · http.order -> order v1, line 9",
        "lines[1].unit_price 1250.00 items[1].price = 1250.00", "lines[0].delivery goods default",
        "state approved set by the hub on “Order approved”", "At erp What was sent. Known there as",
        "customer Northwind Traders customer_name = Northwind Traders",
        "Without a value: seller, purchase_order",
    ):  # fmt: skip
        assert words in seen, words


def test_lineage_leads_to_the_line_of_the_version_that_made_it(own: Company, at_own: Any) -> None:
    path = put_in_force(own, RENAMED)
    shop.arrive(own, shop.sent("SO-9050"))
    shop._remember(own)
    viewer = at_own("viewer")
    page = viewer.get(f"/documents/{own.ids['SO-9050']}/lineage").text
    assert f'href="{path}#L9"' in page
    old = viewer.get(f"/documents/{own.ids['SO-9001']}/lineage").text
    assert "is gone; the one in force explains" in text_of(old)


def test_a_document_the_hub_made_itself_says_so(company: Company, visit: Any) -> None:
    with company.hub.store.look() as tx:
        from hub.store import views

        (buyer,) = views.documents(tx.conn, kind="customer", limit=1)
    viewer = visit("viewer")
    assert "Where does this come from?" in viewer.get(f"/documents/{buyer.id}").text
    seen = text_of(viewer.get(f"/documents/{buyer.id}/lineage").text)
    assert "No record of it is kept" in seen
    assert "name Northwind Traders set by the hub on “Customer received”" in seen
