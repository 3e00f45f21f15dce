"""`rnnscope sample`: generate text, printed as it is generated."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from rnnscope.commands.arguments import AllowNonfinite, ModelName
from rnnscope.commands.output import print_text
from rnnscope.errors import OptionError
from rnnscope.text.vocabulary import Vocabulary

_AT_ONCE_ON_A_TERMINAL = 4
_AT_ONCE_IN_A_PIPE = 256

EXAMPLES = (
    'rnnscope sample archive-lstm --prime "[Letter" --length 500',
    "rnnscope sample shakespeare --temperature 0.5 --seed 1 > play.txt",
)


@dataclass(frozen=True)
class Options:
    """Generate text. Control characters are shown as symbols in a terminal and passed through to a pipe."""

    model: ModelName
    prime: str = ""
    """The text to continue; without it the text starts after a line break (or the first symbol)."""
    length: int = 1000
    """Characters to generate."""
    temperature: float = 0.8
    """Sampling temperature; 0 = greedy."""
    top_k: int = 0
    """Sample from the K most likely characters; 0 = all."""
    top_p: float = 1.0
    """Nucleus sampling: smallest set with total probability P."""
    seed: int | None = None
    """The same seed gives the same text."""
    allow_nonfinite: AllowNonfinite = False


def run(options: Options) -> int:
    if options.length < 1:
        raise OptionError(f"--length is {options.length}, but must be at least 1")
    if options.seed is not None and options.seed < 0:
        raise OptionError(f"--seed is {options.seed}, but must be 0 or more")

    from rnnscope.network.checkpoint import load_model
    from rnnscope.network.locate import resolve_model
    from rnnscope.network.sampling import Sampler

    model = load_model(resolve_model(options.model), allow_nonfinite=options.allow_nonfinite)
    sampler = Sampler(model)
    prime = model.vocabulary.encode(options.prime).tolist()
    stream = sampler.stream(
        options.length,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        seed=options.seed,
    )
    sampler.feed(prime or [model.vocabulary.opening])
    write = _to_terminal(model.vocabulary) if sys.stdout.isatty() else _to_pipe(model.vocabulary)
    write(prime)
    at_once = _AT_ONCE_ON_A_TERMINAL if sys.stdout.isatty() else _AT_ONCE_IN_A_PIPE
    written = (chosen for chosen, _ in stream)
    while ids := list(islice(written, at_once)):
        write(ids)
    if sys.stdout.isatty():
        print_text("")
    return 0


def _to_pipe(vocabulary: Vocabulary) -> Callable[[list[int]], None]:
    def write(ids: list[int]) -> None:
        sys.stdout.buffer.write(vocabulary.decode_bytes(ids))
        sys.stdout.buffer.flush()

    return write


def _to_terminal(vocabulary: Vocabulary) -> Callable[[list[int]], None]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # the bytes of a character may be split

    def write(ids: list[int]) -> None:
        print_text(decoder.decode(vocabulary.decode_bytes(ids)), end="")

    return write
