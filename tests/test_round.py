"""Rounds: each role after the other, races looked at anew, and no effect where none is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_task, path_of, written
from living import GitTrace, Project, ScriptedSandbox

from pmcodex.core.actions import TEAM, Result, Role, WorkTask
from pmcodex.core.keys import BOOKKEEPING_BRANCH, PLAN_BRANCH, TASKS_BRANCH
from pmcodex.errors import InvalidInput, Refused
from pmcodex.ports import PMCODEX, Guard, Person, PushResult, RefUpdate
from pmcodex.rest import REST, idle_key, rests
from pmcodex.round import RACES, TROUBLES, Report, run_round

PRD = "# P\n\n### M1 - First\n\n**Acceptance:**\n\n- It has an editorconfig file\n- It prints\n"
CI = "name: ci\non: pull_request\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: pytest\n"
POLICY = "version: 1\nchecks:\n  pytest: pytest -q\n"


@pytest.fixture
def project(remote: Path, tmp_path: Path) -> Project:
    project = Project(remote, tmp_path)
    project.sandbox = ScriptedSandbox(output="== 3 passed in 0.1s ==\n")
    return project


@pytest.fixture
def stocked(project: Project) -> Project:
    """CI, a PRD, a check and one task that a recipe does."""
    project.commit({
        ".github/workflows/ci.yml": CI, "docs/PRD.md": PRD, ".llm-team.yml": POLICY,
        **written(a_task(1, recipe=("changelog",))),
    })  # fmt: skip
    return project


def play(project: Project, *roles: Role, **fields: object) -> Report:
    return run_round(project.frame(**fields), roles or TEAM)


def done(report: Report) -> list[tuple[str, str]]:
    return [(action.role.value, outcome.result.value) for action, outcome in pairs(report)]


def pairs(report: Report) -> Sequence[tuple]:
    return list(zip(report.actions, report.outcomes, strict=True))


# --- one round ---------------------------------------------------------------------------------


def test_a_round_of_all_roles_does_what_there_is_to_do(stocked: Project) -> None:
    report = play(stocked)
    assert {outcome.result for outcome in report.outcomes} == {Result.DONE}
    heads = {pull.head for pull in stocked.forge.pulls()}
    assert heads == {PLAN_BRANCH, TASKS_BRANCH, "feature/T-0001-step-1"}
    roles = [action.role for action in report.actions]
    assert roles == sorted(roles, key=list(Role).index)
    assert report.exit_code == 0


def test_each_role_sees_what_those_before_it_did(stocked: Project) -> None:
    play(stocked)
    for pull in stocked.forge.pulls():
        paper = pull.head in (PLAN_BRANCH, TASKS_BRANCH)
        assert [check.name for check in pull.checks] == ([] if paper else ["pytest"])
        assert len(stocked.forge.comments(pull.number)) == 1


def test_a_second_round_does_nothing_at_all(stocked: Project) -> None:
    play(stocked)
    before = stocked.refs()
    report = play(stocked)
    assert report.actions == []
    assert stocked.refs() == before


def test_a_second_machine_does_nothing_more(stocked: Project) -> None:
    play(stocked)
    before = stocked.refs()
    stocked.store = stocked.fresh_store("second")
    report = run_round(
        replace(stocked.frame(), sources=replace(stocked.sources(), machine="there")), TEAM
    )
    assert {outcome.result for outcome in report.outcomes} <= {Result.UNCHANGED}
    assert stocked.refs() == before


def test_the_loop_ends_with_the_task_done_on_main(stocked: Project) -> None:
    play(stocked)
    pull = next(p for p in stocked.forge.pulls() if p.head.startswith("feature/"))
    stocked.forge_of(Person("ada", "ada@example.org")).merge(
        pull.number, expected_head=pull.head_sha, message="T-0001"
    )
    play(stocked)
    tasks = next(p for p in stocked.forge.pulls() if p.head == TASKS_BRANCH)
    assert "status: done" in stocked.text(TASKS_BRANCH, path_of(a_task(1)))
    assert not stocked.tip(BOOKKEEPING_BRANCH)
    stocked.merge(tasks.number)
    card = stocked.card("T-0001")
    assert card.task.status.value == card.standing.state.value == "done"
    play(stocked)
    assert play(stocked).actions == []


def test_what_failed_keeps_the_others_from_nothing(stocked: Project) -> None:
    def none() -> ScriptedSandbox:
        from pmcodex.errors import Refused

        raise Refused("no sandbox can be had here")

    report = play(stocked, edges=replace(stocked.edges(), sandbox=none))
    results = {role: {r for name, r in done(report) if name == role} for role, _ in done(report)}
    assert results["checker"] == {"refused"}
    assert results["developer"] == results["reviewer"] == {"done"}
    assert report.exit_code == 4


def no_sandbox() -> ScriptedSandbox:
    raise Refused("no sandbox can be had here")


def test_without_a_sandbox_commands_stand_in_no_recipes_way(project: Project) -> None:
    commands = [a_task(n, command="format") for n in range(1, 9)]
    policy = {".llm-team.yml": "commands:\n  format: tool\n"}
    project.commit(policy | written(*commands, a_task(9, recipe=("editorconfig",))))
    report = play(project, Role.DEVELOPER, edges=replace(project.edges(), sandbox=no_sandbox))
    assert [(one.task_id, one.result) for one in report.outcomes] == [
        ("T-0001", Result.REFUSED),
        ("T-0009", Result.DONE),
    ]
    assert [note.about for note in report.notes] == [task.id for task in commands[1:]]
    assert report.exit_code == 4


def test_tasks_that_the_remote_refuses_are_not_tried_for_ever(project: Project) -> None:
    project.commit(written(*(a_task(n, recipe=("editorconfig",)) for n in range(1, 12))))
    hook = project.remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    report = play(project, Role.DEVELOPER)
    assert {outcome.result for outcome in report.outcomes} == {Result.REFUSED}
    assert 1 < len(report.outcomes) <= TROUBLES + 1


def test_without_a_sandbox_one_check_speaks_for_all(stocked: Project) -> None:
    stocked.commit({".llm-team.yml": POLICY + "  ruff: ruff check\n"})
    play(stocked, Role.DEVELOPER)
    report = play(stocked, Role.CHECKER, edges=replace(stocked.edges(), sandbox=no_sandbox))
    assert done(report) == [("checker", "refused")]


def test_what_invalid_data_refuses_ends_with_3(stocked: Project) -> None:
    def broken() -> ScriptedSandbox:
        raise InvalidInput("sandbox.readable names no folder")

    assert play(stocked, edges=replace(stocked.edges(), sandbox=broken)).exit_code == 3


def test_a_failed_command_is_not_tried_again_until_something_changes(project: Project) -> None:
    project.sandbox = ScriptedSandbox(code=1, output="boom")
    project.commit({
        ".llm-team.yml": "commands:\n  format: tool\n",
        **written(a_task(1, command="format"), a_task(2, recipe=("editorconfig",))),
    })  # fmt: skip
    report = play(project, Role.DEVELOPER)
    assert done(report) == [("developer", "failed"), ("developer", "done")]
    assert [action.task_id for action in report.actions] == ["T-0001", "T-0002"]
    assert report.notes == []
    assert project.fresh_store("state").checkpoint.failures.keys() == {"T-0001"}
    report = play(project, Role.DEVELOPER)
    assert report.actions == []
    assert "format failed" in report.notes[0].message
    assert len(project.sandbox.ran) == 1
    project.commit({"README.md": "# Mended\n"})
    play(project, Role.DEVELOPER)
    assert len(project.sandbox.ran) == 2


def test_everything_that_was_done_is_in_the_journal(stocked: Project) -> None:
    report = play(stocked)
    entries = stocked.journal.read_last(100)
    assert [entry.key for entry in entries] == [outcome.key for outcome in report.outcomes]
    assert {entry.run_id for entry in entries} == {"run-1"}


def test_only_the_pull_that_is_asked_for_is_reviewed(stocked: Project) -> None:
    play(stocked, *(role for role in TEAM if role is not Role.REVIEWER))
    report = play(stocked, Role.REVIEWER, only_pull=2)
    assert [outcome.pull for outcome in report.outcomes] == [2]
    assert len(play(stocked, Role.REVIEWER).outcomes) == 2


def test_checks_are_left_to_ci_where_there_is_some_unless_asked_for(stocked: Project) -> None:
    play(stocked, Role.DEVELOPER)

    class WithCi:
        shares_remote = False

        def __getattr__(self, name: str) -> object:
            return getattr(stocked_forge, name)

    stocked_forge, stocked.forge = stocked.forge, WithCi()  # type: ignore[assignment]
    play(stocked)
    assert stocked.sandbox.ran == []
    play(stocked, Role.CHECKER)
    assert len(stocked.sandbox.ran) == 1


# --- dry runs ----------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, bytes]:
    """What a state folder says, but for the cache of parsed tasks."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "tasks.json"}


