"""The archive, checked by parsers that share no code with its grammar."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from rnnscope.corpora.archive import archive_text, write_archive

ROOT = Path(__file__).parents[3]
INPUT = ROOT / "data" / "input.txt"


@pytest.fixture(scope="module")
def archive() -> str:
    return archive_text(1_500_000, 1)


@pytest.fixture(scope="module")
def documents(archive: str) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"letter": [], "play": [], "ledger": [], "notice": [], "program": []}
    for document in archive.rstrip("\n").split("\n\n\n"):
        kinds[kind_of(document)].append(document)
    return kinds


def kind_of(document: str) -> str:
    if document.startswith("/*"):
        return "program"
    if document.startswith("== "):
        return "notice"
    label = re.match(r"\[(Letter|Play|Prompt|Ledger|Account|Page|Day)", document)
    assert label, document[:80]
    return {"Letter": "letter", "Play": "play", "Prompt": "play"}.get(label[1], "ledger")


def prose(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_input_txt_is_what_the_recipe_writes(archive: str) -> None:
    assert INPUT.read_text(encoding="utf-8") == archive


def test_the_archive_just_reaches_the_length_asked_for() -> None:
    written = list(write_archive(50_000, 3))
    assert sum(map(len, written)) >= 50_000 > sum(map(len, written[:-1]))


def test_seeds_repeat_and_differ() -> None:
    assert archive_text(20_000, 5) == archive_text(20_000, 5)
    assert archive_text(20_000, 5) != archive_text(20_000, 6)


def test_hash_randomisation_and_torch_have_no_part_in_it(archive: str) -> None:
    program = (
        "import sys; from rnnscope.corpora.archive import archive_text; print(archive_text(60_000, 1));"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program]
        written = subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()
        assert archive.startswith(written.rstrip("\n"))


def test_every_kind_of_document_has_its_share(archive: str, documents: dict[str, list[str]]) -> None:
    shares = {kind: sum(map(len, texts)) / len(archive) for kind, texts in documents.items()}
    assert all(share > 0.04 for share in shares.values()), shares
    assert max(shares.values()) < 0.5, shares


def test_the_alphabet_is_plain_and_the_lines_are_short(archive: str, documents: dict[str, list[str]]) -> None:
    assert archive.isascii()
    assert 80 <= len(set(archive)) <= 96
    for kind in ("letter", "play", "ledger", "program"):
        for document in documents[kind]:
            assert max(map(len, document.split("\n"))) <= 64, document
    assert max(len(line) for line in archive.split("\n")) <= 100


def test_there_are_three_thousand_words(archive: str) -> None:
    assert len(set(re.findall(r"[a-z]+(?:['-][a-z]+)*", archive.lower()))) >= 3000


def test_no_sentence_comes_back_more_than_a_few_times(documents: dict[str, list[str]]) -> None:
    times: Counter[str] = Counter()
    for document in (*documents["letter"], *documents["play"], *documents["ledger"], *documents["notice"]):
        text = re.sub(r"\b(Mrs?|St|P\.S|cr|gr|p)\.", r"\1", prose(document))
        sentences = re.split(r"(?<=[.?!])[\"')\]]*\s+[\"'(\[]*", text)
        times.update(sentence for sentence in sentences if len(sentence.split()) >= 4)
    assert sum(times.values()) > 8_000
    worst = times.most_common(3)
    assert worst[0][1] <= 8, worst


def test_articles_agree_with_the_sound_that_follows(documents: dict[str, list[str]]) -> None:
    consonant_sound = re.compile(r"(one|uni[^nm]|use|eu|ewe|ub)", re.IGNORECASE)
    for kind in ("letter", "play", "notice"):
        for text in map(prose, documents[kind]):
            for article, word in re.findall(r"\b(an?) [\"'(\[]*([a-z]\w*)", text):
                vowel = word[0] in "aeiou" and not consonant_sound.match(word)
                vowel = vowel or word.startswith(("hour", "heir", "honest"))
                assert (article == "an") == vowel, f"{article} {word}"


def test_brackets_and_quotation_marks_close_in_the_order_they_opened(documents: dict[str, list[str]]) -> None:
    for kind in ("letter", "play", "ledger", "notice"):
        for document in documents[kind]:
            check_nesting(document)


def check_nesting(document: str) -> None:
    partners = {")": "(", "]": "[", "}": "{"}
    open_marks: list[str] = []
    for position, mark in enumerate(document):
        if mark in "([{":
            open_marks.append(mark)
        elif mark in partners:
            assert open_marks[-1:] == [partners[mark]], around(document, position)
            open_marks.pop()
        elif mark == '"':
            if document[position - 1] in " \n([":
                assert '"' not in open_marks, around(document, position)
                open_marks.append(mark)
            else:
                assert open_marks[-1:] == ['"'], around(document, position)
                open_marks.pop()
    assert not open_marks, document


def around(document: str, position: int) -> str:
    return document[max(0, position - 120) : position + 40]


def test_quotations_of_more_than_a_hundred_characters_are_common(documents: dict[str, list[str]]) -> None:
    quotations = re.findall(r'"([^"]*)"', "\n".join(documents["letter"]))
    assert sum(len(quotation) > 100 for quotation in quotations) > 100


# Letters.


def test_a_letter_keeps_its_date_and_its_writer(documents: dict[str, list[str]]) -> None:
    for document in documents["letter"]:
        heading = document.split("\n\n")[1].split("\n")
        assert len(heading) == 3
        assert all(len(line) == 64 for line in heading)
        assert re.search(
            r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d+[a-z]{2} [A-Z][a-z]+ 18\d\d$", heading[2]
        )


def test_the_sum_of_a_letter_about_a_loan_is_named_more_than_once(documents: dict[str, list[str]]) -> None:
    sums = re.compile(r"[a-z]+ (?:crowns?|groats?)(?:,? (?:and )?[a-z]+ ?(?:groats?|pence))*")
    loans = [prose(text) for text in documents["letter"] if " that I lent to " in prose(text)]
    assert len(loans) >= 5
    repeated = sum(max(Counter(sums.findall(text.lower())).values()) > 1 for text in loans)
    assert repeated >= 0.7 * len(loans)


# Plays.


def test_only_the_cast_speaks_and_everyone_in_it_does(documents: dict[str, list[str]]) -> None:
    for document in documents["play"]:
        paragraphs = document.split("\n\n")
        cast = set(re.findall(r"^([A-Z]+)(?:,| of) ", paragraphs[2], re.MULTILINE))
        speakers = set(re.findall(r"^([A-Z]{3,})\. ", document, re.MULTILINE))
        assert len(cast) in (2, 3)
        assert speakers == cast, document[:400]


def test_no_speaker_has_two_speeches_in_a_row(documents: dict[str, list[str]]) -> None:
    for document in documents["play"]:
        speakers = re.findall(r"^([A-Z]{3,})\. |^\[", document.split("\n\n", 3)[3], re.MULTILINE)
        assert all(one != following or not one for one, following in pairwise(speakers))


# Ledgers.


def figures(line: str) -> list[int]:
    tail = re.search(r"((?:\s+\d+)+)$", line)
    assert tail, line
    return [int(figure) for figure in tail[1].split()]


def test_ledgers_add_up(documents: dict[str, list[str]]) -> None:
    kinds: Counter[str] = Counter()
    for document in documents["ledger"]:
        table = next(part for part in document.split("\n\n") if "-----" in part).split("\n")
        first, second = (at for at, line in enumerate(table) if line.startswith("-----"))
        rows = [figures(line)[-columns_of(table[0]) :] for line in table[first + 1 : second]]
        totals = [figures(line) for line in table[second + 1 :]]
        kind = table[0].split()[0]
        kinds[kind] += 1
        if kind == "Date":
            check_account(rows, totals)
        else:
            assert totals == [[sum(column) for column in zip(*rows, strict=True)]], document
            for row in rows:
                check_row(kind, row)
    assert set(kinds) == {"Date", "Goods", "Crossing", "Debtor"}


def columns_of(heading: str) -> int:
    return len(heading.split()) - 1


def in_pence(crowns: int, groats: int, pence: int) -> int:
    assert groats < 20
    assert pence < 12
    return (crowns * 20 + groats) * 12 + pence


def check_account(rows: list[list[int]], totals: list[list[int]]) -> None:
    total = in_pence(*totals[0])
    assert total == sum(in_pence(*row) for row in rows)
    if len(totals) == 3:
        assert total == in_pence(*totals[1]) + in_pence(*totals[2])


def check_row(kind: str, row: list[int]) -> None:
    if kind == "Goods":
        before, came, sold, left = row
        assert before + came - sold == left >= 0
    elif kind == "Debtor":
        owed, paid, owing = row
        assert owed - paid == owing >= 0
    else:
        assert sum(row[:-1]) == row[-1]


def test_prices_times_quantities_are_the_amounts(documents: dict[str, list[str]]) -> None:
    line = re.compile(r"To (\d+) .* at ((?:\d+ (?:cr|gr|p)\. ?)+)[. ]*? +(\d+) +(\d+) +(\d+)$", re.MULTILINE)
    checked = 0
    for count, price, *amount in line.findall("\n".join(documents["ledger"])):
        worth = {"cr": 240, "gr": 12, "p": 1}
        pence = sum(int(number) * worth[coin] for number, coin in re.findall(r"(\d+) (cr|gr|p)\.", price))
        assert int(count) * pence == in_pence(*map(int, amount))
        checked += 1
    assert checked > 200


# Notices.


def test_wiki_links_close_on_their_line_or_the_next(documents: dict[str, list[str]]) -> None:
    for document in documents["notice"]:
        assert document.count("[[") == document.count("]]") > 0
        assert re.search(r"^\* \[http://www\.pellwick\.example/\S+ [^\]]+\]$", document, re.MULTILINE)
        assert re.search(r"^\[\[Category:[^\]]+\]\]$", document, re.MULTILINE)
        assert document.count("'''") % 2 == 0
        assert all(line.endswith("==") for line in document.split("\n") if line.startswith("=="))


# Programs.

TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|"[^"\n]*"|\d+|[A-Za-z_]\w*|&&|\|\||[-+*/%<>=!]=|\+\+|[-+*/%<>=!;,(){}\[\]]""",
    re.DOTALL,
)
TYPES = {"int", "bool", "string", "void"}
WORDS = {"if", "else", "while", "for", "return", "break", "continue", "const", "true", "false"}
GIVEN = {"say", "min", "max", "tide"}


