"""A screen's floor: it puts every widget where `layout.arrange` says, by the widget's id."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from textual import events
from textual.geometry import NULL_OFFSET, NULL_SPACING, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from rnnscope.app.screens.layout import Arrangement, Blocks, arrange, train_blocks

_ON_TOP = {"banner": 1, "prompt": 2, "too-small": 3}


@dataclass(frozen=True)
class Wanted:
    """What the reader wishes of the arrangement."""

    chosen: str = "loss"
    """The panel that stands in the place which several share."""
    hidden: Set[str] = frozenset()
    zoomed: str | None = None


class _Placing(Layout):
    """Textual's selection of an `Arrangement`."""

    name = "stage"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        assert isinstance(parent, Stage)
        parent.pre_layout(self)
        arrangement = parent.arrangement_for(size)
        return [
            WidgetPlacement(
                arrangement[child.id],
                NULL_OFFSET,
                NULL_SPACING,
                child,
                order=_ON_TOP.get(child.id, 0),
            )
            for child in children
            if child.id is not None and child.id in arrangement
        ]


class Stage(Widget):
    """Holds the header, the panels, the footer and what comes over them."""

    class Rearranged(Message):
        """Panels have come, gone or moved."""

    def __init__(self, *children: Widget, blocks_of: Blocks = train_blocks, chosen: str = "loss") -> None:
        super().__init__(*children)
        self._placing = _Placing()
        self._blocks_of = blocks_of
        self._wanted = Wanted(chosen)

    @property
    def layout(self) -> Layout:
        return self._placing

    @property
    def wanted(self) -> Wanted:
        return self._wanted

    def want(self, **changes: object) -> None:
        """Change some wishes and arrange anew."""
        self._wanted = replace(self._wanted, **changes)  # type: ignore[arg-type]
        self._show_what_fits()
        self.refresh(layout=True)

    def arrangement_for(self, size: Size) -> Arrangement:
        wanted = self._wanted
        return arrange(
            size.width,
            size.height,
            self._blocks_of,
            chosen=wanted.chosen,
            hidden=wanted.hidden,
            zoomed=wanted.zoomed,
        )

    @property
    def arrangement(self) -> Arrangement:
        return self.arrangement_for(self.size)

    def on_resize(self, event: events.Resize) -> None:
        self._show_what_fits()

    def _show_what_fits(self) -> None:
        """What has no place takes no keys either."""
        arrangement = self.arrangement
        for child in self.children:
            if child.id not in ("banner", "prompt"):
                child.display = child.id in arrangement
        self.post_message(self.Rearranged())
