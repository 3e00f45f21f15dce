"""rnnscope: a microscope for recurrent networks in the terminal.

import rnnscope

model = rnnscope.load("archive-lstm")
trace = model.trace("To be, or not to be")
trace["1/cell"]                                     # (T, H) float32
session = rnnscope.Session(model, text)
session.ask(rnnscope.Saturation())                  # any query of rnnscope.analysis
rnnscope.train("input.txt", minutes=5)              # train a model
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

# OpenMP's threads spin while they wait for each other. If a third process is busy, one thread spins while the
# other is off the core, and training runs 15 times slower; spinning briefly and then sleeping costs nothing.
# OpenMP reads this when torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if TYPE_CHECKING:
    from rnnscope.analysis.ablation import Ablate, AblateResult, Clamp, LossChange
    from rnnscope.analysis.brackets import Brackets, BracketsResult, Closer
    from rnnscope.analysis.compare import (
        Compare,
        ComparedCharacter,
        ComparePage,
        ComparePageResult,
        CompareResult,
        OptionDifference,
        UnitMatch,
    )
    from rnnscope.analysis.comparison import Split
    from rnnscope.analysis.contexts import Band, Contexts, ContextsResult, Excerpt
    from rnnscope.analysis.errors import Bucket, Errors, ErrorsResult, Level
    from rnnscope.analysis.factors import Factorization, Factors, FactorsResult
    from rnnscope.analysis.find import Find, FindResult, FoundNeuron
    from rnnscope.analysis.gradient_flow import Flow, GradientFlow, GradientFlowResult, Norms
    from rnnscope.analysis.histogram import Histogram, HistogramResult
    from rnnscope.analysis.matching import Match, MatchedRange, MatchedUnit, MatchResult
    from rnnscope.analysis.names import FeatureScores, Names, NamesResult, NeuronLabel
    from rnnscope.analysis.ngrams import Difference, NgramPage, NgramPageResult, Ngrams, NgramsResult
    from rnnscope.analysis.query import Query, Result
    from rnnscope.analysis.saliency import Saliency, SaliencyResult
    from rnnscope.analysis.saturation import GateSaturation, Saturation, SaturationResult
    from rnnscope.analysis.statistics import Probe
    from rnnscope.analysis.targets import Labels
    from rnnscope.api import Model, color, find, load, trace, train
    from rnnscope.errors import RnnscopeError
    from rnnscope.export.colored import ColoredText
    from rnnscope.progress import Cancelled, Progress
    from rnnscope.session import Session
    from rnnscope.tracing.trace import Trace

_MODULES = {
    "rnnscope.analysis.ablation": ("Ablate", "AblateResult", "Clamp", "LossChange"),
    "rnnscope.analysis.brackets": ("Brackets", "BracketsResult", "Closer"),
    "rnnscope.analysis.comparison": ("Split",),
    "rnnscope.analysis.compare": (
        "Compare",
        "ComparedCharacter",
        "ComparePage",
        "ComparePageResult",
        "CompareResult",
        "OptionDifference",
        "UnitMatch",
    ),
    "rnnscope.analysis.contexts": ("Band", "Contexts", "ContextsResult", "Excerpt"),
    "rnnscope.analysis.errors": ("Bucket", "Errors", "ErrorsResult", "Level"),
    "rnnscope.analysis.factors": ("Factorization", "Factors", "FactorsResult"),
    "rnnscope.analysis.gradient_flow": ("Flow", "GradientFlow", "GradientFlowResult", "Norms"),
    "rnnscope.analysis.find": ("Find", "FindResult", "FoundNeuron"),
    "rnnscope.analysis.histogram": ("Histogram", "HistogramResult"),
    "rnnscope.analysis.matching": ("Match", "MatchResult", "MatchedRange", "MatchedUnit"),
    "rnnscope.analysis.ngrams": ("Difference", "NgramPage", "NgramPageResult", "Ngrams", "NgramsResult"),
    "rnnscope.analysis.names": ("FeatureScores", "Names", "NamesResult", "NeuronLabel"),
    "rnnscope.analysis.statistics": ("Probe",),
    "rnnscope.analysis.query": ("Query", "Result"),
    "rnnscope.analysis.saliency": ("Saliency", "SaliencyResult"),
    "rnnscope.analysis.saturation": ("GateSaturation", "Saturation", "SaturationResult"),
    "rnnscope.analysis.targets": ("Labels",),
    "rnnscope.api": ("Model", "color", "find", "load", "trace", "train"),
    "rnnscope.errors": ("RnnscopeError",),
    "rnnscope.export.colored": ("ColoredText",),
    "rnnscope.progress": ("Cancelled", "Progress"),
    "rnnscope.session": ("Session",),
    "rnnscope.tracing.trace": ("Trace",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Ablate",
    "AblateResult",
    "Band",
    "Brackets",
    "BracketsResult",
    "Bucket",
    "Cancelled",
    "Clamp",
    "Closer",
    "ColoredText",
    "Compare",
    "ComparePage",
    "ComparePageResult",
    "CompareResult",
    "ComparedCharacter",
    "Contexts",
    "ContextsResult",
    "Difference",
    "Errors",
    "ErrorsResult",
    "Excerpt",
    "Factorization",
    "Factors",
    "FactorsResult",
    "FeatureScores",
    "Find",
    "FindResult",
    "Flow",
    "FoundNeuron",
    "GateSaturation",
    "GradientFlow",
    "GradientFlowResult",
    "Histogram",
    "HistogramResult",
    "Labels",
    "Level",
    "LossChange",
    "Match",
    "MatchResult",
    "MatchedRange",
    "MatchedUnit",
    "Model",
    "Names",
    "NamesResult",
    "NeuronLabel",
    "NgramPage",
    "NgramPageResult",
    "Ngrams",
    "NgramsResult",
    "Norms",
    "OptionDifference",
    "Probe",
    "Progress",
    "Query",
    "Result",
    "RnnscopeError",
    "Saliency",
    "SaliencyResult",
    "Saturation",
    "SaturationResult",
    "Session",
    "Split",
    "Trace",
    "UnitMatch",
    "color",
    "find",
    "load",
    "trace",
    "train",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used: the screens import this package without torch."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
