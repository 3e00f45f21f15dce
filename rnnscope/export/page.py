"""A colored text as one HTML file without scripts, fonts or other external resources.

    <pre><i class="s29" title="12  e  +0.810">e</i>…    one element per cell; a combining mark joins its base

All text is escaped and control characters are shown as pictures, so that no text becomes markup. The page
follows the reader's system in light or dark. The picture of a line break is not part of a copied selection.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from rich.style import Style

from rnnscope.text.display import safe
from rnnscope.theme.legend import Kind
from rnnscope.theme.palette import STEPS, Palette, palette

if TYPE_CHECKING:
    from rnnscope.export.colored import ColoredText

PALETTES: tuple[Palette, Palette] = (palette("light", "truecolor"), palette("dark", "truecolor"))
"""The palettes of an exported file: light, and dark where the reader's system is dark."""

MONOSPACE = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_LAYOUT = f"""\
.rnnscope{{padding:1.5em 2em;border-radius:4px;font:15px/1.6 {MONOSPACE}}}
.rnnscope h1{{margin:0;font-size:1em}}
.rnnscope p{{margin:.2em 0}}
.rnnscope i{{font-style:normal;padding:.2em 0;print-color-adjust:exact;-webkit-print-color-adjust:exact}}
.rnnscope pre{{margin:1em 0 0;font:inherit;white-space:pre-wrap;overflow-wrap:anywhere}}
.rnnscope pre i:hover{{outline:2px solid}}
.rnnscope .scale i{{display:inline-block;width:.5em;height:1em;padding:0;vertical-align:-.1em}}
.rnnscope .end{{user-select:none;-webkit-user-select:none}}
"""


def page(text: ColoredText) -> str:
    """A complete HTML document."""
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(text.subject)}</title>\n"
        "<style>body{margin:0}.rnnscope{min-height:100vh;box-sizing:border-box}</style>\n"
        f"</head>\n<body>\n{fragment(text)}\n</body>\n</html>\n"
    )


def fragment(text: ColoredText, of: int = 0) -> str:
    """A part of an HTML document. of: the length of the text that `text` is the beginning of."""
    cut = f"\n<p>… and {of - len(text):,} more characters</p>" if of > len(text) else ""
    facts = " · ".join(map(escaped, text.facts))
    return (
        f'<div class="rnnscope {text.kind}">\n<style>\n{style_sheet(text.kind)}</style>\n'
        f'<h1>{escaped(text.subject)}</h1>\n<p class="dim">{facts}</p>\n{_legend(text)}\n'
        f"<pre>{cells_html(text)}</pre>{cut}\n</div>"
    )


def style_sheet(kind: Kind) -> str:
    """The CSS rules of class `rnnscope`, for light and dark."""
    light, dark = (_rules(palette, kind) for palette in PALETTES)
    signs = _underlined(kind)
    return f"{_LAYOUT}{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n{signs}"


def _rules(palette: Palette, kind: Kind) -> str:
    within = f".rnnscope.{kind}"
    colors = palette.colors
    rules = [
        f".rnnscope{{background:{colors.panel};color:{colors.text}}}",
        f".rnnscope h1{{color:{colors.strong}}}",
        f".rnnscope .dim{{color:{colors.dim}}}",
    ]
    for step, style in enumerate(getattr(palette, kind)):
        color, background = hexadecimal(style)
        rules.append(f"{within} .s{step}{{color:{color};background:{background}}}")
    rules.append(f"{within} .quiet{{color:{colors.dim}}}")
    return "".join(f"{rule}\n" for rule in rules)


def _underlined(kind: Kind) -> str:
    styles: tuple[Style, ...] = getattr(PALETTES[0], kind)
    steps = [f".rnnscope.{kind} .s{step}" for step, style in enumerate(styles) if style.underline]
    return f"{','.join(steps)}{{text-decoration:underline}}\n" if steps else ""


def escaped(words: str) -> str:
    """Text or an attribute value, escaped for HTML and XML."""
    return escape(safe(words))


def hexadecimal(style: Style) -> tuple[str, str]:
    """The foreground and background of a style, as CSS colors."""
    assert style.color is not None
    assert style.bgcolor is not None
    return style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex


def _legend(text: ColoredText) -> str:
    first, last = text.description.steps
    low, high = text.description.ends
    swatches = "".join(f'<i class="s{step}"></i>' for step in range(first, last + 1))
    notes = [text.scale, "negative is underlined" if text.kind == "diverging" else ""]
    after = "".join(f" · {note}" for note in notes if note)
    lead = escaped(text.description.lead)
    return f'<p class="dim scale">{lead}{escaped(low)} {swatches} {escaped(high)}{escaped(after)}</p>'


def cells_html(text: ColoredText) -> str:
    """The characters as HTML elements with the classes of `style_sheet`."""
    return "".join(_cells(text))


def _cells(text: ColoredText) -> Iterator[str]:
    layout = text.layout(None)
    codes, ends_line = text.codes.tolist(), text.shapes.ends_line[text.ids].tolist()
    bases = layout.bases.tolist()
    for line in range(len(layout)):
        start, stop = layout.span(line)
        pieces = layout.pieces(start, stop)
        at = start
        while at < stop:
            after = at + 1
            while after < stop and bases[after] == at:
                after += 1
            glyphs = escaped("".join(pieces[at - start : after - start]))
            title = escaped(" · ".join(map(text.title, range(at, after))))
            look = f"s{codes[at] % STEPS}" + (" quiet" if codes[at] >= STEPS else "")
            if ends_line[at]:
                yield f'<i class="{look} end" title="{title}">{glyphs}</i>\n'
            else:
                yield f'<i class="{look}" title="{title}">{glyphs}</i>'
            at = after
