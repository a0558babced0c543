"""A supplier by hand: files that the retailer takes without a word, and the ways to spoil them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.partner import Item, PartnerSandbox, Payment, Terms

CODES = {
    "855": "PR",
    "865": "CA",
    "856": "SH",
    "810": "IN",
    "997": "FA",
    "999": "FA",
    "850": "PO",
    "824": "AG",
}
SSCC = ("00012345670000000017"[2:], "012345670000000024")
ONE, TWO = "UP*012345678905*VN*SKU-1", "VN*SKU-2*IN*B-2"

CONFIRMATION = (
    "BAK*00*AC*0045-1*20260302****SO-9*20260303",
    "N1*ST**92*0017",
    f"PO1*1*10*EA*9.5**{ONE}", "ACK*IA*10*EA*068*20260401",
    f"PO1*2*4*CA*2025*HP*{TWO}", "ACK*IA*4*CA",
    "CTT*2",
)  # fmt: skip
NOTICE = (
    "BSN*00*SH-1*20260303*1200*0001",
    "HL*1**S*1", "TD1*CTN25*2****G*12*LB", "TD5**2*UPSN*M", "REF*BM*BOL-1", "DTM*011*20260303",
    "N1*ST**92*0017",
    "HL*2*1*O*1", "PRF*0045-1***20260302", "REF*IA*77", "REF*DP*012",
    "HL*3*2*P*1", "MAN*GM*00{0}",
    "HL*4*3*I*0", f"LIN*1*{ONE}", "SN1**10*EA",
    "HL*5*2*P*1", "MAN*GM*00{1}",
    "HL*6*5*I*0", f"LIN*2*{TWO}", "SN1**4*CA",
    "CTT*6",
)  # fmt: skip
INVOICE = (
    "BIG*20260303*INV-1*20260302*0045-1***DI", "CUR*SE*USD", "REF*IA*77", "REF*DP*012", "N1*ST**92*0017",
    "ITD*08*3*2**10**30*352", "DTM*011*20260303",
    f"IT1*1*10*EA*9.5**{ONE}", "PID*F*08***WIDGET",
    f"IT1*2*4*CA*2025*HP*{TWO}",
    "TDS*17600*17600*17248*352", "CTT*2",
)  # fmt: skip
CREDIT = (
    "BIG*20260304*CM-1*20260302*0045-1***CR", "REF*IA*77", "REF*DP*012", "N1*ST**92*0017",
    f"IT1*1*1*EA*9.5**{ONE}", "TDS*950", "CTT*1",
)  # fmt: skip
TERMS = Payment(30, Decimal(2), 10)
CHANGE = ("BCA*00*AC*0045-1**1*20260302****20260304", f"POC*1*QD*8*8*EA*9.5**{ONE}", "ACK*IA*8*EA", "CTT*1")


def digit(digits: str) -> str:
    """The GS1 check digit, counted from the left this time."""
    weights = (3, 1) * 9
    return str((10 - sum(int(d) * w for d, w in zip(digits, weights, strict=False)) % 10) % 10)


def labelled(lines: Sequence[str], first: int = 1) -> list[str]:
    """The ship notice with fresh SSCC-18."""
    codes = [body + digit(body) for body in (f"0{614141:07}{first + n:09}" for n in range(2))]
    return [line.format(*codes) for line in lines]


class Clock:
    """A clock that we set."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, hours: int) -> None:
        self.time += timedelta(hours=hours)


class Supplier:
    """Sends to a retailer who has ordered 10 and 4 of two things."""

    def __init__(self, *, payment: Payment | None = TERMS, **terms: object) -> None:
        self.clock = Clock()
        self.partner = PartnerSandbox(now=self.clock, terms=Terms(**terms))  # type: ignore[arg-type]
        self.order = self.partner.order(
            items(), "0045-1", date(2026, 3, 2), currency="USD", ship_to="0017",
            references=[("IA", "77"), ("DP", "012")], payment=payment,
        )  # fmt: skip
        self.number = 0

    def file(
        self,
        set_id: str,
        *docs: Sequence[str],
        edit: Callable[[str], str] = lambda text: text,
        technical: Sequence[str] = (),
        version: str = "004010",
    ) -> bytes:
        """One interchange with one group of these sets, under the next numbers."""
        self.number += 1
        n = self.number
        lines = [
            f"ISA*00*{'':10}*00*{'':10}*ZZ*{'ACMEINSTR':15}*ZZ*{'HARBORPINE':15}*260302*0930*U*00401*{n:09}*0*P*>",
            *technical,
        ]
        if docs:
            lines.append(f"GS*{CODES[set_id]}*ACMEINSTR*HARBORPINE*20260302*0930*{n}*X*{version}")
        for at, doc in enumerate(docs, 1):
            lines += [f"ST*{set_id}*{at:04}", *doc, f"SE*{len(doc) + 2}*{at:04}"]
        if docs:
            lines.append(f"GE*{len(docs)}*{n}")
        lines.append(f"IEA*{int(bool(docs))}*{n:09}")
        return edit("".join(f"{line}~\n" for line in lines)).encode("latin-1")

    def send(self, set_id: str, *docs: Sequence[str], **more: object) -> None:
        """Send it; the retailer judges it."""
        self.partner.take(self.file(set_id, *docs, **more))  # type: ignore[arg-type]

    def confirm(self) -> None:
        self.send("855", CONFIRMATION)

    def ship(self) -> None:
        self.send("856", labelled(NOTICE))

    def invoice(self) -> None:
        self.send("810", INVOICE)

    def everything(self) -> None:
        """An order as it should go."""
        self.confirm()
        self.ship()
        self.invoice()

    def rules(self) -> set[str]:
        """The rules that were broken."""
        return {one.rule for one in self.partner.chargebacks()}


def items() -> list[Item]:
    """What is ordered."""
    one = (("UP", "012345678905"), ("VN", "SKU-1"))
    two = (("VN", "SKU-2"), ("IN", "B-2"))
    return [
        Item(Decimal(10), Decimal("9.50"), ids=one, text="Widget"),
        Item(Decimal(4), Decimal(2025), unit="CA", basis="HP", ids=two),
    ]


def edited(lines: Sequence[str], old: str, new: str) -> list[str]:
    """Lines with a text replaced, which must be there; a line that becomes empty goes, `\\n` makes two."""
    text = "\n".join(lines)
    assert old in text, f"{old!r} does not stand in the document: the test changes nothing"
    return [line for line in text.replace(old, new).split("\n") if line]
