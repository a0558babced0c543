"""The questions this connector asks in SuiteQL, as text.

Tables and columns: NetSuite's Records Catalog. Amounts of credits and quantities of sales lines may carry a
minus sign there; who reads the rows takes the absolute value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from connectors.netsuite.times import MASK

LINE_ID = "custcol_o2c_line_id"  # custom transaction column that carries our line id
IN_MAX = 1000  # Oracle's limit for one IN list
CHUNK = 500  # ids per question, so that what is asked for most often fits one page of 1,000 rows


class Window(NamedTuple):
    """Local times between which changes are asked for; `after` continues amid a sweep."""

    since: str | None
    until: str
    after: tuple[str, int] | None = None


def select(columns: str, source: str, where: str = "", order: str = "") -> str:
    """A question. Whatever is not a constant in it went through literal(), listed() or numbers()."""
    parts = ["SELECT", columns, "FROM", source]
    parts += ["WHERE", where] if where else []
    parts += ["ORDER BY", order] if order else []
    return " ".join(parts)


def literal(text: str) -> str:
    """A SuiteQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Sequence[str]) -> str:
    """String literals for an IN list."""
    return ", ".join(literal(text) for text in texts)


def numbers(ids: Sequence[str]) -> str:
    """Internal ids for an IN list. Raises ValueError for what is no number."""
    return ", ".join(str(int(id)) for id in ids)


