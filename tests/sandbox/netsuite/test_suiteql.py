"""SuiteQL as it really is: joins needed, signs turned, texts for numbers, local time, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.netsuite.wire import Desk, lines, made, refusal


@pytest.fixture
def billed(desk: Desk) -> tuple[str, str, str]:
    customer = desk.customer()
    return customer, *desk.invoiced(customer)


def test_what_is_open_of_each_document_is_a_column(desk: Desk, billed: tuple[str, str, str]) -> None:
    customer, _, invoice = billed
    desk.act("pay", customer=customer, amount="100", apply=[{"invoice": invoice, "amount": "60"}])
    desk.act("credit", invoice=invoice, quantities={"1": 1})
    rows = desk.query(
        "SELECT type, foreigntotal, foreignamountpaid, foreignamountunpaid, foreignpaymentamountused, "
        "foreignpaymentamountunused, status, BUILTIN.DF(status) AS words, BUILTIN.CF(status) AS code "
        "FROM Transaction WHERE type IN ('CustInvc', 'CustPymt', 'CustCred') ORDER BY type"
    )
    assert rows == [
        {
            "type": "CustCred",
            "foreigntotal": "-11.9",
            "foreignpaymentamountused": "11.9",
            "foreignpaymentamountunused": "0",
            "status": "B",
            "words": "Credit Memo : Fully Applied",
            "code": "CustCred:B",
        },
        {
            "type": "CustInvc",
            "foreigntotal": "178.5",
            "foreignamountpaid": "71.9",
            "foreignamountunpaid": "106.6",
            "status": "A",
            "words": "Invoice : Open",
            "code": "CustInvc:A",
        },
        {
            "type": "CustPymt",
            "foreigntotal": "100",
            "foreignpaymentamountused": "60",
            "foreignpaymentamountunused": "40",
            "status": "C",
            "words": "Payment : Deposited",
            "code": "CustPymt:C",
        },
    ]


def test_links_tell_what_pays_what_and_what_came_from_what(desk: Desk, billed: tuple[str, str, str]) -> None:
    customer, order, invoice = billed
    payment = desk.act("pay", customer=customer, amount="100", apply=[{"invoice": invoice, "amount": "60"}])
    journal = desk.act("write_off", invoice=invoice, amount="8.50")
    rows = desk.query(
        "SELECT l.nextdoc, l.nexttype, l.foreignamount, p.tranid FROM nexttransactionlinelink l "
        "JOIN transaction p ON p.id = l.nextdoc "
        f"WHERE l.previousdoc = {invoice} AND l.linktype = 'Payment' ORDER BY l.nextdoc"
    )
    assert [(r["nextdoc"], r["nexttype"], r["foreignamount"]) for r in rows] == [
        (payment, "CustPymt", "60"),
        (journal, "Journal", "8.5"),
    ]
    made_from = desk.query(
        "SELECT DISTINCT nexttype, linktype FROM PreviousTransactionLineLink "
        f"WHERE previousdoc = {order} ORDER BY nexttype"
    )
    assert made_from == [
        {"nexttype": "CustInvc", "linktype": "OrdBill"},
        {"nexttype": "ItemShip", "linktype": "ShipRcpt"},
    ]


def test_item_lines_of_sales_are_negative_and_the_header_has_no_subsidiary(
    desk: Desk, billed: tuple[str, str, str]
) -> None:
    _, order, invoice = billed
    rows = desk.query(
        "SELECT tl.id, tl.mainline, tl.taxline, tl.quantity, tl.foreignamount, tl.netamount, tl.createdfrom "
        f"FROM transactionline tl WHERE tl.transaction = {invoice} ORDER BY tl.id"
    )
    assert [(r["id"], r.get("quantity"), r["foreignamount"]) for r in rows] == [
        ("0", None, "178.5"),
        ("1", "-10", "-100"),
        ("2", "-1", "-50"),
        ("3", None, "-28.5"),
    ]
    assert (rows[0]["mainline"], rows[3]["taxline"], rows[1]["createdfrom"]) == ("T", "T", order)
    assert rows[0]["netamount"] == "196.35"
    assert "Unknown identifier 'subsidiary'" in refusal(desk.asked("SELECT subsidiary FROM transaction"))[2]
    told = desk.query(
        "SELECT t.tranid, s.name FROM transaction t, transactionline m, subsidiary s "
        f"WHERE m.transaction = t.id AND m.mainline = 'T' AND s.id = m.subsidiary AND t.id = {invoice}"
    )
    assert told == [{"tranid": "INV1", "name": "Parent Company"}]


def test_the_general_ledger_balances(desk: Desk, billed: tuple[str, str, str]) -> None:
    rows = desk.query(
        "SELECT SUM(debit) AS d, SUM(credit) AS c FROM transactionaccountingline "
        f"WHERE transaction = {billed[2]}"
    )
    assert rows == [{"d": "196.35", "c": "196.35"}]


def test_grouping_case_subqueries_and_unions(desk: Desk, billed: tuple[str, str, str]) -> None:
    customer = billed[0]
    other = desk.customer("C-2", companyName="Zeta")
    desk.order(other, "S-2", 1)
    rows = desk.query(
        "SELECT c.companyname, COUNT(t.id) AS n, "
        "SUM(CASE WHEN t.type = 'CustInvc' THEN t.foreignamountunpaid ELSE 0 END) AS owed "
        "FROM customer c LEFT JOIN transaction t ON t.entity = c.id GROUP BY "
        "c.companyname HAVING COUNT(t.id) > 0 ORDER BY c.companyname"
    )
    assert rows == [
        {"companyname": "Acme", "n": "3", "owed": "178.5"},
        {"companyname": "Zeta", "n": "1", "owed": "0"},
    ]
    unbilled = desk.query(
        "SELECT id FROM transaction o WHERE type = 'SalesOrd' AND NOT EXISTS "
        "(SELECT 1 FROM transactionline l WHERE l.createdfrom = o.id)"
    )
    assert len(unbilled) == 1
    both = desk.query(
        "SELECT x.id FROM (SELECT id FROM customer UNION ALL SELECT id FROM item) x ORDER BY x.id DESC"
    )
    assert [r["id"] for r in both[:2]] == [other, customer]
    assert desk.query("SELECT TOP 1 id FROM customer ORDER BY id") == [{"id": customer}]
    first = desk.query("SELECT id FROM customer ORDER BY id DESC FETCH FIRST 1 ROWS ONLY")
    assert first == [{"id": other}]
    nothing = desk.query(
        "SELECT NVL(email, 'none') AS mail, email, UPPER(companyname) FROM customer ORDER BY id"
    )
    assert nothing[0] == {"mail": "none", "expr3": "ACME"}


def test_pages_are_whole_and_counted(desk: Desk) -> None:
    for n in range(7):
        desk.customer(f"C-{n}")
    q = "SELECT id FROM customer ORDER BY id"
    page = desk.asked(q, limit=3, offset=6).json()
    assert (page["totalResults"], page["count"], page["hasMore"], page["offset"]) == (7, 1, False, 6)
    assert desk.asked(q, limit=3, offset=2).status_code == 400
    assert desk.asked(q, limit=2000).status_code == 400


def test_times_are_the_accounts_own(desk: Desk) -> None:
    desk.account.preferences.time_zone = "America/Los_Angeles"
    at = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    desk.account.books.now = lambda: at
    desk.customer()
    mask = "YYYY-MM-DD HH24:MI:SS"
    [row] = desk.query(
        f"SELECT lastmodifieddate AS day, TO_CHAR(lastmodifieddate, '{mask}') AS at FROM customer"
    )
    assert row == {"day": "11/19/2026", "at": "2026-11-19 19:00:00"}
    found = "SELECT id FROM customer WHERE lastmodifieddate"
    assert desk.query(f"{found} >= TO_TIMESTAMP('2026-11-19 19:00:00', '{mask}')")
    assert not desk.query(f"{found} > TO_DATE('2026-11-19 19:00:00', '{mask}')")
    assert desk.query(f"{found} >= '11/19/2026'")
    desk.account.books.now = lambda: at + timedelta(days=2)
    assert desk.query(f"{found} < SYSDATE - 1")
    assert desk.query(f"{found} BETWEEN TRUNC(SYSDATE) - 5 AND SYSDATE")


def test_what_is_deleted_is_listed_and_gone(desk: Desk, billed: tuple[str, str, str]) -> None:
    _, order, invoice = billed
    assert desk.delete(f"salesOrder/{order}").status_code == 400
    desk.act("delete", record="invoice", id=invoice)
    [row] = desk.query("SELECT recordid, recordtypeid, type, name FROM deletedrecord")
    assert row == {"recordid": invoice, "recordtypeid": "invoice", "type": "invoice", "name": "INV1"}
    assert desk.query(f"SELECT id FROM transaction WHERE id = {invoice}") == []
    assert desk.query(f"SELECT nextdoc FROM nexttransactionlinelink WHERE nextdoc = {invoice}") == []


def test_a_payment_does_not_touch_its_invoices_time(desk: Desk, billed: tuple[str, str, str]) -> None:
    customer, _, invoice = billed
    mask = "TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS')"
    before = desk.query(f"SELECT {mask} AS at FROM transaction WHERE id = {invoice}")
    desk.account.books.now = lambda: datetime.now(UTC) + timedelta(hours=1)
    desk.act("pay", customer=customer, amount="9", apply=[{"invoice": invoice, "amount": "9"}])
    assert desk.query(f"SELECT {mask} AS at FROM transaction WHERE id = {invoice}") == before
    left = desk.query(f"SELECT foreignamountunpaid FROM transaction WHERE id = {invoice}")
    assert left == [{"foreignamountunpaid": "169.5"}]


def test_custom_fields_and_segments_are_columns(desk: Desk) -> None:
    desk.act("add_segment", id="cseg_region", values=["North", "South"])
    desk.act("add_field", id="custbody_project", type="text")
    order = desk.order(desk.customer())
    line = {"line": 1, "cseg_region": {"id": "1"}, "custcol_o2c_line_id": "l1"}
    told = {"cseg_region": {"id": "2"}, "custbody_project": "Tower", "item": lines(line)}
    made(desk.patch(f"salesOrder/{order}", told))
    [row] = desk.query(
        "SELECT t.cseg_region, BUILTIN.DF(t.cseg_region) AS region, t.custbody_project, "
        "l.cseg_region AS own, l.custcol_o2c_line_id AS line "
        "FROM transaction t JOIN transactionline l ON l.transaction = t.id "
        "WHERE l.custcol_o2c_line_id IS NOT NULL"
    )
    assert row == {
        "cseg_region": "2",
        "region": "South",
        "custbody_project": "Tower",
        "own": "1",
        "line": "l1",
    }
    schema = desk.signed.get(
        "/services/rest/record/v1/metadata-catalog/salesOrder", headers={"accept": "application/schema+json"}
    ).json()
    assert schema["properties"]["cseg_region"]["x-ns-custom-field"] is True
    whole = desk.signed.get(
        "/services/rest/record/v1/metadata-catalog/salesOrder", headers={"accept": "application/swagger+json"}
    ).json()
    assert "custcol_o2c_line_id" in whole["components"]["schemas"]["salesOrder-itemElement"]["properties"]
    assert refusal(desk.patch(f"salesOrder/{order}", {"cseg_region": {"id": "9"}}))[1] == "INVALID_CONTENT"


@pytest.mark.parametrize(
    "q",
    [
        "SELECT id FROM customer LIMIT 5",
        "SELECT id FROM sqlite_master",
        "SELECT _owner FROM nexttransactionlinelink",
        "SELECT id FROM customer c JOIN item i ON c.id = i.id",
        "SELECT load_extension('x') FROM dual",
        "SELECT id FROM customer WHERE 1",
        "SELECT id FROM customer WHERE lastmodifieddate = 5",
        "SELECT id = 1 FROM customer",
        "SELECT id FROM transaction WHERE trandate = '2026-11-01'",
        "WITH x AS (SELECT 1 FROM dual) SELECT * FROM x",
        "DELETE FROM customer",
        "SELECT id FROM customer UNION SELECT id, email FROM customer",
        "SELECT id FROM customer FETCH FIRST x ROWS ONLY",
        "SELECT id FROM customer WHERE id IN ()",
    ],
)
def test_what_suiteql_does_not_have_is_refused(desk: Desk, q: str) -> None:
    assert refusal(desk.asked(q))[:2] == (400, "INVALID_PARAMETER")
