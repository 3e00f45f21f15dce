"""What a cell's module defines: its names and shapes, and one time step of its equations.

A cell's module imports neither torch nor NumPy: its equations are written once, over the operations of
`Arithmetic`, and run on tensors in the scan (`scan.py`) and on NumPy vectors in the sampler (`step.py`).

Every step has the form

    a(t) = W_ih x(t) + b + W_hh h(t−1)          (B, G·H), G blocks of H rows
    gates = σ or φ of the blocks of a(t)
    c(t), h(t) element by element from the gates and c(t−1) or h(t−1)

with φ = tanh or softsign. A step has three parts: `recall` adds the product with h(t−1), `activate` computes
what depends on a(t) and h(t−1) alone, `update` the rest. Where all h are known already, from a fused kernel,
`recall` and `activate` run once over all steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

Array: TypeAlias = Any
"""A tensor or a NumPy array. In the shapes below, `…` stands for (T, B), (B,) or nothing."""

Weights: TypeAlias = Mapping[str, Any]
"""A layer's parameters by name: matrices as `Arithmetic` multiplies them, the others as arrays."""


class Arithmetic(Protocol):
    """Operations on arrays; `out` may be an operand. A name that ends in `_` changes its first argument."""

    def product(self, matrix: Any, x: Array, /) -> Array:
        """`matrix` x, (…, rows)."""

    def add_product(self, base: Array, matrix: Any, x: Array, /, *, out: Array) -> object:
        """out = base + `matrix` x."""

    def sigmoid_(self, x: Array, /) -> object:
        """x = σ(x)."""

    def squash(self, x: Array, /, *, out: Array) -> object:
        """out = φ(x)."""

    def multiply(self, a: Array, b: Array, /, *, out: Array) -> object:
        """out = a ∘ b."""

    def add_multiplied_(self, base: Array, a: Array, b: Array, /) -> object:
        """base += a ∘ b."""

    def interpolate(self, a: Array, b: Array, weight: Array, /, *, out: Array) -> object:
        """out = a + weight ∘ (b − a); `out` is none of the operands."""


class Gradients(Arithmetic, Protocol):
    """What the backward pass needs besides. Derivatives are functions of the function's value y."""

    def sigmoid_slope(self, y: Array, /) -> Array:
        """σ' = y (1 − y)."""

    def squash_slope(self, y: Array, /) -> Array:
        """φ' = 1 − y² for tanh, (1 − |y|)² for softsign."""

    def outer(self, errors: Array, values: Array, /) -> Array:
        """The gradient of a matrix: Σ errors ⊗ values over all steps and rows."""


class Frame(NamedTuple):
    """The arrays of one time step, or of many."""

    gates: Array
    """(…, G·H): W_ih x + b at first, the gates' values in the end."""
    parts: tuple[Array, ...]
    """Views of `gates`, as `Equations.split` returns them."""
    hidden_before: Array
    """(…, H): h(t−1)."""
    cell_before: Array
    """(…, H): c(t−1); None for a cell without c."""
    hidden: Array
    """(…, H): h(t), written by `update`; it shares no memory with `hidden_before`."""
    cell: Array
    """(…, H): c(t), written by `update`; None for a cell without c."""
    inputs: tuple[Array, ...]
    """(…, H) each: products with x other than `weight_ih`'s, in the order of `Equations.projections`."""
    saved: tuple[Array, ...]
    """(…, H) each: room for what `Equations.saved` names."""


class Factors(NamedTuple):
    """What gradients are multiplied by at each step, (T, B, H) each.

    dh and dc are the gradients of a step's h and c. A cell without c passes h on directly: there dc is the
    gradient of h, `shown` is None and the loop adds dh to dc.
    """

    blocks: tuple[Array, ...]
    """The error of each block of a(t) but the output gate is its factor times dc, in the packed order."""
    kept: Array
    """dc(t−1) is this times dc(t); None for 0."""
    shown: Array = None
    """dc gains this times dh."""
    output: Array = None
    """The error of the output gate, always the last block, is this times dh."""


class Backward(NamedTuple):
    """The values that the backward pass has."""

    whole: Frame
    """All time steps."""
    w: Weights
    """Matrices are transposed: `f.product(w["weight_hh"], e)` is W_hhᵀ e."""
    f: Gradients
    saved: tuple[Array, ...]
    """`Equations.saved_back` arrays (T, B, H) for a cell's own intermediate gradients."""


