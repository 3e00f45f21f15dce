"""Stage plays: two or three people quarrel, in questions and answers, about one object and one sum of money.

THE UMBRELLA RETURNED
A Farce with a Moral

[The pantry of the Guildhall. Dusk by the clock.]

ANSEL. [Gravely.] Where is the green umbrella, Hester?

HESTER. Behind the harmonium, Ansel, where you told me to put
    it when you were hopeful.
"""

from __future__ import annotations

from rnnscope.corpora.archive.grammar import Chance, Memory
from rnnscope.corpora.archive.letters import WIDTH, punctuated, wrapped
from rnnscope.corpora.archive.world import Person, new_memory

HANGING = "    "


def play(chance: Chance) -> str:
    """One play: title, cast, setting, speeches with hanging indents, and a last stage direction."""
    memory = new_memory(chance)
    for binding in (
        "a=person",
        "b=person",
        "third=person",
        "obj=object",
        "pl=place",
        "sum=money",
        "saying=remark",
    ):
        memory.expand("{!" + binding + "}")
    cast = [memory.values["a"], memory.values["b"]]
    if chance.happens(0.6):
        memory.expand("{!c=person}")
        cast.append(memory.values["c"])
    persons = [person for person in cast if isinstance(person, Person)]
    return "\n\n".join([*_front(memory, persons), *_scenes(memory, persons), _direction(memory, "play_end")])


def _front(memory: Memory, persons: list[Person]) -> list[str]:
    title = memory.write("play_title").upper().center(WIDTH).rstrip()
    kind = memory.write("play_kind").center(WIDTH).rstrip()
    listed = []
    for person in persons:
        memory.values["spk"] = person
        listed.append(wrapped(punctuated(memory.write("cast_line") + "."), indent=HANGING))
    return [
        _direction(memory, "playlabel"),
        f"{title}\n{kind}",
        "\n".join(listed),
        _direction(memory, "play_setting"),
    ]


def _scenes(memory: Memory, persons: list[Person]) -> list[str]:
    chance = memory.chance
    speaker, hearer = persons[:2]
    memory.values["voice"] = hearer
    late = persons[2:]
    written: list[str] = []
    turns = chance.between(9, 22)
    interludes = chance.shuffled((_song, _reading, _saying, _saying))
    for turn in range(turns):
        if late and turn >= turns // 3:
            speaker, hearer = late.pop(), speaker
            _face(memory, speaker, hearer)
            written += [
                f"[Enter {speaker.first}, {memory.write('manner')}.]",
                _speech(memory, memory.write("entrance_line") + "."),
            ]
            speaker, hearer = hearer, speaker
        kind = chance.below(10)
        _face(memory, speaker, hearer)
        if kind < 6:
            question, _, answer = memory.draw_line("ex").partition(" // ")
            written.append(_speech(memory, memory.write_template(question)))
            _face(memory, hearer, speaker)
            written.append(_speech(memory, memory.write_template(answer)))
        elif kind < 8:
            written.append(_speech(memory, f"{memory.write('st')}."))
        elif kind == 8:
            written.append(_direction(memory, "dir_long"))
        elif interludes:
            written += interludes.pop()(memory, speaker, hearer)
        last = memory.values["voice"]
        speaker, *others = chance.shuffled([one for one in persons if one not in late and one is not last])
        hearer = chance.pick([one for one in (*others, last) if isinstance(one, Person)])
    return written


def _song(memory: Memory, singer: Person, hearer: Person) -> list[str]:
    couplets = [memory.write("song_couplet").partition(" // ") for _ in range(2)]
    lines = [line for first, _, second in couplets for line in (first + ",", second + ";")]
    sung = [wrapped(HANGING + line, indent=2 * HANGING) for line in [*lines[:-1], lines[-1][:-1] + "."]]
    memory.values["voice"] = singer
    return ["\n".join([f"{singer.caps}. [Singing.]", *sung])]


def _reading(memory: Memory, reader: Person, hearer: Person) -> list[str]:
    return [_speech(memory, memory.write("letter_aloud"), "Reading")]


def _saying(memory: Memory, speaker: Person, hearer: Person) -> list[str]:
    """The play's recurring quotation, and the reply to it."""
    first = _speech(memory, memory.write("saying_line"))
    _face(memory, hearer, speaker)
    return [first, _speech(memory, memory.write("saying_reply"))]


def _face(memory: Memory, speaker: Person, hearer: Person) -> None:
    memory.values["spk"], memory.values["to"] = speaker, hearer


def _speech(memory: Memory, words: str, direction: str = "") -> str:
    speaker = memory.values["spk"]
    assert isinstance(speaker, Person)
    memory.values["voice"] = speaker
    if not direction and memory.chance.happens(0.4):
        direction = memory.write("dir_short")
    stage = f"[{direction}.] " if direction else ""
    return wrapped(f"{speaker.caps}. {stage}{punctuated(words)}", indent=HANGING)


def _direction(memory: Memory, rule: str) -> str:
    words = memory.write(rule)
    return wrapped(f"[{words[:1].upper()}{words[1:]}.]")
