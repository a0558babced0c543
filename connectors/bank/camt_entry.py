"""One entry (Ntry) of any camt message with the transactions it consists of.

Source: ISO 20022 message definition reports of camt.052, .053 and .054, versions 001.01 to 001.13; what
moved between versions has a path for each place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from connectors.bank import translate
from connectors.bank.camt_tree import Twig, day_of, decimal_of
from connectors.bank.statement import (
    Amount,
    Batch,
    Charge,
    Document,
    Entry,
    Party,
    Reference,
    Status,
    Transaction,
    broken,
)

_STATUS = {"PDNG": Status.PENDING, "FUTR": Status.PENDING, "INFO": Status.INFORMATION}
_SIGN = {"CRDT": 1, "DBIT": -1}
_TRUE = ("true", "1")
_KIND = ("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd", "RfrdDocTp/Cd")
_ACCOUNT = ("Id/IBAN", "Id/Othr/Id", "Id/BBAN", "Id/UPIC", "Id/PrtryAcct/Id")
_RETURN = ("Rsn/Cd", "Rsn/Prtry", "RtrRsn/Cd", "RtrRsn/Prtry")


def entry(node: Twig) -> Entry:
    """The entry; CdtDbtInd already tells the direction of a reversal. Raises Invalid naming its line."""
    told = node.one("Amt")
    value = decimal_of(told.text) if told else None
    if told is None or value is None:
        raise broken(node.line, f"{told.text[:40] if told else ''!r} is not an amount", "Amt")
    sign = _SIGN.get(node.word("CdtDbtInd"))
    if sign is None:
        raise broken(node.line, f"{node.word('CdtDbtInd')[:10]!r} is neither CRDT nor DBIT", "CdtDbtInd")
    amount = sign * value
    parts = [*node.all("NtryDtls/TxDtls"), *node.all("TxDtls")]
    return Entry(
        amount=amount,
        currency=told.currency,
        booked_on=day_of(node.one("BookgDt")),
        value_on=day_of(node.one("ValDt")),
        bank_code=_code(node) or next((code for one in parts if (code := _code(one))), ""),
        reversal=node.word("RvslInd") in _TRUE or any("RtrInf" in one.kids for one in parts),
        status=_STATUS.get(node.word("Sts/Cd", "Sts"), Status.BOOKED),
        bank_reference=node.word("AcctSvcrRef") or node.word("NtryRef"),
        transactions=tuple(_transactions(node, parts, amount, told.currency)),
        batch=_batch(node),
        line=node.line,
    )


def account(node: Twig | None) -> str:
    """An account number without spaces: IBAN, or what the bank uses instead."""
    return "".join(node.word(*_ACCOUNT).split()) if node else ""


def _transactions(node: Twig, parts: Sequence[Twig], amount: Decimal, currency: str) -> Iterator[Transaction]:
    if len(parts) <= 1:
        yield _transaction(node, parts[0] if parts else node, amount, currency)
        return
    for part in parts:
        yield _transaction(node, part, _own(part, currency, -1 if amount < 0 else 1), currency)


def _own(part: Twig, currency: str, sign: int) -> Decimal | None:
    """What a transaction of a batch adds to the entry, None where the bank does not tell."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt"):
        told = part.one(path)
        if told is not None and told.currency == currency:
            value = decimal_of(told.text)
            if value is None:
                raise broken(told.line, f"{told.text[:40]!r} is not an amount", "Amt")
            return value * _SIGN.get(part.word("CdtDbtInd"), sign)
    return None


def _transaction(node: Twig, part: Twig, amount: Decimal | None, currency: str) -> Transaction:
    references, narrative, documents = _remittance(part)
    related, agents = part.one("RltdPties"), part.one("RltdAgts")
    refs = part.one("Refs")
    returned = part.one("RtrInf")
    return Transaction(
        amount=amount,
        currency=currency,
        payer=_party(related, agents, "Dbtr"),
        payee=_party(related, agents, "Cdtr"),
        end_to_end_id=refs.word("EndToEndId") if refs else "",
        bank_reference=(refs.word("AcctSvcrRef") if refs else "") or node.word("AcctSvcrRef"),
        customer_reference=refs.word("InstrId", "TxId") if refs else "",
        mandate_id=refs.word("MndtId") if refs else "",
        cheque_number=refs.word("ChqNb") if refs else "",
        references=references,
        narrative=narrative or (*part.words("AddtlTxInf"), *node.words("AddtlNtryInf")),
        documents=documents,
        charges=(*_charges(part), *(_charges(node) if part is not node else ())),
        instructed=_instructed(part) or _instructed(node),
        exchange_rate=_rate(part) or _rate(node),
        purpose=part.word("Purp/Cd", "Purp/Prtry"),
        return_reason=returned.word(*_RETURN) if returned else "",
    )