@pytest.mark.parametrize("by_policy", [True, False])
def test_a_dry_run_has_no_effect(stocked: Project, by_policy: bool) -> None:
    play(stocked, Role.DEVELOPER)
    if by_policy:
        stocked.commit({".llm-team.yml": f"{POLICY}dry_run: true\n"})
    refs, state = stocked.refs(), files_of(stocked.scratch / "state")
    report = play(stocked, dry_run=not by_policy)
    assert report.dry_run
    assert [action.role for action in report.actions] == [
        Role.PLANNER,
        Role.TASKMASTER,
        Role.CHECKER,
        Role.REVIEWER,
    ]
    assert (report.outcomes, stocked.sandbox.ran) == ([], [])
    assert stocked.refs() == refs
    assert files_of(stocked.scratch / "state") == state


def test_a_dry_run_that_finds_nothing_leaves_no_rest(stocked: Project) -> None:
    play(stocked)
    stocked.commit({".llm-team.yml": f"{POLICY}dry_run: true\n"})
    key = idle_key(stocked.git, TEAM, "")
    play(stocked, idle_key=key)
    assert not rests(stocked.scratch / "state", key, stocked.clock.now())


# --- races -------------------------------------------------------------------------------------


class Racing:
    """Git that lets somebody else push before us, as often as `rivals` has it."""

    def __init__(self, project: Project, rivals: list[Callable[[], object]]) -> None:
        self._git, self._rivals = project.git, rivals

    def __getattr__(self, name: str) -> object:
        return getattr(self._git, name)

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        if self._rivals and updates[0].ref.startswith("refs/heads/"):
            self._rivals.pop(0)()
        return self._git.push(updates, guard)


