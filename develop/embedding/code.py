"""What a file says, however a formatter has laid it out."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterator


def digest(content: bytes) -> str:
    """Return a digest of the lines, whatever their line endings: git may convert them."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


@functools.lru_cache(maxsize=1024)  # two seconds for all files of a copy, and who embeds twice asks about the same ones
def meaning(path: str, content: bytes) -> str:
    """Return a digest that stays the same when the file at *path* is reformatted, or its imports are sorted."""
    try:
        if path.endswith(".json"):
            return _short(json.dumps(json.loads(content), sort_keys=True))
        if path.endswith(".py"):
            return _short(repr(list(_described(ast.parse(content)))))
    except (SyntaxError, ValueError, RecursionError):
        pass
    return _short(" ".join(content.decode(errors="replace").split()))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _described(node: object) -> Iterator[object]:
    """Yield the parts of *node* that every version of Python gives it, without places and empty fields."""
    if isinstance(node, ast.AST):
        yield type(node).__name__
        for name, value in ast.iter_fields(node):
            if value not in (None, []) and name not in ("kind", "type_comment"):
                yield name, list(_described(_in_order(node, name, value)))
    elif isinstance(node, list):
        for each in node:
            yield list(_described(each))
    else:
        yield repr(node)


def _in_order(node: ast.AST, name: str, value: object) -> object:
    """Return *value* with runs of imports one by one and sorted, and the spaces of a docstring made one."""
    if name != "body" or not isinstance(value, list):
        return value
    body, run = list[object](), list[ast.stmt]()
    for statement in [*value, None]:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            run += _one_by_one(statement)
            continue
        ordered: list[ast.stmt] = sorted(run, key=ast.dump)
        body += ordered
        run = []
        if statement is not None:
            body.append(statement)
    if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and body:
        text = ast.get_docstring(node)
        body[0] = "docstring " + " ".join(text.split()) if text is not None else body[0]
    return body


def _one_by_one(statement: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
    if isinstance(statement, ast.Import):
        return [ast.Import([alias]) for alias in statement.names]
    return [ast.ImportFrom(statement.module, [alias], statement.level) for alias in statement.names]
