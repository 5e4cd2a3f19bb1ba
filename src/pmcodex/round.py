"""Round: observe, decide, apply, for one role or for all of them in turn.

A lost race is looked at anew and decided anew, a few times; whatever else an action ends with
does not keep the others from being done. What must never happen here: an effect of its own
beyond the journal's and the checkpoint's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pmcodex.apply import Edges, Setting, apply
from pmcodex.core.actions import Action, Note, Outcome, PostReview, Result, Role, RunCheck, WorkTask
from pmcodex.core.facts import PullState
from pmcodex.core.policy import Policy
from pmcodex.core.templates import Templates
from pmcodex.core.view import View
from pmcodex.decide import decide
from pmcodex.errors import InvalidInput, Refused
from pmcodex.observe import Seen, Sources, observe
from pmcodex.rest import REST
from pmcodex.state.journal import Journal, entry_of

RACES = 20
"""How often a role looks again after somebody else was first."""

TROUBLES = 5
"""How many tasks may come to nothing in one round before the rest is left for the next."""

_UNWALLED = "it runs a command, and project code can't be run on this machine"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a round is made of and what it is asked. `project` is the repository's name.

    With an `idle_key`, a round that finds nothing to do remembers it (see `rest`).
    """

    sources: Sources
    edges: Edges
    journal: Journal
    templates: Templates
    run_id: str
    project: str
    dry_run: bool = False
    only_pull: int = 0
    again: bool = False
    idle_key: str = ""
    on_outcome: Callable[[Action, Outcome], None] = lambda _action, _outcome: None


@dataclass(slots=True)
class Report:
    """What a round decided and what came of it. `seen` is what it saw at first."""

    run_id: str
    dry_run: bool = False
    actions: list[Action] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    seen: Seen | None = None
    moved: bool = False

    @property
    def exit_code(self) -> int:
        """4 where something was refused (3: all of that by invalid data), 5: later, else 0."""
        results = {outcome.result for outcome in self.outcomes}
        refused = [outcome for outcome in self.outcomes if outcome.result is Result.REFUSED]
        if refused:
            return 3 if all(outcome.invalid for outcome in refused) else 4
        return 5 if Result.LATER in results else 0


def run_round(frame: Frame, roles: Sequence[Role]) -> Report:
    """One round of these roles, in the order of `Role`; each sees what those before it did."""
    report = Report(frame.run_id, frame.dry_run)
    seen = report.seen = observe(frame.sources, roles)
    report.dry_run = report.dry_run or seen.policy.dry_run
    _prune(frame, seen)
    for role in (role for role in Role if role in roles):
        if role is Role.CHECKER and len(roles) > 1 and not _checks_here(frame, seen.policy):
            continue
        if report.moved:
            seen = observe(frame.sources, roles)
            report.moved = False
        _role_round(frame, role, seen, report)
    if not report.dry_run:
        _keep_rest(frame, report)
        frame.edges.store.save()
    return report


def _role_round(frame: Frame, role: Role, seen: Seen, report: Report) -> None:
    """One role's round: decide, apply; look again only where a race was lost.

    A task whose work comes to nothing is set aside, and the next one that can be worked is taken.
    """
    aside: dict[str, str] = {}
    for _ in range(RACES):
        decision = decide(role, replace(view_of(frame, seen), set_aside=aside))
        if report.dry_run:
            report.actions += decision.actions
            report.notes += decision.notes
            return
        setting = _setting(frame, seen)
        outcomes = _apply_all(frame, decision.actions, setting, report)
        if role is Role.REVIEWER:
            _remember_reviews(frame, seen, decision.actions, outcomes)
        report.moved |= any(outcome.result is Result.DONE for outcome in outcomes)
        if not any(outcome.result is Result.LOST for outcome in outcomes):
            troubled = _troubled(frame, seen, decision.actions, outcomes)
            if troubled and list(aside.values()).count("") < TROUBLES:
                aside = {**troubled, **aside}
                continue
            report.notes += decision.notes
            return
        frame.edges.clock.sleep(0.05)
        seen = observe(frame.sources, (role,))
    words = f"somebody else was first {RACES} times in a row"
    report.notes.append(Note(role, "races", words, "the next round goes on"))


