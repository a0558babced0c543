"""One transaction (TxDtls) of any camt entry: references, parties, remittance, charges, rates.

Source: ISO 20022 message definition reports of camt.052, .053 and .054, versions 001.01 to 001.13; what
moved between versions has a path for each place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from connectors.bank import translate
from connectors.bank.camt_shape import Shape, Twig, decimal_of, each, first
from connectors.bank.statement import (
    NOBODY,
    Amount,
    Charge,
    Document,
    Party,
    Reference,
    Transaction,
)

_SIGN = {"CRDT": 1, "DBIT": -1}
_TRUE = ("true", "1")
_KIND = ("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd", "RfrdDocTp/Cd")
_ACCOUNT = ("Id/IBAN", "Id/Othr/Id", "Id/BBAN", "Id/UPIC", "Id/PrtryAcct/Id")
_RETURN = ("Rsn/Cd", "Rsn/Prtry", "RtrRsn/Cd", "RtrRsn/Prtry")


def account(node: Twig | None) -> str:
    """An account number without spaces: IBAN, or what the bank uses instead."""
    return "".join(node.word(*_ACCOUNT).split()) if node else ""


class _Inside(NamedTuple):
    """Where the fields of a transaction of one shape stand among its values."""

    payer: Sequence[Sequence[int]]
    payee: Sequence[Sequence[int]]
    end_to_end_id: Sequence[int]
    bank_reference: Sequence[int]
    customer_reference: Sequence[int]
    mandate_id: Sequence[int]
    cheque_number: Sequence[int]
    text: Sequence[int]
    additional: Sequence[int]
    purpose: Sequence[int]
    returned: Sequence[int]
    structured: bool
    charged: bool
    converted: bool


@lru_cache(maxsize=4_096)
def _inside(part: Shape) -> _Inside:
    return _Inside(
        _party_places(part, "Dbtr"),
        _party_places(part, "Cdtr"),
        part.texts(("Refs/EndToEndId",)),
        part.texts(("Refs/AcctSvcrRef",)),
        part.texts(("Refs/InstrId", "Refs/TxId")),
        part.texts(("Refs/MndtId",)),
        part.texts(("Refs/ChqNb",)),
        part.texts(("RmtInf/Ustrd",)),
        part.texts(("AddtlTxInf",)),
        part.texts(("Purp/Cd", "Purp/Prtry")),
        part.texts(tuple(f"RtrInf/{path}" for path in _RETURN)),
        bool(part.all("RmtInf/Strd")),
        bool(part.all("Chrgs")),
        bool(part.all("AmtDtls")),
    )


def _party_places(part: Shape, role: str) -> Sequence[Sequence[int]]:
    """Name, account, BIC, id. A party is the element itself until version 07, its Pty or Agt child since."""
    heres = [f"RltdPties/{role}/{step}" for step in ("Pty/", "Agt/FinInstnId/", "")]
    held = f"RltdPties/{role}Acct"
    ids = ("Id/*/Othr/Id", "Id/OrgId/AnyBIC", "Id/OrgId/BICOrBEI")
    return (
        part.texts((*(f"{here}Nm" for here in heres), f"{held}/Nm")),
        part.texts(tuple(f"{held}/{path}" for path in _ACCOUNT)),
        part.texts(tuple(f"RltdAgts/{role}Agt/FinInstnId/{tag}" for tag in ("BICFI", "BIC"))),
        part.texts(tuple(f"{here}{path}" for here in heres for path in ids)),
    )


def transaction(node: Twig, part: Twig, amount: Decimal | None, currency: str) -> Transaction:
    """One payment inside an entry; `amount` is what it adds to the entry, None where not told."""
    at, values = _inside(part.shape), part.values
    references, narrative, documents = _remittance(part, at)
    charged = at.charged or node.has("Chrgs")
    return Transaction(
        amount=amount,
        currency=currency,
        payer=_party(values, at.payer),
        payee=_party(values, at.payee),
        end_to_end_id=first(values, at.end_to_end_id),
        bank_reference=first(values, at.bank_reference) or node.word("AcctSvcrRef"),
        customer_reference=first(values, at.customer_reference),
        mandate_id=first(values, at.mandate_id),
        cheque_number=first(values, at.cheque_number),
        references=references,
        narrative=narrative or (*each(values, at.additional), *node.words("AddtlNtryInf")),
        documents=documents,
        charges=(*_charges(part), *(_charges(node) if part is not node else ())) if charged else (),
        instructed=(_instructed(part) if at.converted else None) or _instructed(node),
        exchange_rate=(_rate(part) if at.converted else None) or _rate(node),
        purpose=first(values, at.purpose),
        return_reason=first(values, at.returned),
    )


def _party(values: Sequence[str], places: Sequence[Sequence[int]]) -> Party:
    name, held, bic, id_ = places
    if not (name or held or bic or id_):
        return NOBODY
    number = "".join(first(values, held).split())
    return Party(first(values, name), number, first(values, bic), first(values, id_))


def _remittance(
    part: Twig, at: _Inside
) -> tuple[tuple[Reference, ...], tuple[str, ...], tuple[Document, ...]]:
    """References, texts and documents: unstructured blocks stand before structured ones (RmtInf)."""
    narrative = each(part.values, at.text)
    references: list[Reference] = []
    documents: list[Document] = []
    for block in part.all("RmtInf/Strd") if at.structured else ():
        value = translate.compact(block.word("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"))
        if value:
            references.append(Reference(value, translate.kind_of(value)))
        documents += _documents(block)
        narrative += block.words("AddtlRmtInf")
    if not references and any("RF" in one.upper() for one in narrative):
        references = [Reference(one, "RF") for one in translate.find_rf(narrative)]
    return tuple(references), tuple(narrative), tuple(documents)


def _documents(block: Twig) -> Iterator[Document]:
    """Documents of one structured block; its amounts belong to the document where there is only one."""
    heads = list(block.all("RfrdDocInf"))
    amounts = block.one("RfrdDocAmt")
    for head in heads:
        own = amounts if len(heads) == 1 else None
        yield _document(block, head, [own] if own else list(head.all("LineDtls/Amt")))
    if amounts is not None and len(heads) != 1:
        yield _document(block, None, [amounts])


def _document(block: Twig, head: Twig | None, amounts: Sequence[Twig]) -> Document:
    """Amounts: RfrdDocAmt, or those of its lines (LineDtls, since version 07). Discount nests since 03.

    An adjustment of DBIT makes the payment less, and so does a credit note, whatever its type says.
    """
    paid = next((one for part in amounts for one in part.all("RmtdAmt")), None)
    credit = None if paid else next((one for part in amounts for one in part.all("CdtNoteAmt")), None)
    told = paid or credit
    reasons = (one.word("AdjstmntAmtAndRsn/Rsn") for one in amounts)
    return Document(
        number=head.word("Nb", "RfrdDocNb") if head else "",
        kind=head.word(*_KIND) if head else "",
        dated=_dated(block, head),
        paid=_sum(amounts, "RmtdAmt") if paid else _less(_sum(amounts, "CdtNoteAmt")),
        original=_sum(amounts, "DuePyblAmt", "DuePyblAmt/Amt"),
        discount=_sum(amounts, "DscntApldAmt/Amt", "DscntApldAmt"),
        adjustment=_adjustment(amounts),
        reason=next((one for one in reasons if one), ""),
        currency=told.currency if told else "",
    )


def _dated(block: Twig, head: Twig | None) -> date | None:
    words = (head.word("RltdDt", "RltdDt/Dt") if head else "") or block.word("RfrdDocRltdDt")
    try:
        return date.fromisoformat(words[:10])
    except ValueError:
        return None


def _sum(amounts: Sequence[Twig], *paths: str) -> Decimal | None:
    """All amounts on the first path that has any: there may be several discounts and several lines."""
    for path in paths:
        known = [decimal_of(words) for one in amounts for words in one.words(path)]
        values = [value for value in known if value is not None]
        if values:
            return sum(values, Decimal(0))
    return None


def _less(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -abs(amount)


def _adjustment(amounts: Sequence[Twig]) -> Decimal | None:
    found = [one for part in amounts for one in part.all("AdjstmntAmtAndRsn")]
    known = [(_SIGN.get(one.word("CdtDbtInd"), 1), decimal_of(one.word("Amt"))) for one in found]
    values = [sign * value for sign, value in known if value is not None]
    return sum(values, Decimal(0)) if values else None


def _charges(node: Twig) -> Iterator[Charge]:
    """One record each since version 03, before that the block itself was the record."""
    for block in node.all("Chrgs"):
        for one in list(block.all("Rcrd")) or [block]:
            told = one.one("Amt", "TtlChrgsAndTaxAmt")
            value = decimal_of(told.text) if told else None
            if told is not None and value is not None:
                sign = -1 if one.word("CdtDbtInd") == "CRDT" else 1
                yield Charge(sign * value, told.currency, one.word("ChrgInclInd") in _TRUE, one.word("Br"))


def _instructed(node: Twig) -> Amount | None:
    told = node.one("AmtDtls/InstdAmt/Amt")
    value = decimal_of(told.text) if told else None
    return Amount(value, told.currency) if told and value is not None else None


def _rate(node: Twig) -> Decimal | None:
    if not node.has("AmtDtls"):
        return None
    return next((decimal_of(words) for words in node.words("AmtDtls/*/CcyXchg/XchgRate")), None)
