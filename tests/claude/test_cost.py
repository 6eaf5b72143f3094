"""Tokens and money of a conversation, from its transcript."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.claude import cost, prices
from tasks.claude.transcripts import directory_name
from testing.project import Project, eventually

_ORIGINAL = "00000000-0000-4000-8000-000000000001"


def _answer(number: int, model: str, usage: dict[str, Any]) -> str:
    return json.dumps({"type": "assistant", "message": {"id": f"msg_{number}", "model": model, "usage": usage}})


def _transcript(project: Project, sandbox: Path, *lines: str) -> None:
    place = sandbox / "home" / ".claude" / "projects" / directory_name(project.worktree("x"))
    place.mkdir(parents=True, exist_ok=True)
    identity = project.row("x")["conversation"]
    (place / f"{identity}.jsonl").write_text("".join(f"{line}\n" for line in lines[:-1]))
    (place / identity / "subagents").mkdir(parents=True, exist_ok=True)
    (place / identity / "subagents" / "agent-1.jsonl").write_text(f"{lines[-1]}\n")


@pytest.mark.slow
def test_each_answer_counts_once_with_its_subagents_and_not_what_a_fork_copied(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x")
    eventually(lambda: project.listed("x")["claude"] == "idle")
    eventually(lambda: (project.main / ".git/tally-sessions/conversations/x/SessionStart").exists())
    million = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    cached = {"cache_creation_input_tokens": 300_000, "cache_read_input_tokens": 2_000_000, "output_tokens": 0}
    kept = {**cached, "cache_creation": {"ephemeral_1h_input_tokens": 100_000}}
    lines = [
        _answer(1, "claude-opus-4-8", million), _answer(1, "claude-opus-4-8", million),  # two blocks of one answer
        _answer(2, "claude-sonnet-4-5-20250929", kept), _answer(3, "claude-opus-5", million),
        _answer(4, "<synthetic>", {"input_tokens": 0, "output_tokens": 0}), "not JSON with \"usage\"",
        _answer(5, "claude-haiku-5-5", {"input_tokens": 100_000, "output_tokens": 0}),
    ]  # fmt: skip
    _transcript(project, sandbox, *lines)

    row = json.loads((project.main / ".tally-sessions").read_text())
    row["x"]["forks"] = _ORIGINAL  # both transcripts have what was said before
    (project.main / ".tally-sessions").write_text(json.dumps(row))
    original = sandbox / "home" / ".claude" / "projects" / "elsewhere" / f"{_ORIGINAL}.jsonl"
    original.parent.mkdir()
    original.write_text(f"{_answer(3, 'claude-opus-5', million)}\n")
    dollars = 5 + 2.5 + (200_000 * 3.75 + 100_000 * 6 + 2_000_000 * 0.3) / 1e6 + 0.01
    shown = project.inv("session.show", "x", "--json").json
    assert shown["cost"].pop("dollars") == pytest.approx(dollars)
    assert shown["cost"] == {"read": 1_100_000, "written": 100_000, "kept": 300_000, "reread": 2_000_000}
    assert shown["memory"] > 1_000_000
    said = f"${dollars:.2f} (3.4M in, 100k out)"
    assert f"{said}, at API prices of {prices.AS_OF}" in project.inv("session.show", "x").out
    assert said in project.inv("session.list", "--cost").out
    assert "$" not in project.inv("session.list").out

    _transcript(project, sandbox, lines[0], _answer(6, "claude-unheard-of", million))
    assert "2.0M in, 200k out" in project.inv("session.list", "--cost").out
    assert "$" not in project.inv("session.list", "--cost").out


def test_the_price_is_that_of_the_model_whatever_date_it_has() -> None:
    assert prices.price_of("claude-opus-4-1-20250805", 1) == prices.PRICES["claude-opus-4-1"]
    assert prices.price_of("claude-opus-4-8[1m]", 1) == prices.PRICES["claude-opus-4-8"]
    assert prices.price_of("claude-opus-9", 1) is None
    assert prices.price_of("claude-haiku-5-5", 100_001) != prices.price_of("claude-haiku-5-5", 100_000)
    assert str(cost.Cost()) == ""
