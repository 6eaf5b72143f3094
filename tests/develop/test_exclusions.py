"""What other people's linters have to be told: each is shown, or added without another change of their files."""

import subprocess
import time
from pathlib import Path

import pytest

from develop import embedding
from develop.detection import detect_facts
from develop.detection.facts import collect_facts
from develop.embedding.exclusions import find_exclusions
from testing import missing

_ANTFU = '{"devDependencies": {"@antfu/eslint-config": "1"}}'
_YAML = '{"devDependencies": {"eslint-plugin-yml": "1"}}'
_IGNORED = "ignores: ['tasks', 'docs/sessions.md', 'invoke.yaml']"
_BIOME = '"!tasks", "!docs/sessions.md", "!invoke.yaml"'


@pytest.mark.parametrize(("package", "before", "after"), [
    (_ANTFU, "export default antfu(\n  {\n    unocss: true,\n  },\n)\n",
     f"export default antfu(\n  {{\n    {_IGNORED},\n    unocss: true,\n  }},\n)\n"),
    (_ANTFU, "export default antfu()\n", f"export default antfu({{ {_IGNORED} }})\n"),
    (_YAML, "export default [\n  yml,\n];\n", f"export default [\n  {{ {_IGNORED} }},\n  yml,\n];\n"),
    (_YAML, "export default defineConfig([\n  yml,\n]);\n",
     f"export default defineConfig([\n  {{ {_IGNORED} }},\n  yml,\n]);\n"),
    (_YAML, "export default withNuxt(yml)\n", ""),  # nobody but a person knows where it goes
    (_ANTFU, "export default antfu({ ignores: ['dist'] })\n", ""),
])  # fmt: skip
def test_eslint_is_kept_out_where_it_checks_more_than_programs(
    sandbox: Path, package: str, before: str, after: str
) -> None:
    (sandbox / "package.json").write_text(package)
    (sandbox / "eslint.config.js").write_text(before)

    [found] = find_exclusions(sandbox, packaged=False)

    assert (found.file.name, found.text) == ("eslint.config.js", after)
    assert _IGNORED in found.line
    (sandbox / "eslint.config.js").write_text(after or f"export default [{{ {_IGNORED} }}]")
    assert find_exclusions(sandbox, packaged=False) == [], "run again, nothing is missing"


def test_eslint_for_programs_alone_is_left_alone(sandbox: Path) -> None:
    (sandbox / "package.json").write_text('{"devDependencies": {"eslint": "9"}}')
    (sandbox / "eslint.config.js").write_text("export default [];\n")

    assert find_exclusions(sandbox, packaged=False) == []


_OLD = "https://biomejs.dev/schemas/1.9.4/schema.json"


@pytest.mark.parametrize(("before", "after"), [
    ('{\n\t"linter": { "enabled": true }\n}\n',
     f'{{\n\t"files": {{\n\t\t"includes": ["**", {_BIOME}]\n\t}},\n\t"linter": {{ "enabled": true }}\n}}\n'),
    ('{ "files": { "includes": ["**", "!dist"] } }\n', f'{{ "files": {{ "includes": ["**", "!dist", {_BIOME}] }} }}\n'),
    ('{\n\t"files": {\n\t\t"includes": [\n\t\t\t"**",\n\t\t\t"!dist"\n\t\t]\n\t}\n}\n',
     '{\n\t"files": {\n\t\t"includes": [\n\t\t\t"**",\n\t\t\t"!dist",\n\t\t\t' + _BIOME.replace(", ", ",\n\t\t\t")
     + "\n\t\t]\n\t}\n}\n"),
    (f'{{ "$schema": "{_OLD}", "files": {{ "ignore": ["dist"] }} }}\n',
     f'{{ "$schema": "{_OLD}", "files": {{ "ignore": ["dist", {_BIOME.replace("!", "")}] }} }}\n'),
    ('{ "files": { "maxSize": 1 } }\n', ""),
])  # fmt: skip
def test_biome_is_kept_out_in_the_form_of_its_version(sandbox: Path, before: str, after: str) -> None:
    (sandbox / "biome.json").write_text(before)

    [found] = find_exclusions(sandbox, packaged=False)

    assert found.text == after
    (sandbox / "biome.json").write_text(after or f'{{ "files": {{ "includes": ["**", {_BIOME}] }} }}')
    assert find_exclusions(sandbox, packaged=False) == []