def chunks(texts: Sequence[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """The texts in portions that fit one IN list."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _time(text: str) -> str:
    return f"TO_TIMESTAMP({literal(text)}, '{MASK}')"


def _within(window: Window, at: str, id: str) -> str:
    """A total order over (time, id), so that pages neither overlap nor skip."""
    where = [f"{at} < {_time(window.until)}"]
    if window.after:
        last, number = _time(window.after[0]), window.after[1]
        where.append(f"({at} > {last} OR ({at} = {last} AND {id} > {number}))")
    elif window.since:
        where.append(f"{at} >= {_time(window.since)}")
    return " AND ".join(where)


def changed(codes: Sequence[str], deleted: Sequence[str], window: Window) -> str:
    """Transactions of some types that changed or were deleted in a window, in one question.

    Unformatted, SuiteQL gives the date alone, in the user's own date format, hence TO_CHAR.
    """
    where = f"type IN ({listed(codes)}) AND {_within(window, 'lastmodifieddate', 'id')}"
    stamp = f"TO_CHAR(lastmodifieddate, '{MASK}') AS lastmodified"
    live = select(f"id, type, {stamp}, 'F' AS deleted", "transaction", where)
    if not deleted:
        return f"{live} ORDER BY lastmodified, id"
    gone = f"LOWER(type) IN ({listed(deleted)}) AND {_within(window, 'deleteddate', 'recordid')}"
    stamp = f"TO_CHAR(deleteddate, '{MASK}') AS lastmodified"
    dead = select(f"recordid AS id, type, {stamp}, 'T' AS deleted", "deletedrecord", gone)
    return f"{live} UNION ALL {dead} ORDER BY lastmodified, id"


_HEAD = (
    "t.id, t.type, t.tranid, t.externalid, t.status, BUILTIN.DF(t.status) AS statusname, t.voided, t.entity, "
    "BUILTIN.DF(t.entity) AS entityname, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, t.currency, "
    "BUILTIN.DF(t.currency) AS currencyname, t.foreigntotal, t.foreignpaymentamountunused, t.memo, "
    f"TO_CHAR(t.lastmodifieddate, '{MASK}') AS lastmodified, main.subsidiary"
)


def heads(ids: Sequence[str], more: Sequence[str] = ()) -> str:
    """The header of transactions, by id. Their subsidiary stands on the main line only."""
    columns = ", ".join([_HEAD, *(f"t.{one}" for one in more)])
    main = "LEFT JOIN transactionline main ON main.transaction = t.id AND main.mainline = 'T'"
    return select(columns, f"transaction t {main}", f"t.id IN ({numbers(ids)})", "t.id")


def links(ids: Sequence[str]) -> str:
    """What transactions settle or are settled by, with the types of both: one row per pair of lines."""
    columns = (
        "k.previousdoc, k.previousline, p.type AS previoustype, k.nextdoc, k.nextline, n.type AS nexttype, "
        "k.linktype, k.foreignamount"
    )
    joined = "JOIN transaction p ON p.id = k.previousdoc JOIN transaction n ON n.id = k.nextdoc"
    asked = numbers(ids)
    where = f"k.linktype IN ('Payment', 'DepAppl') AND (k.nextdoc IN ({asked}) OR k.previousdoc IN ({asked}))"
    order = "k.previousdoc, k.nextdoc, k.previousline, k.nextline, k.linktype"
    return select(columns, f"previoustransactionlinelink k {joined}", where, order)


def items(skus: Sequence[str], gtins: Sequence[str]) -> str:
    """Items by name, or by UPC code (where GTINs are kept)."""
    either = [f"itemid IN ({listed(skus)})"] if skus else []
    either += [f"upccode IN ({listed(gtins)})"] if gtins else []
    return select("id, itemid, upccode, isinactive", "item", " OR ".join(either), "id")


class Wanted(NamedTuple):
    """What is known of a customer that may be there already, and which fields hold it in this account."""

    reference: str
    tax_id: str = ""
    duns: str = ""
    domain: str = ""
    name: str = ""
    tax_field: str = "vatregnumber"
    duns_field: str = ""


def customers(wanted: Wanted) -> str:
    """Customers that share anything with the one wanted. Numbers are compared without blanks and dots."""
    tests = [f"externalid = {literal(wanted.reference)}"]
    if wanted.tax_id:
        tests.append(f"{_bare(wanted.tax_field)} = {literal(bare(wanted.tax_id))}")
    if wanted.duns and wanted.duns_field:
        tests.append(f"{_bare(wanted.duns_field)} = {literal(bare(wanted.duns))}")
    if domain := _plain(wanted.domain.lower()):
        tests.append(f"LOWER(email) LIKE {literal('%@' + domain)}")
    if name := _plain(stem(wanted.name)):
        tests.append(f"LOWER(companyname) LIKE {literal(name + '%')}")
    columns = ["id", "entityid", "companyname", "email", "externalid", "isinactive", wanted.tax_field]
    columns += [wanted.duns_field] if wanted.duns_field else []
    return select(", ".join(columns), "customer", " OR ".join(tests), "id")


def _plain(text: str) -> str:
    """Without the sign that stands for anything in a LIKE: a company called % is not every company."""
    return text.replace("%", "")


def bare(text: str) -> str:
    """A number as compared: capitals, no blanks, dots and hyphens."""
    return text.upper().replace(" ", "").replace(".", "").replace("-", "")


def _bare(column: str) -> str:
    return f"REPLACE(REPLACE(REPLACE(UPPER({column}), ' ', ''), '.', ''), '-', '')"


_FORMS = frozenset(
    ["&", "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated", "kg"]
) | frozenset(
    ["kgaa", "limited", "llc", "ltd", "mbh", "nv", "ohg", "oy", "plc", "sa", "sarl", "sas", "se", "ug"]
)


def stem(name: str) -> str:
    """A company's name as compared: lower case, without its legal form at the end."""
    words = name.lower().replace(",", " ").split()
    while len(words) > 1 and words[-1].replace(".", "") in _FORMS:
        words.pop()
    return " ".join(words)


_OPEN = (
    "t.id, t.type, t.tranid, t.externalid, t.entity, c.symbol, t.foreigntotal, t.foreignamountunpaid, "
    "t.foreignpaymentamountunused, TO_CHAR(t.duedate, 'YYYY-MM-DD') AS duedate, t.status, "
    "BUILTIN.DF(t.status) AS statusname, t.voided"
)
_BOOKED = "transaction t JOIN currency c ON c.id = t.currency"


def open_items(after: int) -> str:
    """What customers owe and what is left of their credits and payments now, from an id on."""
    owed = "t.type = 'CustInvc' AND t.foreignamountunpaid <> 0"
    left = "t.type IN ('CustCred', 'CustPymt', 'CustDep') AND t.foreignpaymentamountunused <> 0"
    return select(_OPEN, _BOOKED, f"t.id > {after} AND t.voided = 'F' AND (({owed}) OR ({left}))", "t.id")


def booked(ids: Sequence[str]) -> str:
    """The same figures of some transactions, open or not."""
    kinds = "'CustInvc', 'CustCred', 'CustPymt', 'CustDep'"
    return select(_OPEN, _BOOKED, f"t.id IN ({numbers(ids)}) AND t.type IN ({kinds})", "t.id")
