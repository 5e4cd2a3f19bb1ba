"""A round for people, as it goes and at its end, and as data for programs.

What must never happen here: a word of an outcome that did not go through the redactor.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pmcodex.core.actions import Action, Note, Outcome, Result, describe
from pmcodex.render.text import as_data, say

if TYPE_CHECKING:
    from pmcodex.core.redaction import Redactor
    from pmcodex.round import Report

_TROUBLE = (Result.REFUSED, Result.FAILED, Result.LATER)
_SILENT = (Result.UNCHANGED, Result.LOST)


class Teller:
    """Tells a round as it goes: what was done on stdout, trouble on stderr.

    The same trouble is told once, however many actions it meets; `end` counts the others. Where
    nobody listens any more, the round goes on untold. `known` troubles are not told again.
    """

    def __init__(
        self, redactor: Redactor, *, only_trouble: bool = False, known: Collection[str] = ()
    ) -> None:
        self._redactor = redactor
        self._only_trouble = only_trouble
        self._known = known
        self._troubles: dict[str, int] = {}
        self._heard = True

    def __call__(self, action: Action, outcome: Outcome) -> None:
        if outcome.result in _SILENT or not self._heard:
            return
        try:
            self._tell(action, outcome)
        except BrokenPipeError:
            self._heard = False

    def _tell(self, action: Action, outcome: Outcome) -> None:
        detail = self._redactor.clean(outcome.detail)
        if outcome.result not in _TROUBLE:
            if not self._only_trouble:
                say(f"{action.role.value}: {detail}")
                say(f"  because {self._redactor.clean(action.reason)}")
            return
        words = f"{action.role.value}: {outcome.result.value}: {detail}"
        met = self._troubles.get(words, 0)
        self._troubles[words] = met + 1
        if not met and words not in self._known:
            say(words, err=True)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What trouble there was, a line each: told now, or `known` to be told already."""
        return tuple(self._troubles)

    def end(self) -> None:
        """Say of each trouble how many more actions it met."""
        for words, met in self._troubles.items():
            if met > 1 and self._heard and words not in self._known:
                role = words.partition(":")[0]
                say(f"{role}: {met - 1} more ended the same way", err=True)


def say_plan(report: Report) -> None:
    """What a dry run would do."""
    for action in report.actions:
        say(f"would {describe(action)}")
        say(f"  because {action.reason}")


def say_notes(report: Report) -> None:
    """On stderr: why nothing was done, or was left out."""
    if not report.actions:
        say("nothing to do", err=True)
    for note in {(each.about, each.message): each for each in report.notes}.values():
        say_note(note)


def say_note(note: Note) -> None:
    """A role's note on stderr: what about, what is the matter, what to do."""
    hint = f" ({note.hint})" if note.hint else ""
    say(f"note: {note.about}: {note.message}{hint}", err=True)


def report_json(report: Report, redactor: Redactor) -> dict[str, Any]:
    """A round as data: `run_id`, `dry_run`, `actions`, `outcomes`, `notes`."""
    return {
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "actions": [action_json(action) for action in report.actions],
        "outcomes": [
            {**as_data(outcome), "detail": redactor.clean(outcome.detail)}
            for outcome in report.outcomes
        ],
        "notes": [as_data(note) for note in report.notes],
    }


def action_json(action: Action) -> dict[str, Any]:
    """An action as data: its kind, its words, and all it carries."""
    return {
        "kind": type(action).__name__,
        "key": action.key,
        "says": describe(action),
        **as_data(action),
    }


def milestones_json(report: Report) -> dict[str, Any]:
    """`{"milestones": [...]}` of the PRD that a round saw."""
    from pmcodex.prd.reader import read_prd

    seen = report.seen
    text = seen.snapshot.files.get(seen.policy.prd, "") if seen is not None else ""
    return {
        "milestones": [
            {
                "id": milestone.id,
                "title": milestone.title,
                "acceptance": [item.text for item in milestone.acceptance],
                "hints": list(milestone.hints),
            }
            for milestone in read_prd(text).milestones
        ]
    }
