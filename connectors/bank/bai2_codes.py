"""BAI2 type codes: which way the money goes, and what the commonest codes are called.

Source: BAI Cash Management Balance Reporting Specifications, Version 2, appendix A (uniform type codes).
"""

from __future__ import annotations

from functools import cache

OPENING, CLOSING = "010", "015"  # ledger balances
CREDITS, DEBITS = "100", "400"  # totals of an account

# Those that decide how money is applied; every other code is told by its range.
NAMES = {
    "115": "lockbox deposit",
    "116": "item in lockbox deposit",
    "142": "ACH credit received",
    "165": "preauthorized ACH credit",
    "169": "miscellaneous ACH credit",
    "174": "other deposit",
    "175": "check deposit package",
    "191": "individual incoming internal money transfer",
    "195": "incoming money transfer",
    "206": "book transfer credit",
    "208": "international money transfer credit",
    "257": "individual ACH return item",
    "261": "individual ACH reject",
    "266": "return item",
    "301": "commercial deposit",
    "447": "ACH settlement debit",
    "451": "ACH debit received",
    "475": "check paid",
    "495": "outgoing money transfer",
    "555": "deposited item returned",
    "557": "individual ACH return item",
    "698": "miscellaneous fees",
    "699": "miscellaneous debit",
}
REVERSALS = frozenset({"252", "255", "257", "261", "266", "552", "555", "557", "561", "566"})


@cache
def sign_of(code: str) -> int:
    """1 for a credit, -1 for a debit, 0 for a code that moves no money (a status, a note)."""
    number = int(code)
    if 100 <= number <= 399 or 720 <= number <= 759 or 920 <= number <= 959:
        return 1
    if 400 <= number <= 699 or 760 <= number <= 799 or 960 <= number <= 999:
        return -1
    return 0