def against(project: Project, *rivals: Callable[[], object]) -> Report:
    edges = replace(project.edges(), git=Racing(project, list(rivals)))
    return play(project, Role.DEVELOPER, edges=edges)


def test_a_lost_race_is_looked_at_anew(project: Project) -> None:
    project.commit(written(*(a_task(n, recipe=("editorconfig",)) for n in (1, 2))))
    report = against(project, lambda: project.commit({"x": "x"}, "feature/T-0001-step-1"))
    assert done(report) == [("developer", "lost"), ("developer", "done")]
    assert [action.task_id for action in report.actions] == ["T-0001", "T-0002"]
    assert report.exit_code == 0


def test_nobody_races_for_ever(project: Project) -> None:
    tasks = [a_task(n, recipe=("editorconfig",)) for n in range(1, RACES + 3)]
    project.commit(written(*tasks))

    def rival(number: int) -> Callable[[], object]:
        branch = f"feature/T-{number:04d}-step-{number}"
        return lambda: project.commit({"x": "x"}, branch)

    report = against(project, *(rival(n) for n in range(1, RACES + 3)))
    assert [result for _, result in done(report)] == ["lost"] * RACES


def test_two_machines_claim_two_tasks(project: Project) -> None:
    project.commit(written(*(a_task(n, recipe=("editorconfig",)) for n in (1, 2))))
    other: list[Report] = []

    def rival() -> None:
        elsewhere = Project(project.remote, project.scratch / "elsewhere")
        frame = elsewhere.frame(sources=elsewhere.sources("there"))
        other.append(run_round(frame, [Role.DEVELOPER]))

    (project.scratch / "elsewhere").mkdir()
    report = against(project, rival)
    (theirs,), (lost, ours) = other[0].actions, report.actions
    assert isinstance(theirs, WorkTask)
    assert (theirs.task_id, lost.task_id, ours.task_id) == ("T-0001", "T-0001", "T-0002")
    assert len(project.forge.pulls()) == 2