@pytest.mark.slow
def test_the_real_biome_has_nothing_to_say(sandbox: Path) -> None:
    missing.require("biome")
    top = sandbox / "top"
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    (top / "biome.json").write_text('{\n\t"formatter": { "enabled": true }\n}\n')

    embedding.embed(top, patch=True)

    said = subprocess.run(["biome", "ci", "--colors=off", "."], cwd=top, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("name", ["oxfmt.config.ts", ".oxfmtrc.json", ".prettierrc"])
def test_formatters_that_obey_one_file_are_told_in_it(sandbox: Path, name: str) -> None:
    (sandbox / name).write_text("{}\n")

    assert [(each.file.name, each.line) for each in find_exclusions(sandbox, False)] == [(".prettierignore", "/tasks/")]
    assert [each.line for each in find_exclusions(sandbox, True)] == ["/docs/sessions.schema.json"]


@pytest.mark.parametrize(("name", "text", "expected"), [
    ("commitlint.config.ts", "", "chore: embed the sessions"),
    ("pyproject.toml", "[tool.commitizen]\n", "chore: embed the sessions"),
    ("README.md", "", "Embed the sessions"),
])  # fmt: skip
def test_the_printed_commit_has_a_subject_that_the_repository_accepts(
    sandbox: Path, name: str, text: str, expected: str
) -> None:
    subprocess.run(["git", "init", "--quiet", str(sandbox)], check=True)
    (sandbox / name).write_text(text)

    assert f"git commit -m '{expected}'" in embedding.embed(sandbox)


def test_a_biome_of_version_2_that_names_an_action_gets_what_version_2_reads(tmp_path: Path) -> None:
    text = '{\n  "assist": {"actions": {"source": {"organizeImports": "on"}}}\n}\n'
    (tmp_path / "biome.json").write_text(text)

    (found,) = find_exclusions(tmp_path, False)

    assert '"includes": ["**", "!tasks"' in found.text and '"ignore"' not in found.text


def test_an_empty_biome_json_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "biome.json").write_text("{}\n")

    (found,) = find_exclusions(tmp_path, False)

    assert found.text == ""


@pytest.mark.parametrize(("before", "after"), [
    ('// "files": { "includes": ["a"] }\n{\n\t"linter": {}\n}\n',
     '// "files": { "includes": ["a"] }\n{\n\t"files": {\n\t\t"includes": ["**", OURS]\n\t},\n\t"linter": {}\n}\n'),
    ('{ // here\n  "files": {\n    "includes": [\n      "**", // all\n      "!dist", // "!tasks" ]\n    ]\n  }\n}\n',
     '{ // here\n  "files": {\n    "includes": [\n      "**", // all\n      "!dist",\n      "!tasks",\n'
     '      "!docs/sessions.md",\n      "!invoke.yaml" // "!tasks" ]\n    ]\n  }\n}\n'),
    ('{ "files": { "includes": ["a" /* b */, ] } }\n', ""),
])  # fmt: skip
def test_nothing_is_written_into_a_comment_of_biome(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "biome.jsonc").write_text(before)

    (found,) = find_exclusions(tmp_path, False)

    assert found.text == after.replace("OURS", '"!tasks", "!docs/sessions.md", "!invoke.yaml"')


def test_nothing_is_written_into_a_comment_of_eslint(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"devDependencies": {"@antfu/eslint-config": "1"}}')
    lead = "// antfu() or antfu({}), 'tasks'\n/* export default [ */\nconst a = 'https://x'\n"
    (tmp_path / "eslint.config.js").write_text(f"{lead}export default antfu({{ // ours\n  vue: true,\n}})\n")

    (found,) = find_exclusions(tmp_path, False)

    rest = "  ignores: ['tasks', 'docs/sessions.md', 'invoke.yaml'],\n  vue: true,\n})\n"
    assert found.text == f"{lead}export default antfu({{ // ours\n{rest}"


@pytest.mark.parametrize(
    "name", ["package.json", "biome.json", "eslint.config.js", "requirements.txt", "pyproject.toml"]
)
@pytest.mark.parametrize(("begin", "unit"), [
    ("", "\n"), ("{", "/*"), ("fastapi", " "), ('{"files": {"includes": ["a"', " "),
    ('{"files": {"includes": ["a"', "\n"),
    ("", "["), ('{"files": ', "{"), ("", '"\\'), ("--doctest-modules ", "addopts=["), ('select=["ALL"]', "exclude "),
])  # fmt: skip
def test_hostile_files_take_no_time(tmp_path: Path, name: str, begin: str, unit: str) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "package.json").write_text('{"devDependencies": {"eslint-plugin-yml": "1"}}')
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    (tmp_path / name).write_text(begin + unit * (200_000 // len(unit)) + "x")
    before = time.process_time()

    find_exclusions(tmp_path, False)
    detect_facts(collect_facts(tmp_path))

    assert time.process_time() - before < 4
