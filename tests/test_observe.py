"""Observe: what a real remote, its forge and the checkpoint come to as facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_task, path_of, written
from living import GitTrace, Project, plain_git

from pmcodex.core.actions import FileEdit, Role
from pmcodex.core.board import needs_human
from pmcodex.core.facts import Pull, PullState
from pmcodex.core.guard import FORGE_REF, RoleGuard
from pmcodex.core.keys import TASKS_BRANCH
from pmcodex.core.model import TaskStatus
from pmcodex.core.stage import State
from pmcodex.errors import InvalidInput
from pmcodex.forges.documents import PullRecord, dump, pull_path
from pmcodex.git.mirror import Mirror
from pmcodex.observe import CANDIDATES, Sources, observe
from pmcodex.ports import Forge, RefUpdate
from pmcodex.state.store import Checkpoint, Failure

TASK = a_task(1)
PATH = path_of(TASK)
BRANCH = "feature/T-0001-step-1"


def as_status(status: str, task=TASK) -> dict[str, str]:
    return written(task.model_copy(update={"status": TaskStatus(status)}))


@pytest.fixture
def project(remote: Path, tmp_path: Path) -> Project:
    project = Project(remote, tmp_path)
    project.commit(written(TASK))
    return project


@pytest.fixture
def trace(home: Path) -> GitTrace:
    return GitTrace(home)


# --- what can't be looked at -------------------------------------------------------------------


def test_a_repository_without_a_commit_is_told(empty_remote: Path, tmp_path: Path) -> None:
    project = Project(empty_remote, tmp_path)
    with pytest.raises(InvalidInput) as caught:
        project.look()
    assert "has no branch main with a commit" in caught.value.sentence
    assert "first commit" in caught.value.hint


def test_a_default_branch_that_is_not_there_is_told(project: Project) -> None:
    with pytest.raises(InvalidInput, match="no branch trunk"):
        observe(replace(project.sources(), default_branch="trunk"), [Role.DEVELOPER])


def test_the_default_branch_may_be_named(project: Project) -> None:
    project.commit({"x.txt": "x"}, "trunk")
    seen = observe(replace(project.sources(), default_branch="trunk"), [Role.DEVELOPER])
    assert (seen.snapshot.default_branch, seen.snapshot.main) == ("trunk", project.tip("trunk"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\nlimits:\n  fils: 3\n", [".llm-team.yml", "line 3", "fils"]),
        ("limits: [\n", [".llm-team.yml", "line"]),
        (b"conventions: \xff\n", [".llm-team.yml", "UTF-8"]),
    ],
)
def test_a_broken_policy_names_file_and_line(
    project: Project, text: str | bytes, words: list[str]
) -> None:
    project.commit({".llm-team.yml": text})
    with pytest.raises(InvalidInput) as caught:
        project.look()
    assert all(word in caught.value.sentence for word in words)


def test_the_policy_of_a_branch_is_nobodys_policy(project: Project) -> None:
    project.commit({".llm-team.yml": "protected_paths: []\n"}, BRANCH)
    project.pull(BRANCH)
    assert project.look().policy.protected_paths


# --- effective states --------------------------------------------------------------------------


def claimed(project: Project) -> Pull:
    """The task claimed and worked on its branch, with its pull open."""
    project.push(BRANCH, as_status("in_review"), {"x.txt": "work\n"})
    return project.pull(BRANCH)


def test_an_open_pull_is_in_review(project: Project) -> None:
    claimed(project)
    card = project.card()
    assert (card.standing.state, card.standing.pull) == (State.IN_REVIEW, 1)


def test_a_merged_pull_is_done_before_its_file_says_so(project: Project) -> None:
    project.merge(claimed(project).number)
    card = project.card()
    assert card.task.status is TaskStatus.IN_REVIEW
    assert (card.standing.state, card.standing.becomes) == (State.DONE, TaskStatus.DONE)


def test_a_merged_task_whose_file_was_mended_later_is_still_done(project: Project) -> None:
    project.merge(claimed(project).number)
    project.commit({PATH: as_status("in_review")[PATH] + "\nA word more.\n"})
    assert project.card().standing.state is State.DONE


def test_a_merged_task_that_was_set_back_to_queued_is_claimable(project: Project) -> None:
    project.merge(claimed(project).number)
    project.commit(as_status("queued"))
    card = project.card()
    assert (card.standing.state, card.standing.claimable) == (State.QUEUED, True)


def test_requeued_done_and_merged_again_is_done(project: Project) -> None:
    project.merge(claimed(project).number)
    project.commit(as_status("queued"))
    project.push(f"{BRANCH}-2", as_status("in_review"), {"x.txt": "again\n"})
    project.merge(project.pull(f"{BRANCH}-2").number)
    assert project.card().standing.state is State.DONE


def test_a_merged_pull_whose_branch_left_the_status_alone_is_done(project: Project) -> None:
    project.commit({"x.txt": "work\n"}, BRANCH)
    project.merge(project.pull(BRANCH).number)
    card = project.card()
    assert card.task.status is TaskStatus.QUEUED
    assert card.standing.state is State.DONE


def test_a_closed_pull_is_rejected(project: Project) -> None:
    project.forge.close_pull(claimed(project).number)
    card = project.card()
    assert (card.standing.state, card.standing.becomes) == (State.BLOCKED, TaskStatus.BLOCKED)


def test_a_closed_pull_whose_task_changed_since_is_claimable(project: Project) -> None:
    project.forge.close_pull(claimed(project).number)
    project.commit({"README.md": "# Other\n"})
    assert project.card().standing.state is State.BLOCKED
    project.commit({PATH: written(TASK)[PATH] + "\nDo it otherwise.\n"})
    assert project.card().standing.claimable


def test_a_deleted_branch_closes_its_pull(project: Project) -> None:
    claimed(project)
    project.drop(BRANCH)
    assert project.card().standing.state is State.BLOCKED


def test_a_branch_merged_by_hand_is_done(project: Project) -> None:
    claimed(project)
    ada = project.scratch / "ada"
    plain_git(ada, "fetch", "-q", "origin")
    plain_git(ada, "checkout", "-q", "-B", "main", "origin/main")
    plain_git(ada, "merge", "-q", "--no-ff", "-m", "By hand", f"origin/{BRANCH}")
    plain_git(ada, "push", "-q", "origin", "main")
    for _ in range(2):
        card = project.card()
        assert (card.standing.state, card.standing.becomes) == (State.DONE, TaskStatus.DONE)
        if project.tip(BRANCH):
            project.drop(BRANCH)


class Elsewhere:
    """A forge whose pulls are as given, as one that does not live in the remote would be."""

    def __init__(self, forge: Forge, pulls: tuple[Pull, ...]) -> None:
        self._forge = forge
        self._pulls = pulls
        self.name, self.shares_remote, self.lag = "elsewhere", False, 0.0

    def __getattr__(self, name: str):
        return getattr(self._forge, name)

    def pulls(self) -> tuple[Pull, ...]:
        return self._pulls


def test_a_merge_that_main_does_not_show_yet_waits(project: Project) -> None:
    pull = claimed(project)
    ahead = project.commit({"x.txt": "y"}, "elsewhere")
    merged = replace(pull, state=PullState.MERGED, merge_sha=ahead)
    project.forge = Elsewhere(project.forge, (merged,))  # type: ignore[assignment]
    card = project.card()
    assert (card.standing.state, card.standing.becomes) == (State.DONE, None)
    assert project.look().snapshot.unseen == {1}


def test_pulls_are_read_before_git_is_fetched(project: Project) -> None:
    """What is merged between the two looks must be in main already, never the other way round."""

    class Moving(Elsewhere):
        def pulls(self) -> tuple[Pull, ...]:
            project.commit({"x.txt": "merged while it was looked at"})
            return ()

    project.look()
    project.forge = Moving(project.forge, ())  # type: ignore[assignment]
    seen = project.look(Role.DEVELOPER)
    assert seen.snapshot.main == project.tip("main")
    assert "x.txt" in seen.snapshot.paths


def test_a_head_that_git_does_not_have_is_for_the_next_look(project: Project) -> None:
    gone = replace(claimed(project), head_sha="d" * 40)
    project.forge = Elsewhere(project.forge, (gone,))  # type: ignore[assignment]
    snapshot = project.look().snapshot
    assert (snapshot.pull_paths, snapshot.diffs) == ({}, {})
    assert project.card().standing.state is State.IN_REVIEW


# --- claims ------------------------------------------------------------------------------------


def test_a_claim_says_whose_it_is_and_since_when(project: Project) -> None:
    project.push(BRANCH, as_status("in_review"), machine="there-7")
    (claim,) = project.look().snapshot.claims
    assert (claim.task_id, claim.branch, claim.sha) == ("T-0001", BRANCH, project.tip(BRANCH))
    assert (claim.machine, claim.at) == ("there-7", 1_700_000_000)
    assert (claim.worked, claim.foreign) == (False, False)


def test_work_on_a_claim_is_seen(project: Project) -> None:
    project.push(BRANCH, as_status("in_review"), {"x.txt": "x"})
    assert project.look().snapshot.claims[0].worked


def test_a_persons_commit_makes_a_claim_theirs(project: Project) -> None:
    project.push(BRANCH, as_status("in_review"))
    project.commit({"y.txt": "y"}, BRANCH)
    (claim,) = project.look().snapshot.claims
    assert claim.foreign
    assert claim.machine == "here"


def test_a_branch_without_a_commit_of_its_own_is_a_persons(project: Project) -> None:
    plain_git(project.remote, "branch", BRANCH, "main")
    (claim,) = project.look().snapshot.claims
    assert (claim.foreign, claim.machine, claim.at) == (True, "", 0)


def test_a_branch_that_had_a_pull_is_no_claim(project: Project) -> None:
    project.forge.close_pull(claimed(project).number)
    assert project.tip(BRANCH)
    assert project.look().snapshot.claims == ()


def test_main_moving_on_leaves_a_claim_what_it_is(project: Project) -> None:
    project.push(BRANCH, as_status("in_review"))
    project.commit({"z.txt": "z"})
    (claim,) = project.look().snapshot.claims
    assert (claim.worked, claim.foreign) == (False, False)


# --- rolling branches --------------------------------------------------------------------------


def test_what_a_rolling_branch_changes(project: Project) -> None:
    project.commit({"old.txt": "old\n", "same.txt": "same\n"})
    new = written(a_task(2))
    tip = project.push(TASKS_BRANCH, new, {"same.txt": "other\n"}, {"same.txt": "same\n"})
    project.commit({"later.txt": "later\n"})
    rolling = project.look().snapshot.rolling[TASKS_BRANCH]
    assert (rolling.sha, rolling.changes, rolling.foreign) == (tip, new, False)


def test_a_deletion_is_a_change(project: Project) -> None:
    project.commit({PATH: None}, TASKS_BRANCH)
    rolling = project.look().snapshot.rolling[TASKS_BRANCH]
    assert (rolling.changes, rolling.foreign) == ({PATH: None}, True)


def test_a_squashed_branch_that_was_kept_changes_nothing(project: Project) -> None:
    new = written(a_task(2))
    project.push(TASKS_BRANCH, new)
    project.commit(new)
    rolling = project.look().snapshot.rolling[TASKS_BRANCH]
    assert (rolling.changes, rolling.foreign) == ({}, False)


def test_only_roles_that_propose_ask_for_rolling_branches(project: Project) -> None:
    project.push(TASKS_BRANCH, written(a_task(2)))
    assert project.look(Role.DEVELOPER).snapshot.rolling == {}
    assert set(project.look(Role.INTEGRATOR).snapshot.rolling) == {TASKS_BRANCH}


# --- ids ---------------------------------------------------------------------------------------


def highest(project: Project) -> int:
    """The highest id, with the checkpoint and without."""
    found = project.look(Role.TASKMASTER).snapshot.highest_id
    assert project.look(Role.TASKMASTER).snapshot.highest_id == found
    kept, project.store = project.store, project.fresh_store("another")
    assert project.look(Role.TASKMASTER).snapshot.highest_id == found
    project.store = kept
    return found


def test_files_of_today(project: Project) -> None:
    assert highest(project) == 1
    project.commit(
        {**written(a_task(7)), "tasks/named-otherwise.md": written(a_task(12)).popitem()[1]}
    )
    assert highest(project) == 12


def test_deleted_files(project: Project) -> None:
    project.commit(written(a_task(8)))
    project.commit({path_of(a_task(8)): None})
    assert highest(project) == 8
    project.commit({"README.md": "# More\n"})
    assert highest(project) == 8


def test_files_that_a_merged_branch_had_and_lost(project: Project) -> None:
    project.commit(written(a_task(8)), "side")
    project.commit({path_of(a_task(8)): None}, "side")
    ada = project.scratch / "ada"
    plain_git(ada, "checkout", "-q", "-B", "main", "origin/main")
    plain_git(ada, "merge", "-q", "--no-ff", "-m", "Side", "origin/side")
    plain_git(ada, "push", "-q", "origin", "main")
    assert highest(project) == 8


def test_branches_and_their_pulls(project: Project) -> None:
    project.commit({"x.txt": "x"}, "feature/T-0020-x")
    assert highest(project) == 20
    project.pull("feature/T-0020-x")
    project.drop("feature/T-0020-x")
    assert highest(project) == 20


def test_what_waits_in_the_tasks_pull(project: Project) -> None:
    project.push(TASKS_BRANCH, written(a_task(5)))
    assert highest(project) == 5


def test_what_a_persons_open_pull_adds(project: Project) -> None:
    project.commit(written(a_task(9)), "by-hand")
    project.pull("by-hand")
    assert highest(project) == 9


def test_what_a_closed_tasks_pull_said_of_its_ids(project: Project) -> None:
    project.push(TASKS_BRANCH, written(a_task(5)))
    project.pull(TASKS_BRANCH, body="<!-- pmcodex:ids T-0004,T-0031,x,T-1 -->")
    project.drop(TASKS_BRANCH)
    assert highest(project) == 31


def test_a_name_that_only_begins_like_an_id_is_none(project: Project) -> None:
    project.commit({"tasks/T-00012345678-x.md": "x", "docs/T-0400-x.md": "x"})
    assert highest(project) == 1


def test_a_main_that_was_rewritten_is_read_anew(project: Project) -> None:
    project.commit(written(a_task(8)))
    assert highest(project) == 8
    project.store.put(replace(project.store.checkpoint, highest_at="1" * 40))
    assert highest(project) == 8


# --- texts -------------------------------------------------------------------------------------


def test_texts_are_those_that_roles_and_recipes_read(project: Project) -> None:
    diff = "```diff\n--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-old\n+new\n```\n"
    able, behind, idle = a_task(2, recipe=("editorconfig",)), a_task(3), a_task(4)
    patched = written(a_task(5), body=diff)
    project.commit({
        **written(able, behind, idle), **patched,
        "docs/PRD.md": "# P\n", "CODEOWNERS": "* @a\n", "x.txt": "old\n", "y.txt": "y\n",
        "pyproject.toml": b"\xff\xfe",
    })  # fmt: skip
    project.commit({"z.txt": "z\n"}, "feature/T-0003-step-3")
    project.merge(project.pull("feature/T-0003-step-3").number)
    files = project.look().snapshot.files
    assert {"docs/PRD.md", "CODEOWNERS", "x.txt", path_of(able), path_of(behind)} <= set(files)
    assert set(patched) <= set(files)
    assert not {"y.txt", path_of(idle), "pyproject.toml"} & set(files)


def test_a_symbolic_link_is_no_file(project: Project) -> None:
    ada = project.scratch / "ada"
    plain_git(ada, "checkout", "-q", "-B", "main", "origin/main")
    (ada / "docs").mkdir()
    (ada / "docs/PRD.md").symlink_to("/etc/passwd")
    (ada / "tasks/T-0002-x.md").symlink_to("/etc/passwd")
    project.commit({})
    snapshot = project.look().snapshot
    assert "docs/PRD.md" not in snapshot.paths
    assert "docs/PRD.md" not in snapshot.files
    assert [file.path for file in snapshot.tasks] == [PATH]


def test_templates_and_notes_in_the_task_folder_are_no_tasks(project: Project) -> None:
    project.commit({"tasks/_template.md": "x", "tasks/README.md": "x", "tasks/x.txt": "x"})
    assert [file.path for file in project.look().snapshot.tasks] == [PATH]


def test_a_broken_task_file_is_a_finding(project: Project) -> None:
    project.commit({"tasks/T-0002-x.md": b"\xff"})
    seen = project.look()
    assert [finding.task_id for finding in seen.board.findings] == ["T-0002"]
    assert [card.task.id for card in seen.board.queue] == ["T-0001"]


# --- what was tried, and caches ----------------------------------------------------------------


def test_a_failure_counts_while_task_and_main_stay(project: Project) -> None:
    snapshot = project.look().snapshot
    key = f"{snapshot.main}:{snapshot.tasks[0].blob}"
    point = replace(project.store.checkpoint, failures={"T-0001": Failure(key, "it broke")})
    project.store.put(point)
    assert project.look().snapshot.tried == {"T-0001": "it broke"}
    project.commit({"x.txt": "x"})
    assert project.look().snapshot.tried == {}


def test_stuck_tasks_at_the_head_of_the_queue_starve_nobody(project: Project) -> None:
    stuck = [a_task(n, recipe=("editorconfig",), priority="P0") for n in range(2, 40)]
    able = a_task(50, recipe=("changelog",))
    project.commit({**written(*stuck, able), ".editorconfig": "root = true\n"})
    assert path_of(able) in project.look().snapshot.files


def test_what_was_tried_makes_room_for_others(project: Project) -> None:
    stuck = [a_task(n, command="format", priority="P0") for n in range(2, CANDIDATES + 2)]
    able = a_task(900, recipe=("changelog",))
    project.commit({**written(*stuck, able), ".llm-team.yml": "commands:\n  format: x\n"})
    snapshot = project.look().snapshot
    assert path_of(able) not in snapshot.files
    for file in snapshot.tasks:
        assert file.task is not None
        if file.task.command:
            key = f"{snapshot.main}:{file.blob}"
            project.store.remember_failure(file.task.id, key, "it broke")
    assert path_of(able) in project.look().snapshot.files


def test_without_the_checkpoint_the_same_is_seen(project: Project) -> None:
    claimed(project)
    project.push(TASKS_BRANCH, written(a_task(2)))
    project.pull(TASKS_BRANCH)
    first = project.look()
    project.store.save()
    again = project.look()
    project.store = project.fresh_store("fresh")
    assert project.look() == again == first


def test_a_checkpoint_that_lies_about_objects_costs_time_alone(project: Project) -> None:
    seen = project.look()
    project.store.put(replace(Checkpoint(), highest_at="2" * 40, highest_id=0))
    assert project.look() == seen


def test_a_second_look_is_cheap(project: Project, trace: GitTrace) -> None:
    claimed(project)
    project.push(TASKS_BRANCH, written(a_task(2)))
    project.pull(TASKS_BRANCH)
    project.look(Role.DEVELOPER)
    trace.restart()
    project.look(Role.DEVELOPER)
    assert len(trace.commands()) <= 5, trace.commands()


# --- many pulls --------------------------------------------------------------------------------


@pytest.fixture
def crowd(project: Project) -> Iterator[Project]:
    """300 pulls, of which 100 are open, 100 merged and 100 closed, each for a task of its own."""
    tasks = [a_task(n) for n in range(2, 302)]
    done = [t.model_copy(update={"status": TaskStatus.DONE}) for t in tasks[100:]]
    base = project.commit(written(*tasks[:100], *done))
    git = project.git
    git.sync()
    records, updates = [], []
    for number, task in enumerate(tasks, 1):
        head = f"feature/{task.id}-step-{number + 1}"
        record = PullRecord(
            number=number, title=task.title, head=head, base="main", author="pmcodex",
            opened_on=base, base_sha=base, head_sha=base,
        )  # fmt: skip
        if number <= 100:
            edit = FileEdit(f"src/{number}.py", "x = 1\n")
            tip = git.commit(base, [edit], "Work", at=1)
            updates.append(RefUpdate(f"refs/heads/{head}", tip, ""))
            record = record.model_copy(update={"head_sha": tip})
        elif number <= 200:
            record = record.model_copy(update={"state": PullState.MERGED, "merge_sha": base})
        else:
            record = record.model_copy(update={"state": PullState.CLOSED})
        records.append(FileEdit(pull_path(number), dump(record)))
    updates.append(RefUpdate(FORGE_REF, git.commit("", records, "Pulls", at=1), ""))
    assert git.push(updates, RoleGuard("main", "feature/")).ended == "done"
    return project


def test_many_pulls_cost_processes_only_when_they_are_new(crowd: Project, trace: GitTrace) -> None:
    seen = crowd.look()
    assert len(seen.snapshot.pulls) == 300
    assert len(seen.snapshot.pull_paths) == 100
    cold = len(trace.commands())
    assert cold <= 4 * 100 + 20
    trace.restart()
    crowd.look(*(role for role in Role if role is not Role.REVIEWER))
    assert len(trace.commands()) <= 12, trace.commands()


def test_merged_tasks_that_wait_for_bookkeeping_cost_one_look_each(
    project: Project, trace: GitTrace
) -> None:
    project.merge(claimed(project).number)
    project.look(Role.DEVELOPER)
    trace.restart()
    project.look(Role.DEVELOPER)
    assert trace.commands().count("merge-base") == 1
    assert "rev-list" not in trace.commands()


def test_a_look_needs_a_mirror_that_others_may_have_made(project: Project, tmp_path: Path) -> None:
    mirror = Mirror.open(str(project.remote), tmp_path / "second.git")
    seen = observe(Sources(mirror, project.forge, project.store, "here"), [Role.DEVELOPER])
    assert seen.snapshot.main == project.tip("main")


# --- conflicts ---------------------------------------------------------------------------------


def test_a_pull_that_conflicts_is_told_and_never_ready(project: Project) -> None:
    claimed(project)
    project.forge.add_label(1, "ready_for_integration")
    before = project.look()
    assert (before.snapshot.pulls[0].mergeable, project.card().standing.state) == (
        True,
        State.READY,
    )
    project.commit({"x.txt": "theirs\n"})
    seen = project.look()
    (pull,) = seen.snapshot.pulls
    assert (pull.mergeable, pull.conflicts) == (False, ("x.txt",))
    standing = project.card().standing
    assert standing.state is State.IN_REVIEW
    assert standing.reason == "pull 1 conflicts with main; x.txt"
    assert "setting its task to queued" in standing.moves
    assert "conflicts with main; x.txt" in needs_human(seen.board, seen.snapshot)[0]


def test_a_merge_is_tried_once_for_a_base_and_a_head(project: Project, trace: GitTrace) -> None:
    claimed(project)
    project.look(Role.DEVELOPER)
    trace.restart()
    project.look(Role.DEVELOPER)
    assert "merge-tree" not in trace.commands()
    project.commit({"y.txt": "y\n"})
    trace.restart()
    project.look(Role.DEVELOPER)
    assert trace.commands().count("merge-tree") == 1
    assert len(project.store.checkpoint.conflicts) == 1
