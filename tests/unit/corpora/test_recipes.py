"""The standard library as a text, and a download that is complete or leaves no file."""

from __future__ import annotations

import ast
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnnscope.corpora.recipes import fetch_shakespeare, python_text
from rnnscope.errors import TextError

TEXT = b"First Citizen:\nBefore we proceed any further, hear me speak.\n" * 5000
SHA256 = hashlib.sha256(TEXT).hexdigest()


def test_python_gathers_modules_in_the_order_of_their_names() -> None:
    first = next(python_text())
    assert first == Path(ast.__file__).with_name("__future__.py").read_text(encoding="utf-8")


def test_python_is_cut_where_asked_and_always_the_same() -> None:
    text = "".join(python_text(200_000))
    assert len(text) == 200_000
    assert text == "".join(python_text(200_000))
    assert "".join(python_text(0)) == ""
    assert "def literal_eval" in "".join(python_text(1_000_000))


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/right":
                self._answer(200, {"Content-Length": str(len(TEXT))}, TEXT)
            case "/unmeasured":
                self._answer(200, {}, TEXT)
            case "/wrong":
                self._answer(200, {"Content-Length": "5"}, b"wrong")
            case "/cut":
                self._answer(200, {"Content-Length": str(len(TEXT))}, TEXT[:1000])
            case "/moved":
                self._answer(301, {"Location": "/moved-again"})
            case "/moved-again":
                self._answer(302, {"Location": "/right"})
            case "/loop":
                self._answer(302, {"Location": "/loop"})
            case "/to-a-file":
                self._answer(302, {"Location": "file:///etc/hostname"})
            case "/to-ftp":
                self._answer(302, {"Location": "ftp://127.0.0.1/right"})
            case "/silent":
                self.server.released.wait(10)  # type: ignore[attr-defined]
            case "/nonsense":
                self.wfile.write(b"\x1b[31mnonsense\r\n\r\n")
            case _:
                self._answer(404, {"Content-Length": "0"})

    def _answer(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    server.released = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.released.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("page", ["right", "unmeasured", "moved"])
def test_the_right_text_is_kept(server: str, page: str, tmp_path: Path) -> None:
    destination = tmp_path / "input.txt"
    assert fetch_shakespeare(destination, f"{server}/{page}", SHA256) == destination
    assert destination.read_bytes() == TEXT
    assert list(tmp_path.iterdir()) == [destination]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("wrong", "the text has SHA-256 .*, expected "),
        ("cut", r"closed after 1,000 of 305,000 bytes"),
        ("loop", "the server answered 302, too many redirects"),
        ("to-a-file", "the server answered 302|no connection"),
        ("to-ftp", r"no connection \(unknown url type: ftp\)"),
        ("nowhere", "the server answered 404"),
        ("silent", "the server stopped answering"),
        ("nonsense", "␛"),
    ],
)
def test_anything_else_leaves_no_file_and_says_what_to_do(
    server: str, page: str, reason: str, tmp_path: Path
) -> None:
    destination = tmp_path / "input.txt"
    with pytest.raises(TextError, match=reason) as caught:
        fetch_shakespeare(destination, f"{server}/{page}", SHA256, timeout_seconds=0.3)
    message = str(caught.value)
    assert f"download {server}/{page} by hand and save it as {destination}" in message
    assert message.isprintable()
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"no connection .*refused.*download http"):
        fetch_shakespeare(tmp_path / "input.txt", "http://127.0.0.1:9/input.txt")


def test_only_the_web_is_asked(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(TEXT)
    for address in (secret.as_uri(), "ftp://127.0.0.1/x", "data:,x", "no address"):
        with pytest.raises(TextError, match="could not fetch"):
            fetch_shakespeare(tmp_path / "input.txt", address, SHA256)


def test_an_endless_answer_is_ended(server: str, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="more than 100,000 bytes"):
        fetch_shakespeare(tmp_path / "input.txt", f"{server}/unmeasured", SHA256, most_bytes=100_000)


def test_a_text_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    destination = tmp_path / "input.txt"
    destination.write_bytes(TEXT)
    assert fetch_shakespeare(destination, "http://127.0.0.1:9/", SHA256) == destination
