"""`rnnscope find`: the neurons that predict a feature of a text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

import tyro

from rnnscope.analysis.features import FEATURES
from rnnscope.commands.arguments import AllowNonfinite, AsJson, ModelName, TextName
from rnnscope.errors import OptionError, TextError
from rnnscope.strict_json import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXAMPLES = (
    "rnnscope find archive-lstm archive --feature quotes --characters 20000",
    "rnnscope find runs/NAME notes.txt --pattern '[0-9]+' --where before",
)


@dataclass(frozen=True)
class Options:
    """Find the neurons that detect a feature of a text: selected on one half of it, scored on the other half.

    For comparison it reports the best score for shuffled labels, and a linear probe over all neurons.
    """

    model: ModelName
    text: TextName
    feature: Annotated[str | None, tyro.conf.arg(help=f"A built-in feature: {', '.join(FEATURES)}.")] = None
    pattern: str | None = None
    """A regular expression: find the neurons that detect its matches."""
    where: Literal["inside", "before", "after"] = "inside"
    """Inside the pattern's matches, at the character just before one, or just after."""
    labels: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npy")] = None
    """One label per character: true or 1 for on, false or 0 for off, NaN to ignore; or any numbers."""
    quantity: str | None = None
    """Search one quantity, such as cell; by default all quantities of the network."""
    top: int = 20
    """The number of neurons to report."""
    characters: int = 0
    """Read only the first N characters of the text; 0 reads all."""
    seed: int = 0
    """Seed of the shuffled baseline, and of the sample from a long text."""
    json: AsJson = False
    allow_nonfinite: AllowNonfinite = False


def run(options: Options) -> int:
    asked = [name for name in ("feature", "pattern", "labels") if getattr(options, name) is not None]
    if len(asked) != 1:
        given = " and ".join(f"--{name}" for name in asked) or "none is given"
        raise OptionError(f"find needs exactly one of --feature, --pattern and --labels: {given}")
    if options.top < 1:
        raise OptionError(f"--top is {options.top}, but must be at least 1")
    labels = None if options.labels is None else load_labels(options.labels)

    from rnnscope.analysis.find import Find
    from rnnscope.analysis.targets import Labels
    from rnnscope.commands.asking import answer

    query = Find(
        feature=options.feature,
        pattern=options.pattern,
        where=options.where,
        labels=None if labels is None else Labels.of(labels),
        quantity=options.quantity,
        limit=options.top,
        characters=options.characters,
        seed=options.seed,
    )
    query.target()  # a misspelled feature is reported before torch is imported
    return answer(
        query, options.model, options.text, json=options.json, allow_nonfinite=options.allow_nonfinite
    )


def load_labels(path: Path) -> NDArray[Any]:
    """The one array of numbers or booleans in a `.npy` file. Raises TextError.

    The header is checked against the size of the file before NumPy reads the array: some headers make it
    allocate terabytes, loop for minutes, or end the process.
    """
    import numpy as np

    if path.exists() and not path.is_file():
        raise TextError(f"{path} is not a regular file: write the labels by numpy.save")
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            raise TextError(f"{path} holds several arrays: save one array of labels as .npy")
        file.seek(0)
        try:
            shape, is_fortran, dtype = _npy_header(file)
        except (
            ValueError,
            TypeError,
            EOFError,
            OverflowError,
            RecursionError,
            MemoryError,
            SyntaxError,
        ) as error:
            raise TextError(f"{path} is not an array that NumPy saved: write one by numpy.save") from error
        if dtype.kind not in "biuf":
            raise TextError(f"{path} has items of type {str(dtype)[:40]}, not numbers or booleans")
        if math.prod(shape) * dtype.itemsize != path.stat().st_size - file.tell():
            raise TextError(f"{path} is truncated: it does not hold {shown(list(shape))} items")
        items = np.frombuffer(file.read(), dtype)
    return items.reshape(shape, order="F" if is_fortran else "C")


def _npy_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type. Raises ValueError and others for an invalid header."""
    import tokenize
    import warnings

    from numpy.lib import format as npy

    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers written by Python 2
            shape, is_fortran, dtype = read(file)
    except tokenize.TokenError as error:
        raise ValueError(str(error)) from error
    if not all(type(size) is int and size >= 0 for size in shape) or not dtype.itemsize:
        raise ValueError(f"shape {shape}")
    return shape, is_fortran, dtype
