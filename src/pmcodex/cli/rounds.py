"""The verbs of the roles: `plan`, `taskmaster`, `developer`, `review`, `integrate`, and `run`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmcodex.cli import trouble as said
from pmcodex.cli.options import (
    Again,
    DryRun,
    Json,
    PullNumber,
    Repo,
    Verbose,
    open_here,
    patiently,
)
from pmcodex.errors import InvalidInput, PmcodexError

if TYPE_CHECKING:
    from pmcodex.core.actions import Role
    from pmcodex.round import Report
    from pmcodex.wiring import Session


TOLD_FOR = 24 * 3600.0
"""Seconds for which `run` does not tell an unchanged trouble again: cron mails each telling."""


def register(app: typer.Typer) -> None:
    """Put the verbs on the app."""
    for verb in (plan, taskmaster, developer, review, integrate):
        app.command()(verb)
    app.command(epilog=_CRON)(run)


_CRON = """\
\b
Every quarter of an hour, by cron:
  */15 * * * * pmcodex run --repo /path/to/project
`pmcodex init --timer cron` prints that line for this project.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks of a round: whose, of what, and how it is told.

    `patient`: wait for a round in the background, since a person waits for this one. `silent`:
    say nothing at all when nothing happened. `again`: have anew what is settled.
    """

    verb: str
    roles: tuple[str, ...]
    dry_run: bool = False
    json: bool = False
    verbose: bool = False
    only_pull: int = 0
    patient: bool = False
    silent: bool = False
    again: bool = False
    one_line: bool = False


def plan(
    again: Again = False,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Propose docs/PLAN.md, the PRD's milestones, by pull."""
    from pmcodex.render.rounds import milestones_json

    asked = Asked("plan", ("planner",), dry_run, json, verbose, again=again)
    return play(open_here(repo), asked, milestones_json)


