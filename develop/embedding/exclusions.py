"""What other people's tools have to leave alone, where marks in our own files don't say it to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from develop.detection.comments import blank_comments, own_line
from develop.embedding import places

_PYTEST = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_CALLS = ("Makefile", "justfile", "noxfile.py", "package.json")
_DOCTESTS = "--doctest-modules"
# oxfmt obeys .prettierignore, too.
_PRETTIER = (".prettierrc*", "prettier.config.*", ".prettierignore", ".oxfmtrc.json*", "oxfmt.config.*")
_FORMATS = re.compile(r'"(prettier|oxfmt)"\s*:')
# What makes ESLint check more than programs: configuration and pages, too.
_CHECKS_ALL = re.compile(r'"(@antfu/eslint-config|eslint-plugin-(yml|jsonc|markdown|format)|@eslint/(json|markdown))"')
_ESLINT = tuple(f"eslint.config.{ending}" for ending in ("js", "mjs", "cjs", "ts", "mts"))
_PRE_COMMIT = (".pre-commit-config.yaml", ".pre-commit-config.yml")


class Exclusion(NamedTuple):
    """What *file* needs: *line*, because of *why*; *text* is the file with that, empty where a person has to add it."""

    file: Path
    line: str
    why: str
    text: str = ""


def find_exclusions(top: Path, packaged: bool) -> list[Exclusion]:
    """Return what the configuration of the repository *top* lacks; the installed package needs little."""
    if packaged:
        schema = "docs/sessions.schema.json"
        return [*_of_prettier(top, f"/{schema}"), *_of_eslint(top, schema), *_of_biome(top, schema)]
    return [*_of_pytest(top), *_of_prettier(top, "/tasks/"), *_of_eslint(top, "tasks"), *_of_biome(top, "tasks"),
            *_of_pre_commit(top), *_of_ruff(top)]  # fmt: skip


def offer_exclusions(found: list[Exclusion], patch: bool) -> list[str]:
    """Add what was *found* to the files if *patch*, and return what was done, or what to do."""
    said = []
    for each in found:
        if patch and each.text:
            places.replace_file(each.file, each.text.encode("utf-8", "surrogateescape"))
            said.append(f"Added to {each.file.name}: {each.line}")
            continue
        again = ", or run this again with --patch" if each.text else ""
        said.append(f"{each.why}. Add to {each.file.name}{again}:\n  {each.line}")
    return said


def _of_pytest(top: Path) -> Iterator[Exclusion]:
    """Yield what keeps doctests out of tasks.py, which pytest takes for the package of that name."""
    why = "pytest --doctest-modules can't import tasks.py beside tasks/"
    options = ["--ignore=tasks", "--ignore=tasks.py"]
    for file in (top / name for name in (*_PYTEST, *_CALLS)):
        text = _read(file)
        if _DOCTESTS not in text or options[1] in text:
            continue
        in_list = re.search(rf"""addopts\s*=\s*\[[^\][]*(["']){_DOCTESTS}\1""", text)
        words = "".join(f", {in_list[1]}{each}{in_list[1]}" for each in options) if in_list else f" {' '.join(options)}"
        found = f"{in_list[1]}{_DOCTESTS}{in_list[1]}" if in_list else _DOCTESTS
        added = text.replace(found, found + words, 1)
        yield Exclusion(file, f"{_DOCTESTS} {' '.join(options)}", why, added if file.name in _PYTEST else "")


def _of_prettier(top: Path, line: str) -> Iterator[Exclusion]:
    if not (any(any(top.glob(each)) for each in _PRETTIER) or _FORMATS.search(_read(top / "package.json"))):
        return
    file = top / ".prettierignore"
    text = _read(file)
    if line.strip("/") in {each.strip().strip("/") for each in text.splitlines()}:
        return
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    yield Exclusion(file, line, "The formatter would format what inv embed writes", f"{ended}{line}\n")


def _of_eslint(top: Path, ours: str) -> Iterator[Exclusion]:
    """Yield what keeps ESLint out of YAML, JSON and Markdown, where it has been taught to check them."""
    file = next((top / name for name in _ESLINT if (top / name).is_file()), None)
    text = _read(file) if file else ""
    code = blank_comments(text)
    if not file or not _CHECKS_ALL.search(_read(top / "package.json")) or f"'{ours}'" in code or f'"{ours}"' in code:
        return
    line = f"ignores: ['{ours}', 'docs/sessions.md', 'invoke.yaml'],"
    why = "ESLint would check the configuration and the page that inv embed writes"
    yield Exclusion(file, line, why, _with_ignores(text, code, line))


def _with_ignores(text: str, code: str, line: str) -> str:
    """Return the *text* of ESLint's configuration with *line*; *code* is the same without comments. Empty: it can't."""
    bare = line.rstrip(",")
    if len(re.findall(r"\bantfu\(", code)) == 1 and "ignores:" not in code:
        if match := re.search(r"\bantfu\(\s*\{(\s*)", code):
            return f"{text[: match.end()]}{line}{own_line(match[1]) or ' '}{text[match.end() :]}"
        if match := re.search(r"\bantfu\(\s*(?=\))", code):
            return f"{text[: match.end()]}{{ {bare} }}{text[match.end() :]}"
    elif len(lists := [*re.finditer(_LIST_OF_RULES, code)]) == 1:
        return f"{text[: lists[0].end()]}\n  {{ {bare} }},{text[lists[0].end() :]}"
    return ""


_LIST_OF_RULES = r"(?:export default|module\.exports =) (?:defineConfig\()?\["


def _of_biome(top: Path, ours: str) -> Iterator[Exclusion]:
    """Yield what keeps Biome out of JSON and YAML: since its version 2 by `includes`, before that by `ignore`."""
    file = next((top / name for name in ("biome.json", "biome.jsonc") if (top / name).is_file()), None)
    text = _read(file) if file else ""
    code = blank_comments(text)
    if not file or re.search(rf'"!{{0,2}}{re.escape(ours)}"', code):
        return
    old = re.search(r'^[ \t]*"organizeImports"\s*:\s*\{|"ignore"\s*:|biomejs\.dev/schemas/1\.', code, re.MULTILINE)
    old = old if "biomejs.dev/schemas/2" not in code else None
    key, before = ("ignore", "") if old else ("includes", "!")
    ours_too = dict.fromkeys((ours, "docs/sessions.md", "invoke.yaml"))
    first, items = ("" if old else '"**", '), [f'"{before}{each}"' for each in ours_too]
    added = _with_items(text, key, items, first)
    line = f'"{key}": [{first}{", ".join(items)}]'
    yield Exclusion(file, f'"files": {{ {line} }}', "Biome would format what inv embed writes", added)


def _with_items(text: str, key: str, items: list[str], first: str) -> str:
    """Return the *text* of a biome.json with *items* in the list *key* of its files; empty where it can't be done."""
    code = blank_comments(text)
    if listed := re.search(rf'"files"\s*:\s*\{{[^{{}}]*?"{key}"\s*:\s*\[', code):
        return _with_last_items(text, code, listed.end(), items)
    begin = re.match(r"\s*\{(\s*)", code)
    if re.search(r'"files"\s*:', code) or not begin or code[begin.end() : begin.end() + 1] == "}":
        return ""
    space = own_line(begin[1])
    step = space.rpartition("\n")[2]  # Biome leaves an object in lines, where its first key is in a new one
    more, end = (f"\n{step}{step}", f"\n{step}") if step else (" ", " ")
    whole = f'"files": {{{more}"{key}": [{first}{", ".join(items)}]{end}}},'
    return text[: begin.end()] + whole + (space or " ") + text[begin.end() :]


def _with_last_items(text: str, code: str, start: int, items: list[str]) -> str:
    """Return *text* with *items* after the last one of the list that begins at *start*, which has to be a string."""
    body = code[start : max(code.find("]", start), start)].rstrip()
    last = start + len(body.removesuffix(",").rstrip())
    begin = code.rfind('"', start, max(last - 1, start))
    if begin < 0 or code[last - 1] != '"' or last < start + len(body) - 1:
        return ""
    before = code[start:begin]
    space = own_line(before[len(before.rstrip()) :])
    added = "".join(f",{space or ' '}{each}" for each in items)
    return text[:last] + added + text[start + len(body) :]


_BLANKET = re.compile(r"""select\s*=\s*\[[^\][]*["'](ALL|PGH\w*)["']""")


def _of_ruff(top: Path) -> Iterator[Exclusion]:
    """Yield what keeps out a rule against marks that hold for a whole file."""
    for file in (top / name for name in ("pyproject.toml", "ruff.toml", ".ruff.toml")):
        text = _read(file)
        excluded = "\n".join(line.partition("exclude")[2] for line in text.splitlines())
        if _BLANKET.search(text) and not re.search(r"\btasks\b", excluded):
            line = 'extend-exclude = ["tasks"]'
            where = f"[tool.ruff] {line}" if file.name == "pyproject.toml" else line
            yield Exclusion(file, where, "ruff's PGH004 is against marks for a whole file, as tasks/ has them")


def _of_pre_commit(top: Path) -> Iterator[Exclusion]:
    why = "pre-commit gives its hooks the files of tasks/ one by one, past their own exclusions"
    line = r"exclude: ^tasks(\.py$|/)"
    for file in (top / name for name in _PRE_COMMIT):
        text = _read(file)
        if "repos:" not in text or re.search(r"(?m)^exclude:.*\btasks\b", text):
            continue
        has_own = re.search(r"(?m)^exclude:", text)
        added = re.sub(r"(?m)^repos:", lambda match: f"{line}\n{match[0]}", text, count=1)
        yield Exclusion(file, line, why, "" if has_own or added == text else added)


def _read(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else ""
