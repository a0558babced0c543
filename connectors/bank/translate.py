"""Pure conversions of a bank line: its identity, and the references its remittance carries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

_RF = re.compile(r"(?<![A-Z0-9])RF\d\d[A-Z0-9]{1,21}(?![A-Z0-9])", re.ASCII)
_QRR = re.compile(r"\d{27}", re.ASCII)
_CARRY = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)  # modulo 10 recursive, Swiss payment standards QR-bill annex B
# Words banks put where there is nothing to tell (EPC SCT rulebook: NOTPROVIDED; SWIFT: NONREF).
PLACEHOLDERS = frozenset({"NOTPROVIDED", "NONREF", "NONE", "NOREF", "UNKNOWN", "NA", "0"})


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


def remittance(blocks: Sequence[Mapping[str, Any]], additional: Sequence[str]) -> dict[str, Any]:
    """The creditor reference and the text lines of a remittance, in the bank's order.

    A structured reference wins; without one, a single valid RF reference in the text counts. Further
    references and document numbers become text lines, so that nothing is lost. A bank that sends no
    remittance information often has it in the additional information instead.
    """
    references: list[dict[str, Any]] = []
    lines: list[str] = []
    for block in blocks:
        structured = block.get("structured")
        if structured is None:
            lines.append(block["text"])
            continue
        value = compact(structured["reference"])
        if value:
            known = {"value": value, "kind": kind_of(value), "type": structured["reference_type"]}
            references.append({**known, "issuer": structured["reference_issuer"]})
        lines += [
            f"{one['type']} {one['number']}".strip() for one in structured["documents"] if one["number"]
        ]
        lines += structured["additional"]
    lines = lines or list(additional)
    written = find_rf(lines)
    chosen = references[0]["value"] if references else written[0] if len(written) == 1 else ""
    return {
        "creditor_reference": chosen,
        "creditor_reference_kind": kind_of(chosen) if chosen else "",
        "creditor_references": references,
        "remittance_information": [*lines, *(one["value"] for one in references[1:])],
    }


def line_key(account: str, page: str, line: Mapping[str, Any]) -> str:
    """What makes a line the same line when its statement is sent again.

    The bank's reference, if it gave one, with day and amount, because some banks use one reference for
    many bookings. Without it everything the line says. Text is left out where there is a reference:
    a corrected file may spell it differently.
    """
    references = [line["entry_bank_reference"], line["bank_reference"], line["end_to_end_id"]]
    told = [account, line["booked_on"], f"{line['amount'].normalize():f}", line["currency"], *references]
    if not any(_identifies(one) for one in references[:2]):
        words = compact(" ".join(line["remittance_information"]))
        told += ["text", line["debtor"]["account"], words, page]
    return "\x1f".join([*told, line["transaction_id"], "rest" if line["residual"] else ""])


def _identifies(reference: str) -> bool:
    value = compact(reference)
    return bool(value.strip("0")) and value not in PLACEHOLDERS


def line_uid(key: str, ordinal: int) -> str:
    """External id of a line. `ordinal` counts lines of one file with the same key: both are real."""
    return hashlib.sha256(f"{key}\x1f{ordinal}".encode()).hexdigest()
