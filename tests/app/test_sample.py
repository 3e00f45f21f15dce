"""Samples are written as they come, kept, and can be read back."""

from __future__ import annotations

import numpy as np
import pytest
from textual.events import MouseScrollUp

from rnnscope.app.panels.sample import SampleStream
from rnnscope.app.samples import RECENT, Samples
from rnnscope.theme.palette import palette
from rnnscope.training.events import Sampled, by_character
from tests.app.waiting import until

DARK = palette("dark", "truecolor")
LINE = "And all my honour, report of him. "


def sampled(text: str, step: int = 1, temperature: float = 0.8, prime: str = "", p: float = 0.6) -> Sampled:
    probabilities = np.full(len(text), p, dtype=np.float32)
    return Sampled(step, 0.0, text, probabilities, temperature, prime, tuple(text))


def body(app) -> str:
    return "\n".join(app.lines()[app.panel.body_top :]).rstrip()


def written(app) -> int:
    """How many characters of the last sample are on the screen, where these are all `x`."""
    return body(app).split("nats\n")[-1].count("x")


async def test_a_sample_is_written_at_sixty_characters_a_second(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(120, 12)):
        app.panel.advance(10.0)
        app.panel.begin(sampled("x" * 100))
        counts = []
        for tick in range(1, 16):
            app.panel.advance(10.0 + tick / 8)
            counts.append(written(app))
        assert counts == [min(100, int(7.5 * tick)) for tick in range(1, 16)]


async def test_samples_that_come_faster_are_written_faster(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(120, 12)):
        now = 0.0
        for step in range(4):  # 400 characters every two seconds
            app.panel.begin(sampled("x" * 400, step))
            for _ in range(20):
                now += 0.1
                app.panel.advance(now)
        assert not app.panel.is_writing
        app.panel.begin(sampled("x" * 400, 9))
        app.panel.advance(now + 0.1)
        assert 15 <= written(app) <= 30


async def test_the_next_sample_completes_the_one_before(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(60, 12)):
        app.panel.begin(sampled("first sample", 1))
        app.panel.begin(sampled("second sample", 2))
        assert "first sample" in body(app)
        assert "second" not in body(app)


async def test_other_settings_end_the_one_before(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(60, 12)):
        app.panel.advance(0.0)
        app.panel.begin(sampled("abcdefghijklmnopqrstuvwxyz", 1))
        app.panel.advance(0.1)
        app.panel.begin(sampled("hotter", 2, temperature=1.2))
        app.panel.advance(0.2)
        assert "abcdef\n" in body(app)
        assert "abcdefg" not in body(app)
        assert "hotter█" in body(app)
        assert "T 1.2" in app.line(0)


async def test_a_pause_does_not_write_what_it_missed(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(120, 12)):
        app.panel.advance(0.0)
        app.panel.begin(sampled("x" * 300))
        app.panel.advance(0.1)
        app.panel.advance(600.0)
        assert written(app) <= 6 + 30


async def test_each_character_has_the_color_of_its_probability(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(60, 12)):
        probabilities = np.array([0.9, 0.4, 0.2, 0.1, 0.05, 0.025, 0.01], dtype=np.float32)
        app.panel.begin(Sampled(1, 0.0, "abcdefg", probabilities, 0.8, "", tuple("abcdefg")))
        app.panel.begin(sampled("x"))
        styles = [style for _, style in app.cells(3)[2:9]]
        assert [style.color for style in styles[:6]] == [style.color for style in DARK.sample[:6]]
        assert len({style.color for style in styles}) == 6
        assert [bool(style.underline) for style in styles] == [False] * 6 + [True]


async def test_words_do_not_jump_to_the_next_line_while_they_are_written(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(24, 12)):
        app.panel.advance(0.0)
        app.panel.begin(sampled("one two three extraordinary words"))
        places: dict[str, int] = {}
        for tick in range(1, 8):
            app.panel.advance(tick / 10)
            for y in range(app.panel.body_top + 1, 12):
                for word in app.line(y).replace("█", " ").split():
                    assert places.setdefault(word[:2], y) == y


async def test_a_sample_has_a_headline_and_the_prime_before_it(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(60, 12)):
        app.panel.begin(sampled("LEAR: yes", 1200, prime="KING ", p=float(np.exp(-2.13))))
        app.panel.begin(sampled("x", 1300, prime="KING "))
        assert app.line(2).split("   ")[:3] == ["  step 1,200", "T 0.8", "2.13 nats"]
        assert app.line(3).strip() == "KING LEAR: yes"
        assert app.cells(3)[2][1] == DARK.ink("mute")
        assert "T 0.8  after “KING ”" in app.line(0)


async def test_zoomed_it_shows_three_temperatures_side_by_side(panel_app) -> None:
    zooms: list[bool] = []
    app = panel_app(lambda _: SampleStream(zooms.append))
    async with app.run_test(size=(80, 14)):
        app.panel.begin(sampled("an earlier sample, at one temperature", 1))
        app.panel.advance(0.0)
        app.panel.begin(sampled("middle " * 9, 2))
        app.panel.add_others(
            [sampled("cold " * 4, 2, temperature=0.5), sampled("hot " * 20, 2, temperature=1.2)]
        )
        assert "T 0.8 " in app.line(0)
        assert "cold" not in body(app)
        app.panel.set_zoomed(True)
        assert "T 0.5 │ 0.8 │ 1.2" in app.line(0)
        for tick in range(1, 9):
            app.panel.advance(tick / 4)
        rows = app.lines()
        assert "an earlier sample, at one temperature" in rows[3]
        assert [part.strip() for part in rows[5].split("│")] == [
            f"step 2   T {temperature}" for temperature in ("0.5", "0.8", "1.2")
        ]
        texts = zip(*(row.split("│") for row in rows[6:] if "│" in row), strict=True)
        columns = ["".join(text).split() for text in texts]
        assert [set(column) for column in columns] == [{"cold", "█"}, {"middle", "█"}, {"hot", "█"}]
        assert len(columns[2]) == 21, "written to the end of the longest"
        assert not app.panel.is_writing
        app.panel.set_zoomed(False)
        assert "middle middle" in body(app)
        assert "hot" not in body(app)
        assert zooms == [True, False]


