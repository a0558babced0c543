"""Files a person uploads, by the API with a token and by the form of the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import httpx
import pytest

from hub.api.app import build_api
from hub.secrets import new_token, token_digest
from hub.store import access
from hub.store.tables import AUDIT
from hub.ui.app import build_ui
from sandbox.kit import serve
from tests.webhooks.office import Office, office, statement


class Desk(NamedTuple):
    """An office with its API and its console, and a token for each role."""

    office: Office
    api: str
    console: str
    tokens: dict[str, str]

    def upload(self, body: bytes, role: str = "operator", name: str = "bank", **query: str) -> httpx.Response:
        """By the API."""
        headers = {"authorization": f"Bearer {self.tokens[role]}"}
        url = f"{self.api}/connections/{name}/files"
        return httpx.post(url, content=body, headers=headers, params=query)

    @contextmanager
    def browser(self, role: str) -> Iterator[httpx.Client]:
        """Somebody who is logged in to the console."""
        with httpx.Client(base_url=self.console, timeout=20) as client:
            form = {"form_token": form_token(client, "/login"), "token": self.tokens[role], "next": "/"}
            assert client.post("/login", data=form).status_code == 303
            yield client


def form_token(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get(path).text)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with ExitStack() as stack:
        made = stack.enter_context(office(tmp_path_factory.mktemp("office")))
        settings = made.settings.model_copy(update={"file_bytes_max": 2_000_000})
        tokens = {role: new_token() for role in ("viewer", "operator")}
        with made.hub.store.begin() as tx:
            for role, secret in tokens.items():
                access.add_token(tx.conn, digest=token_digest(secret), name=role, role=role, now=tx.now)
        api = stack.enter_context(serve(build_api(made.hub, settings)))
        console = stack.enter_context(serve(build_ui(made.hub, settings)))
        yield Desk(made, api, console, tokens)


def test_api_takes_a_file_once_and_keeps_who_sent_it(desk: Desk) -> None:
    first = desk.upload(statement("3.01"), file="march.xml").json()
    again = desk.upload(statement("3.01"), file="april.xml").json()
    assert (first["status"], again["status"]) == ("accepted", "repeated")
    assert first["delivery"] == again["delivery"]
    assert "as march.xml" in again["told"]
    noted = [(row.actor, row.action, row.subject, row.detail) for row in desk.office.rows(AUDIT)]
    assert ("operator", "connection.upload", "bank", "march.xml: accepted") in noted


def test_a_file_may_be_longer_than_other_requests_up_to_its_own_limit(desk: Desk) -> None:
    padded = statement("3.02") + b" " * 1_500_000
    assert desk.upload(padded).json()["status"] == "accepted"
    refused = desk.upload(b" " * 2_000_001)
    assert (refused.status_code, refused.json()["error"]) == (413, "the body is over 2000000 bytes")


@pytest.mark.parametrize(
    ("role", "name", "body", "status"),
    [("viewer", "bank", b"<x/>", 403), ("operator", "nobody", b"<x/>", 404), ("operator", "bank", b"", 422)],
)
def test_api_refuses_what_may_not_be(desk: Desk, role: str, name: str, body: bytes, status: int) -> None:
    assert desk.upload(body, role, name).status_code == status


def test_console_takes_a_file_and_shows_its_delivery(desk: Desk) -> None:
    with desk.browser("operator") as client:
        page = client.get("/connections/bank").text
        assert 'action="/connections/bank/files" enctype="multipart/form-data"' in page
        for said in ("Accepted.", "The same content came before on"):
            token = form_token(client, "/connections/bank")
            sent = client.post(
                "/connections/bank/files",
                data={"form_token": token},
                files={"file": ("../may.xml", statement("3.03"))},
            )
            assert sent.status_code == 303
            assert sent.headers["location"].startswith("/deliveries/")
            assert said in client.get(sent.headers["location"]).text


def test_console_refuses_a_form_of_nobody_an_empty_file_and_a_viewer(desk: Desk) -> None:
    path = "/connections/bank/files"
    with desk.browser("operator") as client:
        forged = client.post(path, data={"form_token": "0" * 64}, files={"file": ("a.xml", b"<x/>")})
        assert forged.status_code == 403
        token = form_token(client, "/connections/bank")
        for files, said in (
            ({"file": ("a.xml", b"")}, "The file is empty"),
            ({"other": ("", b"")}, "Choose a file first"),
        ):
            answer = client.post(path, data={"form_token": token}, files=files)
            assert (answer.status_code, said in answer.text) == (422, True)
    with desk.browser("viewer") as client:
        assert 'enctype="multipart/form-data"' not in client.get("/connections/bank").text
        token = form_token(client, "/connections/bank")
        assert (
            client.post(path, data={"form_token": token}, files={"file": ("a.xml", b"x")}).status_code == 403
        )
