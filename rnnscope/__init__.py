"""rnnscope: a microscope for recurrent networks that lives in a terminal."""

from __future__ import annotations

__version__ = "0.1.0"
