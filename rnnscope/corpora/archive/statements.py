"""Random statements of a small C-like language, in which every name is declared before it is used.

Lines have at most 64 columns; each brace indents by four spaces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rnnscope.corpora.archive.grammar import Memory
from rnnscope.corpora.archive.letters import WIDTH

INDENT = "    "
DEEPEST = 4


@dataclass(frozen=True)
class Function:
    """The signature of a function."""

    name: str
    returns: str
    parameters: tuple[tuple[str, str], ...]


@dataclass
class Scope:
    """The names in scope, by type: `int`, `bool`, `string`, and `const`, `array` and loop `index`."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def inner(self) -> Scope:
        """The scope of a nested block: a copy."""
        return Scope({kind: list(names) for kind, names in self.names.items()})

    def add(self, kind: str, name: str) -> str:
        """Declare a name and return it."""
        self.names.setdefault(kind, []).append(name)
        return name

    def of(self, kind: str) -> list[str]:
        """The names of one type."""
        return self.names.get(kind, [])

    def has(self, name: str) -> bool:
        """Whether a name is declared."""
        return any(name in names for names in self.names.values())


class Statements:
    """The writer of a program: its theme, its globals, its functions so far, its lines."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.chance = memory.chance
        self.lines: list[str] = []
        self.top = Scope()
        self.functions: list[Function] = []
        self.theme = tuple(dict.fromkeys(memory.write("code_noun") for _ in range(7)))
        self.lengths: dict[str, int] = {}
        self.known: set[str] = set()

    def write(self, depth: int, text: str) -> None:
        """Add a line at a depth of indentation."""
        self.lines.append(INDENT * depth + text if text else "")

    def noun(self) -> str:
        """A noun of the program's theme."""
        return self.chance.pick(self.theme)

    def fresh(self, scope: Scope, plain: str = "") -> str:
        """A name that is not in scope: `goats`, `wet_goats`, `goats_below`."""
        while True:
            noun = self.noun()
            name = self.chance.pick(
                (
                    plain or noun,
                    f"{self.memory.write('code_quality')}_{noun}",
                    f"{noun}_{self.memory.write('code_where')}",
                )
            )
            if not scope.has(name) and all(name != function.name for function in self.functions):
                return name

    def fitted(self, depth: int, make: Callable[[], str]) -> str:
        """The first result of `make` that fits the line width at this depth."""
        return next(text for text in iter(make, None) if len(text) + len(INDENT) * depth <= WIDTH)

    # Expressions.

    def literal(self) -> str:
        """An integer literal."""
        return str(self.chance.pick((2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 20, 24, 41, 60, 99)))

    def readable(self, scope: Scope) -> list[str]:
        """The names of integers that may be read."""
        return scope.of("int") + scope.of("index")

    def variable(self, scope: Scope) -> str:
        """The name of an integer; later declarations are more probable."""
        names = self.readable(scope)
        return names[max(self.chance.below(len(names)), self.chance.below(len(names)))]

    def atom(self, scope: Scope) -> str:
        """A variable, constant, array element or literal."""
        kind = self.chance.below(9)
        if kind < 5 and self.readable(scope):
            return self.variable(scope)
        if kind == 5 and scope.of("const"):
            return self.chance.pick(scope.of("const"))
        if kind == 6 and scope.of("array") and self.readable(scope):
            array = self.chance.pick(scope.of("array"))
            return f"{array}[{self.variable(scope)} % {self.lengths[array]}]"
        return self.literal()

    def pair(self, scope: Scope) -> tuple[str, str]:
        """Two different atoms of which at most one is a literal."""
        while True:
            left, right = self.atom(scope), self.atom(scope)
            if left != right and not (left.isdigit() and right.isdigit()):
                return left, right

    def number(self, scope: Scope) -> str:
        """An integer expression."""
        if not self.readable(scope):
            return self.literal()
        kind = self.chance.below(9)
        left, right = self.pair(scope)
        if kind < 2:
            return left
        if kind < 5:
            return f"{left} {self.chance.pick('+-*')} {right}"
        if kind == 5:
            return f"{self.variable(scope)} {self.chance.pick('%/')} {self.chance.between(2, 12)}"
        if kind == 6:
            return f"{self.chance.pick(('min', 'max'))}({left}, {right})"
        if kind == 7:
            return f"({left} {self.chance.pick('+-')} {right}) * {self.literal()}"
        return self.call(scope, "int") or left

    def test(self, scope: Scope) -> str:
        """A boolean expression."""
        kind = self.chance.below(10)
        if kind < 2 and scope.of("bool"):
            return self.chance.pick(("", "!")) + self.chance.pick(scope.of("bool"))
        if kind < 4 and scope.of("bool"):
            flag = self.chance.pick(scope.of("bool"))
            return f"{flag} {self.chance.pick(('&&', '||'))} {self.comparison(scope)}"
        if kind == 4:
            return f"{self.comparison(scope)} {self.chance.pick(('&&', '||'))} {self.comparison(scope)}"
        if kind == 5:
            return self.call(scope, "bool") or self.comparison(scope)
        return self.comparison(scope)

    def comparison(self, scope: Scope) -> str:
        """A comparison of two integers."""
        if not self.readable(scope):
            return f"tide() {self.chance.pick(('<', '>', '=='))} {self.literal()}"
        left = self.variable(scope)
        if self.chance.happens(0.2):
            return f"{left} % {self.chance.between(2, 12)} == {self.chance.below(2)}"
        right = next(atom for atom in iter(lambda: self.atom(scope), None) if atom != left)
        return f"{left} {self.chance.pick(('<', '>', '<=', '>=', '==', '!='))} {right}"

    def call(self, scope: Scope, returns: str) -> str:
        """A call of a function that returns the given type; empty without one."""
        fitting = [one for one in self.functions if one.returns == returns]
        return self.called(scope, self.chance.pick(fitting)) if fitting else ""

    def called(self, scope: Scope, function: Function) -> str:
        """A call of a function with arguments from the scope."""
        values = [self.argument(scope, kind) for kind, _ in function.parameters]
        return f"{function.name}({', '.join(values)})"

    def argument(self, scope: Scope, kind: str) -> str:
        """An argument of the given type."""
        if kind == "int":
            return self.atom(scope)
        if scope.of(kind):
            return self.chance.pick(scope.of(kind))
        return (
            self.chance.pick(("true", "false"))
            if kind == "bool"
            else f'"{self.memory.write_within(14, "code_name")}"'
        )

    # Statements.

    def block(
        self, scope: Scope, depth: int, size: int, *, loop: bool = False, returns: str = "void"
    ) -> None:
        """Write `size` statements."""
        for position in range(size):
            self.statement(scope, depth, loop=loop and position > 0, returns=returns)

    def statement(self, scope: Scope, depth: int, *, loop: bool, returns: str) -> None:
        """Write one statement. loop: whether `break` and `continue` are allowed."""
        kind = self.chance.below(20)
        if kind < 3 or not scope.of("int"):
            self.declare(scope, depth)
        elif kind < 7:
            self.assign(scope, depth)
        elif kind < 9:
            self.say(scope, depth)
        elif kind == 9:
            self.write(
                depth, f"// {self.memory.write_within(WIDTH - 3 - len(INDENT) * depth, 'code_comment')}"
            )
            self.statement(scope, depth, loop=loop, returns=returns)
        elif kind == 10:
            name = self.flag(scope)
            self.write(depth, self.fitted(depth, lambda: f"bool {name} = {self.test(scope)};"))
            scope.add("bool", name)
        elif kind == 11 and self.call(scope, "void"):
            self.write(depth, self.fitted(depth, lambda: self.call(scope, "void") + ";"))
        elif kind == 12 and loop:
            self.opened(depth, "if", scope)
            self.write(depth + 1, self.chance.pick(("break;", "continue;")))
            self.write(depth, "}")
        elif depth >= DEEPEST:
            self.assign(scope, depth)
        elif kind < 16:
            self.branch(scope, depth, returns)
        else:
            self.loop(scope, depth, returns)

    def declare(self, scope: Scope, depth: int) -> None:
        """Write the declaration of an integer."""
        name = self.fresh(scope)
        self.write(depth, self.fitted(depth, lambda: f"int {name} = {self.number(scope)};{self.remark()}"))
        scope.add("int", name)

    def assign(self, scope: Scope, depth: int) -> None:
        """Write an assignment to an integer."""

        def made() -> str:
            name = self.chance.pick(scope.of("int"))
            value = next(value for value in iter(lambda: self.number(scope), None) if value != name)
            return f"{name} {self.chance.pick(('=', '+=', '-=', '+='))} {value};{self.remark()}"

        self.write(depth, self.fitted(depth, made))

    def opened(self, depth: int, keyword: str, scope: Scope) -> None:
        """Write the head of a block with a test."""
        self.write(depth, self.fitted(depth, lambda: f"{keyword} ({self.test(scope)}) {{"))

    def branch(self, scope: Scope, depth: int, returns: str) -> None:
        """Write an `if`, perhaps with `else`."""
        self.opened(depth, "if", scope)
        inside = scope.inner()
        self.block(inside, depth + 1, self.chance.between(1, 3), returns=returns)
        if returns in ("int", "bool") and self.chance.happens(0.25):
            self.give_back(inside, depth + 1, returns)
        elif self.chance.happens(0.2):
            self.opened(depth, "} else if", scope)
            self.block(scope.inner(), depth + 1, self.chance.between(1, 2), returns=returns)
            self.write(depth, "} else {")
            self.block(scope.inner(), depth + 1, self.chance.between(1, 2), returns=returns)
        elif self.chance.happens(0.4):
            self.write(depth, "} else {")
            self.block(scope.inner(), depth + 1, self.chance.between(1, 3), returns=returns)
        self.write(depth, "}")

    def loop(self, scope: Scope, depth: int, returns: str) -> None:
        """Write a `while` or a `for`."""
        inside = scope.inner()
        if self.chance.happens(0.4):
            name = self.chance.pick(scope.of("int"))
            self.write(depth, f"while ({name} > {self.chance.pick(('0', '1', self.literal()))}) {{")
            self.block(inside, depth + 1, self.chance.between(1, 3), loop=True, returns=returns)
            self.write(depth + 1, f"{name} -= {self.chance.between(1, 3)};")
        else:
            index = next(letter for letter in "ijkmn" if not scope.has(letter))
            array = self.chance.pick(scope.of("array") or [""])
            end = str(self.lengths[array]) if array else self.variable(scope)
            self.write(depth, f"for (int {index} = 0; {index} < {end}; {index}++) {{")
            if array and self.chance.happens(0.7):
                self.write(depth + 1, f"{self.chance.pick(scope.of('int'))} += {array}[{index}];")
            inside.add("index", index)
            self.block(inside, depth + 1, self.chance.between(1, 3), loop=True, returns=returns)
        self.write(depth, "}")

    def say(self, scope: Scope, depth: int) -> None:
        """Write a call of `say`."""

        def made() -> str:
            words = self.memory.write("code_say")
            return f'say("{words}"{", " + self.variable(scope) if "%d" in words else ""});'

        self.write(depth, self.fitted(depth, made))

    def flag(self, scope: Scope) -> str:
        """An unused name of a boolean."""
        while scope.has(name := self.memory.write("code_flag")):
            pass
        return name

    def remark(self) -> str:
        """A comment at the end of a line, or nothing."""
        return f"  // {self.memory.write('code_aside')}" if self.chance.happens(0.08) else ""

    def give_back(self, scope: Scope, depth: int, returns: str) -> None:
        """Write the `return` of a function."""
        if returns == "string":
            self.write(depth, f'return "{self.memory.write("code_name")}";')
        elif returns != "void":
            made = self.number if returns == "int" else self.test
            self.write(depth, self.fitted(depth, lambda: f"return {made(scope)};"))
