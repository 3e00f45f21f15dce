"""Ready texts to train on: the source of this Python's standard library, and tinyshakespeare."""

from __future__ import annotations

import hashlib
import http.client
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rnnscope.errors import TextError
from rnnscope.files import write_atomically
from rnnscope.text.display import safe

SHAKESPEARE_URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"

_TIMEOUT_SECONDS = 30
_PIECE_BYTES = 1 << 16
_MOST_BYTES = 16 << 20

# Tests are repetitive, installed packages differ between machines, and the last two are data tables.
_NOT_CODE = frozenset(
    {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "encodings", "pydoc_data"}
)
_GENERATED = "_sysconfigdata"


def python_text(characters: int | None = None) -> Iterator[str]:
    """The source files of the standard library, in the order of their names.

    characters: the total length; None yields all. The text is the same on every call of one Python version.
    """
    library = Path(sysconfig.get_path("stdlib"))
    left = characters
    for path in _sources(library):
        if left is not None and left <= 0:
            return
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # a few files are in other encodings on purpose
            continue
        source = source[:left]
        yield source
        if left is not None:
            left -= len(source)


def fetch_shakespeare(
    destination: Path,
    url: str = SHAKESPEARE_URL,
    sha256: str = SHAKESPEARE_SHA256,
    timeout_seconds: float = _TIMEOUT_SECONDS,
    most_bytes: int = _MOST_BYTES,
) -> Path:
    """Download tinyshakespeare (1.1 MB), unless `destination` already has it.

    The file is written only if its SHA-256 is `sha256`. most_bytes: a longer response ends the download.
    Raises TextError with the address to download by hand, and OSError where the file cannot be written.
    """
    if destination.is_file() and _sha256_of(destination) == sha256:
        return destination

    def download(file: BinaryIO) -> None:
        try:
            found = _download(url, file, timeout_seconds, most_bytes)
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
            raise _DownloadError(_reason(error)) from error
        if found != sha256:
            raise _DownloadError(f"the text has SHA-256 {found[:12]}…, expected {sha256[:12]}…")

    try:
        write_atomically(destination, download)
    except _DownloadError as error:
        raise TextError(
            f"could not fetch the text: {error}; download {url} by hand and save it as {destination}"
        ) from error
    return destination


class _DownloadError(Exception):
    """A failed download; the message is the reason."""


def _download(url: str, file: BinaryIO, timeout_seconds: float, most_bytes: int) -> str:
    """Write the content of the address to `file` and return its SHA-256. Raises _DownloadError."""
    digest = hashlib.sha256()
    received = 0
    with _opener().open(url, timeout=timeout_seconds) as response:
        promised = response.headers.get("Content-Length")
        while piece := response.read(_PIECE_BYTES):
            received += len(piece)
            if received > most_bytes:
                raise _DownloadError(f"the server sent more than {most_bytes:,} bytes")
            digest.update(piece)
            file.write(piece)
    if promised is not None and received != int(promised):
        raise _DownloadError(f"the connection was closed after {received:,} of {int(promised):,} bytes")
    return digest.hexdigest()


def _opener() -> urllib.request.OpenerDirector:
    """An opener of http and https alone: no redirect leads to a local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}" + ("" if error.code >= 400 else ", too many redirects")
    if isinstance(error, TimeoutError):
        return "the server stopped answering"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({_one_line(error.reason)})"
    return _one_line(error)


def _one_line(error: object) -> str:
    return " ".join(safe(str(error) or type(error).__name__).split())


def _sources(directory: Path) -> Iterator[Path]:
    """The modules in a directory and its subdirectories, in the order of their names."""
    for path in sorted(directory.iterdir()):
        if path.name in _NOT_CODE or path.name.startswith(_GENERATED):
            continue
        if path.suffix == ".py":
            yield path
        elif path.is_dir():
            yield from _sources(path)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
