"""The time from the next key of a talk to a scene with content, once the scene was prepared.

    python benchmarks/present.py

Four scenes on sample models. Prints, for each of them, the milliseconds from the key until its text is drawn.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.performance import PlayedTalk
from rnnscope.commands.present import make
from rnnscope.talk import Scene, Talk

SCENES = (
    Scene("inspect archive-lstm --fresh"),
    Scene("inspect archive-gru --fresh"),
    Scene("compare archive-lstm archive-gru"),
    Scene("inspect shakespeare --fresh", present=True),
    Scene("inspect archive-rnn --neuron 1/3 --fresh"),
)
_PREPARED_SECONDS = 25.0


async def measure(size: tuple[int, int]) -> None:
    played = PlayedTalk(Talk(scenes=SCENES), make)
    app = RnnscopeApp(played.first, theme="dark", depth="truecolor", performance=played)
    async with app.run_test(size=size) as pilot:
        for number, scene in enumerate(SCENES):
            began = time.perf_counter()
            if number:
                app.action_scene(1)
            while not _is_drawn(app.screen):
                await asyncio.sleep(0.002)
            milliseconds = 1000 * (time.perf_counter() - began)
            label = "first" if not number else f"{milliseconds:6.0f} ms"
            print(f"{size[0]}x{size[1]}  {label}  {scene.command}")
            await asyncio.sleep(_PREPARED_SECONDS)
        await pilot.press("q")
    played.end()


def _is_drawn(screen: Any) -> bool:
    """Whether the screen has a selection, and its passage drew it."""
    if not hasattr(screen, "scope") or screen.scope.selection is None:
        return False
    line = screen.passage.render_line(screen.passage.size.height // 2)
    return bool("".join(segment.text for segment in line).strip())


if __name__ == "__main__":
    asyncio.run(measure((120, 40)))
