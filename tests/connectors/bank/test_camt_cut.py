"""Entries are cut out of a stream: at any chunk size, with their lines, and never out of a comment."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal

import pytest

from connectors.bank import camt_cut, camt_entry, camt_stream
from connectors.bank.camt_shape import NotPlain, Shapes
from connectors.bank.statement import Entry, Statement, broken
from hub.sdk import Invalid

ENTRY = (
    "<Ntry>\n<Amt Ccy='EUR'>{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>\n<NtryDtls><TxDtls><RmtInf><Ustrd>{}</Ustrd>"
    "</RmtInf></TxDtls></NtryDtls></Ntry>"
)


def document(*parts: str) -> bytes:
    inner = f"<Stmt><Id>1</Id>{''.join(parts)}</Stmt>"
    return f"<Document>\n<BkToCstmrStmt>{inner}</BkToCstmrStmt></Document>".encode()


def plain(count: int) -> list[str]:
    return [ENTRY.format(one, f"text {one} &amp; \u00fc") + "\n" for one in range(1, count + 1)]


def pieces(body: bytes) -> list[camt_cut.Piece[Entry]]:
    return list(camt_cut.pieces(io.BytesIO(body), camt_entry.entry))


def cut_out(body: bytes) -> list[Decimal]:
    return [one.amount for piece in pieces(body) for one in piece.entries]


@pytest.mark.parametrize("size", [7, 64, 333, 100_000])
def test_chunks_of_any_size_give_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    body = document(*plain(30), "<Bal>\n</Bal>", *plain(5))
    expected = list(camt_stream.read(body.decode().encode("utf-16")))
    monkeypatch.setattr(camt_cut, "CHUNK", size)
    assert len(cut_out(body)) == 35
    assert b"Ustrd" not in b"".join(piece.outer for piece in pieces(body))
    assert list(camt_stream.read(body)) == expected


def test_lines_are_those_of_the_file() -> None:
    body = document(*plain(3), "<Ntry><Amt>x</Amt></Ntry>", *plain(1))
    (one,) = camt_stream.read(body)
    assert [entry.line for entry in one.entries] == [2, 5, 8, 11]
    assert one.problems[0].line == 11
    with pytest.raises(Invalid, match=r"line 8: not well-formed"):
        list(camt_stream.read(document(*plain(2), "</wrong>")))


@pytest.mark.parametrize(
    "part",
    [
        "<!-- " + ENTRY.format(7, "x") + " -->",
        "<!-- a > b" + "-" + ENTRY.format(7, "x") + "-->",
        "<X><![CDATA[" + ENTRY.format(7, "x") + "]]></X>",
        "<?x " + ENTRY.format(7, "x") + "?>",
        "<Ntry><!-- </Ntry> --><Amt Ccy='EUR'>7</Amt><!-- <Ntry> --><CdtDbtInd>CRDT</CdtDbtInd></Ntry>",
    ],
)
def test_what_only_looks_like_an_entry_is_left_to_the_parser(part: str) -> None:
    assert Decimal(7) not in cut_out(document(*plain(2), part, *plain(1)))
    (one,) = camt_stream.read(document(*plain(2), part, *plain(1)))
    assert len(one.entries) == (4 if part.startswith("<Ntry>") else 3)


@pytest.mark.parametrize(
    "inner",
    [
        "<a><b></a></b>", "<a", "<a b='1' c='2'/>", "<a xmlns='x'/>", "<n:a/>", "<a b='&amp;'/>", "&nbsp;",
        "&#49;", "]]>", "<a b=1/>", "<1/>", "</Ntry >", "\x01", "\ufffe", "<a>" * 300 + "</a>" * 300,
    ],
)  # fmt: skip
def test_anything_unusual_is_left_to_the_parser(inner: str) -> None:
    assert cut_out(document(ENTRY.format(1, "x"), ENTRY.format(2, "x").replace("<NtryDtls>", inner))) == [1]


def test_entries_elsewhere_than_in_a_statement_are_none() -> None:
    body = document("<Deep>", *plain(2), "</Deep>", *plain(1))
    assert len(cut_out(body)) == 3
    assert [len(one.entries) for one in camt_stream.read(body)] == [1]


def test_nobody_can_write_the_element_that_stands_for_entries() -> None:
    (one,) = camt_stream.read(document("<Ntry cut='0'/>", *plain(1)))
    assert (len(one.entries), len(one.problems)) == (1, 1)


def test_a_shape_seen_often_is_read_by_one_expression_and_says_the_same() -> None:
    shapes = Shapes(strict=True)
    texts = [f"<A><B>{one} &lt;</B> <C/></A><D> {one}</D>" for one in range(40)]
    told = [shapes.read(text, "", 1) for text in texts]
    assert [twig.word("A/B") for twig in told] == [f"{one} <" for one in range(40)]
    assert [twig.word("D", "A/B") for twig in told] == [str(one) for one in range(40)]
    assert all(twig.has("A/C") and not twig.word("A/C") for twig in told)
    with pytest.raises(NotPlain):
        shapes.read(texts[0], "n:", 1)


class Failing(io.RawIOBase):
    """A file whose reading fails after its first chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int = -1) -> bytes:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise broken(0, "gone")
        return chunk


def test_what_was_complete_before_reading_failed_has_been_told() -> None:
    first = document(*plain(2)).replace(b"</BkToCstmrStmt></Document>", b"")
    told: list[Entry | Statement] = []
    with pytest.raises(Invalid, match="gone"):
        told.extend(camt_stream.parts(Failing(iter([first, b"<GrpHdr/>" * 9]))))
    assert len(told) <= 3
