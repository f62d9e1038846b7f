"""From gin text to statements: each binding with its place; nothing is executed.

gin is used as a language only. Its parser splits the text into statements; `resolver.py` decides what they mean.
"""

import math
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gin.config_parser import BindingStatement, ConfigParser, ImportStatement, IncludeStatement, ParserDelegate

from ganzoo.errors import UserError


@dataclass(frozen=True)
class Reference:
    """`@scope/kind.name` in a value; `called` if it is written with parentheses."""

    name: str
    scope: str
    where: str
    called: bool = False


@dataclass(frozen=True)
class Macro:
    """`%NAME` in a value."""

    name: str


Value = None | bool | int | float | str | Reference | Macro | list["Value"] | tuple["Value", ...] | dict[str, "Value"]


@dataclass(frozen=True)
class Binding:
    """One `scope/selector.argument = value`; the definition of a macro has no argument.

    Args:
        selector: `experiment`, `kind.name`, or the name of a macro.
        argument: the parameter; empty for a macro.
        value: with references and macros unresolved.
        scope: `G` in `G/optim.adam.learning_rate`, or empty.
        where: `file:line`, or the text of a `--set`.
    """

    selector: str
    argument: str
    value: Value
    scope: str
    where: str

    @property
    def key(self) -> str:
        """The left side, as it is written."""
        name = f"{self.selector}.{self.argument}" if self.argument else self.selector
        return f"{self.scope}/{name}" if self.scope else name


Place = Callable[[int], str]
"""Returns the place of a line, by its number in a text, from 1."""


def statements(text: str, place: Place) -> Iterator[tuple[Binding | str, int]]:
    """Yield the bindings of a text and the names of the files that it includes, each with its line.

    Raises:
        UserError: the text is not gin, or has an import.
    """
    lines = text.split("\n")
    _refuse_imports(lines, place)
    delegate = _Delegate(lines, place)
    begin = 1
    try:
        parser = ConfigParser(text, delegate)
        delegate.parser = parser
        while True:
            begin = parser.current_token.start[0]
            statement = parser.parse_statement()
            if statement is None:
                return
            line = statement.location.line_num
            if isinstance(statement, ImportStatement):
                raise _import_error(place(line))
            if isinstance(statement, IncludeStatement):
                yield statement.filename, line
            elif isinstance(statement, BindingStatement):
                _refuse_infinity(statement.value, place(line))
                yield (
                    Binding(statement.selector, statement.arg_name, statement.value, statement.scope, place(line)),
                    line,
                )
    except (SyntaxError, tokenize.TokenError, StopIteration, ValueError, RecursionError) as error:
        line = _first_statement(lines, begin)
        if isinstance(error, SyntaxError) and error.lineno:
            line = min(error.lineno, len(lines))
        raise UserError(_explain(error, lines[line - 1].strip()), where=place(line)) from error


class _Delegate(ParserDelegate):  # type: ignore[misc]
    """Makes references and macros for gin's parser."""

    def __init__(self, lines: list[str], place: Place) -> None:
        self.lines, self.place = lines, place
        self.parser: ConfigParser | None = None

    def configurable_reference(self, scoped_configurable_name: str, evaluate: bool) -> Reference:
        scope, _, name = scoped_configurable_name.rpartition("/")
        return Reference(name, scope, self._where(f"@{scoped_configurable_name}"), evaluate)

    def macro(self, macro_name: str) -> Macro:
        return Macro(macro_name)

    def _where(self, text: str) -> str:
        """Return the place of a text that was just read; the parser may be some lines further down."""
        assert self.parser is not None
        line = min(self.parser.current_token.start[0], len(self.lines))
        while line > 1 and text not in self.lines[line - 1]:
            line -= 1
        return self.place(line)


def _refuse_imports(lines: list[str], place: Place) -> None:
    """Refuse import lines before the parser sees any of the text."""
    for number, line in enumerate(lines, start=1):
        if re.match(r"\s*(import|from)\b(?!\s*[=:]|\.)", line):
            raise _import_error(place(number))


def _import_error(where: str) -> UserError:
    return UserError(
        "a recipe is data and may not import; remove the line (components are found by name, loose files by --plugin)",
        where=where,
    )


def _refuse_infinity(value: Value, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError("the number is too large to be finite; there is no infinity in a recipe", where=where)
    for item in value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else ():
        _refuse_infinity(item, where)


def _first_statement(lines: list[str], begin: int) -> int:
    """Return the number of the first line from `begin` on that holds more than a comment."""
    for number in range(begin, len(lines) + 1):
        if lines[number - 1].split("#")[0].strip():
            return number
    return max(min(begin, len(lines)), 1)


PYTHON_NAMES = {"true": "True", "false": "False", "none": "None", "null": "None", "nil": "None"}


def _explain(error: Exception, line: str) -> str:
    """Return a sentence about what gin's parser did not understand; its errors are texts only."""
    message = str(error.args[0]) if error.args else ""
    token = re.search(r"Failed to parse token '(.*)'", message, re.DOTALL)
    if token is not None:
        word = token[1]
        if word.lower() in PYTHON_NAMES:
            return f"'{word}' is no value; write {PYTHON_NAMES[word.lower()]}"
        if word.lower().lstrip("+-") in ("inf", "nan", "infinity"):
            return f"'{word}' is no value; a recipe holds finite numbers only"
        return f"'{word}' is no value; write a string in quotes, a part as @kind.name, a macro as %NAME"
    if "Unable to parse value" in message and (line.count("'") % 2 or line.count('"') % 2):
        return f"a quote in `{line}` is not closed"
    if "Unable to parse value" in message:
        return (
            f"no value is readable in `{line}`; a value is a number, a string in quotes, True, False, None, "
            "a list, a part as @kind.name or a macro as %NAME"
        )
    if message.startswith("Expected newline"):
        return f"`{line}` goes on after its value; a value is one literal, without arithmetic such as 2*3"
    if "Couldn't parse statement" in message:
        return f"`{line}` is no statement; write kind.name.parameter = value"
    if isinstance(error, tokenize.TokenError | StopIteration) or "Expected ','" in message:
        return f"a bracket or quote that `{line}` opens is not closed, or a comma is missing"
    if isinstance(error, IndentationError) or "indentation" in message:
        return f"the indentation of `{line}` fits neither a block nor the top level"
    return f"`{line}` is not readable as gin; write kind.name.parameter = value"
