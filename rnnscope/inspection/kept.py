"""What was found out about a model, kept in a small JSON file beside it, for the texts it was found on.

{"format": 1, "model": sha256, "texts": {sha256: {"names": {"1/97": ["quotes", 0.97, "AUC", false, "cell"]},
                                                  "found": [{"kind": "inside", "asked": "ing", …}]}}}

A text is known by its characters and a model by its bytes: findings of another state of the model are set
aside. What cannot be read is told in a line and passed over; what cannot be written stays in memory.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from rnnscope.app.asking.answers import Extent, Found
from rnnscope.app.asking.requests import Find, Request
from rnnscope.app.ranking import Known, Neuron
from rnnscope.files import write_atomically
from rnnscope.network.architecture import QUANTITIES, Architecture
from rnnscope.network.locate import sidecar

_FORMAT = 1
_LARGEST_BYTES = 16 << 20
_MOST_TEXTS = 8
_MOST_FOUND = 64
"""Of a text; the oldest go first."""
_HASHED_AT_ONCE = 1 << 20
_VERDICTS = ("single neuron", "distributed", "not encoded")

Key: TypeAlias = tuple[Any, ...]
Names: TypeAlias = Mapping[Neuron, Known]


def findings_path(model: Path) -> Path:
    """Where the findings of a model file are kept."""
    return sidecar(model, ".findings.json")


def digest_of_file(path: Path) -> str:
    """Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_HASHED_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def gain_key(feature: str) -> Key:
    """Of what all neurons add to the one that knows a built-in feature best."""
    return ("gain", feature, (), False)


def find_key(request: Find) -> Key:
    return (request.kind, request.asked, request.marks, request.whole)