def taskmaster(
    again: Again = False,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Propose tasks for what the PRD asks for, by pull."""
    asked = Asked("taskmaster", ("taskmaster",), dry_run, json, verbose, again=again)
    return play(open_here(repo), asked)


def developer(
    repo: Repo = None, dry_run: DryRun = False, json: Json = False, verbose: Verbose = False
) -> int:
    """Claim the next task, do it, and open its pull."""
    return play(open_here(repo), Asked("developer", ("developer",), dry_run, json, verbose))


def review(
    pr: PullNumber = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Keep one review comment on each open pull.

    It says what checks, acceptance items and risk look like. It never approves or merges.
    """
    asked = Asked("review", ("reviewer",), dry_run, json, verbose, only_pull=pr or 0)
    return play(open_here(repo), asked)


def integrate(
    poll: Annotated[
        bool, typer.Option("--poll", help="Look at the forge now. It always does.")
    ] = False,
    again: Again = False,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Bring task files in step with their pulls, by pull.

    A merged pull makes its task done, a pull closed unmerged blocks it.
    """
    del poll
    asked = Asked("integrate", ("integrator",), dry_run, json, verbose, again=again)
    return play(open_here(repo), asked)


def run(
    watch: Annotated[
        float | None,
        typer.Option("--watch", metavar="SECONDS", min=1, help="Go on: a round every so often."),
    ] = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Play one round of every role; silent when nothing happened."""
    from pmcodex.core.actions import TEAM

    session = open_here(repo)
    asked = Asked("run", TEAM, dry_run, json, verbose, silent=True, one_line=bool(watch))
    if watch is None:
        try:
            return _give_way(session, asked)
        except PmcodexError as error:
            if json or _is_news(session, asked, error):
                raise
            return error.exit_code
    before = ""
    while True:
        try:
            _give_way(session, asked)
            before = ""
        except PmcodexError as error:  # the next round may do better: time passes, people mend
            if error.sentence != before:
                said.tell(error, json=json)
            before = error.sentence
        session.clock.sleep(watch)


def _is_news(session: Session, asked: Asked, error: PmcodexError) -> bool:
    """Whether what ended a round is to be told: not within a day of telling it, by cron."""
    from dataclasses import replace

    words = f"pmcodex: {said.redactor().clean_error(error).sentence}"
    session = replace(session)  # with a checkpoint read anew: the lock was let go
    try:
        with session.locked("pmcodex run"):
            told, now = session.store.checkpoint.troubles, session.clock.now()
            if _by_cron(asked) and now - TOLD_FOR < told.get(words, 0) <= now:
                return False
            _remember(session, (), {words: now})
    except PmcodexError:  # where nothing can be kept, what was wrong is still to be told
        pass
    return True


def _by_cron(asked: Asked) -> bool:
    return asked.silent and not asked.verbose and not said.listened()


def _give_way(session: Session, asked: Asked) -> int:
    """One round, or a word on stdout that another one is on: cron would mail it from stderr."""
    from pmcodex.render.text import print_json, say
    from pmcodex.state.lock import Held

    try:
        return play(session, asked)
    except Held as busy:
        clean = said.redactor().clean_error(busy)
        if asked.json:
            print_json({"held": clean.sentence}, one_line=asked.one_line)
        else:
            say(f"pmcodex: {clean.sentence}")
        return 0


def play(
    session: Session,
    asked: Asked,
    extra: Callable[[Report], dict[str, Any]] = lambda _report: {},
) -> int:
    """One round, told as it goes and at its end; `extra` goes into its JSON. Its exit code."""
    report = one_round(session, asked)
    if report is None and not asked.json:
        return 0
    from pmcodex.round import Report

    report = report or Report("")
    end_round(report, asked, extra(report) if asked.json else {})
    return report.exit_code


def one_round(session: Session, asked: Asked) -> Report | None:
    """One round under the project's lock, told as it goes. Under --json, only trouble is.

    None, for a silent one: nothing moved since such a round found nothing to do. Raises
    InvalidInput where it is about a pull that isn't open.
    """
    from pmcodex.core.actions import Role

    roles = tuple(Role(name) for name in asked.roles)
    verb = asked.verb
    with patiently(session, verb) if asked.patient else session.locked(f"pmcodex {verb}"):
        idle_key = session.idle_key(roles) if asked.silent and not asked.dry_run else ""
        if idle_key and not asked.verbose and session.rests(idle_key):
            return None
        report = _round(session, asked, roles, idle_key)
    if asked.only_pull and not _is_open(report, asked.only_pull):
        raise InvalidInput(
            f"there is no open pull {asked.only_pull}", hint="`pmcodex pull list` shows them"
        )
    return report


def _round(session: Session, asked: Asked, roles: tuple[Role, ...], idle_key: str) -> Report:
    from dataclasses import replace

    from pmcodex.render.rounds import Teller
    from pmcodex.round import run_round

    by_cron = _by_cron(asked)
    now = session.clock.now()
    told = {
        words: at
        for words, at in session.store.checkpoint.troubles.items()
        if by_cron and now - TOLD_FOR < at <= now
    }
    teller = Teller(said.redactor(), only_trouble=asked.json, known=told)
    frame = session.frame(dry_run=asked.dry_run, only_pull=asked.only_pull, idle_key=idle_key)
    report = run_round(replace(frame, on_outcome=teller, again=asked.again), roles)
    teller.end()
    if not report.dry_run and not asked.only_pull:
        _remember(session, roles, {words: told.get(words, now) for words in teller.troubles})
    return report


def _remember(session: Session, roles: tuple[Role, ...], met: dict[str, float]) -> None:
    """Keep what trouble these roles met just now, in place of what they met before."""
    from dataclasses import replace

    store = session.store
    known = store.checkpoint.troubles
    gone = (*roles, "pmcodex")  # whatever ended a round before, this one went on
    others = {words: at for words, at in known.items() if words.partition(":")[0] not in gone}
    store.put(replace(store.checkpoint, troubles={**others, **met}))
    store.save()


def end_round(report: Report, asked: Asked, extra: dict[str, Any]) -> None:
    """Say what is left to say of a round."""
    from pmcodex.render.rounds import report_json, say_notes, say_plan
    from pmcodex.render.text import print_json

    if asked.json:
        data = {**extra, **report_json(report, said.redactor())}
        print_json(data, one_line=asked.one_line)
        return
    if report.dry_run:
        say_plan(report)
    if asked.verbose or (said.listened() and not asked.silent):
        say_notes(report)


def _is_open(report: Report, number: int) -> bool:
    seen = report.seen
    return seen is not None and any(
        pull.number == number and pull.state.value == "open" for pull in seen.snapshot.pulls
    )
