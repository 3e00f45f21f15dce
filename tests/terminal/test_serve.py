"""The served page in Chromium: it loads, keys and colors work, visitors are limited, and processes end."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pyte
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from rnnscope.cli import main
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TEXT = 'A page, "served", of (some) text.\n' * 30
SIZE = {"width": 1160, "height": 640}

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str], Path]]:
    """The address, the process and the directory of a server for one visitor."""
    directory = tmp_path_factory.mktemp("serve")
    vocabulary = Vocabulary.of(TEXT)
    generator = torch.Generator().manual_seed(3)
    model = CharRNN(Architecture("lstm", len(vocabulary), 12, 1), vocabulary, generator=generator)
    save_model(model, directory / "model.safetensors", {})
    (directory / "text.txt").write_text(TEXT)
    command = ["serve", "--port", "0", "--visitors", "1", "inspect", "model.safetensors", "text.txt"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnscope", *command], cwd=directory, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found is not None, line
    yield found[0], process, directory
    if process.poll() is None:
        process.kill()
        process.wait()


class Visitor:
    """A page with a served screen, which is read from the packets that it gets."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.requested: list[str] = []
        self._screen = pyte.Screen(200, 60)
        self._stream = pyte.ByteStream(self._screen)
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("websocket", lambda socket: socket.on("framereceived", self._feed))
        page.goto(url)

    def _feed(self, payload: bytes | str) -> None:
        if isinstance(payload, bytes):
            self._stream.feed(payload)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def until(self, holds: Callable[[str], bool], seconds: float = 40) -> str:
        end = time.monotonic() + seconds
        while not holds(self.text):
            assert time.monotonic() < end, "\n".join(line for line in self.text.splitlines() if line)
            self.page.wait_for_timeout(50)
        return self.text


def neuron_of(text: str) -> str:
    found = re.search(r"gates +neuron (\d+/\d+)", text)
    return found[1] if found else ""


def test_another_site_cannot_connect(server: tuple[str, subprocess.Popen[str], Path]) -> None:
    url, _, _ = server
    for origin in ("http://example.org", "null", ""):
        request = Request(f"{url}/ws", headers={"Origin": origin} if origin else {})
        with pytest.raises(HTTPError) as error:
            urlopen(request)
        assert error.value.code == 403


@needs_chromium
def test_a_visitor_sees_a_screen_and_another_one_a_sentence(
    server: tuple[str, subprocess.Popen[str], Path],
) -> None:
    url, process, directory = server
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        visitor = Visitor(browser.new_page(viewport=SIZE), url)  # type: ignore[arg-type]
        # Once neurons have names the first selection stays.
        before = neuron_of(visitor.until(lambda text: "best of each feature" in text))
        visitor.page.locator("#terminal textarea").focus()
        assert all(each.startswith((url, "data:")) for each in visitor.requested)  # nothing from elsewhere

        visitor.page.keyboard.press("ArrowDown")
        visitor.until(lambda text: neuron_of(text) not in ("", before))

        with Image.open(io.BytesIO(visitor.page.screenshot())) as picture:
            counts = picture.convert("RGB").getcolors(1 << 24) or []
        blue = sum(count for count, (r, g, b) in counts if b > 150 > r)
        amber = sum(count for count, (r, g, b) in counts if r > 150 > b)
        assert blue > 500
        assert amber > 500

        # Files of the server are not offered.
        for key in ("w", "S", "H"):
            visitor.page.keyboard.press(key)
        visitor.page.keyboard.press("?")
        text = visitor.until(lambda text: "glossary" in text.lower() or "quit" in text.lower())
        assert "export to" not in text
        written = {each.suffix for each in directory.iterdir()}
        assert written.isdisjoint({".svg", ".html"}), written

        second = browser.new_page()
        answer = second.goto(url)
        assert answer is not None
        assert answer.status == 503
        assert "has a visitor, and no room for more" in second.inner_text("body")

        (child,) = (each for each in psutil.Process(process.pid).children(recursive=True) if is_screen(each))
        visitor.page.close()
        child.wait(20)
        Visitor(second, url).until(lambda text: bool(neuron_of(text)))
        children = [each for each in psutil.Process(process.pid).children(recursive=True) if is_screen(each)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        psutil.wait_procs(children, 10)
        assert not any(each.is_running() for each in children)
        browser.close()


def is_screen(process: psutil.Process) -> bool:
    return "inspect" in process.cmdline() and not process.cmdline()[0].endswith("sh")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["info", "archive-gru"], "info has no screen; serve one of train,"),
        (["--visitors", "0", "inspect"], "--visitors is 0, but must be at least 1"),
        (["--port", "70000", "inspect"], "--port is 70000, but must be from 0 to 65535"),
        (["inspect", "--no-such"], "--no-such"),
        (["--host", "192.0.2.1", "--port", "0", "inspect"], "cannot listen on 192.0.2.1:0"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNSCOPE_SERVED", "")  # restored after the test
    assert main(["serve", *arguments]) == 2
    out, err = capsys.readouterr()
    assert reason in err
    assert err.count("\n") == 1
    assert ("without a password" in out) == ("192.0.2.1" in arguments)


def test_the_process_of_a_visitor_saves_if_the_server_is_killed(tmp_path: Path) -> None:
    """A served screen ends when its input ends."""
    environment = dict(os.environ, RNNSCOPE_SERVED="1", COLUMNS="80", ROWS="24")
    (tmp_path / "text.txt").write_text(TEXT * 20)
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnscope", "train", "text.txt", "--hidden-size", "8", "--run", "run"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    end = time.monotonic() + 40
    while not (tmp_path / "run" / "events.jsonl").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.stdin.close()
    process.stdout.close()
    process.wait(30)
    assert '"finished"' in (tmp_path / "run" / "events.jsonl").read_text()
    assert (tmp_path / "run" / "last.safetensors").exists()