def _party(related: Twig | None, agents: Twig | None, role: str) -> Party:
    """A party is the element itself until version 07, its Pty or Agt child since 08."""
    if related is None and agents is None:
        return Party()
    here = related.one(f"{role}/Pty", f"{role}/Agt/FinInstnId", role) if related else None
    held = related.one(f"{role}Acct") if related else None
    name = (here.word("Nm") if here else "") or (held.word("Nm") if held else "")
    agent = agents.one(f"{role}Agt/FinInstnId") if agents else None
    bic = agent.word("BICFI", "BIC") if agent else ""
    number = here.one("Id") if here else None
    ids = [*number.words("*/Othr/Id", "OrgId/AnyBIC", "OrgId/BICOrBEI")] if number else []
    return Party(name, account(held), bic, ids[0] if ids else "")


def _remittance(part: Twig) -> tuple[tuple[Reference, ...], tuple[str, ...], tuple[Document, ...]]:
    """References, texts and documents: unstructured blocks stand before structured ones (RmtInf)."""
    told = part.one("RmtInf")
    if told is None:
        return (), (), ()
    narrative = told.words("Ustrd")
    references: list[Reference] = []
    documents: list[Document] = []
    for block in told.all("Strd"):
        value = translate.compact(block.word("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"))
        if value:
            references.append(Reference(value, translate.kind_of(value)))
        documents += _documents(block)
        narrative += block.words("AddtlRmtInf")
    if not references:
        references = [Reference(one, "RF") for one in translate.find_rf(narrative)]
    return tuple(references), tuple(narrative), tuple(documents)


def _documents(block: Twig) -> Iterator[Document]:
    """Documents of one structured block; its amounts belong to the document where there is only one."""
    heads = list(block.all("RfrdDocInf"))
    amounts = block.one("RfrdDocAmt")
    for head in heads:
        own = amounts if len(heads) == 1 else None
        yield _document(block, head, own)
    if amounts is not None and len(heads) != 1:
        yield _document(block, None, amounts)


def _document(block: Twig, head: Twig | None, amounts: Twig | None) -> Document:
    """Amounts: RfrdDocAmt; discount nests since version 03. An adjustment of DBIT makes the payment less."""
    paid = amounts.one("RmtdAmt", "CdtNoteAmt") if amounts else None
    return Document(
        number=head.word("Nb", "RfrdDocNb") if head else "",
        kind=head.word(*_KIND) if head else "",
        dated=_dated(block, head),
        paid=_amount(amounts, "RmtdAmt", "CdtNoteAmt"),
        original=_amount(amounts, "DuePyblAmt", "DuePyblAmt/Amt"),
        discount=_amount(amounts, "DscntApldAmt/Amt", "DscntApldAmt"),
        adjustment=_adjustment(amounts),
        reason=amounts.word("AdjstmntAmtAndRsn/Rsn") if amounts else "",
        currency=paid.currency if paid else "",
    )


def _dated(block: Twig, head: Twig | None) -> date | None:
    words = (head.word("RltdDt", "RltdDt/Dt") if head else "") or block.word("RfrdDocRltdDt")
    try:
        return date.fromisoformat(words[:10])
    except ValueError:
        return None


def _amount(amounts: Twig | None, *paths: str) -> Decimal | None:
    return decimal_of(amounts.word(*paths)) if amounts else None


def _adjustment(amounts: Twig | None) -> Decimal | None:
    found = list(amounts.all("AdjstmntAmtAndRsn")) if amounts else []
    known = [(_SIGN.get(one.word("CdtDbtInd"), 1), decimal_of(one.word("Amt"))) for one in found]
    values = [sign * value for sign, value in known if value is not None]
    return sum(values, Decimal(0)) if values else None


def _charges(node: Twig) -> Iterator[Charge]:
    """One record each since version 03, before that the block itself was the record."""
    for block in node.kids.get("Chrgs", ()):
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
    if "AmtDtls" not in node.kids:
        return None
    return next((decimal_of(words) for words in node.words("AmtDtls/*/CcyXchg/XchgRate")), None)


def _batch(node: Twig) -> Batch:
    told = node.one("NtryDtls/Btch", "Btch")
    if told is None:
        return Batch()
    count = told.word("NbOfTxs")
    known = int(count) if count.isascii() and count.isdigit() and len(count) <= 15 else 0
    return Batch(known, decimal_of(told.word("TtlAmt")), told.word("PmtInfId", "MsgId"))


def _code(node: Twig) -> str:
    """ISO domain/family/sub-family, or the bank's own code."""
    code = node.one("BkTxCd")
    if code is None:
        return ""
    iso = code.word("Domn/Cd"), code.word("Domn/Fmly/Cd"), code.word("Domn/Fmly/SubFmlyCd")
    return "/".join(iso) if any(iso) else code.word("Prtry/Cd")
