"""All one can do on the inspect screen; what it shares with the train screen is told there."""

from __future__ import annotations

from dataclasses import replace

from rnnscope.app.actions import TRAIN, Action

_SHARED = {action.id: action for action in TRAIN}


def _shared(name: str, *keys: str) -> Action:
    """An action of the train screen, with other keys where some are given."""
    action = _SHARED[name]
    return replace(action, keys=keys) if keys else action


INSPECT: tuple[Action, ...] = (
    # in the order in which the footer offers them, as many as fit
    _shared("cursor_left"),
    _shared("cursor_right"),
    replace(_shared("neuron_up"), description="Neuron above, in the table's order"),
    replace(_shared("neuron_down"), description="Neuron below, in the table's order"),
    _shared("quantity"),
    Action("find", ("slash",), "Find who knows a feature, a pattern, or what is marked", "search", "find"),
    Action(
        "contexts",
        ("t",),
        "Top contexts: where the neuron is highest and lowest",
        "search",
        "contexts",
    ),
    Action("match", ("m",), "Where the same neurons are on as over the marked stretch", "search", "match"),
    Action("ablate", ("x",), "Hold the neuron at a value: what is lost without it", "search", "ablate"),
    Action("sort", ("s",), "Sort the table another way", "look", "sort"),
    Action(
        "filter", ("f",), "Show only neurons whose number, name or note holds some text", "look", "filter"
    ),
    _shared("own_range"),
    _shared("top_five"),
    replace(_shared("surprise"), label="surprise"),
    replace(_shared("passage"), description="Type into the passage, colored at every key", label="type"),
    replace(_shared("sample"), description="Let the model write on from the cursor", label="write on"),
    Action("origin", ("i",), "Where the prediction of this character came from", "search"),
    Action("saturation", ("a",), "How often each gate is open or shut, a dot a neuron", "search"),
    Action("errors", ("E",), "Where the model errs, and what would have helped", "search"),
    Action("ngrams", ("p",), "The network beside the best n-gram, character by character", "search"),
    Action(
        "distances", ("B",), "The loss at closing brackets and quotes, by how far back they opened", "search"
    ),
    Action("gradients", ("d",), "How far back a loss is felt, beside another network", "search"),
    Action("beside", ("D",), "Choose that other network: a file, a run or a sample model", "search"),
    Action("second", ("2",), "Keep the neuron as a second one: under the text, beside it, no longer", "look"),
    _shared("order"),
    Action("nearer", ("plus", "equals_sign"), "Heat map nearer: fewer characters a column", "look"),
    Action("farther", ("minus",), "Heat map farther: more characters a column, more neurons a row", "look"),
    Action("factors", ("F",), "Read the crowd of neurons as a few factors, or as neurons again", "search"),
    Action("scope", ("L",), "Searches read the first characters, or the whole text", "search", "scope"),
    Action("mark_on", ("v",), "Begin or end a stretch that is looked for (mouse: drag)", "search"),
    Action("mark_off", ("V",), "Begin or end a stretch that is not (mouse: right drag)", "search"),
    Action("other_panel", ("o",), "Another panel in the place that several share", "screen", "panel"),
    Action("place", ("colon",), "Go to a position, or to the next place of some text", "text", "go to"),
    Action(
        "next_place",
        ("N",),
        "The next place of what was looked for last: words, or where a feature is on",
        "text",
    ),
    Action("wrap", ("W",), "Wrap lines, or leave them whole and scroll sideways", "look"),
    _shared("zoom"),
    Action("export", ("w",), "Write the page: HTML, SVG, or numbers as JSON, CSV, NPZ", "text", "write"),
    Action("favorite", ("asterisk",), "Make the neuron a favorite, or no longer", "look"),
    Action("note", ("apostrophe",), "Write a note on the neuron", "look"),
    _shared("quantity_back"),
    _shared("layer_down"),
    _shared("layer_up"),
    _shared("word_left", "ctrl+left", "b"),
    _shared("word_right", "ctrl+right"),
    _shared("line_up"),
    _shared("line_down"),
    _shared("page_up"),
    _shared("page_down"),
    _shared("line_start"),
    _shared("line_end"),
    replace(_shared("first"), description="Cursor to the first character of the text"),
    replace(_shared("last"), description="Cursor to the last character of the text"),
    _shared("next_panel"),
    _shared("previous_panel"),
    _shared("hide", "Z"),
    _shared("show_all"),
    _shared("messages", "M"),
    _shared("screenshot"),
    _shared("theme"),
    replace(_shared("command_palette"), label="more"),
    replace(_shared("back"), description="Step back: prompt, notice, search, enlarged panel, filter"),
    _shared("help"),
    replace(_shared("quit"), description="Leave"),
)
