"""Notices in wiki markup: headings, lists, links, addresses, and categories at the end.

== Lost: a Green Umbrella ==

'''Mr. Pym''' has lost a green umbrella at [[Salt Quay]].

* It is ''squeaking''.
** It was so before.
# Look [[Cellar|under the stairs]].
"""

from __future__ import annotations

from rnnscope.corpora.archive.grammar import Chance, Memory
from rnnscope.corpora.archive.letters import punctuated, wrapped
from rnnscope.corpora.archive.world import new_memory

SITE = "http://www.pellwick.example"


def notice(chance: Chance) -> str:
    """One notice: a title, an opening paragraph, sections of text and lists, and links at the end."""
    memory = new_memory(chance)
    for binding in (
        "me=person",
        "third=person",
        "witness=person",
        "obj=object",
        "pl=place",
        "sum=money",
        "soc=society",
    ):
        memory.expand("{!" + binding + "}")
    parts = [f"== {memory.write('wiki_title')} ==", _paragraph(memory, "wiki_opening")]
    for _ in range(chance.between(1, 4)):
        parts += _section(memory)
    return "\n\n".join([*parts, _foot(memory)])


def _paragraph(memory: Memory, rule: str) -> str:
    return wrapped(_sentence(memory, rule))


def _sentence(memory: Memory, rule: str) -> str:
    words = memory.write(rule)
    words = words[:1].upper() + words[1:]
    return punctuated(words if words.endswith((".", "?", "!")) else words + ".")


def _section(memory: Memory) -> list[str]:
    chance = memory.chance
    kind, rule = chance.pick(
        (("*", "wiki_rule"), ("*", "wiki_goods"), ("#", "wiki_step"), ("*", "wiki_person"), ("", "wiki_text"))
    )
    heading = f"=== {memory.write(rule + '_heading')} ==="
    if not kind:
        return [heading, *(_paragraph(memory, rule) for _ in range(chance.between(1, 2)))]
    items = []
    for _ in range(chance.between(3, 7)):
        items.append(_item(kind, _sentence(memory, rule)))
        for _ in range(chance.pick((0, 0, 0, 1, 2))):
            items.append(_item(kind + kind, _sentence(memory, "wiki_detail")))
    return [heading, "\n".join(items)]


def _item(mark: str, words: str) -> str:
    return wrapped(f"{mark} {words}", indent=" " * (len(mark) + 1))


def _foot(memory: Memory) -> str:
    lines = ["=== See also ==="]
    for _ in range(memory.chance.between(1, 4)):
        lines.append("* " + memory.write("wiki_see"))
    lines.append(f"* [{SITE}/{memory.write('wiki_path')} {memory.write('wiki_label')}]")
    return (
        "\n".join(lines)
        + "\n\n"
        + "\n".join(
            f"[[Category:{memory.write('wiki_category')}]]" for _ in range(memory.chance.between(1, 2))
        )
    )
