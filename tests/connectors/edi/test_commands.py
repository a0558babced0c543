"""`o2c edi read`, `ack` and `map`, as programs and people see them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub import cli_extra
from tests.connectors.edi import made
from tests.connectors.edi.made import GOOD, group, interchange, order

RUN = CliRunner()
SET_KEYS = {"id", "control_number", "segments", "status", "errors"}
ERROR_KEYS = {"segment", "position", "element", "code", "message"}


def call(*words: str, code: int = 0) -> str:
    """The command line of the entry point, in this process."""
    found = RUN.invoke(cli_extra.words(cli_extra.offered()["edi"]), [*words])
    assert found.exit_code == code, found.output
    return found.stdout


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    lines = ("BEG*00*SA*PO-1**20261301", *GOOD[1:3], "PO1*1*ten*EA*9.5**VN*SKU-1", "ZZZ*1", "CTT*1")
    path = tmp_path / "broken.edi"
    path.write_bytes(interchange(group(order(), order(*lines, control="0002", count=3))))
    return path


def test_json_is_one_object_per_file_with_the_promised_names(broken: Path, tmp_path: Path) -> None:
    empty, absent = tmp_path / "empty.edi", tmp_path / "absent.edi"
    empty.write_bytes(b"")
    lines = call("read", "--json", str(broken), str(empty), str(absent), str(tmp_path)).splitlines()
    assert len(lines) == 4
    found = [json.loads(line) for line in lines]
    assert all(set(one) == {"file", "interchanges", "problems"} for one in found)
    one = found[0]["interchanges"][0]
    assert (one["sender"], one["receiver"], one["control_number"]) == ("BUYER", "SELLER", "000000042")
    inner = one["groups"][0]
    assert (inner["code"], inner["version"], inner["control_number"]) == ("PO", "004010", "7")
    good, bad = inner["sets"]
    assert set(good) >= SET_KEYS
    assert (good["id"], good["control_number"], good["segments"]) == ("850", "0001", 8)
    assert (good["status"], good["errors"]) == ("accepted", [])
    assert bad["status"] == "rejected"
    assert all(set(error) >= ERROR_KEYS for error in bad["errors"])
    told = [(error["segment"], error["position"], error["element"], error["code"]) for error in bad["errors"]]
    assert told == [("BEG", 2, 5, "8"), ("PO1", 5, 2, "6"), ("ZZZ", 6, None, "1"), ("SE", 8, None, "4")]
    assert [bool(one["problems"]) for one in found] == [False, True, True, True]


def test_trees_come_when_asked_for(broken: Path) -> None:
    assert '"tree"' not in call("read", "--json", str(broken))
    inner = json.loads(call("read", "--json", "--tree", str(broken)))["interchanges"][0]["groups"][0]["sets"]
    assert inner[0]["tree"]["BEG"]["order_number"] == "PO-1"
    assert inner[0]["tree"]["lines"][0]["PO1"]["ids"][0] == {"qualifier": "UP", "id": "012345678905"}
    assert "order_number=PO-1" in call("read", "--tree", str(broken))


def test_people_read_status_and_reasons(broken: Path) -> None:
    text = call("read", str(broken))
    assert "850 0001, 8 segments: accepted" in text
    assert "segment 2, AK4 8: BEG05 (date) is not a day of the calendar ('20261301')" in text
    assert "SE01 says 3, there are 8 segments" in text


def test_what_is_no_x12_is_told(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear Sirs, we are a VISA-office.\n" + bytes(range(256)))
    found = json.loads(call("read", "--json", str(path)))
    assert found["interchanges"] == []
    assert "not X12" in found["problems"][0]["message"]


def test_ack_prints_what_would_be_sent(broken: Path) -> None:
    lines = call("ack", str(broken)).splitlines()
    assert [line.split("*")[0] for line in lines[:3]] == ["ISA", "GS", "ST"]
    assert "AK4*5*373*8*20261301~" in lines
    assert "AK9*P*2*2*1~" in lines
    assert made.statuses("".join(lines).encode()) == ["accepted"]


def test_ack_says_why_there_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "answer.edi"
    inner = order("AK1*PO*1", "AK9*A*1*1*1", set_id="997")
    path.write_bytes(interchange(group(inner, code="FA")))
    assert call("ack", str(path)) == ""
    call("ack", str(tmp_path / "absent.edi"), code=1)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "there is no interchange in it"),
        (b"Dear Sirs", "there is no interchange in it"),
        (gzip.compress(interchange(group(order()))), "the file is packed (gzip): unpack it"),
    ],
    ids=["empty", "letter", "packed"],
)
def test_a_file_that_cannot_be_answered_or_read_says_why(tmp_path: Path, body: bytes, why: str) -> None:
    path = tmp_path / "file.edi"
    path.write_bytes(body)
    found = RUN.invoke(cli_extra.words(cli_extra.offered()["edi"]), ["ack", str(path)])
    assert (found.exit_code, found.stdout) == (1, "")
    assert why in found.stderr
    problems = json.loads(call("read", "--json", str(path)))["problems"]
    assert body == b"Dear Sirs" or why in problems[0]["message"]


def test_map_prints_structure_and_elements() -> None:
    text = call("map", "850", "--version", "004010")
    assert text.startswith("850 purchase order, version 004010, group PO\n")
    assert "BEG05" in text
    assert "373 DT 8/8" in text
    assert "R 1/10" in call("map", "810", "--version", "004010VICS")
    call("map", "832", code=1)
    call("map", "850", "--version", "x", code=1)
