"""Observe: forge and git in, one frozen snapshot out. It looks and never touches.

Pulls are read before git is fetched, so that the default branch is never older than the pulls.
What is costly is asked only of what needs it, and remembered by content in the checkpoint,
whose loss costs time and nothing else. What must never happen here: a decision or a write.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from pmcodex import __version__
from pmcodex.config.loading import read_policy
from pmcodex.core import keys
from pmcodex.core.actions import Role
from pmcodex.core.board import Board, build_board
from pmcodex.core.diffs import read_diff
from pmcodex.core.facts import Claim, Diff, Pull, PullState, Rolling, Snapshot, TaskFile
from pmcodex.core.model import TaskStatus
from pmcodex.core.outcomes import in_force
from pmcodex.core.policy import Policy
from pmcodex.core.stage import State
from pmcodex.core.taskfile import read_task, within_states
from pmcodex.editing.hands import has_hands
from pmcodex.editing.patch import diff_in, paths_in
from pmcodex.errors import InvalidInput
from pmcodex.ports import PMCODEX, Commit, Entry, Forge, Git
from pmcodex.recipes import reads
from pmcodex.state.store import Store

POLICY_PATH = ".llm-team.yml"
CODEOWNERS_PATHS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")
PROPOSERS = {Role.PLANNER, Role.TASKMASTER, Role.INTEGRATOR, Role.SETUP, Role.REGISTRAR}
"""The roles that speak through rolling branches."""

CANDIDATES = 200
"""How many claimable tasks' texts a snapshot carries; the Developer takes the first it can work."""

MERGES = 100
"""How many merges are tried in one look; the other pulls' mergeability stays unknown till later."""

_BaseOf = Callable[[str, str], str]