async def test_scrolling_back_holds_still_while_new_text_comes(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(40, 12)) as pilot:
        for step in range(30):
            app.panel.begin(sampled(f"sample {step}\n" + LINE, 10 * step))
        app.panel.focus()
        await pilot.press("pageup", "pageup")
        before = body(app)
        assert "█" not in before
        assert "of 290" in app.line(0)
        app.panel.begin(sampled("newer text\n" * 5, 300))
        for tick in range(10):
            app.panel.advance(tick / 10)
        assert body(app) == before
        assert "of 300" in app.line(0)
        await pilot.press("home")
        assert "sample 0" in body(app)
        assert "step 0 of 300" in app.line(0)
        await pilot.press("end")
        assert "█" in body(app)
        assert "likely" in app.line(0)


async def test_scrolling_on_to_the_end_follows_again(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(40, 12)) as pilot:
        for step in range(9):
            app.panel.begin(sampled(f"sample {step}\n" + LINE, step))
        app.panel.focus()
        app.panel.post_message(MouseScrollUp(app.panel, 5, 5, 0, -3, 0, False, False, False))
        await pilot.pause()
        assert not app.panel.follows
        await pilot.press("pagedown")
        assert app.panel.follows


async def test_going_back_by_pages_reads_every_row_once(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(40, 8)) as pilot:
        for step in range(12):
            app.panel.begin(sampled("".join(f"{step:02d}-{n}\n" for n in range(5)), step))
        app.panel.focus()
        await pilot.press("home")
        seen: list[str] = []
        for _ in range(40):
            rows = [line.strip(" ▎") for line in app.lines()[1:]]
            seen += rows if not seen else rows[1:]
            if app.panel.follows:
                break
            await pilot.press("pagedown")
        wanted = [f"{step:02d}-{n}" for step in range(11) for n in range(5)]
        shown = [row for row in seen if "-" in row]
        assert list(dict.fromkeys(shown)) == wanted


def test_recent_samples_are_all_kept_and_older_ones_by_doublings() -> None:
    samples = Samples()
    for step in range(5000):
        samples.add(sampled("x", step))
    numbers = [samples[place].number for place in range(len(samples))]
    assert numbers[-RECENT:] == list(range(5000 - RECENT, 5000))
    assert numbers == sorted(set(numbers))
    for start in (64, 256, 1024):
        assert sum(start - 1 <= number < 2 * start - 1 for number in numbers) == 16
    assert numbers[:8] == list(range(8))
    assert len(samples) < RECENT + 16 * 13


def test_bytes_become_the_characters_that_they_encode() -> None:
    data = "a€".encode() + b"\xff"
    probabilities = np.array([0.5, 0.5, 0.25, 0.5, 0.125], dtype=np.float32)
    characters = tuple(map(chr, data))
    event = Sampled(1, 0.0, "".join(characters), probabilities, 0.8, "", characters)
    decoded = by_character(event, of_bytes=True)
    assert decoded.characters == ("a", "€", "\udcff")
    assert decoded.probabilities.tolist() == [0.5, 0.0625, 0.125]


async def test_nothing_of_a_sample_acts_on_the_terminal(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(60, 12)):
        app.panel.begin(sampled("a\x1b[2J\x07b\r\udcffc", prime="\x1b]0;"))
        app.panel.begin(sampled("x", prime="\x1b]0;"))
        assert "␛]0;a␛[2J␇b␍�c" in body(app)
        assert all(character.isprintable() for line in app.lines() for character in line)


@pytest.mark.parametrize("depth", ["truecolor", "256", "16", "none"])
async def test_every_size_is_filled_exactly(panel_app, depth: str) -> None:
    app = panel_app(lambda _: SampleStream(), depth=depth)
    async with app.run_test(size=(30, 4)) as pilot:
        now = 0.0
        for step in range(5):
            app.panel.begin(sampled("漢字 " + LINE * 3 + "\n\n" + LINE, step, prime="e\u0301 "))
            now += 0.5
            app.panel.advance(now)
        for width, height in ((30, 4), (41, 9), (80, 10), (130, 40)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda width=width: app.panel.size.width == width)
            for _ in range(3):
                assert {app.panel.render_line(y).cell_length for y in range(height)} == {width}
                assert body(app).count("█") == 1
                now += 0.3
                app.panel.advance(now)


async def test_an_empty_sample_is_no_trouble(panel_app) -> None:
    app = panel_app(lambda _: SampleStream())
    async with app.run_test(size=(60, 12)):
        assert app.line(0).strip() == "sample"
        app.panel.begin(sampled(""))
        app.panel.advance(0.0)
        assert "█" in body(app)
        app.panel.begin(sampled("text\n", temperature=1.0))
        app.panel.advance(0.5)
        assert body(app).splitlines()[-2:] == ["  text", "  █"]
