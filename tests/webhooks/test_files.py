"""Uploads over HTTP: the key, the limits, and what the sender is told."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox.kit import serve
from tests.webhooks.office import KEY, Office, office, statement
from webhooks.files import FileDoor
from webhooks.folder import pick_up

BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def url(bank: Office) -> Iterator[str]:
    with serve(FileDoor(bank.hub, bytes_max=100_000)) as base:
        yield f"{base}/files/bank"


def test_an_upload_is_accepted_once_and_the_repeat_names_the_first(bank: Office, url: str) -> None:
    body = statement("2.01")
    first = httpx.post(url, content=body, headers={**BEARER, "x-file-name": "../march.xml"})
    assert (first.status_code, first.json()["status"], first.json()["told"]) == (202, "accepted", "accepted")
    again = httpx.post(url, content=body, headers={**BEARER, "x-file-name": "april.xml"}).json()
    assert (again["status"], again["delivery"]) == ("repeated", first.json()["delivery"])
    assert again["told"].startswith("the same content came before on ")
    assert again["told"].endswith(" as march.xml: nothing to do")
    assert first.json()["delivery"] in {row.id for row in bank.rows()}


def test_a_file_uploaded_and_then_dropped_is_the_same_file(bank: Office, url: str) -> None:
    body = statement("2.02")
    assert httpx.post(url, content=body, headers=BEARER).json()["status"] == "accepted"
    bank.drop("same.xml", body)
    assert [str(one) for _, one in pick_up(bank.hub, bank.folder.parent, bytes_max=10**6)] == ["repeated"]


@pytest.mark.parametrize(
    ("name", "headers", "body", "status", "said"),
    [
        ("bank", {}, b"<x/>", 401, "the key is not valid"),
        ("bank", {"authorization": "Bearer no"}, b"<x/>", 401, "the key is not valid"),
        ("nobody", BEARER, b"<x/>", 401, "the key is not valid"),
        ("bank", BEARER, b"", 400, "the file is empty"),
        ("bank", BEARER, b"\x1f\x8b\x08" + b"0" * 50, 400, "packed (gzip)"),
        ("bank", BEARER, b"x" * 100_001, 413, "over 100000 bytes"),
    ],
)
def test_other_uploads_are_refused_in_a_sentence(
    url: str, name: str, headers: dict[str, str], body: bytes, status: int, said: str
) -> None:
    answer = httpx.post(url.replace("/bank", f"/{name}"), content=body, headers=headers)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True)


def test_a_file_is_sent_with_post(url: str) -> None:
    assert httpx.get(url, headers=BEARER).status_code == 405
