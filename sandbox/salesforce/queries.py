"""Query endpoints: pages of at most 2,000 records and locators that expire."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.salesforce import ids, soql
from sandbox.salesforce.calls import Answer, Call, Router
from sandbox.salesforce.org import Org
from sandbox.salesforce.refusals import Refused
from sandbox.salesforce.table import Row

PAGE_MAX, PAGE_MIN = 2_000, 200
CURSORS_MAX = 1_000


@dataclass
class Cursor:
    """A result being paged through: the rows are those of the moment of the query."""

    plan: soql.Plan
    rows: list[Row]
    page: int
    ends: datetime


@dataclass
class Queries:
    """The query endpoints. `page_max` below 2,000 plays the part of wide rows."""

    org: Org
    lifetime: timedelta = timedelta(days=2)
    page_max: int = PAGE_MAX
    cursors: dict[str, Cursor] = field(default_factory=dict)

    def add_to(self, router: Router) -> None:
        """Put the endpoints into the table."""
        router.add("GET", "/query", self.query)
        router.add("GET", "/queryAll", self.query_all)
        router.add("GET", "/query/{locator}", self.more)
        router.add("GET", "/queryAll/{locator}", self.more)

    def query(self, call: Call) -> Answer:
        """GET /query?q=."""
        return self._asked(call, all_rows=False)

    def query_all(self, call: Call) -> Answer:
        """GET /queryAll?q=: deleted rows too."""
        return self._asked(call, all_rows=True)

    def _asked(self, call: Call, *, all_rows: bool) -> Answer:
        plan = soql.planned(self.org, call.query.get("q", ""), all_rows=all_rows)
        rows = plan.rows()
        if plan.query.counted:
            return Answer(200, {"totalSize": len(rows), "done": True, "records": []})
        page = self._page(call)
        if len(rows) <= page:
            return self._shown(call, plan, rows, len(rows), "")
        locator = ids.made("01g", self.org.number("query locator"))
        if len(self.cursors) >= CURSORS_MAX:
            self.cursors.pop(next(iter(self.cursors)))
        self.cursors[locator] = Cursor(plan, rows, page, self.org.now() + self.lifetime)
        return self._shown(call, plan, rows[:page], len(rows), f"{locator}-{page}")

    def _page(self, call: Call) -> int:
        told = re.search(r"batchSize=(\d+)", call.headers.get("sforce-query-options", ""))
        wanted = max(PAGE_MIN, min(PAGE_MAX, int(told.group(1)))) if told else PAGE_MAX
        return min(wanted, self.page_max)

    def more(self, call: Call) -> Answer:
        """The next page. Raises Refused INVALID_QUERY_LOCATOR for one that ended."""
        locator, _, start = call.named["locator"].rpartition("-")
        cursor = self.cursors.get(locator)
        if cursor is None or cursor.ends <= self.org.now() or not start.isdigit():
            raise Refused("INVALID_QUERY_LOCATOR", "invalid query locator")
        at = int(start)
        rows, end = cursor.rows[at : at + cursor.page], at + cursor.page
        following = f"{locator}-{end}" if end < len(cursor.rows) else ""
        return self._shown(call, cursor.plan, rows, len(cursor.rows), following)

    def _shown(self, call: Call, plan: soql.Plan, rows: list[Row], total: int, following: str) -> Answer:
        body: dict[str, Any] = {"totalSize": total, "done": not following}
        if following:
            body["nextRecordsUrl"] = f"{call.root}/query/{following}"
        body["records"] = [plan.record(row, call.root) for row in rows]
        return Answer(200, body)