# --- resting -----------------------------------------------------------------------------------


@pytest.fixture
def resting(stocked: Project) -> Project:
    """A project whose last round found nothing to do."""
    play(stocked)
    play(stocked, idle_key=idle_key(stocked.git, TEAM, ""))
    return stocked


def is_resting(project: Project, roles: Sequence[Role] = TEAM) -> bool:
    key = idle_key(project.git, roles, "")
    return rests(project.scratch / "state", key, project.clock.now())


def test_a_round_without_an_action_rests_until_time_passes(resting: Project) -> None:
    assert is_resting(resting)
    resting.clock.at += REST + 1
    assert not is_resting(resting)


def test_a_look_that_finds_rest_is_one_git_process(resting: Project, home: Path) -> None:
    trace = GitTrace(home)
    assert is_resting(resting)
    assert trace.commands() == ["ls-remote"]


@pytest.mark.parametrize(
    "move",
    [
        lambda project: project.commit({"x.txt": "x"}),
        lambda project: project.commit({"x.txt": "x"}, "somebodys"),
        lambda project: project.drop(PLAN_BRANCH),
        lambda project: project.forge_of(PMCODEX).create_comment(1, "words"),
    ],
)
def test_anything_that_moves_wakes_it(resting: Project, move) -> None:
    move(resting)
    assert not is_resting(resting)


def test_other_roles_rest_on_their_own(resting: Project) -> None:
    assert not is_resting(resting, [Role.DEVELOPER])


def test_a_round_with_an_action_does_not_rest(stocked: Project) -> None:
    key = idle_key(stocked.git, TEAM, "")
    play(stocked, idle_key=key)
    assert not rests(stocked.scratch / "state", key, stocked.clock.now())


def test_what_moves_while_a_round_looks_wakes_the_next(stocked: Project) -> None:
    play(stocked)
    key = idle_key(stocked.git, TEAM, "")
    stocked.commit({"later.txt": "x"})
    play(stocked, idle_key=key)
    assert not is_resting(stocked)


def test_a_broken_checkpoint_gives_no_rest(resting: Project) -> None:
    (resting.scratch / "state/checkpoint.json").write_text("{", "utf-8")
    assert not is_resting(resting)


# --- state -------------------------------------------------------------------------------------


def test_without_the_checkpoint_nothing_is_done_twice(stocked: Project) -> None:
    play(stocked)
    before = stocked.refs()
    (stocked.scratch / "state/checkpoint.json").unlink()
    stocked.store = stocked.fresh_store("state")
    report = play(stocked)
    assert {outcome.result for outcome in report.outcomes} <= {Result.UNCHANGED}
    assert stocked.refs() == before


def test_reviews_are_not_read_again_while_nothing_changes(stocked: Project, home: Path) -> None:
    play(stocked)
    trace = GitTrace(home)
    play(stocked, Role.REVIEWER)
    assert "diff-tree" not in trace.commands()
