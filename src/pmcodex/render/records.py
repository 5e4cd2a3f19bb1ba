"""Records: what `doctor` examined and a line of the journal, as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pmcodex.render.text import print_json, say, table

if TYPE_CHECKING:
    from pmcodex.core.facts import Finding
    from pmcodex.state.journal import Entry

Rows = Sequence[tuple[str, str, str]]


def say_examined(sections: Sequence[tuple[str, Rows]], findings: Sequence[Finding]) -> None:
    """What `doctor` saw, for a person: each section's rows, then what is wrong."""
    for title, rows in sections:
        say(f"{title}:")
        table(("", "", ""), rows, indent=2)
        say()
    for finding in findings:
        say(f"finding: {finding.where}: {finding.message}")
        if finding.hint:
            say(f"  hint: {finding.hint}")
    if not findings:
        say("nothing is wrong")


def say_entry(entry: Entry, *, json: bool) -> None:
    """One line of the journal, as text or as one JSON document."""
    if json:
        print_json(entry, one_line=True)
        return
    words = (
        entry.time,
        entry.run_id,
        entry.role,
        entry.outcome,
        entry.task,
        f"#{entry.pull}" if entry.pull else "",
        entry.detail,
    )
    say(" ".join(word for word in words if word))