def _troubled(
    frame: Frame, seen: Seen, actions: Sequence[Action], outcomes: Sequence[Outcome]
) -> dict[str, str]:
    """The tasks to set aside after these outcomes, and what is still to be said of them."""
    failed = [
        action
        for action, outcome in zip(actions, outcomes, strict=False)
        if isinstance(action, WorkTask) and outcome.result in (Result.REFUSED, Result.FAILED)
    ]
    alike = {}
    if any(action.command for action in failed) and not _has_sandbox(frame):
        alike = {card.task.id: _UNWALLED for card in seen.board.cards if card.task.command}
    return {**alike, **{action.task_id: "" for action in failed}}


def _has_sandbox(frame: Frame) -> bool:
    try:
        frame.edges.sandbox()
    except (Refused, InvalidInput):
        return False
    return True


def _apply_all(
    frame: Frame, actions: Sequence[Action], setting: Setting, report: Report
) -> list[Outcome]:
    """Apply them in turn; the first check without a sandbox speaks for the others."""
    outcomes = []
    for action in actions:
        outcome = _apply(frame, action, setting, report)
        outcomes.append(outcome)
        refused = isinstance(action, RunCheck) and outcome.result is Result.REFUSED
        if refused and not _has_sandbox(frame):
            break
    return outcomes


def _setting(frame: Frame, seen: Seen) -> Setting:
    return Setting(
        seen.policy,
        seen.snapshot.default_branch,
        seen.snapshot.main,
        seen.snapshot.machine,
        frame.run_id,
        {file.task.id: file.blob for file in seen.snapshot.tasks if file.task is not None},
    )


def _apply(frame: Frame, action: Action, setting: Setting, report: Report) -> Outcome:
    outcome = apply(action, frame.edges, setting)
    report.actions.append(action)
    report.outcomes.append(outcome)
    entry = entry_of(action, outcome, run_id=frame.run_id, at=frame.edges.clock.now())
    frame.journal.write(entry)
    frame.on_outcome(action, outcome)
    return outcome


def view_of(frame: Frame, seen: Seen) -> View:
    """What the roles are given."""
    return View(
        seen.snapshot,
        seen.board,
        seen.policy,
        frame.templates,
        frame.edges.clock.now(),
        frame.edges.forge.me(),
        frame.project,
        frame.only_pull,
        frame.again,
    )


def _checks_here(frame: Frame, policy: Policy) -> bool:
    """Whether a round of all roles runs checks: where there is no CI, and something to run."""
    return frame.edges.forge.shares_remote and bool(policy.checks)


def _remember_reviews(
    frame: Frame, seen: Seen, actions: Sequence[Action], outcomes: Sequence[Outcome]
) -> None:
    """Remember in which condition pulls were reviewed, so that their diffs are not read again."""
    from pmcodex.roles.reviewer import precondition

    failed = {
        action.pull
        for action, outcome in zip(actions, outcomes, strict=True)
        if isinstance(action, PostReview) and outcome.result not in (Result.DONE, Result.UNCHANGED)
    }
    reviewed = {
        str(pull.number): precondition(pull, seen.snapshot.main)
        for pull in seen.snapshot.pulls
        if pull.number in seen.snapshot.diffs
        and pull.number not in failed
        and frame.only_pull in (0, pull.number)
    }
    store = frame.edges.store
    known = store.checkpoint.reviewed
    store.put(replace(store.checkpoint, reviewed={**known, **reviewed}))


def _prune(frame: Frame, seen: Seen) -> None:
    open_pulls = [pull for pull in seen.snapshot.pulls if pull.state is PullState.OPEN]
    frame.edges.store.prune(
        heads={pull.head_sha for pull in open_pulls},
        pulls={pull.number for pull in open_pulls},
        now=frame.edges.clock.now(),
    )


def _keep_rest(frame: Frame, report: Report) -> None:
    """After a round without an action, remember the facts that asked for none."""
    store = frame.edges.store
    idle, until = "", 0.0
    if frame.idle_key and not report.actions:
        idle, until = frame.idle_key, frame.edges.clock.now() + REST
    store.put(replace(store.checkpoint, idle=idle, idle_until=until))
