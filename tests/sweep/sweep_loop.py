"""The whole loop as a list of steps, from a PRD to nothing left to do, and how a step is run.

Each step is what one command does, in a process of its own: a round of some roles, or a person's
verb on the forge. A person looks before doing a thing again, as people do.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sweep_fuse import Fuse, FusedSession, StoppedClock
from sweep_world import GREET, POLICY, PROJECT, commit, file_of, make_remote, task_path

from pmcodex.config.loading import load_settings
from pmcodex.core.actions import TEAM, Role
from pmcodex.core.facts import Pull, PullState, Verdict
from pmcodex.errors import PmcodexError
from pmcodex.ports import MergeEnd, Person
from pmcodex.round import run_round

ADA = Person("Ada", "ada@example.org")
START = 1_700_000_000.0
STEP = 600.0
"""Seconds that pass between two steps."""

Verb = Callable[[FusedSession], int]


@dataclass(frozen=True)
class Step:
    """One command: what it is called, and what it does. `by_hand` steps know no fuse."""

    name: str
    verb: Verb | None = None
    by_hand: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Box:
    """A machine: its name, which is its folder's too, how many seconds its clock is late, and what
    its commands are made of."""

    name: str = "box-a"
    later: float = 0.0
    session: type[FusedSession] = FusedSession


@dataclass(frozen=True)
class Kill:
    """Where a step is to die: at which effect, and on which side of it."""

    at: int
    when: str


@dataclass(frozen=True)
class Run:
    """One step in one world."""

    world: Path
    place: int
    box: Box = field(default_factory=Box)


# --- steps ---------------------------------------------------------------------------------


def roles(*names: Role) -> Verb:
    def verb(session: FusedSession) -> int:
        with session.locked("sweep"):
            key = session.idle_key(names) if len(names) > 1 else ""
            if key and session.rests(key):
                return 0
            return run_round(session.frame(idle_key=key), names).exit_code

    return verb


def person(head: str, act: Callable[[FusedSession, Pull], int]) -> Verb:
    """What Ada does to the newest pull whose head starts with `head`, where there is one."""

    def verb(session: FusedSession) -> int:
        with session.locked("sweep"):
            pulls = [p for p in session.forge().pulls() if p.head.startswith(head)]
            return act(session, pulls[-1]) if pulls else 0

    return verb


def _approve(session: FusedSession, pull: Pull) -> int:
    if pull.state is PullState.OPEN:
        session.forge(ADA).review(pull.number, Verdict.APPROVED, "Thank you.")
    return 0


def _merge(session: FusedSession, pull: Pull) -> int:
    if pull.state is not PullState.OPEN:
        return 0
    words = f"{pull.title} (#{pull.number})"
    ended = session.forge(ADA).merge(pull.number, expected_head=pull.head_sha, message=words)
    return 0 if ended.ended is MergeEnd.MERGED else 4


def _close(session: FusedSession, pull: Pull) -> int:
    session.forge(ADA).close_pull(pull.number)
    return 0


def _comment(session: FusedSession, pull: Pull) -> int:
    if all(comment.author != ADA.name for comment in pull.comments or ()):
        session.forge(ADA).create_comment(pull.number, "Looks good so far.")
    return 0


def _work_out(remote: Path) -> None:
    """Ada says in two tasks' files how they can be done without a model."""
    greet, stamp = task_path(remote, "T-0002"), task_path(remote, "T-0003")
    with_command = file_of(remote, stamp).replace("---\n", "---\ncommand: stamp\n", 1)
    files = {greet: f"{file_of(remote, greet)}\n{GREET}", stamp: with_command}
    commit(remote, files, "Say how two tasks can be done")


def _extend_prd(remote: Path) -> None:
    text = file_of(remote, "docs/PRD.md") + "- An editorconfig says how files look\n"
    commit(remote, {"docs/PRD.md": text}, "Want an editorconfig")


