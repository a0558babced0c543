"""What a trading partner must know to exchange documents with us, on one page: their copy of the profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.edi.faults import DEFAULT, Weight
from connectors.edi.guide import GROUP_CODES
from connectors.edi.settings import Settings

Row = tuple[str, str]
_OURS: Sequence[Row] = (
    ("855", "order acknowledgment"),
    ("865", "answer to a change"),
    ("856", "ship notice"),
    ("810", "invoice, and credit memo (BIG07 CR)"),
)
_THEIRS: Sequence[Row] = (
    ("850", "purchase order"),
    ("860", "purchase order change"),
    ("820", "remittance"),
    ("824", "application advice"),
    ("864", "text"),
)
_LINE_BREAKS = {"none": "none", "lf": "LF", "crlf": "CR LF"}


def page(settings: Settings) -> str:
    """The page as Markdown. No secret stands on it."""
    name = settings.partner_name or settings.partner_id
    parts = [
        f"# EDI with {name}",
        "What we send and what we expect. Times are hours of the clock; days are calendar days.",
        _table("Envelope", ("", "we are", "you are"), _sides(settings)),
        _table("How we write", ("", ""), _form(settings)),
        _table("Documents you send", ("set", "what it is", "group"), _sets(settings, _THEIRS, ours=False)),
        _table("Documents we send", ("set", "what it is", "version"), _sets(settings, _OURS, ours=True)),
        _table("Acknowledgments", ("", ""), _acknowledgments(settings)),
        _table("What we read and write in documents", ("", ""), _content(settings)),
        _table("How files travel", ("", ""), _ways(settings)),
    ]
    told = list(_contact(settings))
    return "\n\n".join([*parts, *([_table("Questions", ("", ""), told)] if told else [])]) + "\n"


def _table(title: str, head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [f"## {title}", "", _line(head), _line(["---"] * len(head))]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    """A row; what would end a cell is written out."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _sides(settings: Settings) -> Iterator[Sequence[str]]:
    yield "ISA qualifier", settings.our_qualifier, settings.partner_qualifier
    yield "ISA id", f"`{settings.our_id}`", f"`{settings.partner_id}`"
    codes = ", ".join(settings.partner_codes) or settings.partner_id
    yield "GS code", f"`{settings.our_code or settings.our_id}`", f"`{codes}`"
    usage = "P (production)" if settings.usage == "P" else "T (test)"
    yield "ISA15", usage, f"{usage}; the other kind is refused"


def _form(settings: Settings) -> Iterator[Row]:
    yield "Element separator", _mark(settings.element_separator)
    yield "Component separator", _mark(settings.component_separator)
    yield "Repetition separator, from 00402 on", _mark(settings.repetition_separator)
    yield "Segment terminator", _mark(settings.segment_terminator)
    yield "Line break behind it", _LINE_BREAKS[settings.newline]
    instead = f"replaced by `{settings.substitute}`" if settings.substitute else "other separators are taken"
    yield "A separator inside a value", instead
    yield "Dates and times of envelopes", settings.time_zone
    yield "Control numbers", "ISA13 and GS06 count on from 1 without a gap; ST02 begins at 0001 in each group"
    yield "What you may use", "any separators: they are read from each ISA"


def _mark(char: str) -> str:
    return f"`{char}`" if char.isprintable() and char else (f"0x{ord(char):02x}" if char else "none")


def _sets(settings: Settings, sets: Sequence[Row], *, ours: bool) -> Iterator[Sequence[str]]:
    for set_id, about in sets:
        if ours:
            yield set_id, about, settings.version_of(set_id)
        else:
            group = GROUP_CODES[set_id]
            yield set_id, about, f"GS01 {group}; 004010, 004030 or 005010, others as the nearest"


def _acknowledgments(settings: Settings) -> Iterator[Row]:
    answers = {
        "997": "997 for each group, in its version, with AK2 and AK5 for each set",
        "999": "999 for groups of 005010 and later, 997 for older ones",
        "none": "none",
    }
    yield "Yours are answered by", answers[settings.acknowledge]
    technical = "where ISA14 asks for one, and where an envelope has faults"
    yield "TA1", technical if settings.acknowledge_technical else "never"
    days = settings.duplicate_days
    window = f"within {days} days " if days else ""
    yield "The same ISA13 again", "the same content gets the same answer once more"
    yield "The same ISA13, other content", f"{window}held: we ask you which one counts"
    if settings.wants_997:
        yield "Ours are to be answered", f"by a 997 within {settings.acknowledge_hours} hours"
    else:
        yield "Ours are to be answered", "no"
    changed = [f"{name}: {weight.value}" for name, weight in sorted(settings.checks.items())]
    noted = sorted(name for name, weight in DEFAULT.items() if weight is Weight.NOTE)
    yield "Accepted with errors", ", ".join(noted)
    if changed:
        yield "Agreed otherwise with you", ", ".join(changed)


def _content(settings: Settings) -> Iterator[Row]:
    yield "Our item number", f"the first there is of {', '.join(settings.sku_qualifiers)}"
    yield "Currency where CUR is missing", settings.default_currency
    told = {"always": "to every order", "asked": "where BEG07 asks for it", "never": "never"}
    yield "855", f"{told[settings.response]}, once price and credit are decided"
    packs = {
        "none": "shipment, order, items (BSN05 0004)",
        "shipment": "shipment, order, cartons, items, as they were packed (BSN05 0001)",
        "line": "shipment, order, one carton for each line, items (BSN05 0001)",
    }
    yield "856", packs[settings.pack]
    if settings.gs1_prefix:
        yield "Cartons", f"SSCC-18 with GS1 prefix {settings.gs1_prefix}"
    yield "Tax in an 810", f"{settings.tax}; TDS is the total in cents, lines are rounded one by one"
    yield "Amounts of credit memos", settings.credit_sign
    yield (
        "What our documents repeat",
        f"PO101, units, item ids, N1 codes, REF {', '.join(settings.references)}",
    )
    if settings.adx_sign:
        yield "ADX in an 820", f"a positive amount {settings.adx_sign} what is paid"


def _ways(settings: Settings) -> Iterator[Row]:
    if settings.as2_id:
        yield "AS2", f"we are `{settings.as2_id}`, you are `{settings.as2_partner_id}`"
        encryption = settings.as2_encryption.upper().replace("AES", "AES-")
        yield "AS2 signature, encryption, receipt", f"SHA-256, {encryption}, {settings.as2_mdn}"
    if settings.sftp_host:
        place = f"{settings.sftp_host}:{settings.sftp_port}"
        folders = [("we fetch from", settings.sftp_in), ("we put into", settings.sftp_out)]
        yield "SFTP", f"{place}; " + ", ".join(f"{what} `{where}`" for what, where in folders if where)
    if settings.http_url:
        yield "HTTP, from us", f"POST of application/edi-x12 to {settings.http_url}"
    if settings.upload_key.get_secret_value():
        yield "HTTP, from you", "POST to our address of files, with the bearer key that you got from us"


def _contact(settings: Settings) -> Iterator[Row]:
    told = {"Contact": settings.contact, "Phone": settings.contact_phone, "E-mail": settings.contact_email}
    yield from ((label, value) for label, value in told.items() if value)