def tokens(program: str) -> list[str]:
    found, position = [], 0
    while position < len(program):
        match = TOKEN.match(program, position)
        assert match, program[position : position + 40]
        position = match.end()
        if not match[0].isspace() and not match[0].startswith(("//", "/*")):
            found.append(match[0])
    return found


def test_programs_declare_every_name_before_they_use_it(documents: dict[str, list[str]]) -> None:
    for document in documents["program"]:
        scopes: list[set[str]] = [set(GIVEN)]
        waiting: set[str] = set()
        stream = tokens(document)
        assert stream.count("main") == 1
        for at, token in enumerate(stream):
            previous = stream[at - 1] if at else ""
            if token == "{" and previous != "=":
                scopes.append(waiting)
                waiting = set()
            elif token == "}" and stream[at + 1 : at + 2] != [";"]:
                scopes.pop()
            elif re.match(r"[A-Za-z_]", token) and token not in TYPES | WORDS:
                if previous in TYPES:
                    known = set().union(*scopes, waiting)
                    assert token not in known, f"{token} is declared twice\n{document}"
                    is_local_of_head = open_parentheses(stream, at) > 0
                    (waiting if is_local_of_head else scopes[-1]).add(token)
                else:
                    known = set().union(*scopes, waiting)
                    assert token in known, f"{token} is unknown\n{document}"
        assert len(scopes) == 1, "braces do not balance"


def open_parentheses(stream: list[str], at: int) -> int:
    depth = 0
    for token in reversed(stream[:at]):
        if token in ("{", "}", ")") or (token == ";" and depth == 0):
            return 0
        if token == "(":
            return 1
    return depth


def test_indentation_is_four_spaces_for_every_open_brace(documents: dict[str, list[str]]) -> None:
    for document in documents["program"]:
        depth = 0
        code = re.sub(r"/\*.*?\*/", "", document, flags=re.DOTALL)
        for line in filter(str.strip, code.split("\n")):
            bare = re.sub(r'"[^"]*"|//.*', "", line)
            closes_first = bare.strip().startswith("}")
            assert len(line) - len(line.lstrip(" ")) == 4 * (depth - closes_first), line
            depth += bare.count("{") - bare.count("}")
        assert depth == 0
