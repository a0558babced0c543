"""What arrives may be anything: what is cut for it grows with the file, and no faster."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from connectors.edi import acknowledge, exchanged, tokens
from connectors.edi.header import Header
from connectors.edi.tokens import Flaw
from hub.sdk import Invalid
from tests.connectors.edi.arriving import bought, changes, edi, group, interchange, isa, order
from tests.connectors.edi.arriving import delivery as uploaded

LINES = ("PO1*1*10*EA*9.5**VN*SKU-1", "CTT*1")
ISA = isa() + ">~"
COSTLY = {
    "beginnings of an ISA": lambda n: "ISA*" * n,
    "ISA of two elements": lambda n: "ISA*00*x~" * n,
    "one ISA behind the other": lambda n: ISA * (n // 20),
    "ISA with unusual terminators": lambda n: "".join(ISA[:-1] + chr(0x2500 + k) for k in range(n // 20)),
    "ISA in a segment": lambda n: ISA + "IEA*1*1" + " ISA*00*" * n,
    "ISA in lines": lambda n: ISA + "IEA*1*1\nISA*00*\n" * n,
    "ISA in wrapped lines": lambda n: ISA + "IEA*1\n1\nISA*00*\n" * n,
    "ISA without an element": lambda n: ISA + "ISA~" * n,
    "sets without an end": lambda n: "ISA*00*\nST*1* \n" * n,
    "no ISA at all": lambda n: ISA + "REF*" + "x ISA*00*" * n,
    "a long wrapped segment": lambda n: ISA + "REF*IA*1~\n" * 300 + "REF*IA*" + "A\n" * n + "~",
    "lines that begin": lambda n: ISA + "REF*IA*1~\n" * 300 + "QQQ*1" + "\nREF*1" * n + "~",
    "noughts": lambda n: ISA + "~" * n,
    "blanks": lambda n: ISA + " " * n,
}


class Copied:
    """How many characters blocks were cut from, and how many were joined when more was read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = 0
        cut, more = tokens._block, tokens._Window.more

        def counted(*given: Any) -> tuple[str, bool]:
            found = cut(*given)
            self.characters += len(found[0])
            return found

        def joined(window: Any) -> bool:
            before = window.text
            told = more(window)
            self.characters += 0 if window.text is before else len(window.text)
            return told

        monkeypatch.setattr(tokens, "_block", counted)
        monkeypatch.setattr(tokens._Window, "more", joined)


@pytest.mark.parametrize("name", sorted(COSTLY))
def test_what_is_cut_grows_with_the_file_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = COSTLY[name](3_000).encode()
    copied = Copied(monkeypatch)
    assert sum(1 for _ in tokens.of_bytes(body)) >= 0
    turns = 2 * tokens._BLOCK * body.count(b"ISA")  # of which all begin with a block of the smallest size
    assert copied.characters < 6 * len(body) + turns + 10 * tokens.CHUNK_BYTES


def test_a_segment_of_ten_megabytes_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (ISA + "REF*IA*" + "A" * 10_000_000 + "~IEA*0*000000042~").encode()
    copied = Copied(monkeypatch)
    found = [*tokens.of_bytes(body)]
    assert [one.check for one in found if isinstance(one, Flaw)] == ["oversize"]
    assert found[-1] == "IEA*0*000000042"
    assert copied.characters < 8 * len(body)


@pytest.mark.parametrize("ends", ["~", "~\n", "\n", "\r", "\r\n"], ids=repr)
@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_every_interchange_of_a_long_file_is_found_whatever_ends_its_segments(ends: str, size: int) -> None:
    one = bought(*LINES).decode().replace("\n", "").replace("~", ends)
    text = one * 40
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    found = [*tokens.tokens(pieces)]
    assert sum(isinstance(each, Header) for each in found) == 40
    assert not [each for each in found if isinstance(each, Flaw)]
    first = found[: len(found) // 40]
    assert first * 40 == found


def test_an_empty_segment_is_told_wherever_a_block_ends() -> None:
    found = [*tokens.tokens([ISA + "~" * 5_000])]
    assert sum(isinstance(one, Flaw) for one in found) == 5_000


def test_many_sets_with_many_faults_share_what_is_told_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledge, "SEGMENTS_OF_ALL", 200)
    monkeypatch.setattr(exchanged, "FAULTS_OF_ALL", 200)
    bad = tuple(f"PO1*{n}*ten*EA*x**VN*SKU-1" for n in range(20))
    sets = [order("BEG*00*SA*PO-1**20261122", *bad, control=f"{n:04d}") for n in range(1, 41)]
    found = {one.external_id[:4]: one for one in changes(interchange(group(*sets)))}
    record, answer = found["ZZ/B"].record, found["our:"].record
    assert record is not None
    assert answer is not None
    kept = [one["faults"] for one in record["groups"][0]["sets"]]
    assert all(kept)
    assert sum(map(len, kept)) <= 200
    segments = answer["answer"]["groups"][0]["sets"][0]["segments"]
    names = [one[0] for one in segments]
    assert names.count("AK5") == 40
    assert 40 <= names.count("AK3") <= 200


@pytest.mark.parametrize("head", ["BEG*00*SA*{}**20261122", "BEG*00*RL*PO-1*{}*20261122"])
def test_a_number_that_is_too_long_to_be_kept_is_a_case(head: str) -> None:
    body = bought(*LINES, head=(head.format("9" * 300),))
    (only,) = [one for one in changes(body, checks={"long": "ignore"}) if one.kind == "order"]
    assert len(only.external_id) <= 200
    assert only.record is None
    assert "ask the partner for a shorter one" in str(only.problem)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "zip": lambda body: b"PK\x03\x04" + body,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PACKED))
def test_a_packed_file_is_refused_at_the_door_and_says_the_way_out(name: str) -> None:
    body = PACKED[name](bought(*LINES))
    with pytest.raises(Invalid, match=rf"packed \({name}\): unpack it"):
        edi().verify(uploaded(body))
    with pytest.raises(Invalid, match="packed"):
        changes(body)
