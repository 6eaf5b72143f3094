"""Find the error messages in the code. `…` replaces the parts that vary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_TOP = Path(__file__).resolve().parents[2]
_ERRORS = {
    "SessionError",
    "OutcomeError",
    "NothingToMergeError",
    "MergeConflictError",
    "UnusableError",
    "UnusableFileError",
    "ShapeError",
    "EmbedError",
    "DemoError",
    "BuildError",
    "Exit",
    "TarError",
    "LeadsOutError",
    "exit",
    "fail_with",
    "__init__",
}
_HOLE = "…"
_VERBS = (
    "add|ask|build|change|check|choose|commit|configure|convert|delete|end|finish|fix|free|give|install|keep|leave|list|load|"
    "make|merge|mount|move|name|put|remove|rename|replace|resolve|restore|run|save|see|set|start|try|turn|use|wait|write"
)
_ADVICE = re.compile(
    rf"(?:^|[.:…)\"'`] |, )(?:{_VERBS})\b|\b(?:run|undo|fix|next)\b[^.]*: |\binv [a-z]+\b"
    r"|\bfor example\b|\bexpected\b|\bmust (?:be|contain)\b|(?:known|sessions|services|hosts|windows): ",
    re.IGNORECASE,
)
_TABLES = {"_FACTS", "_HINTS"}  # tables of sentences that become messages


def says_what_to_do(words: str) -> bool:
    """Return whether the message *words* has its own advice: a command, an instruction, or what was expected."""
    return _ADVICE.search(words) is not None


def every_message() -> dict[str, list[str]]:
    """Return each message and the places (file:line) where it is written."""
    found: dict[str, list[str]] = {}
    for file in [_TOP / "tasks.py", *sorted((_TOP / "tasks").rglob("*.py")), *sorted((_TOP / "develop").rglob("*.py"))]:
        for line, words in messages_in(file.read_text(encoding="utf-8")):
            found.setdefault(words, []).append(f"{file.relative_to(_TOP)}:{line}")
    return found


def messages_in(source: str) -> Iterator[tuple[int, str]]:
    """Return line and words of each message that is written in *source*."""
    module = ast.parse(source)
    for line, text in _passed_on(module):
        yield line, " ".join(text.split())
    for scope in [module, *(node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))]:
        for call in _calls(scope):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            for words in _Reader(module, scope).message(name, call.args):
                if re.search(r"[a-z]{2}", words):
                    yield call.lineno, " ".join(words.split())


def _passed_on(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Return the sentences in tables and in `why_unusable`, which are raised elsewhere."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == "why_unusable":
            reader = _Reader(module, node)
            yield from (
                (node.lineno, text) for value in reader.returned(node.name) for text in reader.texts(value) if text
            )
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in _TABLES:
            for line, text in _sentences(node.value):
                yield line, re.sub(r"\{place\}", _HOLE, text)


def _sentences(table: ast.expr) -> Iterator[tuple[int, str]]:
    for node in ast.walk(table):
        values = node.values if isinstance(node, ast.Dict) else node.elts[-1:] if isinstance(node, ast.Tuple) else []
        for value in values:
            if isinstance(value, ast.Constant) and " " in str(value.value):
                yield value.lineno, str(value.value)


def _calls(scope: ast.AST) -> Iterator[ast.Call]:
    """Return the calls in *scope*, without those in nested functions."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls(child)


class _Reader:
    """Find the texts that an expression can have, if they are written in the module."""

    def __init__(self, module: ast.Module, scope: ast.AST) -> None:
        self._module, self._scope = module, scope

    def message(self, name: str, arguments: list[ast.expr]) -> list[str]:
        if name in _ERRORS and arguments:
            return self.texts(arguments[0])
        if name == "TimeoutError" and len(arguments) > 1:  # errno, text, file: shown like every OSError
            return [f"{_HOLE}: {text}" for text in self.texts(arguments[1])]
        if name == "wrong_value" and len(arguments) == 3:
            return [f"session.{_HOLE} must be {text}, not {_HOLE}." for text in self.texts(arguments[1])]
        if name == "CommandError" and len(arguments) == 3:
            failed = f"{_HOLE} failed (exit code {_HOLE})"
            return [f"{failed}: {text}" for text in self.texts(arguments[2])] or [failed]
        return []

    def texts(self, node: ast.expr) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return [_joined("".join(self._part(part) for part in parts))]
            case ast.BinOp(left=left, right=right):
                return [_joined((self.texts(left) or [_HOLE])[0] + (self.texts(right) or [_HOLE])[0])]
            case ast.IfExp(body=body, orelse=other):
                return self.texts(body) + self.texts(other)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [text for each in elements for text in self.texts(each)]
            case ast.Starred(value=value) | ast.ListComp(elt=value):
                return self.texts(value)
            case ast.Name(id=name):
                return [text for value in self._assigned(name) for text in self.texts(value)]
            case ast.Dict(values=values):
                return [text for value in values for text in self.texts(value)]
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                return [_joined(re.sub(r"\{\w*\}", _HOLE, text))]
            case ast.Call(func=ast.Name(id=name)):
                return [text for value in self.returned(name) for text in self.texts(value)]
        return []

    @staticmethod
    def _part(part: ast.expr) -> str:
        return str(part.value) if isinstance(part, ast.Constant) else _HOLE

    def _assigned(self, name: str) -> Iterator[ast.expr]:
        for node in ast.walk(self._scope):
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    yield value

    def returned(self, name: str) -> Iterator[ast.expr]:
        for node in self._module.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)


def _joined(text: str) -> str:
    return re.sub(f"{_HOLE}[{_HOLE}]+", _HOLE, text)
