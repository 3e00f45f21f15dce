"""Analyses: one module per question, with its query, its computation and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnscope.analysis.ablation import Ablate
from rnnscope.analysis.brackets import Brackets
from rnnscope.analysis.compare import Compare
from rnnscope.analysis.contexts import Contexts
from rnnscope.analysis.errors import Errors
from rnnscope.analysis.factors import Factors
from rnnscope.analysis.gradient_flow import GradientFlow
from rnnscope.analysis.histogram import Histogram
from rnnscope.analysis.matching import Match
from rnnscope.analysis.names import Names
from rnnscope.analysis.ngrams import Ngrams
from rnnscope.analysis.query import Query
from rnnscope.analysis.saliency import Saliency
from rnnscope.analysis.saturation import Saturation

QUERIES: Mapping[str, type[Query[Any]]] = {
    query.name: query
    for query in (
        Saturation,
        Contexts,
        Histogram,
        Match,
        Factors,
        Ablate,
        Saliency,
        Ngrams,
        Errors,
        Brackets,
        GradientFlow,
        Compare,
        Names,
    )
}
"""Every analysis by its name. The command line, the palette of the inspect screen and the documentation list
them in this order."""
