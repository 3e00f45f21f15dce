"""Turn a recording of a screen (`--record talk.cast`) into an animated GIF.

    python docs/cast.py talk.cast talk.gif
    python docs/cast.py talk.cast talk.gif --seconds 0.5 --longest 2 --size 14

--seconds is the time between frames, --longest what a pause is cut to, --size the height of the font. It
needs pyte and Pillow, which `pip install 'rnnscope[test]'` brings, and the font DejaVu Sans Mono.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte
from PIL import Image, ImageDraw, ImageFont

INK, PAPER = "#c9cfdb", "#0b0d14"
BLOCKS = {"▀": (0, 0, 8, 4), "█": (0, 0, 8, 8), "▐": (4, 0, 8, 8)}
"""Eighths of a cell: left, top, right, bottom."""
BLOCKS |= {chr(0x2580 + eighths): (0, 8 - eighths, 8, 8) for eighths in range(1, 8)}
BLOCKS |= {chr(0x2590 - eighths): (0, 0, eighths, 8) for eighths in range(1, 8)}
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of a braille pattern."""


def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """An installed font, by its name."""
    found = subprocess.run(["fc-match", "-f", "%{file}", name], check=True, capture_output=True, text=True)
    return ImageFont.truetype(found.stdout, size)


class Painter:
    """Draws a screen as a picture, cell by cell."""

    def __init__(self, size: int) -> None:
        self._regular = font("DejaVu Sans Mono", size)
        self._bold = font("DejaVu Sans Mono:bold", size)
        self.width = round(self._regular.getlength("M"))
        self.height = round(size * 1.3)

    def picture(self, screen: pyte.Screen) -> Image.Image:
        image = Image.new("RGB", (screen.columns * self.width, screen.lines * self.height), PAPER)
        draw = ImageDraw.Draw(image)
        for row in range(screen.lines):
            for column in range(screen.columns):
                self._cell(draw, screen.buffer[row][column], column * self.width, row * self.height)
        return image

    def _cell(self, draw: ImageDraw.ImageDraw, cell: pyte.screens.Char, x: int, y: int) -> None:
        ink, paper = color(cell.fg, INK), color(cell.bg, PAPER)
        if cell.reverse:
            ink, paper = paper, ink
        if paper != PAPER:
            draw.rectangle((x, y, x + self.width - 1, y + self.height - 1), fill=paper)
        if block := BLOCKS.get(cell.data):
            left, top, right, bottom = (
                x + block[0] * self.width // 8,
                y + block[1] * self.height // 8,
                x + block[2] * self.width // 8 - 1,
                y + block[3] * self.height // 8 - 1,
            )
            draw.rectangle((left, top, max(left, right), max(top, bottom)), fill=ink)
        elif len(cell.data) == 1 and "\u2800" <= cell.data <= "\u28ff":
            for bit, (across, down) in enumerate(DOTS):
                if ord(cell.data) >> bit & 1:
                    left, top = x + (2 * across + 1) * self.width // 4, y + (2 * down + 1) * self.height // 8
                    draw.rectangle((left - 1, top - 1, left, top), fill=ink)
        elif cell.data.strip():
            draw.text((x, y), cell.data, fill=ink, font=self._bold if cell.bold else self._regular)
        if cell.underscore:
            draw.line((x, y + self.height - 2, x + self.width - 1, y + self.height - 2), fill=ink)


def color(name: str, default: str) -> str:
    """A color of pyte's: six hexadecimal digits, or the name of one of sixteen."""
    if name == "default":
        return default
    return f"#{name}" if len(name) == 6 and all(c in "0123456789abcdef" for c in name) else name


def frames(cast: Path, every: float, longest: float) -> Iterator[tuple[float, pyte.Screen]]:
    """The screen every so many seconds: its time since the previous frame, and the screen itself."""
    header, *events = [json.loads(line) for line in cast.read_text(encoding="utf-8").splitlines()]
    screen = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(screen)
    shown, last, cut = 0.0, 0.0, 0.0
    for seconds, kind, data in events:
        cut += max(0.0, seconds - last - longest)
        last = seconds
        if seconds - cut - shown >= every:
            yield seconds - cut - shown, screen
            shown = seconds - cut
        if kind == "o":
            stream.feed(data)
        elif kind == "r":
            columns, rows = map(int, data.split("x"))
            screen.resize(rows, columns)
    yield longest, screen


def convert(
    casts: Sequence[Path], gif: Path, *, every: float = 0.4, longest: float = 2.0, size: int = 13
) -> None:
    """Write the animation of one or several recordings of one size, one after another.

    Frames that are equal to the previous one prolong it.
    """
    painter = Painter(size)
    pictures: list[Image.Image] = []
    durations: list[float] = []
    for cast in casts:
        for seconds, screen in frames(cast, every, longest):
            if durations:
                durations[-1] += 1000 * seconds
            picture = painter.picture(screen)
            if not pictures or picture.tobytes() != pictures[-1].tobytes():
                pictures.append(picture)
                durations.append(0.0)
        durations[-1] = 1000 * longest
    palette = _palette(pictures[:: -(-len(pictures) // 12)])
    small = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    small[0].save(
        gif,
        save_all=True,
        append_images=small[1:],
        duration=[max(20, round(each)) for each in durations],
        loop=0,
        optimize=True,
        disposal=1,
    )
    print(f"{gif}: {len(small)} frames, {gif.stat().st_size / 1e6:.2f} MB")


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """The 255 most frequent colors of some pictures: a terminal has few, apart from the edges of letters."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for picture in pictures:
        counts.update({color: count for count, color in picture.getcolors(1 << 24) or []})
    image = Image.new("P", (1, 1))
    image.putpalette([channel for color, _ in counts.most_common(255) for channel in color])
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description="Turn a recording of a screen into an animated GIF.")
    parser.add_argument("cast", type=Path)
    parser.add_argument("gif", type=Path)
    parser.add_argument("--seconds", type=float, default=0.4, help="the time between frames")
    parser.add_argument("--longest", type=float, default=2.0, help="what a pause is cut to")
    parser.add_argument("--size", type=int, default=13, help="the height of the font")
    chosen = parser.parse_args()
    convert([chosen.cast], chosen.gif, every=chosen.seconds, longest=chosen.longest, size=chosen.size)


if __name__ == "__main__":
    main()
