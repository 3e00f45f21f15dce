"""Make the README's pictures: the application trains headless, and its screens are saved as SVG.

python docs/pictures.py                     train for 90 seconds on data/input.txt, then write all pictures
python docs/pictures.py --seconds 300       the same after a longer training
python docs/pictures.py --seconds 0         the inspect screen and the course alone
python docs/pictures.py --learn             the course alone
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.learn import LearnScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.app.screenshot import screenshot
from rnnscope.theme.palette import Theme
from rnnscope.training.controls import Controls
from rnnscope.training.options import TrainOptions

if TYPE_CHECKING:
    from rnnscope.progress import Progress
    from rnnscope.session import Session

ROOT = Path(__file__).resolve().parent.parent

PICTURES: tuple[tuple[str, tuple[int, int], Theme, tuple[str, ...]], ...] = (
    ("train-120x40", (120, 40), "dark", ()),
    ("train-120x40-light", (120, 40), "light", ()),
    ("train-80x24", (80, 24), "dark", ()),
    ("train-200x60", (200, 60), "dark", ()),
    ("top-five-120x40", (120, 40), "dark", ("U", "z")),
)
"""Name, columns and rows, theme, and the keys to press before the picture (undone by Escape)."""

CHAPTERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "hello": (6, ("s",) * 8),
    "unroll": (4, ("down",) * 5),
    "vanish": (4, ("left", "left", *["up"] * 5)),
    "gates": (4, ()),
    "neurons": (1, ()),
    "shapes": (2, ()),
}
"""For each chapter of the course the step to show, from 1, and the keys to press before the picture."""


async def photograph(text: Path, seconds: float, to: Path, keys: tuple[str, ...]) -> None:
    """Train on `text` for `seconds`, press `keys`, and write every picture into the directory `to`."""
    with tempfile.TemporaryDirectory() as directory:
        options = TrainOptions(text=str(text), run=str(Path(directory) / "run"))

        def start(controls: Controls, post: object) -> None:
            from rnnscope.training.launch import train

            train(options, controls, post)  # type: ignore[arg-type]

        screen = TrainScreen(start, corpus=str(text))
        app = RnnscopeApp(screen, theme="dark", depth="truecolor")
        async with app.run_test(size=(120, 40)) as pilot:
            await asyncio.sleep(seconds)
            for key in keys:
                await pilot.press(key)
            await asyncio.sleep(2.0)
            for name, size, theme, steps in PICTURES:
                await _take(app, pilot, to / f"{name}.svg", size, theme, steps)
            await pilot.press("q")
            await asyncio.to_thread(screen.wait)


async def look_inside(model: str, sought: str, seconds: float, to: Path) -> None:
    """Open `model` on its text, find the feature `sought`, and write pictures into the directory `to`."""

    def open_session(progress: Progress) -> Session:
        from rnnscope.session import Session

        return Session.open(model)

    app = RnnscopeApp(InspectScreen(open_session, name=model), theme="dark", depth="truecolor")
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.sleep(seconds)
        await pilot.press("slash", *sought, "enter")
        await asyncio.sleep(seconds)
        for size in ((80, 24), (200, 60), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.press("N")  # so that the match is in the middle of the page
            await _take(app, pilot, to / f"inspect-{size[0]}x{size[1]}.svg", size, "dark", ())
        await pilot.press("q")


async def teach(to: Path) -> None:
    """Open every chapter of the course, and write its picture into the directory `to`."""
    to.mkdir(parents=True, exist_ok=True)
    for number, (name, (step, keys)) in enumerate(CHAPTERS.items(), 1):
        screen = LearnScreen(number, step=step - 1)
        app = RnnscopeApp(screen, theme="dark", depth="truecolor")
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(*keys)
            await asyncio.sleep(0.5)
            while screen.course.chapter.activity:  # a model is loaded, or read
                await asyncio.sleep(0.1)
            await _take(app, pilot, to / f"{name}.svg", (80, 24), "dark", ())


async def _take(
    app: RnnscopeApp,
    pilot: Pilot[int | None],
    file: Path,
    size: tuple[int, int],
    theme: Theme,
    steps: tuple[str, ...],
) -> None:
    while app.palette.theme != theme:
        app.action_next_theme()
    await pilot.resize_terminal(*size)
    for key in steps:
        await pilot.press(key)
    await asyncio.sleep(1.5)
    file.write_text(screenshot(app), encoding="utf-8")
    print(file)
    for key in reversed(steps):
        await pilot.press("escape" if key == "z" else key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("text", nargs="?", type=Path, default=Path("data/input.txt"))
    parser.add_argument("--seconds", type=float, default=90.0, help="training time before the pictures")
    parser.add_argument("--to", type=Path, default=Path("docs"), help="the directory of the pictures")
    parser.add_argument(
        "--keys", nargs="*", default=["right"] * 3, help="keys to press before the first picture"
    )
    os.chdir(ROOT)
    parser.add_argument("--learn", action="store_true", help="the pictures of the course alone")
    chosen = parser.parse_args()
    asyncio.run(teach(chosen.to / "learn"))
    if chosen.learn:
        return
    asyncio.run(look_inside("archive-lstm", "quotes", 20.0, chosen.to))
    if chosen.seconds:
        asyncio.run(photograph(chosen.text, chosen.seconds, chosen.to, tuple(chosen.keys)))


if __name__ == "__main__":
    main()
