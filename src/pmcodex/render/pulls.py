"""Pulls: a list of them, one of them in full, and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pmcodex.core.facts import CheckState, Pull
from pmcodex.render.text import as_data, say, table


def pull_json(pull: Pull) -> dict[str, Any]:
    """One pull of `status --json` and `pull list --json`."""
    return {
        "number": pull.number,
        "title": pull.title,
        "state": pull.state.value,
        "head": pull.head,
        "head_sha": pull.head_sha,
        "base": pull.base,
        "author": pull.author,
        "labels": list(pull.labels),
        "draft": pull.draft,
        "checks": [as_data(check) for check in pull.checks],
        "reviews": [as_data(review) for review in pull.reviews],
    }


def say_pulls(pulls: Sequence[Pull], *, indent: int = 0) -> None:
    """Pulls as a table."""
    columns = ("pull", "state", "checks", "branch", "title")
    rows = [
        (str(pull.number), pull.state.value, checks_words(pull), pull.head, pull.title)
        for pull in pulls
    ]
    table(columns, rows, indent=indent)


def checks_words(pull: Pull) -> str:
    """A pull's checks in a few words: "2 green, 1 red", or "none"."""
    counts: dict[str, int] = {}
    for check in pull.checks:
        word = _WORDS[check.state]
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "none"


_WORDS = {
    CheckState.SUCCESS: "green",
    CheckState.SKIPPED: "green",
    CheckState.FAILURE: "red",
    CheckState.PENDING: "running",
}


def say_pull(pull: Pull, diff: str) -> None:
    """One pull for a person."""
    for each in _lines(pull, diff):
        say(each)


def _lines(pull: Pull, diff: str) -> Iterator[str]:
    draft = ", a draft" if pull.draft else ""
    yield f"pull {pull.number}: {pull.title}"
    yield f"{pull.state.value}{draft}: {pull.head} ({pull.head_sha[:10]}) into {pull.base}"
    yield f"author: {pull.author}"
    yield f"labels: {', '.join(pull.labels) or 'none'}"
    yield f"checks: {checks_words(pull)}"
    for check in pull.checks:
        yield f"  {check.name} is {_WORDS[check.state]}: {check.summary}"
        yield from (f"    {detail}" for detail in check.details)
    yield from _quoted("", pull.body)
    for review in pull.reviews:
        words = review.verdict.value.replace("_", " ")
        yield from _quoted(f"{review.author} reviewed it: {words}", review.body)
    for comment in pull.comments or ():
        yield from _quoted(f"{comment.author} commented:", comment.body)
    if diff:
        yield from ("", *diff.rstrip("\n").split("\n"))


def _quoted(opening: str, body: str) -> Iterator[str]:
    """Somebody's words below a line that says whose they are, without hidden markers."""
    lines = [each for each in body.split("\n") if not each.startswith("<!-- pmcodex:")]
    words = "\n".join(lines).strip()
    if opening or words:
        yield ""
    if opening:
        yield opening
    if words:
        indent = "  " if opening else ""
        yield from (f"{indent}{each}".rstrip() for each in words.split("\n"))