_ID = r"T-[0-9]{4,9}"
_ID_OF_PATH = re.compile(r"(?:^|/)T-([0-9]{4,9})(?![0-9])", re.MULTILINE)
_MACHINE = re.compile(r"^Pmcodex-Machine: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where facts come from. `default_branch` is empty where the remote is to tell."""

    git: Git
    forge: Forge
    store: Store
    machine: str
    default_branch: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A remote branch and its tip."""

    name: str
    sha: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: the facts, the policy they carry, and the board they make."""

    snapshot: Snapshot
    policy: Policy
    board: Board


def observe(sources: Sources, roles: Collection[Role]) -> Seen:
    """Look at the project once, as closely as these roles need.

    Raises InvalidInput for a project without a commit or with a broken policy, TryLater where
    the remote can't be reached.
    """
    pulls = sources.forge.pulls()
    refs = sources.git.refs() if sources.forge.shares_remote else sources.git.sync()
    branch, main = _default_branch(sources.git, refs, sources.default_branch)
    entries = sources.git.tree(main)
    blobs = {entry.path: entry for entry in entries if entry.mode != "120000"}
    policy = _policy(sources.git, blobs)
    branches = {
        ref.removeprefix("refs/heads/"): sha
        for ref, sha in refs.items()
        if ref.startswith("refs/heads/")
    }
    snapshot = Snapshot(
        default_branch=branch,
        main=main,
        machine=sources.machine,
        branches=branches,
        pulls=tuple(in_force(pull, policy) for pull in pulls),
        tasks=_tasks(sources, entries, policy),
        paths=frozenset(blobs),
        links=frozenset(entry.path for entry in entries if entry.path not in blobs),
    )
    snapshot = replace(snapshot, claims=_claims(sources.git, snapshot, policy))
    snapshot = _with_history(sources.git, snapshot, policy)
    base_of = cache(sources.git.merge_base)
    snapshot = replace(snapshot, pull_paths=_pull_paths(sources, snapshot, base_of))
    snapshot = replace(snapshot, pulls=_held_against_base(sources, snapshot))
    if PROPOSERS & set(roles):
        snapshot = replace(snapshot, rolling=_rolling(sources.git, snapshot, entries))
    if {Role.TASKMASTER, Role.REGISTRAR} & set(roles):
        snapshot = replace(snapshot, highest_id=_highest_id(sources, snapshot, policy))
    if Role.REVIEWER in roles:
        snapshot = replace(snapshot, diffs=_diffs(sources, snapshot, base_of))
    board = build_board(snapshot, policy.branch_prefix)
    tried = _tried(sources.store, snapshot)
    files = _files(sources.git, snapshot, blobs, _wanted(board, policy, tried))
    return Seen(replace(snapshot, files=files, tried=tried), policy, board)


def policy_today(git: Git, default_branch: str = "") -> Policy:
    """The policy on the default branch, as the last look at the remote left it known.

    Raises InvalidInput as `observe` does.
    """
    _, main = _default_branch(git, git.refs(), default_branch)
    return _policy(git, {entry.path: entry for entry in git.tree(main) if entry.mode != "120000"})


def _default_branch(git: Git, refs: Mapping[str, str], wanted: str) -> tuple[str, str]:
    named = wanted or refs.get("HEAD", "").removeprefix("refs/heads/") or "main"
    main = refs.get(f"refs/heads/{named}", "")
    if not main:
        raise InvalidInput(
            f"{git.url} has no branch {named} with a commit",
            hint="make a first commit there (`pmcodex init --here` writes files for one), or name"
            " the default branch in DEFAULT_BRANCH",
        )
    return named, main


def _policy(git: Git, blobs: Mapping[str, Entry]) -> Policy:
    entry = blobs.get(POLICY_PATH)
    if entry is None:
        return Policy()
    data = git.read([entry.oid])[entry.oid]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{POLICY_PATH} is not UTF-8 text", hint="save it as UTF-8") from None
    return read_policy(text, POLICY_PATH)


# --- tasks ---------------------------------------------------------------------------------


def _tasks(sources: Sources, entries: Iterable[Entry], policy: Policy) -> tuple[TaskFile, ...]:
    """Every task file, parsed once per blob."""
    folder = policy.tasks.dir.rstrip("/") + "/"
    mine = [entry for entry in entries if _is_task_file(entry, folder)]
    stamp = f"{__version__}:{policy.tasks.dir}"
    known = dict(sources.store.tasks(stamp))
    missing = [entry for entry in mine if (entry.path, entry.oid) not in known]
    if missing:
        data = sources.git.read(entry.oid for entry in missing)
        fresh = [read_task(entry.path, entry.oid, data[entry.oid]) for entry in missing]
        known.update({(file.path, file.blob): file for file in fresh})
    files = tuple(known[entry.path, entry.oid] for entry in mine)
    if missing or len(known) > len(files):
        sources.store.keep_tasks(stamp, files)
    return tuple(within_states(file, policy.tasks.states) for file in files)


def _is_task_file(entry: Entry, folder: str) -> bool:
    name = entry.path.removeprefix(folder)
    return (
        entry.path.startswith(folder)
        and name.endswith(".md")
        and not name.startswith(("_", ".", "README"))
        and entry.mode.startswith("100")
    )


def _claims(git: Git, snapshot: Snapshot, policy: Policy) -> tuple[Claim, ...]:
    """Task branches that never had a pull."""
    had_pull = {pull.head for pull in snapshot.pulls}
    found = []
    for branch, sha in sorted(snapshot.branches.items()):
        task_id = keys.task_of_branch(policy.branch_prefix, branch)
        if task_id and branch not in had_pull:
            found.append(_claim(task_id, branch, sha, git.commits(sha, snapshot.main)))
    return tuple(found)


def _claim(task_id: str, branch: str, sha: str, commits: tuple[Commit, ...]) -> Claim:
    first = commits[0] if commits else None
    machine = _MACHINE.search(first.message) if first else None
    return Claim(
        task_id,
        branch,
        sha,
        machine.group(1) if machine else "",
        first.at if first else 0,
        worked=len(commits) > 1,
        foreign=not commits or _foreign(commits),
    )


def _foreign(commits: Iterable[Commit]) -> bool:
    return any(commit.email != PMCODEX.email for commit in commits)


def _with_history(git: Git, snapshot: Snapshot, policy: Policy) -> Snapshot:
    """Add what ancestry says of closed and merged pulls, for tasks whose file leaves it open."""
    by_task: defaultdict[str, list[Pull]] = defaultdict(list)
    for pull in sorted(snapshot.pulls, key=lambda pull: pull.number):
        by_task[keys.task_of_branch(policy.branch_prefix, pull.head)].append(pull)
    touched, unseen = set(), set()
    for file in snapshot.tasks:
        task = file.task
        if task is None or task.status in (TaskStatus.DONE, TaskStatus.BLOCKED):
            continue
        for pull in _ended(by_task.get(task.id, [])):
            end = pull.merge_sha or pull.base_sha
            if pull.merge_sha and not git.is_ancestor(pull.merge_sha, snapshot.main):
                unseen.add(pull.number)
            elif pull.merge_sha and task.status is not TaskStatus.QUEUED:
                continue  # only a task that was set back to queued can be past its merge
            elif not git.is_ancestor(git.last_touch(snapshot.main, file.path), end):
                touched.add(pull.number)
    return replace(snapshot, touched_after=frozenset(touched), unseen=frozenset(unseen))


def _ended(pulls: list[Pull]) -> tuple[Pull, ...]:
    """The task's pulls whose place in history matters: its newest, and its newest merged one."""
    merged = [pull for pull in pulls if pull.state is PullState.MERGED][-1:]
    newest = [pull for pull in pulls[-1:] if pull.state is PullState.CLOSED]
    return (*merged, *newest)


def _highest_id(sources: Sources, snapshot: Snapshot, policy: Policy) -> int:
    """The highest task number that any file, past file, branch or pull ever carried."""
    numbers = [keys.number(file.task.id) for file in snapshot.tasks if file.task is not None]
    names = [*snapshot.branches, *(pull.head for pull in snapshot.pulls)]
    carried = [keys.task_of_branch(policy.branch_prefix, name) for name in names]
    for pull in snapshot.pulls:
        if pull.head == keys.TASKS_BRANCH:
            carried += (keys.read_marker(pull.body, "ids") or "").split(",")
    changed = [path for paths in snapshot.pull_paths.values() for path in paths]
    rolling = [path for one in snapshot.rolling.values() for path in one.changes]
    numbers += [keys.number(task_id) for task_id in carried if re.fullmatch(_ID, task_id)]
    found = _numbers_of([*rolling, *changed])
    return max([_highest_in_history(sources, snapshot.main, policy), *numbers, *found])


def _highest_in_history(sources: Sources, main: str, policy: Policy) -> int:
    """The highest number in the name of any task file that main ever had; 0: none.

    Only what came since the last look is looked at, unless main was rewritten.
    """
    point = sources.store.checkpoint
    if point.highest_at == main:
        return point.highest_id
    grown = bool(point.highest_at) and sources.git.is_ancestor(point.highest_at, main)
    since, highest = (point.highest_at, point.highest_id) if grown else ("", 0)
    paths = sources.git.history_paths(main, since, policy.tasks.dir)
    highest = max([highest, *_numbers_of(paths)])
    sources.store.put(replace(point, highest_id=highest, highest_at=main))
    return highest


def _numbers_of(paths: Iterable[str]) -> list[int]:
    """The task numbers in file names."""
    return [int(found) for found in _ID_OF_PATH.findall("\n".join(paths))]


def _tried(store: Store, snapshot: Snapshot) -> dict[str, str]:
    """Work that failed on just these task files and just this default branch."""
    return {
        file.task.id: failure.reason
        for file in snapshot.tasks
        if file.task is not None
        and (failure := store.checkpoint.failures.get(file.task.id)) is not None
        and failure.key == f"{snapshot.main}:{file.blob}"
    }


# --- branches and pulls --------------------------------------------------------------------


def _rolling(git: Git, snapshot: Snapshot, entries: Iterable[Entry]) -> dict[str, Rolling]:
    found = {}
    oids = {entry.path: entry.oid for entry in entries}
    for branch in keys.ROLLING_BRANCHES:
        sha = snapshot.branches.get(branch, "")
        if sha:
            found[branch] = _one_rolling(git, Branch(branch, sha), snapshot.main, oids)
    return found


def _one_rolling(git: Git, branch: Branch, main: str, oids: Mapping[str, str]) -> Rolling:
    """What a rolling branch still changes: paths since the merge base that differ from main."""
    touched = set(git.changed_paths(git.merge_base(main, branch.sha) or main, branch.sha))
    theirs = {entry.path: entry.oid for entry in git.tree(branch.sha) if entry.path in touched}
    differ = {path: theirs.get(path, "") for path in touched if theirs.get(path) != oids.get(path)}
    data = git.read(oid for oid in differ.values() if oid)
    changes = {
        path: data[oid].decode("utf-8", "replace") if oid else None for path, oid in differ.items()
    }
    return Rolling(branch.name, branch.sha, changes, _foreign(git.commits(branch.sha, main)))


def _pull_paths(
    sources: Sources, snapshot: Snapshot, base_of: _BaseOf
) -> dict[int, tuple[str, ...]]:
    """What every open pull changes, by number; asked of git once per head."""
    point = sources.store.checkpoint
    known = dict(point.pull_paths)
    for pull in _open(snapshot):
        if pull.head_sha not in known:
            base = base_of(snapshot.main, pull.head_sha)
            known[pull.head_sha] = sources.git.changed_paths(base, pull.head_sha) if base else ()
    if len(known) > len(point.pull_paths):
        sources.store.put(replace(point, pull_paths=known))
    return {pull.number: known[pull.head_sha] for pull in _open(snapshot)}


def _held_against_base(sources: Sources, snapshot: Snapshot) -> tuple[Pull, ...]:
    """All pulls, the open ones with whether they merge; asked of git once per base and head.

    Only the pairs of today are remembered, so that the cache is as long as the list of pulls.
    """
    point = sources.store.checkpoint
    found: dict[str, tuple[str, ...]] = {}
    known: dict[int, tuple[str, ...]] = {}
    left = MERGES
    for pull in _open(snapshot):
        base = snapshot.branches.get(pull.base, "")
        pair = f"{base}:{pull.head_sha}"
        conflicts = found.get(pair, point.conflicts.get(pair))
        if conflicts is None and base and left:
            left -= 1
            conflicts = sources.git.merge_tree(base, pull.head_sha).conflicts
        if conflicts is not None:
            known[pull.number] = found[pair] = conflicts
    if found != point.conflicts:
        sources.store.put(replace(sources.store.checkpoint, conflicts=found))
    return tuple(
        replace(pull, mergeable=not known[pull.number], conflicts=known[pull.number])
        if pull.number in known and pull.mergeable is None
        else pull
        for pull in snapshot.pulls
    )


def _diffs(sources: Sources, snapshot: Snapshot, base_of: _BaseOf) -> dict[int, Diff]:
    """Diffs of the open pulls that were not reviewed in just this condition."""
    from pmcodex.roles.reviewer import precondition

    reviewed = sources.store.checkpoint.reviewed
    found = {}
    for pull in _open(snapshot):
        if reviewed.get(str(pull.number)) == precondition(pull, snapshot.main):
            continue
        base = base_of(snapshot.main, pull.head_sha)
        if base:
            text = sources.git.diff(base, pull.head_sha)
            found[pull.number] = read_diff(text, base, pull.head_sha)
    return found


def _open(snapshot: Snapshot) -> tuple[Pull, ...]:
    """The open pulls whose head was fetched: one that moved meanwhile is for the next look."""
    tips = set(snapshot.branches.values())
    return tuple(
        pull for pull in snapshot.pulls if pull.state is PullState.OPEN and pull.head_sha in tips
    )


# --- texts ---------------------------------------------------------------------------------


def _wanted(board: Board, policy: Policy, tried: Collection[str]) -> set[str]:
    """The paths whose texts some role or recipe reads."""
    wanted = {policy.prd, policy.plan, *CODEOWNERS_PATHS, *reads()}
    active = [
        card
        for card in board.cards
        if card.standing.becomes or card.standing.state is State.IN_PROGRESS
    ]
    untried = (card for card in board.queue if card.task.id not in tried and has_hands(card))
    able = islice(untried, CANDIDATES)
    wanted.update(finding.where for finding in board.findings if finding.kind == "duplicate-id")
    for card in [*active, *able]:
        wanted.add(card.file.path)
        diff = diff_in(card.file.body)
        if diff is not None:
            wanted.update(paths_in(diff))
    return wanted


def _files(
    git: Git, snapshot: Snapshot, blobs: Mapping[str, Entry], wanted: set[str]
) -> dict[str, str]:
    oids = {path: blobs[path].oid for path in wanted & snapshot.paths}
    data = git.read(set(oids.values()))
    texts = {}
    for path, oid in sorted(oids.items()):
        try:
            texts[path] = data[oid].decode()
        except UnicodeDecodeError:
            continue
    return texts
