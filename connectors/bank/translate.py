"""Pure conversions of a bank line: references and their check digits, its identity, how it was paid."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from connectors.bank.statement import Entry, Transaction

_RF = re.compile(r"(?<![A-Z0-9])RF\d\d[A-Z0-9]{1,21}(?![A-Z0-9])", re.ASCII)
_QRR = re.compile(r"\d{27}", re.ASCII)
_CARRY = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)  # modulo 10 recursive, Swiss payment standards QR-bill annex B
# Words banks put where there is nothing to tell (EPC SCT rulebook: NOTPROVIDED; SWIFT: NONREF).
PLACEHOLDERS = frozenset({"NOTPROVIDED", "NONREF", "NONE", "NOREF", "UNKNOWN", "NA", "0"})
# ISO 20022 external bank transaction sub-family codes of bookings that undo one of ours: reversals because
# of a return, a cancellation, an unpaid or reversed direct debit, an unpaid or reversed cheque.
_UNDOING = frozenset({"RPCR", "RRTN", "UPCT", "UPDD", "PRDD", "RCDD", "UPCQ", "CQRV", "NPCC"})
_UNDOING_SWIFT = ("RTI",)  # SWIFT MT940 field 61, subfield 6: returned item
_FAMILIES = {
    "RCDT": "transfer", "ICDT": "transfer", "RRCT": "transfer", "IRCT": "transfer", "RDDT": "direct_debit",
    "IDDT": "direct_debit", "RCHQ": "cheque", "ICHQ": "cheque", "CCRD": "card", "MCRD": "card",
    "CNTR": "cash", "LBOX": "cheque",
}  # fmt: skip
_SEPA_DEBITS = frozenset({"ESDD", "BBDD"})
_SWIFT = {
    "TRF": "transfer", "CLR": "transfer", "STO": "transfer", "CHK": "cheque", "COL": "cheque",
    "DDT": "direct_debit", "RTI": "direct_debit",
}  # fmt: skip
_BAI2 = {
    "115": "cheque", "116": "cheque", "175": "cheque", "301": "cheque", "475": "cheque", "555": "cheque",
    "142": "ach_credit", "165": "ach_credit", "169": "ach_credit", "557": "ach_debit", "257": "ach_credit",
    "195": "transfer", "206": "transfer", "208": "transfer", "191": "transfer", "495": "transfer",
}  # fmt: skip


def compact(reference: str) -> str:
    """Upper case without spaces, as a reference is compared."""
    return "".join(reference.split()).upper()


def is_rf(reference: str) -> bool:
    """Is it an ISO 11649 creditor reference with right check digits (ISO 7064 modulo 97-10)?"""
    value = compact(reference)
    if not _RF.fullmatch(value):
        return False
    digits = "".join(str(int(char, 36)) for char in value[4:] + value[:4])
    return int(digits) % 97 == 1


def is_iban(account: str) -> bool:
    """ISO 13616: at most 34 characters, ISO 7064 modulo 97-10 over the rearranged number."""
    if not account.isascii() or not account.isalnum() or not 15 <= len(account) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1


def is_qrr(reference: str) -> bool:
    """Is it a Swiss QR reference (27 digits, modulo 10 recursive)?"""
    value = compact(reference)
    if not _QRR.fullmatch(value) or not value.strip("0"):
        return False
    carry = 0
    for digit in value[:-1]:
        carry = _CARRY[(carry + int(digit)) % 10]
    return (10 - carry) % 10 == int(value[-1])


def kind_of(reference: str) -> str:
    """RF, QRR, or OTHER: a bank's or country's own, whose check digits are not known here."""
    if is_rf(reference):
        return "RF"
    return "QRR" if is_qrr(reference) else "OTHER"


def find_rf(lines: Sequence[str]) -> list[str]:
    """Valid ISO 11649 references written out in free text, each once."""
    found = (one for line in lines for one in _RF.findall(line.upper()))
    return list(dict.fromkeys(one for one in found if is_rf(one)))


def identifies(reference: str) -> bool:
    """Is it a reference at all, and not a bank's word for none?"""
    value = compact(reference)
    return bool(value.strip("0")) and value not in PLACEHOLDERS


def same_account(told: str, wanted: str, currency: str = "") -> bool:
    """Is the account of a file the one a connection is for, which may be told as an IBAN?

    Files write `bank code/number` (German MT940), the number alone (older Dutch ones), or the currency
    behind it. Eight digits must agree.
    """
    one = re.sub(r"[^A-Z0-9]", "", told.upper())
    if one == wanted or (currency and one == f"{wanted}{currency}"):
        return True
    digits = one.lstrip("0")
    return is_iban(wanted) and len(digits) >= 8 and wanted[4:].endswith(digits)


def line_key(place: Sequence[str], page: str, entry: Entry, told: Transaction) -> str:
    """What makes a line the same line when it is told again: in a re-sent file, or in camt.052, then .053.

    `place`: account, booking date, amount.

    The bank's reference, if it gave one, with day and amount, because some banks use one reference for
    many bookings; inside a batch that shares one, the payer's own references too. Without a reference
    everything the line says. Text is left out where there is one: a corrected file may spell it differently.
    """
    key = [*place, entry.currency, told.bank_reference]
    own = [told.end_to_end_id, told.customer_reference, told.payer.account]
    if not identifies(told.bank_reference):
        key += ["text", *own, told.cheque_number, compact(" ".join(told.narrative)), page]
    elif len(entry.transactions) > 1 and told.bank_reference == entry.bank_reference:
        key += own
    return "\x1f".join(key)


def line_uid(key: str, ordinal: int) -> str:
    """External id of a line. `ordinal` counts lines of one file with the same key: both are real."""
    return hashlib.sha256(f"{key}\x1f{ordinal}".encode()).hexdigest()


def takes_back(entry: Entry, told: Transaction) -> bool:
    """Does a debit undo money that came in before (a reversal, a return), or reduce a batch of credits?"""
    code, _, rest = entry.bank_code.partition("/")
    undoing = rest.rpartition("/")[2] in _UNDOING or code[1:] in _UNDOING_SWIFT
    return bool(entry.reversal or told.return_reason or entry.amount > 0 or undoing)


def method_of(known: str, entry: Entry, told: Transaction) -> str:
    """How it was paid: transfer, cheque, card, cash, direct_debit, sepa_debit, ach_credit, ach_debit, or "".

    By the bank's transaction code: ISO 20022 family, SWIFT type of field 61, BAI2 type code.
    """
    if known == "lockbox" or told.cheque_number:
        return "cheque"
    if known == "nacha":
        return "ach_credit" if entry.amount >= 0 else "ach_debit"
    if known == "bai2":
        return _BAI2.get(entry.bank_code, "")
    first, *rest = entry.bank_code.split("/")
    if known.startswith("camt") and rest:
        return "sepa_debit" if rest[-1] in _SEPA_DEBITS else _FAMILIES.get(rest[0], "")
    return _SWIFT.get(first[1:], "") if known.startswith("mt94") else ""
