"""BAI2 balance and transaction reports into statements: one per account and reporting day.

Source: BAI Cash Management Balance Reporting Specifications, Version 2. The sums and counts of
records 49, 98 and 99 are compared; where one does not hold, the statements below it carry the arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO

from connectors.bank import bai2_codes, references
from connectors.bank.bai2_parse import Account, Control, Detail, Group, Report, reports
from connectors.bank.bai2_records import records
from connectors.bank.flat import decoded, implied, lines, taken
from connectors.bank.statement import (
    NOBODY,
    Balance,
    Entry,
    Party,
    Problem,
    Statement,
    Transaction,
    broken,
)

_HEAD = re.compile(rb"(\xef\xbb\xbf)?\s*01,[^,\n]{0,40},[^,\n]{0,40},\d{6},")
# Tags banks write into the text, one per continuation, and what they mean.
_TAG = re.compile(r"([A-Z][A-Z ]{1,11}):=?\s*(\S.*)", re.ASCII)
_END_TO_END = ("EREF",)
_PAYER_NAME, _PAYER_ACCOUNT, _PAYER_BIC = ("DBNM", "ORG"), ("DACT",), ("DBIC",)
_PAYEE_NAME, _PAYEE_ACCOUNT, _PAYEE_BIC = ("CRNM", "BNF NAME"), ("CACT", "BNF ID"), ("CBIC",)


def recognises(head: bytes) -> str:
    """`bai2` for a file that begins with a BAI2 file header."""
    return "bai2" if _HEAD.match(head) else ""


def read(source: bytes | IO[bytes]) -> Iterator[Statement]:
    """Every account of every group. Raises Invalid naming the line of what is not BAI2."""
    for whole in reports(records(lines(decoded(taken(source))))):
        above = _file_problems(whole)
        _begun(whole, above)
        for group in whole.groups:
            shared = [*_group_problems(group), *above]
            for account in group.accounts:
                own = [*account.unread, *_account_problems(account)]
                yield _statement(account, group, whole, [*own, *shared])


def _begun(whole: Report, above: Sequence[Problem]) -> None:
    """Raises Invalid for a file that ends before its first account: there is no statement to carry that."""
    if above and not any(one.accounts for one in whole.groups):
        raise broken(above[0].line, f"no account in the file: {above[0].message}", "record")


def _statement(account: Account, group: Group, whole: Report, problems: Sequence[Problem]) -> Statement:
    balances = {
        one.type: Balance(implied(str(one.units), account.currency, f"line {account.line}"), account.currency)
        for one in account.summaries
        if one.type in (bai2_codes.OPENING, bai2_codes.CLOSING)
    }
    closing = balances.get(bai2_codes.CLOSING)
    # A report of balances alone, without a single detail, moves from one to the other unexplained.
    opening = balances.get(bai2_codes.OPENING) if account.details or account.unread else None
    return Statement(
        account="".join(account.number.split()),
        currency=account.currency,
        opening=opening,
        closing=closing._replace(on=group.as_of) if closing else None,
        entries=[_entry(one, account, group) for one in account.details],
        number=whole.number,
        created=whole.created_on.isoformat() if whole.created_on else "",
        problems=problems,
        line=account.line,
    )


def _entry(detail: Detail, account: Account, group: Group) -> Entry:
    tagged = [found for line in detail.text if ":" in line and (found := _TAG.fullmatch(line.strip()))]
    tags = {found[1]: found[2] for found in tagged}
    cheque = detail.customer_reference if detail.type in ("475", "555") else ""
    transaction = Transaction(
        amount=detail.amount,
        currency=account.currency,
        payer=_party(tags, _PAYER_NAME, _PAYER_ACCOUNT, _PAYER_BIC),
        payee=_party(tags, _PAYEE_NAME, _PAYEE_ACCOUNT, _PAYEE_BIC),
        end_to_end_id=_tagged(tags, _END_TO_END),
        bank_reference=detail.bank_reference,
        customer_reference=detail.customer_reference,
        cheque_number=cheque,
        references=references.found_in(detail.text),
        narrative=detail.text,
        purpose=bai2_codes.NAMES.get(detail.type, ""),
    )
    return Entry(
        amount=detail.amount,
        currency=account.currency,
        booked_on=group.as_of,
        value_on=detail.value_on,
        bank_code=detail.type,
        reversal=detail.type in bai2_codes.REVERSALS,
        bank_reference=detail.bank_reference,
        transactions=(transaction,),
        line=detail.line,
    )


def _party(tags: dict[str, str], *kinds: Sequence[str]) -> Party:
    if not tags:
        return NOBODY
    name, account, bic = (_tagged(tags, one) for one in kinds)
    return Party(name, "".join(account.split()), bic)


def _tagged(tags: dict[str, str], names: Sequence[str]) -> str:
    return next((tags[one].strip() for one in names if one in tags), "")


def _account_problems(account: Account) -> list[Problem]:
    """Record 49: the sum of every amount in 03 and 16 as written, and the physical records."""
    claimed = account.control
    if claimed is None:
        return [Problem(account.line, "the account has no trailer 49: the file was cut off")]
    balances = sum(one.units for one in account.summaries)
    details = sum(one.units for one in account.details)
    found = _compared("account", balances + details, claimed, account.records)
    if found and balances + details != claimed.units:
        sums = f"balances and totals {balances} plus details {details}"
        found[0] = Problem(claimed.line, f"{sums} is {balances + details}, its trailer says {claimed.units}")
    return found


def _group_problems(group: Group) -> list[Problem]:
    if group.control is None:
        return [Problem(group.line, "the group has no trailer 98: the file was cut off")]
    units = sum(one.control.units for one in group.accounts if one.control)
    return _compared(
        "group", units, group.control, group.records, parts=len(group.accounts), named="accounts"
    )


def _file_problems(whole: Report) -> list[Problem]:
    if whole.control is None:
        return [Problem(whole.last, "the file has no trailer 99: it was cut off")]
    units = sum(one.control.units for one in whole.groups if one.control)
    return _compared("file", units, whole.control, whole.records, parts=len(whole.groups), named="groups")


def _compared(
    what: str, units: int, claimed: Control, physical: int, *, parts: int | None = None, named: str = ""
) -> list[Problem]:
    """What a trailer says and does not hold, in minor units and counts."""
    told: Sequence[tuple[str, int | None, int | None]] = (
        ("control total", units, claimed.units),
        (named, parts, claimed.parts),
        ("records", physical, claimed.records),
    )
    return [
        Problem(claimed.line, f"{what}: {name} {found}, its trailer says {says}")
        for name, found, says in told
        if found is not None and says is not None and found != says
    ]