def _try_again(remote: Path) -> None:
    """Ada wants the rejected task after all, and bookkeeping merged without her."""
    path = task_path(remote, "T-0004")
    text = file_of(remote, path).replace("status: blocked", "status: queued")
    policy = POLICY + "merge:\n  bookkeeping: true\n"
    commit(remote, {path: text, ".llm-team.yml": policy}, "Try the changelog again")


def _step(name: str) -> Step:
    verb, _, rest = name.partition(" ")
    acts = {"approve": _approve, "merge": _merge, "close": _close, "comment": _comment}
    if verb in acts:
        head = rest if rest.startswith("pmcodex/") else f"feature/{rest}"
        return Step(name, person(head, acts[verb]))
    if verb == "run":
        return Step(name, roles(*TEAM))
    by_hand = {"words": _work_out, "prd": _extend_prd, "again": _try_again}
    if verb in by_hand:
        return Step(name, by_hand=by_hand[verb])
    return Step(name, roles(Role(verb)))


_STORY = """
planner
merge pmcodex/plan
taskmaster
merge pmcodex/tasks
developer
reviewer
checker
reviewer
comment T-0001
approve T-0001
merge T-0001
integrator
taskmaster
merge pmcodex/bookkeeping
merge pmcodex/tasks
words
developer
developer
developer
checker
reviewer
close T-0004
approve T-0002
merge T-0002
prd
planner
taskmaster
integrator
merge T-0003
integrator
merge pmcodex/tasks
merge pmcodex/plan
again
run
run
approve T-0004
merge T-0004
merge T-0005
integrator
integrator
run
run
"""
STEPS = tuple(_step(line) for line in _STORY.strip().splitlines())
"""Tasks by recipe (T-0001, T-0004, T-0005), by diff (T-0002), by command (T-0003); one rejected
and tried again (T-0004); bookkeeping by pull, riding along with tasks, and merged by policy.

The last bookkeeping goes by `integrator` and not by `run`, which would make a difference: killed
after it opened that pull, the next `run` merges it by policy before the Reviewer comments on it.
"""


def new_world(folder: Path) -> Path:
    make_remote(folder / "remote.git", PROJECT)
    return folder


# --- running -------------------------------------------------------------------------------


def session_of(run: Run, fuse: Fuse | None = None) -> FusedSession:
    folder = run.world / run.box.name
    (folder / "state").mkdir(parents=True, exist_ok=True)
    loaded = load_settings({}, [run.world], {})
    clock = StoppedClock(START + run.place * STEP + run.box.later)
    url = str(run.world / "remote.git")
    return run.box.session(
        loaded,
        url,
        ADA,
        folder,
        clock,
        fuse=fuse or Fuse(),
        box=run.box.name,
        run_id=f"run-{run.place}",
    )


def run_step(run: Run, fuse: Fuse | None = None) -> int:
    """Do a step in this process; its exit code."""
    step = STEPS[run.place]
    if step.by_hand is not None:
        step.by_hand(run.world / "remote.git")
        return 0
    assert step.verb is not None
    try:
        return step.verb(session_of(run, fuse))
    except PmcodexError as error:
        print(f"{step.name}: {error.sentence}", file=sys.stderr)
        return error.exit_code or 75


def in_child(work: Callable[[], int]) -> int:
    """Do something in a fresh process; its exit code, or the negative number of its signal."""
    pid = os.fork()
    if not pid:
        code = 99
        try:
            code = work()
        except BaseException:  # whatever it is, it must not get back into the parent's code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def do(run: Run) -> None:
    """Do a step in a fresh process; it must end well."""
    code = in_child(lambda: run_step(run))
    if code:
        raise AssertionError(f"step {run.place} ({STEPS[run.place].name}) left with {code}")


def die(run: Run, kill: Kill) -> None:
    """Do a step in a fresh process that is killed on the way."""
    code = in_child(lambda: run_step(run, Fuse(kill.at, kill.when)))
    if code != -signal.SIGKILL:
        raise AssertionError(f"step {run.place} was not killed at {kill} but left with {code}")
