"""Programs in a small C-like language.

    int count_wet_goats(int goats, bool foggy) {
        int wet_goats = 0;
        for (int i = 0; i < goats; i++) {
            if (foggy || i % 3 == 0) {
                wet_goats += 1;  // Mrs. Harrow disagrees
            }
        }
        return wet_goats;
    }

Every name is declared before it is used, in the same block or an enclosing one.
"""

from __future__ import annotations

import re
from string import Template

from rnnscope.corpora.archive.grammar import Chance
from rnnscope.corpora.archive.idioms import IDIOMS
from rnnscope.corpora.archive.letters import WIDTH, wrapped
from rnnscope.corpora.archive.statements import Function, Scope, Statements
from rnnscope.corpora.archive.world import new_memory


class _Program(Statements):
    """A program: constants, functions, and a `main` that calls all functions."""

    def front(self) -> None:
        """Write the title comment, the constants and perhaps an array."""
        title = self.memory.write("code_title")
        self.lines += ["/*", *(" * " + line for line in wrapped(title, WIDTH - 3).split("\n")), " */", ""]
        for _ in range(self.chance.between(1, 4)):
            name = self.fresh(self.top).upper()
            if not self.top.has(name):
                self.top.add("const", name)
                self.write(0, f"const int {name} = {self.literal()};{self.remark()}")
        if self.chance.happens(0.6):
            name = self.top.add("array", self.fresh(self.top))
            self.lengths[name] = self.chance.between(3, 9)
            values = ", ".join(self.literal() for _ in range(self.lengths[name]))
            self.write(0, f"int {name}[{self.lengths[name]}] = {{{values}}};")
        self.write(0, "")

    def idiom(self) -> None:
        """A function from a template of `IDIOMS`, with the nouns of this program."""
        memory, chance = self.memory, self.chance
        a, b = chance.shuffled(self.theme)[:2]
        template = next(
            one for one in iter(lambda: chance.draw("idiom", IDIOMS), None) if one not in self.known
        )
        note = memory.write_within(24, "code_aside")
        text = Template(template.strip("\n")).substitute(
            a=a, b=b, q=memory.write("code_quality"), n=chance.between(2, 12), m=chance.between(2, 12),
            say=memory.write_within(40, "code_cry"), hey=memory.write_within(34, "code_cry"),
            who=memory.write_within(18, "code_who"), note=note, Note=note[:1].upper() + note[1:],
        )  # fmt: skip
        match = re.search(r"^(\w+) (\w+)\((.*)\) {$", text, re.MULTILINE)
        assert match is not None, "an idiom has no head"
        parameters = tuple((kind, called) for kind, called in (part.split() for part in match[3].split(", ")))
        declared = [called for _, called in parameters] + re.findall(r"^ +int (\w+)", text, re.MULTILINE)
        clash = len(set(declared)) < len(declared) or any(self.top.has(name) for name in declared)
        taken = any(one.name == match[2] for one in self.functions)
        if clash or taken or len(match[2]) > 32 or max(map(len, text.split("\n"))) > WIDTH:
            return self.idiom()
        self.known.add(template)
        self.lines += [*text.split("\n"), ""]
        self.functions.append(Function(match[2], match[1], parameters))
        return None

    def function(self) -> None:
        """Write a function of random statements, with its comment."""
        scope = self.top.inner()
        returns = self.chance.pick(("int", "int", "bool", "void", "void", "string"))
        name, doing = self.function_name(returns)
        parameters = []
        for kind in self.chance.shuffled(["int", "int", "bool", "int", "string"])[
            : self.chance.between(1, 3)
        ]:
            called = (
                self.flag(scope)
                if kind == "bool"
                else self.fresh(scope)
                if kind == "int"
                else self.who(scope)
            )
            parameters.append((kind, scope.add(kind, called)))
        head = ", ".join(f"{kind} {called}" for kind, called in parameters)
        if len(f"{returns} {name}({head}) {{") > WIDTH:
            return self.function()
        self.memory.values["doing"] = doing
        self.memory.values["given"] = next((called for kind, called in parameters if kind == "int"), "cards")
        comment = self.memory.write(
            {"bool": "code_doc_ask", "string": "code_doc_tell"}.get(returns, "code_doc")
        )
        self.lines += wrapped(f"/* {comment} */", WIDTH, "   ").split("\n")
        self.write(0, f"{returns} {name}({head}) {{")
        result = self.fresh(scope)
        if returns == "int":
            self.write(1, f"int {scope.add('int', result)} = {self.chance.pick(('0', '1', self.literal()))};")
        self.block(scope, 1, self.chance.between(2, 5), returns=returns)
        if returns == "int":
            self.write(1, f"return {result};")
        else:
            self.give_back(scope, 1, returns)
        self.write(0, "}")
        self.write(0, "")
        self.functions.append(Function(name, returns, tuple(parameters)))
        return None

    def function_name(self, returns: str) -> tuple[str, str]:
        """An unused name of a function, and the same as words for its comment."""
        while True:
            verb = self.memory.write({"bool": "code_ask", "string": "code_tell"}.get(returns, "code_verb"))
            thing = self.fresh(self.top)
            taken = any(function.name == f"{verb}_{thing}" for function in self.functions)
            if not taken and len(verb + thing) < 24:
                return f"{verb}_{thing}", f"{verb} {thing}".replace("_", " ")

    def who(self, scope: Scope) -> str:
        """An unused name of a string parameter."""
        return next(name for name in ("keeper", "neighbour", "culprit") if not scope.has(name))

    def main(self) -> None:
        """Write `main`, which calls every function."""
        scope = self.top.inner()
        self.write(0, "void main() {")
        for _ in range(self.chance.between(2, 4)):
            name = self.fresh(scope)
            self.write(1, f"int {name} = {self.literal()};{self.remark()}")
            scope.add("int", name)
        for function in self.functions:
            self.use(scope, function)
        self.say(scope, 1)
        self.write(0, "}")

    def use(self, scope: Scope, function: Function) -> None:
        """Call a function from `main` and use its result."""
        if function.returns == "void":
            before, after = "", ";"
        elif function.returns == "bool":
            before, after = "if (", ") {"
        elif function.returns == "string":
            before, after = 'say("%s", ', ");"
        else:
            name = self.fresh(scope)
            before, after = f"int {name} = ", ";"
        self.write(1, self.fitted(1, lambda: before + self.called(scope, function) + after))
        if function.returns == "bool":
            self.say(scope, 2)
            self.write(1, "}")
        elif function.returns == "int":
            scope.add("int", name)


def program(chance: Chance) -> str:
    """One program of two to five functions and a `main`."""
    memory = new_memory(chance)
    for binding in ("me=person", "third=person", "pl=place"):
        memory.expand("{!" + binding + "}")
    written = _Program(memory)
    written.front()
    for _ in range(chance.between(4, 8)):
        if chance.happens(0.8):
            written.idiom()
        else:
            written.function()
    written.main()
    return "\n".join(written.lines)
