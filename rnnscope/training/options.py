"""The options of a training run; the command line is derived from them.

Each field's docstring is its help text. The constructor validates all values.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Literal, cast, get_args, get_origin, get_type_hints

import tyro

from rnnscope.errors import OptionError, RunError
from rnnscope.network.architecture import Activation, Architecture, CellName
from rnnscope.strict_json import LARGEST_INTEGER, JsonError, decode
from rnnscope.text.patterns import Expression

OptimizerName = Literal["adamw", "adam", "rmsprop", "adagrad", "sgd"]
ScheduleName = Literal["wsd", "constant", "cosine", "plateau", "step"]
PrecisionName = Literal["auto", "float32", "bfloat16"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
EncodingName = Literal["utf-8", "bytes"]

_LARGEST = 1e30
"""Larger numbers overflow in float32."""


@dataclass(frozen=True)
class TrainOptions:
    """Options of one training run. Raises OptionError if a value is out of range or two options conflict."""

    text: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TEXT")] = ""
    """The text to train on: a file, archive, python or shakespeare, or - for standard input (required unless
    --resume)."""
    encoding: EncodingName = "utf-8"
    """Model the characters of UTF-8 text, or the bytes of any file."""
    minimum_count: int = 1
    """Map characters seen fewer than N times to <unk>."""
    held_out: float = 0.1
    """Fraction at the end of the text used for validation."""
    test: float = 0.0
    """Fraction at the very end used for testing: only read by `rnnscope eval RUN --split test`."""

    document_separator: str | None = None
    """Regular expression; after each match a new document begins, with the state reset to zero."""

    cell: CellName = "lstm"
    """The recurrent cell."""
    hidden_size: int = 256
    """Hidden units per layer."""
    layers: int = 1
    """Recurrent layers."""
    embedding_size: int = 64
    """Embedding size; 0 = one-hot input."""
    tied: bool = False
    """Share the weights of embedding and output layer (needs --embedding-size equal to --hidden-size)."""
    activation: Activation = "tanh"
    """Activation of candidate and cell; softsign LSTMs, RNNs and GRUs run without PyTorch's kernels."""
    dropout: float = 0.25
    """Dropout probability, between layers and before the output layer."""
    forget_bias: float = 1.0
    """Initial bias of the forget gate."""
    init_from: str | None = None
    """Fine-tune from this model (same architecture; the vocabulary is extended)."""

    steps: int | None = None
    """End after this many steps."""
    minutes: float | None = None
    """End after this many minutes of training."""
    epochs: float | None = None
    """End after this many passes over the text."""
    sequence_length: int = 64
    """Truncated-BPTT length, in characters."""
    batch_size: int = 32
    """Batch size (parallel streams)."""
    reset_probability: float = 0.02
    """Probability per chunk of resetting a stream's state to zero (trains cold starts)."""

    optimizer: OptimizerName = "adamw"
    """Optimizer."""
    learning_rate: float = 6e-3
    """Peak learning rate."""
    momentum: float = 0.9
    """β1 of adamw and adam; Nesterov momentum of sgd."""
    smoothing: float = 0.99
    """β2 of adamw and adam; decay of the squared gradients of rmsprop."""
    weight_decay: float | None = None
    """L2 regularization of matrices: by default 0.1 with adamw, where it is decoupled, otherwise 0."""
    l1: float = 0.0
    """L1 regularization of matrices."""
    activity_penalty: float = 0.0
    """Penalty on the mean |h| (try 0.3): units are often silent; decays with the learning rate."""
    change_penalty: float = 0.0
    """Penalty on the mean |c(t) − c(t−1)| (try 1): units change rarely; decays with the learning rate."""
    clip_norm: float = 1.0
    """Clip the gradient norm; 0 disables."""
    clip_value: float = 0.0
    """Clip gradient values to ±X; 0 disables."""

    schedule: ScheduleName = "wsd"
    """wsd: warm-up, stable, decay: constant until the last part of the budget, or until you press f."""
    warmup_steps: int = 50
    """Warm-up steps."""
    anneal_fraction: float = 0.35
    """The last fraction of the budget, over which wsd decays to zero."""
    decay_factor: float = 0.5
    """Factor by which step and plateau cut the rate."""
    decay_every: int = 1000
    """Steps between two cuts of step."""
    plateau_patience: int = 3
    """Evaluations without improvement before plateau cuts the rate; it ends the run at 0.0001 of the peak."""
    patience: int = 0
    """Early-stopping patience, in evaluations; 0 disables."""
    evaluate_every: int = 250
    """Steps between evaluations with --patience or plateau; otherwise they are spaced by time."""

    run: str | None = None
    """The run directory; by default a new one in runs/."""
    resume: str | None = None
    """Resume this run exactly where it stopped."""
    snapshot_megabytes: float = 100.0
    """The disk space for the snapshots that `rnnscope replay` plays, about 100 over the run; 0 keeps none."""
    rescue: str | None = None
    """Where to save at the end if the run's own directory cannot be written, on a full disk for one."""
    seed: int = 1
    """Random seed; the same seed on the same machine gives the same weights."""
    device: DeviceName = "auto"
    """Where to compute."""
    precision: PrecisionName = "auto"
    """auto measures at the start whether bfloat16 is faster."""
    threads: int = 0
    """CPU threads; 0 = one per core."""
    temperature: float = 0.8
    """Sampling temperature of the live samples."""
    prime: str = ""
    """Prompt of the live samples."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def evaluates_at_fixed_steps(self) -> bool:
        """True if evaluations affect training, so that their steps must not depend on the clock."""
        return self.patience > 0 or self.schedule == "plateau"

    @property
    def decay(self) -> float:
        """The effective weight decay."""
        if self.weight_decay is None:
            return 0.1 if self.optimizer == "adamw" else 0.0
        return self.weight_decay

    @property
    def has_budget(self) -> bool:
        return any(budget is not None for budget in (self.steps, self.minutes, self.epochs))

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> TrainOptions:
        """The recorded options of a run; names unknown to this version are ignored.

        Raises RunError for values of another type, OptionError for values out of range.
        """
        try:
            return decode(cls, dict(values), "options")
        except JsonError as error:
            raise RunError(f"the options in run.json are damaged: {error}") from error


MOST_THREADS = 1024

BUDGET = ("steps", "minutes", "epochs")
OF_THE_PROCESS = (
    "text",
    "device",
    "threads",
    "temperature",
    "prime",
    "resume",
    "rescue",
    "snapshot_megabytes",
)
"""Options that may change when a run is resumed, besides its budget; the text may move, but not change."""


def given_names(asked: TrainOptions, given: Collection[str] | None = None) -> set[str]:
    """The names of the options that were chosen: those in `given`, or those that differ from the defaults."""
    names, default = {f.name for f in fields(asked)}, TrainOptions()
    if given is not None:
        return names & set(given)
    return {name for name in names if getattr(asked, name) != getattr(default, name)}


def resumed(
    recorded: TrainOptions,
    asked: TrainOptions,
    given: Collection[str] | None = None,
    *,
    precision: object = None,
) -> TrainOptions:
    """The options of a resumed run: the recorded ones, with those that may change taken from `asked`.

    Any budget in `asked` replaces the whole recorded budget. given: see `given_names`. precision: the one
    that --precision auto chose. Raises OptionError if `asked` changes an option that is fixed.
    """
    names = given_names(asked, given)
    fixed = names - {*BUDGET, *OF_THE_PROCESS, "run"}
    for name in sorted(fixed):
        is_chosen = name == "precision" and asked.precision == precision
        if getattr(asked, name) != getattr(recorded, name) and not is_chosen:
            value = _text(getattr(recorded, name))
            raise OptionError(
                f"{_flag(name)} cannot change when a run is resumed (it is {value}); "
                "leave it out, or start a new run with --init-from"
            )
    places = [os.path.abspath(run) for run in (asked.run, asked.resume, recorded.run) if run is not None]
    if asked.run is not None and places[0] not in places[1:]:
        raise OptionError("--run cannot change when a run is resumed; leave it out")
    names -= {*fixed, "run"}
    if names & set(BUDGET):
        names |= set(BUDGET)
    taken = cast("dict[str, object]", {name: getattr(asked, name) for name in names})
    return replace(recorded, **taken)  # type: ignore[arg-type]


def fine_tuned(
    architecture: Architecture,
    encoding: EncodingName,
    asked: TrainOptions,
    given: Collection[str] | None = None,
) -> TrainOptions:
    """The options of a run that begins with the weights of a model of this architecture and encoding.

    given: see `given_names`. Raises OptionError if `asked` chooses another shape, or an option that the
    weights determine.
    """
    shape: dict[str, object] = {
        "encoding": encoding,
        "cell": architecture.cell,
        "hidden_size": architecture.hidden_size,
        "layers": architecture.layers,
        "embedding_size": architecture.embedding_size,
        "activation": architecture.activation,
        "tied": architecture.tied,
    }
    names = given_names(asked, given)
    for name, value in shape.items():
        if name in names and getattr(asked, name) != value:
            raise OptionError(f"{_flag(name)} is {_text(value)} in the model of --init-from; leave it out")
    if "minimum_count" in names and asked.minimum_count > 1:
        raise OptionError(
            "--minimum-count has no effect with --init-from: the vocabulary of the model is kept"
        )
    if "forget_bias" in names:
        raise OptionError("--forget-bias has no effect with --init-from: the weights of the model are kept")
    return replace(asked, **shape)  # type: ignore[arg-type]


def _text(value: object) -> str:
    """The value of an option in a message."""
    if value is None:
        return "not set"
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check(options: TrainOptions) -> None:
    """Raise OptionError for values out of range and options that conflict."""

    def require(name: str, holds: bool, range_: str) -> None:
        if not holds:  # comparisons with NaN are false, too
            raise OptionError(f"{_flag(name)} is {getattr(options, name)}, but must be {range_}")

    o = options
    for name, kind in get_type_hints(TrainOptions).items():
        if get_origin(kind) is Literal:
            require(name, getattr(o, name) in get_args(kind), f"one of {', '.join(get_args(kind))}")
    for name in vars(o):
        value = getattr(o, name)
        if type(value) is int:  # a file of JSON holds it exactly
            require(name, abs(value) <= LARGEST_INTEGER, "at most 2^53")
        elif type(value) is float and value < float("inf"):
            require(name, abs(value) <= _LARGEST, f"at most {_LARGEST:g}")
    for name in ("hidden_size", "layers", "sequence_length", "batch_size", "minimum_count"):
        require(name, getattr(o, name) >= 1, "at least 1")
    for name in ("decay_every", "plateau_patience", "evaluate_every"):
        require(name, getattr(o, name) >= 1, "at least 1")
    for name in ("embedding_size", "warmup_steps", "patience", "threads", "seed"):
        require(name, getattr(o, name) >= 0, "0 or more")
    require("weight_decay", 0 <= o.decay < float("inf"), "a number, 0 or more")
    for name in (
        "l1",
        "activity_penalty",
        "change_penalty",
        "clip_norm",
        "clip_value",
        "temperature",
        "snapshot_megabytes",
    ):
        require(name, 0 <= getattr(o, name) < float("inf"), "a number, 0 or more")
    for name in ("dropout", "momentum", "smoothing", "reset_probability"):
        require(name, 0 <= getattr(o, name) < 1, "at least 0 and below 1")
    for name in BUDGET:
        budget = getattr(o, name)
        require(name, budget is None or 0 < budget < float("inf"), "above 0")
    require("learning_rate", 0 < o.learning_rate < float("inf"), "above 0")
    require("forget_bias", abs(o.forget_bias) < float("inf"), "a number")
    require("decay_factor", 0 < o.decay_factor <= 1, "above 0, at most 1")
    require("anneal_fraction", 0 <= o.anneal_fraction <= 1, "from 0 to 1")
    require("held_out", 0 <= o.held_out < 1, "at least 0 and below 1")
    require("test", 0 <= o.test < 1, "at least 0 and below 1")
    require("threads", o.threads <= MOST_THREADS, f"at most {MOST_THREADS:,}")
    if o.document_separator is not None:
        Expression(o.document_separator)  # raises OptionError if invalid
    if o.held_out + o.test >= 1:
        raise OptionError(f"--held-out {o.held_out} and --test {o.test} leave nothing to learn from")
    has_own_shape = o.init_from is None and o.resume is None
    if has_own_shape and o.tied and o.embedding_size != o.hidden_size:
        raise OptionError(f"--tied needs --embedding-size {o.hidden_size}, equal to --hidden-size")
    if o.schedule == "cosine" and not o.has_budget and o.resume is None:
        raise OptionError("--schedule cosine needs an end: give --steps, --minutes or --epochs, or use wsd")
    if o.evaluates_at_fixed_steps and o.held_out == 0 and o.resume is None:
        raise OptionError("--patience and --schedule plateau judge by held-out text: give --held-out 0.1")
