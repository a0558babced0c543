"""The text of an MT940 line (:86:): German subfields, Dutch slash tags, or words for people.

Source: DFÜ agreement of the German banking industry, annex 3 (business transaction codes and fields
?00 to ?63, SEPA qualifiers); format descriptions of ABN AMRO, ING and Rabobank (slash tags).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from connectors.bank import translate

# The mark before subfields is the bank's choice; what stands in numbers and days ("100,00") is none.
_GERMAN = re.compile(r"(\d{3})([^\w\s/.,:+-])(?=\d\d)", re.ASCII)
_CODES = "00|10|2\\d|3[0-4]|6[0-3]"
_SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|COAM|OAMT|PURP)\+", re.ASCII)
_TAGS = (
    "TRTP|IBAN|BIC|NAME|REMI|EREF|CNTP|ORDP|BENM|CSID|RTRN|MARF|PREF|PURP|ULTB|ULTD|ULTC|ISDT|ADDR|ID|SVCL|"
    "CREF|ACCW|EXCH|CHGS\\d?|OCMT|BUSP|TYPE|SBDT|INST|UDTR|UCRD|IREF|RREF|CUID|SWOD|SWOC|SUM|VACC|BO|BO1"
)
_SLASH = re.compile(rf"/({_TAGS})/", re.ASCII)
_BEGINS_SLASH = re.compile(r"/[A-Z0-9]{2,5}/", re.ASCII)
_STRUCTURED = re.compile(r"(?:STRD/)?(?:CUR|SCOR|CDTRREFTP/+CD/SCOR/+(?:ISSR/\w*/)?CDTRREF)/(\S+)", re.ASCII)
_RATE = re.compile(r"\d{1,8}[.,]?\d{0,10}", re.ASCII)
_NOTHING = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED", ""})


class Told(NamedTuple):
    """What the text says; `references` are value and kind; `raw` is the text without line breaks."""

    narrative: tuple[str, ...] = ()
    code: str = ""
    name: str = ""
    account: str = ""
    bic: str = ""
    end_to_end_id: str = ""
    mandate_id: str = ""
    purpose: str = ""
    return_reason: str = ""
    references: tuple[tuple[str, str], ...] = ()
    exchange_rate: Decimal | None = None
    raw: str = ""


def told(lines: Sequence[str]) -> Told:
    """The text of one line in whichever dialect it is written; nothing of it is lost to the narrative."""
    if not lines:
        return Told()
    joined = "".join(lines)
    german = _GERMAN.match(joined.lstrip())
    if german:
        found = _german(joined.lstrip(), german[2])
    elif _BEGINS_SLASH.match(lines[0].lstrip()) and _SLASH.search(joined):
        found = _slashed(joined)
    else:
        found = Told(tuple(line.strip() for line in lines if line.strip()))
    likely = not found.references and "RF" in joined.upper()
    written = translate.find_rf(found.narrative) if likely else []
    if written:
        found = found._replace(references=tuple((one, "RF") for one in written))
    return found._replace(raw=joined)


@lru_cache(maxsize=64)
def _subfields(mark: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(mark)}({_CODES})")


def _german(text: str, mark: str) -> Told:
    pieces = _subfields(mark).split(text[3:])
    fields = list(zip(pieces[1::2], (one.strip("\r\n") for one in pieces[2::2]), strict=False))
    lines = [words for code, words in fields if code[0] in "26" and words.strip()]
    if not fields or pieces[0]:
        return Told((text.strip(),))  # no subfields after all
    told: dict[str, list[str]] = {}
    for code, words in fields:
        told.setdefault(code, []).append(words)
    by_code = {code: "".join(words) for code, words in told.items()}
    sepa, narrative = _sepa(lines)
    bank, number = by_code.get("30", "").strip(), "".join(by_code.get("31", "").split())
    return Told(
        narrative=narrative,
        code=text[:3],
        name=" ".join(f"{by_code.get('32', '')}{by_code.get('33', '')}".split()),
        account=number or "".join(sepa.get("IBAN", "").split()),
        bic=bank or sepa.get("BIC", ""),
        end_to_end_id=_given(sepa.get("EREF", "")),
        mandate_id=_given(sepa.get("MREF", "")),
        purpose=sepa.get("PURP", ""),
        return_reason=by_code.get("34", "").strip(),
    )


def _sepa(lines: Sequence[str]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """SEPA qualifiers of the purpose lines, which run on over several ?2x fields, and the narrative."""
    joined = "".join(lines)
    pieces = _SEPA.split(joined)
    if len(pieces) == 1:
        return {}, tuple(one.strip() for one in lines)
    found: dict[str, list[str]] = {}
    narrative = [pieces[0].strip()] if pieces[0].strip() else []
    for tag, words in zip(pieces[1::2], pieces[2::2], strict=True):
        found.setdefault(tag, []).append(words.strip())
        if tag in ("SVWZ", "ABWA", "ABWE", "COAM", "OAMT") and words.strip():
            narrative.append(words.strip() if tag == "SVWZ" else f"{tag}+{words.strip()}")
    return {tag: " ".join(words) for tag, words in found.items()}, tuple(narrative)


def _slashed(text: str) -> Told:
    pieces = _SLASH.split(text)
    fields = list(zip(pieces[1::2], (one.strip().strip("/") for one in pieces[2::2]), strict=True))
    first: dict[str, str] = {}
    for tag, words in fields:
        if words:
            first.setdefault(tag, words)
    number, bic, name = _counterparty(dict(fields).get("CNTP", ""))
    remitted = [words for tag, words in fields if tag == "REMI" and words]
    rate = _RATE.fullmatch(first.get("EXCH", "").replace(" ", ""))
    plain = tuple(_unlabelled(one) for one in remitted) or (first.get("TRTP", ""),)
    return Told(
        narrative=tuple(one for one in (pieces[0].strip(), *plain) if one),
        code=first.get("TRTP", "") if len(first.get("TRTP", "")) <= 35 else "",
        name=name or first.get("NAME", ""),
        account=number or "".join(first.get("IBAN", "").split()),
        bic=bic or first.get("BIC", ""),
        end_to_end_id=_given(first.get("EREF", "")),
        mandate_id=_given(first.get("MARF", "")),
        purpose=first.get("PURP", "").removeprefix("CD/"),
        return_reason=first.get("RTRN", ""),
        references=tuple(_structured(remitted)),
        exchange_rate=Decimal(rate[0].replace(",", ".").rstrip(".")) if rate else None,
    )


def _counterparty(words: str) -> tuple[str, str, str]:
    """ING: account/BIC/name/city."""
    parts = [*words.split("/"), "", "", ""]
    return "".join(parts[0].split()), parts[1].strip(), parts[2].strip()


def _structured(remitted: Sequence[str]) -> list[tuple[str, str]]:
    found = [one[1] for words in remitted for one in _STRUCTURED.finditer(words)]
    values = [translate.compact(one.strip("/")) for one in found]
    return [(one, translate.kind_of(one)) for one in dict.fromkeys(values) if one]


def _unlabelled(words: str) -> str:
    return words.removeprefix("USTD//").removeprefix("USTD/").strip("/ ")


def _given(reference: str) -> str:
    return "" if reference.strip().upper() in _NOTHING else reference.strip()
