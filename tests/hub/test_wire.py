"""What leaves us on the wire, byte by byte, and what comes back when the far end does not play along."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore
import pytest

from hub.wire import FAILURES, Wire

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
TIMEOUT = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}


@contextmanager
def far_end(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A system that does with each connection what it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                with client:
                    serve(client)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire() -> Iterator[Wire]:
    made = Wire(None, connections=2, timeout=TIMEOUT)
    yield made
    made.close()


def whole(answer: object) -> bytes:
    body = b"".join(answer.iter_bytes())  # type: ignore[attr-defined]  # an Answer
    answer.close()  # type: ignore[attr-defined]  # an Answer
    return body


def test_head_and_body_leave_together() -> None:
    came: list[bytes] = []

    def serve(client: socket.socket) -> None:
        for _ in range(2):
            came.append(client.recv(65_536))
            client.sendall(OK)

    with far_end(serve) as url, wire() as out:
        for body in (b'{"n":1}', b'{"n":2}'):
            assert whole(out.send("POST", f"{url}/orders", {"a": "b"}, body)) == b"ok"
    assert [one.endswith(body) for one, body in zip(came, (b'{"n":1}', b'{"n":2}'), strict=True)] == [
        True,
        True,
    ]
    assert came[0].startswith(b"POST /orders HTTP/1.1\r\n")


def test_a_request_without_a_body_leaves_when_its_answer_is_read() -> None:
    def serve(client: socket.socket) -> None:
        assert client.recv(65_536).startswith(b"GET /orders")
        client.sendall(OK)

    with far_end(serve) as url, wire() as out:
        assert whole(out.send("GET", f"{url}/orders", {}, None)) == b"ok"


def test_a_large_body_arrives_whole() -> None:
    sizes: list[int] = []
    body = b"x" * 3_000_000

    def serve(client: socket.socket) -> None:
        came = b""
        while not came.endswith(body[-10:] + b"END"):
            came += client.recv(1_000_000)
        sizes.append(len(came.partition(b"\r\n\r\n")[2]))
        client.sendall(OK)

    with far_end(serve) as url, wire() as out:
        assert whole(out.send("POST", f"{url}/orders", {}, body + b"END")) == b"ok"
    assert sizes == [len(body) + 3]


def test_an_answer_given_before_the_request_was_read_is_an_answer() -> None:
    def serve(client: socket.socket) -> None:
        client.recv(100)
        client.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    with far_end(serve) as url, wire() as out:
        assert out.send("POST", f"{url}/orders", {}, b"x" * 200).status_code == 413


def test_a_far_end_that_hangs_up_is_a_failure_whose_outcome_nobody_knows() -> None:
    with far_end(lambda client: client.close()) as url, wire() as out, pytest.raises(FAILURES) as told:
        out.send("POST", f"{url}/orders", {}, b"{}")
    assert not isinstance(told.value, httpcore.ConnectError)