class Equations(ABC):
    """A cell: its parts are named in class variables; `split`, `update` and `factors` are its equations."""

    title: ClassVar[str]
    """The name in headings, such as `coupled LSTM`."""
    blocks: ClassVar[tuple[str, ...]]
    """The blocks of `weight_ih` (G·H, I) and `weight_hh` (G·H, H), in order."""
    quantities: ClassVar[tuple[str, ...]]
    """What is recorded of every unit, in the order in which the screens list it; `hidden` is the last."""
    gates: ClassVar[tuple[str, ...]]
    """The quantities that lie in 0..1; all others are signed."""
    unbounded: ClassVar[tuple[str, ...]] = ("cell",)
    """The quantities that may leave −1..1."""
    forget_bias: ClassVar[tuple[str, int] | None] = None
    """The block that takes the initial forget bias, and its sign; None for a cell without a forget gate."""
    constant: ClassVar[Mapping[str, float | None]]
    """Values of blocks with which a unit keeps its state at every step; None is the value of the state."""
    formulas: ClassVar[tuple[str, str] | None] = None
    """What is kept of the state and what is written to it, such as `f·c`, `i·g`; None: nothing is kept."""
    saved: ClassVar[tuple[str, ...]] = ()
    """Arrays (T, B, H) that the forward pass keeps besides gates, c and h."""
    saved_back: ClassVar[int] = 0
    """How many arrays (T, B, H) the backward pass needs for intermediate gradients."""
    cell_is_seen: ClassVar[bool] = False
    """Whether gates depend on c itself and not only on φ(c)."""
    projections: ClassVar[Mapping[str, tuple[str, ...]]] = {"weight_ih": ("bias_ih", "bias_hh")}
    """The matrices multiplied by x, `weight_ih` first, each with the biases added to the product."""
    recurrent: ClassVar[tuple[str, ...]] = ("weight_hh",)
    """The parameters that a step uses, matrices named `weight_…`."""

    @property
    def has_cell(self) -> bool:
        """Whether the state is (h, c), not h alone."""
        return "cell" in self.quantities

    def extra_shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """Parameters besides weight_ih, weight_hh, bias_ih and bias_hh, by name."""
        return {}

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """All parameters of a layer of I inputs and H units: names as in a model file, and shapes."""
        rows = len(self.blocks) * hidden
        return {
            "weight_ih": (rows, inputs),
            "weight_hh": (rows, hidden),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
            **self.extra_shapes(inputs, hidden),
        }

    @abstractmethod
    def split(self, gates: Array) -> tuple[Array, ...]:
        """The views of gates (…, G, H) that `update` works on."""

    def recall(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        """Complete a(t): add W_hh h(t−1) to `t.gates`."""
        f.add_product(t.gates, w["weight_hh"], t.hidden_before, out=t.gates)

    def activate(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        """Compute, in place, the gates that do not depend on c. By default there are none."""
        return

    @abstractmethod
    def update(self, t: Frame, w: Weights, f: Arithmetic) -> None:
        """Compute the other gates in place, c(t) and h(t)."""

    def write(self, t: Frame, f: Arithmetic) -> Array:
        """Set `t.cell` to what a step adds to c; return what it multiplies c(t−1) by.

        Only a cell that has c and runs on a fused kernel needs it: c follows from the gates, without h.
        """
        raise NotImplementedError

    def record(self, whole: Frame) -> dict[str, Array]:
        """Every quantity (T, B, H), in the order of `quantities`."""
        blocks = whole.gates.reshape(*whole.gates.shape[:2], len(self.blocks), -1)
        known = {name: blocks[:, :, block] for block, name in enumerate(self.blocks)}
        known |= dict(zip(self.saved, whole.saved, strict=True))
        known |= {"cell": whole.cell, "hidden": whole.hidden} | self.derived(known)
        return {name: known[name] for name in self.quantities}

    def derived(self, known: Mapping[str, Array]) -> dict[str, Array]:
        """Quantities that are neither a block nor saved, computed from those."""
        return {}

    def written(self, values: Callable[[str], Array]) -> Array:
        """What a step adds to the state, from its recorded quantities; for a cell with `formulas`."""
        return values("input") * values("candidate")

    @abstractmethod
    def factors(self, t: Frame, backward: Backward) -> Factors:
        """What the backward pass multiplies gradients by, at the steps of `t`."""

    def recall_back(self, t: int, errors: Array, backward: Backward, base: Array, out: Array) -> None:
        """out = base + what step t's errors (B, G·H), the gradient of a(t), add to the gradient of h(t−1)."""
        backward.f.add_product(base, backward.w["weight_hh"], errors, out=out)

    def gradients(self, errors: Array, backward: Backward) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The gradients of the parameters in `recurrent`, and of `inputs`, from all errors (T, B, G·H)."""
        return (backward.f.outer(errors, backward.whole.hidden_before),), ()