class Kept:
    """Findings by text; several threads use it."""

    def __init__(self, path: Path, model: str, architecture: Architecture) -> None:
        """model: the digest of its file."""
        self.notes: list[str] = []
        """What the reader should hear of the file, in lines."""
        self._path: Path | None = path
        self._model, self._architecture = model, architecture
        self._names: dict[str, Names] = {}
        self._found: dict[str, dict[Key, Found]] = {}
        self._finished: set[str] = set()
        self._lock = threading.Lock()
        self._load(path)

    def names(self, text: str) -> Names | None:
        """The names found on a text, by its digest."""
        return self._names.get(text)

    def found(self, text: str, key: Key) -> Found | None:
        return self._found.get(text, {}).get(key)

    def is_finished(self, text: str) -> bool:
        """Whether every built-in feature was looked for in it; some are on nowhere, and nothing is found."""
        return text in self._finished

    def finish(self, text: str) -> None:
        with self._lock:
            self._finished.add(text)

    def keep_names(self, text: str, names: Names) -> None:
        with self._lock:
            self._names[text] = names

    def keep(self, text: str, key: Key, found: Found) -> None:
        with self._lock:
            of_text = self._found.setdefault(text, {})
            of_text.pop(key, None)
            of_text[key] = found
            while len(of_text) > _MOST_FOUND:
                del of_text[next(iter(of_text))]

    def forget_file(self) -> None:
        """Write no more: the model in the file is another by now."""
        with self._lock:
            self._path = None

    def write(self) -> str | None:
        """Write what is known; a line for the reader, once, where that cannot be done."""
        with self._lock:
            if self._path is None:
                return None
            texts = list(dict.fromkeys((*self._names, *self._found)))[-_MOST_TEXTS:]
            told = {
                "format": _FORMAT,
                "model": self._model,
                "texts": {text: self._told(text) for text in texts},
            }
            content = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            try:
                write_atomically(self._path, lambda file: file.write(content.encode("utf-8", "replace")))
            except OSError as error:
                path, self._path = self._path, None
                return f"findings are not kept: {path}: {error.strerror or error}"
        return None

    def _told(self, text: str) -> dict[str, Any]:
        names = {_name(neuron): _known(known) for neuron, known in self._names.get(text, {}).items()}
        found = [
            _asked(key) | _told(each)
            for key, each in self._found.get(text, {}).items()
            if each.feature.isprintable()
        ]
        told: dict[str, Any] = {"found": found, "finished": text in self._finished}
        return told | {"names": names} if text in self._names else told

    def _load(self, path: Path) -> None:
        try:
            if path.stat().st_size > _LARGEST_BYTES:
                raise ValueError("it is too large")
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["format"] != _FORMAT:
                raise ValueError(f"it has the format {str(told['format'])[:20]!r}")
            if told["model"] != self._model:
                self.notes.append("findings of an earlier state of this model are set aside; finding anew")
                return
            for text, of_text in told["texts"].items():
                if "names" in of_text:
                    self._names[text] = {
                        self._neuron(name): self._read_known(known)
                        for name, known in of_text["names"].items()
                    }
                read = [(_key(each), self._read_found(each)) for each in of_text["found"]]
                self._found[text] = dict(read[-_MOST_FOUND:])
                if of_text["finished"]:
                    self._finished.add(text)
        except FileNotFoundError:
            pass
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            OverflowError,
            RecursionError,
        ) as error:
            self._names, self._found, self._finished = {}, {}, set()
            why = " ".join(str(error).split())[:80]
            self.notes.append(f"{path.name} is no file of findings and is passed over: {why}")

    def _neuron(self, name: str) -> Neuron:
        layer, unit = (int(part) for part in name.split("/"))
        if not (1 <= layer <= self._architecture.layers and 0 <= unit < self._architecture.hidden_size):
            raise ValueError(f"there is no neuron {name}")
        return layer, unit

    def _read_known(self, told: Any) -> Known:
        feature, score, metric, is_negative, quantity = told
        if quantity not in QUANTITIES[self._architecture.cell]:
            raise ValueError(f"{quantity!r} is no quantity of this network")
        return Known(_line(feature), _share(score), _metric(metric), bool(is_negative), quantity)

    def _read_found(self, told: Any) -> Found:
        if told["verdict"] not in _VERDICTS:
            raise ValueError(f"{told['verdict']!r} is no verdict")
        positives = told["positives"]
        return Found(
            None,
            _line(told["feature"]),
            _metric(told["metric"]),
            tuple((self._neuron(name), self._read_known(known)) for name, known in told["results"]),
            _share(told["null"]),
            _share(told["probe"]),
            int(told["units_used"]),
            told["verdict"],
            int(told["positions"]),
            None if positives is None else int(positives),
        )


def as_answer(found: Found, request: Request, extent: Extent) -> Found:
    """What is kept, as the answer to a request."""
    return replace(found, request=request, extent=extent)


def _asked(key: Key) -> dict[str, Any]:
    return dict(zip(("kind", "asked", "marks", "whole"), key, strict=True))


def _key(told: Any) -> Key:
    marks = tuple((int(start), int(stop), bool(is_on)) for start, stop, is_on in told["marks"])
    return (str(told["kind"]), str(told["asked"]), marks, bool(told["whole"]))


def _told(found: Found) -> dict[str, Any]:
    return {
        "feature": found.feature,
        "metric": found.metric,
        "results": [[_name(neuron), _known(known)] for neuron, known in found.results],
        "null": float(found.null),
        "probe": float(found.probe),
        "units_used": int(found.units_used),
        "verdict": found.verdict,
        "positions": int(found.positions),
        "positives": None if found.positives is None else int(found.positives),
    }


def _known(known: Known) -> list[Any]:
    return [known.feature, float(known.score), known.metric, bool(known.is_negative), known.quantity]


def _name(neuron: Neuron) -> str:
    return f"{neuron[0]}/{neuron[1]}"


def _line(told: Any) -> str:
    """Words for the screen: what could move its cursor is no feature's name."""
    if not isinstance(told, str) or not told.isprintable():
        raise ValueError("a feature's name is a line of text")
    return told


def _metric(told: Any) -> str:
    if told not in ("AUC", "ρ"):
        raise ValueError(f"{told!r} is no metric")
    return str(told)


def _share(told: Any) -> float:
    value = float(told)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no score")
    return value
