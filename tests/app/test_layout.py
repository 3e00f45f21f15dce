"""Where the parts of the screens lie."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.app.inspect_layout import INSPECT_LAYOUTS
from rnnscope.app.layout import LAYOUTS, SMALLEST, Arrangement, Blocks, places_of
from rnnscope.app.layout import arrange as arrange_blocks
from rnnscope.app.train_layout import REPORTS, TRAIN_LAYOUTS

SIZES = [(60, 16), (80, 24), (100, 30), (120, 40), (160, 50), (200, 60), (250, 80), (90, 60), (240, 30)]
NEVER_GONE = {"header", "footer", "loss", "sample", "passage", "next", "gates"}
OVERLAYS = {"banner", "prompt"}


def arrange(width: int, height: int, **wanted: Any) -> Arrangement:
    return arrange_blocks(width, height, TRAIN_LAYOUTS["overview"], **wanted)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((120, 40), {"loss": (2, 2, 64, 11), "next": (68, 14, 50, 12), "map": (68, 27, 50, 11)}),
        ((80, 24), {"loss": (1, 2, 39, 7), "next": (54, 10, 25, 7), "gates": (1, 18, 78, 5)}),
        ((200, 60), {"sample": (70, 2, 58, 15), "gates": (2, 35, 126, 23), "map": (130, 2, 68, 39)}),
    ],
)
def test_the_three_sizes_are_as_drawn(
    size: tuple[int, int], expected: dict[str, tuple[int, int, int, int]]
) -> None:
    regions = arrange(*size).regions
    assert {name: tuple(regions[name]) for name in expected} == expected


def test_a_heat_map_needs_room_and_a_gradient_needs_more() -> None:
    assert not {"map", "gradient"} & set(arrange(80, 24).regions)
    assert "gradient" not in arrange(120, 40)
    assert {"map", "gradient"} <= set(arrange(200, 60).regions)


def test_what_is_found_takes_the_place_of_what_it_is_found_in() -> None:
    assert arrange(120, 40, recent=["find"])["find"] == arrange(120, 40)["map"]
    assert arrange(80, 24, recent=["contexts"])["contexts"] == arrange(80, 24)["sample"]
    assert {"map", "find", "loss", "sample"} <= set(arrange(200, 60, recent=["find"]).regions)


def test_the_panel_shown_last_is_in_front_of_those_that_share_its_place() -> None:
    arrangement = arrange(120, 40, recent=["gradient", "contexts", "find", "loss"])
    assert {"gradient", "contexts"} <= set(arrangement.regions)
    assert not {"loss", "find", "map"} & set(arrangement.regions)
    assert arrangement.tabs == {
        "gradient": ("loss", "gradient"),
        "contexts": ("map", "neurons", "find", "contexts"),
    }
    assert arrange(120, 40, zoomed="find").tabs == {"find": ("map", "neurons", "find", "contexts")}
    assert not arrange(120, 40, zoomed="passage").tabs


@pytest.mark.parametrize("layouts", [TRAIN_LAYOUTS, INSPECT_LAYOUTS], ids=["train", "inspect"])
@given(st.integers(SMALLEST[0], 300), st.integers(SMALLEST[1], 120), st.sampled_from([*LAYOUTS]), st.data())
def test_parts_fill_the_screen_without_meeting(
    layouts: Mapping[str, Blocks], width: int, height: int, name: str, data: st.DataObject
) -> None:
    panels = [panel for place in places_of(layouts[name](width, height, width - 4)) for panel in place]
    assert len(set(panels)) == len(panels), "a panel has one place"
    front = data.draw(st.sampled_from(panels))
    regions = arrange_blocks(width, height, layouts[name], recent=[front]).regions
    assert front in regions
    placed = {name: region for name, region in regions.items() if name not in OVERLAYS}
    for (one, region), (other, second) in combinations(placed.items(), 2):
        assert not region.overlaps(second), (one, other)
    for name, region in placed.items():
        assert region.width > 0, name
        assert region.height >= (3 if name not in ("header", "footer") else 1), name
        assert region.right <= width, name
        assert region.bottom <= height, name
    edge = regions["header"].right
    assert max(region.right for region in placed.values()) == edge


@given(
    st.integers(SMALLEST[0], 300),
    st.integers(SMALLEST[1], 120),
    st.sampled_from(["loss", "gradient", "find", "contexts"]),
)
def test_what_must_stay_stays(width: int, height: int, front: str) -> None:
    makes_way = {"sample"} if front in REPORTS and (width < 100 or height < 28) else set()
    makes_way |= {"loss"} if front == "gradient" else set()
    assert NEVER_GONE - makes_way | {front} <= set(arrange(width, height, recent=[front]).regions)


@pytest.mark.parametrize("size", SIZES)
def test_a_hidden_panel_leaves_its_place_to_others(size: tuple[int, int]) -> None:
    before, after = arrange(*size), arrange(*size, hidden={"sample"})
    assert "sample" not in after
    assert after["loss"].width > before["loss"].width
    without_row = arrange(*size, hidden={"loss", "sample"})
    assert without_row["passage"].y == before["loss"].y


@pytest.mark.parametrize("size", SIZES)
def test_an_enlarged_panel_takes_the_whole_body(size: tuple[int, int]) -> None:
    regions = arrange(*size, zoomed="passage").regions
    assert set(regions) == {"header", "footer", "passage"} | OVERLAYS
    assert regions["passage"].width == regions["header"].width


@pytest.mark.parametrize("size", [(59, 40), (120, 15), (1, 1)])
def test_below_the_smallest_size_there_is_one_message(size: tuple[int, int]) -> None:
    assert set(arrange(*size).regions) == {"too-small"}
