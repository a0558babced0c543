"""What the bank tells about one transaction: references, parties, remittance, charges, returns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lxml import etree

from connectors.bank import translate
from connectors.bank.walk import Node, amounts, first, text, texts

_REFERENCES = {
    "end_to_end_id": "EndToEndId",
    "instruction_id": "InstrId",
    "transaction_id": "TxId",
    "uetr": "UETR",
    "mandate_id": "MndtId",
    "cheque_number": "ChqNb",
    "message_id": "MsgId",
    "payment_information_id": "PmtInfId",
    "clearing_reference": "ClrSysRef",
}
_TYPE = ("{*}Tp/{*}CdOrPrtry/{*}Cd", "{*}Tp/{*}CdOrPrtry/{*}Prtry", "{*}Tp/{*}Cd", "{*}RfrdDocTp/{*}Cd")


def of_entry(node: Node) -> dict[str, Any]:
    """What is told once per entry."""
    return {
        "entry_reference": text(node, "{*}NtryRef"),
        "entry_bank_reference": text(node, "{*}AcctSvcrRef"),
        "batch_count": text(node, "{*}NtryDtls/{*}Btch/{*}NbOfTxs", "{*}Btch/{*}NbOfTxs"),
    }


def of_transaction(entry: Node, parts: Sequence[Node], amount: Decimal) -> dict[str, Any]:
    """One line of `amount`, told by no, one or (where they cannot be told apart) several TxDtls."""
    part = parts[0] if len(parts) == 1 else None
    remittance = [one for p in parts for one in _remittance(first(p, "{*}RmtInf"))]
    additional = [*texts(part, "{*}AddtlTxInf"), *texts(entry, "{*}AddtlNtryInf")]
    returned = next((one for p in parts if (one := _returned(p)) is not None), None)
    return {
        "amount": amount,
        "reversal": text(entry, "{*}RvslInd") in ("true", "1") or returned is not None,
        "residual": False,
        "unsplit": False,
        "batch_position": 0,
        "batch_size": 1,
        **{name: text(part, f"{{*}}Refs/{{*}}{tag}") for name, tag in _REFERENCES.items()},
        "bank_reference": text(part, "{*}Refs/{*}AcctSvcrRef") or text(entry, "{*}AcctSvcrRef"),
        **_parties(part),
        "debtors": [_parties(p)["debtor"] for p in parts] if len(parts) > 1 else [],
        "remittance": remittance,
        **translate.remittance(remittance, additional),
        "additional_information": additional,
        "charges": _charges(part, "{*}Chrgs") + _charges(entry, "{*}Chrgs"),
        "instructed": amounts(part, "{*}AmtDtls/{*}InstdAmt/{*}Amt")
        + amounts(entry, "{*}AmtDtls/{*}InstdAmt/{*}Amt"),
        "transaction_amounts": amounts(part, "{*}AmtDtls/{*}TxAmt/{*}Amt") + amounts(part, "{*}Amt"),
        "exchange_rate": text(part, "{*}AmtDtls/*/{*}CcyXchg/{*}XchgRate")
        or text(entry, "{*}AmtDtls/*/{*}CcyXchg/{*}XchgRate"),
        "purpose": text(part, "{*}Purp/{*}Cd", "{*}Purp/{*}Prtry"),
        "returned": returned,
        "bank_transaction_code": _code(part) or _code(entry),
    }


def account(node: Node | None) -> str:
    """Account number without spaces: IBAN, or what the bank uses instead (versions 01 and later)."""
    number = text(
        node,
        "{*}Id/{*}IBAN",
        "{*}Id/{*}Othr/{*}Id",
        "{*}Id/{*}BBAN",
        "{*}Id/{*}UPIC",
        "{*}Id/{*}PrtryAcct/{*}Id",
    )
    return "".join(number.split())


def _parties(part: Node | None) -> dict[str, Any]:
    related = first(part, "{*}RltdPties")
    agents = first(part, "{*}RltdAgts")
    return {
        "debtor": _party(related, "Dbtr", agents),
        "ultimate_debtor": _party(related, "UltmtDbtr", None),
        "creditor": _party(related, "Cdtr", agents),
        "ultimate_creditor": _party(related, "UltmtCdtr", None),
    }


def _party(related: Node | None, role: str, agents: Node | None) -> dict[str, str]:
    """A party is the element itself until version 07, its Pty or Agt child since 08."""
    here = first(related, f"{{*}}{role}")
    inner = first(here, "{*}Pty", "{*}Agt/{*}FinInstnId")
    node = here if inner is None else inner
    return {
        "name": text(node, "{*}Nm") or text(related, f"{{*}}{role}Acct/{{*}}Nm"),
        "account": account(first(related, f"{{*}}{role}Acct")),
        "bic": text(agents, *(f"{{*}}{role}Agt/{{*}}FinInstnId/{{*}}{tag}" for tag in ("BICFI", "BIC"))),
        "id": text(node, "{*}Id/*/{*}Othr/{*}Id", "{*}Id/{*}OrgId/{*}AnyBIC", "{*}Id/{*}OrgId/{*}BICOrBEI"),
        "country": text(node, "{*}PstlAdr/{*}Ctry", "{*}CtryOfRes"),
    }


def _remittance(node: Node | None) -> list[dict[str, Any]]:
    """Free text and structured blocks in the order of the file."""
    found: list[dict[str, Any]] = []
    for child in () if node is None else node.iterchildren(tag=etree.Element):
        tag = etree.QName(child).localname
        if tag == "Ustrd" and (child.text or "").strip():
            found.append({"text": (child.text or "").strip()})
        if tag == "Strd":
            found.append({"structured": _structured(child)})
    return found


def _structured(node: Node) -> dict[str, Any]:
    documents = [
        {
            "type": text(one, *_TYPE),
            "number": text(one, "{*}Nb", "{*}RfrdDocNb"),
            "date": text(one, "{*}RltdDt", "{*}RltdDt/{*}Dt") or text(node, "{*}RfrdDocRltdDt"),
        }
        for one in node.iterfind("{*}RfrdDocInf")
    ]
    reference = first(node, "{*}CdtrRefInf")
    return {
        "documents": documents,
        "amounts": _document_amounts(node),
        "reference": text(reference, "{*}Ref", "{*}CdtrRef"),
        "reference_type": text(reference, *_TYPE, "{*}CdtrRefTp/{*}Cd", "{*}CdtrRefTp/{*}Prtry"),
        "reference_issuer": text(reference, "{*}Tp/{*}Issr", "{*}CdtrRefTp/{*}Issr"),
        "additional": texts(node, "{*}AddtlRmtInf"),
    }


def _document_amounts(node: Node) -> dict[str, Any]:
    """RfrdDocAmt: what of the documents is paid, deducted and why. Discount and tax nest since version 03."""
    adjustments = [
        {
            **next(iter(amounts(one, "{*}Amt")), {}),
            "direction": text(one, "{*}CdtDbtInd"),
            "reason": text(one, "{*}Rsn"),
            "text": text(one, "{*}AddtlInf"),
        }
        for one in node.iterfind("{*}RfrdDocAmt/{*}AdjstmntAmtAndRsn")
    ]
    paths = {"due": "DuePyblAmt", "remitted": "RmtdAmt", "credit_note": "CdtNoteAmt"}
    nested = {"discount": "DscntApldAmt", "tax": "TaxAmt"}
    found: dict[str, Any] = {
        name: amounts(node, f"{{*}}RfrdDocAmt/{{*}}{tag}") for name, tag in paths.items()
    }
    for name, tag in nested.items():
        inner = amounts(node, f"{{*}}RfrdDocAmt/{{*}}{tag}/{{*}}Amt")
        found[name] = inner or amounts(node, f"{{*}}RfrdDocAmt/{{*}}{tag}")
    found["adjustments"] = adjustments
    return {name: value for name, value in found.items() if value}


def _charges(node: Node | None, path: str) -> list[dict[str, Any]]:
    """Charges: one record each since version 03, before that the block itself was the record."""
    found: list[dict[str, Any]] = []
    for block in () if node is None else node.iterfind(path):
        for one in block.findall("{*}Rcrd") or [block]:
            for amount in amounts(one, "{*}Amt") or amounts(one, "{*}TtlChrgsAndTaxAmt"):
                found.append(
                    {
                        **amount,
                        "direction": text(one, "{*}CdtDbtInd"),
                        "included": text(one, "{*}ChrgInclInd") in ("true", "1"),
                        "bearer": text(one, "{*}Br"),
                    }
                )
    return found


def _returned(part: Node | None) -> dict[str, Any] | None:
    """Why money came back (RtrInf), None where it did not."""
    node = first(part, "{*}RtrInf")
    if node is None:
        return None
    reason = ("{*}Rsn/{*}Cd", "{*}Rsn/{*}Prtry", "{*}RtrRsn/{*}Cd", "{*}RtrRsn/{*}Prtry")
    return {"code": text(node, *reason), "text": " ".join(texts(node, "{*}AddtlInf", "{*}AddtlRtrRsnInf"))}


def _code(node: Node | None) -> dict[str, str] | None:
    """Bank transaction code: ISO domain/family/sub-family, and the bank's own."""
    code = first(node, "{*}BkTxCd")
    if code is None or len(code) == 0:
        return None
    return {
        "domain": text(code, "{*}Domn/{*}Cd"),
        "family": text(code, "{*}Domn/{*}Fmly/{*}Cd"),
        "sub_family": text(code, "{*}Domn/{*}Fmly/{*}SubFmlyCd"),
        "proprietary": text(code, "{*}Prtry/{*}Cd"),
    }
