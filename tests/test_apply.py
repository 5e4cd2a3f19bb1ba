"""Apply: every effect once, whoever else is at it, and a refusal is an outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_task, written
from living import GitTrace, Project, ScriptedSandbox

from pmcodex.apply import Edges, Setting, apply
from pmcodex.core.actions import (
    Action,
    CommitPlan,
    FileEdit,
    Outcome,
    PostReview,
    Propose,
    PullDraft,
    RequestMerge,
    Result,
    Role,
    RunCheck,
    WorkTask,
)
from pmcodex.core.facts import CheckState, Comment
from pmcodex.core.keys import PLAN_BRANCH, marker
from pmcodex.core.policy import Policy
from pmcodex.errors import InvalidInput, Refused, TryLater
from pmcodex.ports import Person

BRANCH = "feature/T-0001-step-1"
DRAFT = PullDraft("T-0001: Step 1", "Words.\n", "main")
POLICY = {"commands": {"format": "tool --fix 'a b'"}, "checks": {"pytest": "pytest -q"}}


@pytest.fixture
def project(remote: Path, tmp_path: Path) -> Project:
    project = Project(remote, tmp_path)
    project.commit(written(a_task(1)))
    project.git.sync()
    return project


def setting(project: Project, **policy: object) -> Setting:
    return Setting(
        Policy.model_validate(POLICY | policy),
        "main",
        project.tip("main"),
        "here",
        "run-1",
        {"T-0001": "blob"},
    )


def do(action: Action, project: Project, edges: Edges | None = None, **policy: object) -> Outcome:
    return apply(action, edges or project.edges(), setting(project, **policy))


def plan(message: str, **files: str) -> CommitPlan:
    edits = tuple(FileEdit(f"{name}.txt", text) for name, text in files.items())
    return CommitPlan(message, edits)


def work(project: Project, **fields) -> WorkTask:
    facts = {
        "task_id": "T-0001",
        "branch": BRANCH,
        "base": project.tip("main"),
        "expected": "",
        "commits": (plan("T-0001: claim task", claim="x"), plan("T-0001: Step 1", x="1\n")),
        "pull": DRAFT,
        "reason": "because",
    }
    return WorkTask(**(facts | fields))


def propose(project: Project, text: str = "1\n", expected: str = "", **fields) -> Propose:
    facts = {
        "branch": PLAN_BRANCH,
        "base": project.tip("main"),
        "expected": expected,
        "commits": (plan("Plan", plan=text),),
        "pull": PullDraft(f"Plan {text.strip()}", f"Body {text}", "main"),
        "reason": "because",
        "role": Role.PLANNER,
    }
    return Propose(**(facts | fields))


def forbid(project: Project, ref: str, words: str) -> None:
    """Have the remote refuse pushes to a ref, as a protected branch would be."""
    hook = project.remote / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f'#!/bin/sh\nwhile read old new ref; do case "$ref" in {ref}) echo "{words}" >&2; '
        "exit 1;; esac; done\n",
        "utf-8",
    )
    hook.chmod(0o755)


# --- work --------------------------------------------------------------------------------------


def test_a_claim_arrives_with_its_work_and_its_pull(project: Project) -> None:
    outcome = do(work(project), project)
    assert (outcome.result, outcome.pull, outcome.task_id) == (Result.DONE, 1, "T-0001")
    assert project.text(BRANCH, "x.txt") == "1"
    messages = [c.message for c in project.git.commits(project.tip(BRANCH), project.tip("main"))]
    assert [message.splitlines()[0] for message in messages] == [
        "T-0001: claim task",
        "T-0001: Step 1",
    ]
    assert all("Pmcodex-Machine: here\nPmcodex-Run: run-1" in message for message in messages)
    (pull,) = project.forge.pulls()
    assert (pull.title, pull.head, pull.base) == ("T-0001: Step 1", BRANCH, "main")


def test_main_is_not_moved(project: Project) -> None:
    before = project.tip("main")
    do(work(project), project)
    do(propose(project), project)
    assert project.tip("main") == before


def test_a_second_claim_of_the_same_branch_is_lost(project: Project) -> None:
    do(work(project), project)
    tip = project.tip(BRANCH)
    outcome = do(work(project, commits=(plan("Other", x="2\n"),)), project)
    assert outcome.result is Result.LOST
    assert project.tip(BRANCH) == tip
    assert len(project.forge.pulls()) == 1


def test_a_branch_that_appeared_meanwhile_is_lost(project: Project) -> None:
    action = work(project)
    project.commit({"theirs.txt": "x"}, BRANCH)
    assert do(action, project).result is Result.LOST
    assert project.forge.pulls() == ()


def test_a_claim_without_a_pull_is_resumed(project: Project) -> None:
    tip = project.push(BRANCH, {"claim.txt": "x"})
    outcome = do(work(project, expected=tip, commits=(plan("Work", x="1\n"),)), project)
    assert outcome.result is Result.DONE
    assert project.text(BRANCH, "claim.txt") == "x"
    done = do(work(project, expected=project.tip(BRANCH), commits=()), project)
    assert (done.result, done.pull) == (Result.DONE, outcome.pull)


def test_no_role_pushes_to_main_whatever_the_action_says(project: Project) -> None:
    before = project.tip("main")
    for expected in ("", before):
        outcome = do(work(project, branch="main", expected=expected), project)
        assert outcome.result is Result.REFUSED
        assert "never pushes to the default branch" in outcome.detail
    assert project.tip("main") == before


def test_what_the_remote_forbids_is_an_outcome_with_its_words(project: Project) -> None:
    forbid(project, "refs/heads/*", "no branches from bots")
    for action in (work(project), propose(project)):
        outcome = do(action, project)
        assert outcome.result is Result.REFUSED
        assert "no branches from bots" in outcome.detail
    assert project.tip(BRANCH) == project.tip(PLAN_BRANCH) == ""


def test_a_forge_that_may_not_be_written_is_an_outcome(project: Project) -> None:
    forbid(project, "refs/pmcodex/*", "read only")
    outcome = do(work(project), project)
    assert outcome.result is Result.REFUSED
    assert "read only" in outcome.detail
    assert project.tip(BRANCH)


# --- commands ----------------------------------------------------------------------------------


def command(project: Project, **fields) -> WorkTask:
    return work(
        project, command="format", commits=(plan("T-0001: claim task", claim="x"),), **fields
    )


def failed(outcome: Outcome, project: Project) -> str:
    """Nothing was pushed, and the reason is remembered for just this task and this main."""
    assert outcome.result is Result.FAILED
    assert project.tip(BRANCH) == ""
    failure = project.store.checkpoint.failures["T-0001"]
    assert failure.key == f"{project.tip('main')}:blob"
    assert failure.reason == outcome.detail
    return outcome.detail


def test_a_commands_changes_are_a_commit_of_their_own(project: Project) -> None:
    project.sandbox = ScriptedSandbox({"README.md": "# New\n", "new/a.txt": "a\n"})
    closing = (plan("T-0001: mark task done", claim="y"),)
    outcome = do(command(project, closing=closing), project)
    assert outcome.result is Result.DONE
    assert project.sandbox.ran == [("tool", "--fix", "a b")]
    commits = project.git.commits(project.tip(BRANCH), project.tip("main"))
    assert [commit.message.splitlines()[0] for commit in commits] == [
        "T-0001: claim task",
        "T-0001: run format",
        "T-0001: mark task done",
    ]
    assert project.git.changed_paths(commits[0].sha, commits[1].sha) == ("README.md", "new/a.txt")


def test_a_failing_command_is_a_reason_and_no_pull(project: Project) -> None:
    project.sandbox = ScriptedSandbox({"README.md": "half"}, code=3, output="boom\n")
    assert failed(do(command(project), project), project).startswith("format failed: ")


def test_a_command_that_takes_too_long_is_a_reason(project: Project) -> None:
    project.sandbox = ScriptedSandbox({"README.md": "half"}, timed_out=True)
    assert "format failed" in failed(do(command(project), project), project)


def test_a_command_that_changes_nothing_is_a_reason(project: Project) -> None:
    assert failed(do(command(project), project), project) == "format changed nothing"


@pytest.mark.parametrize(
    "path", [".github/workflows/x.yml", "CODEOWNERS", ".llm-team.yml", "sub/CODEOWNERS"]
)
def test_a_command_may_not_change_protected_paths(project: Project, path: str) -> None:
    project.sandbox = ScriptedSandbox({path: "x", "README.md": "x"})
    reason = failed(do(command(project), project), project)
    assert reason == f"format changed protected paths: {path}"


def test_a_command_may_not_delete_a_protected_path(project: Project) -> None:
    project.commit({"infra/x.tf": "x"})
    project.git.sync()
    project.sandbox = ScriptedSandbox({"infra/x.tf": None})
    assert "protected paths: infra/x.tf" in failed(do(command(project), project), project)


def test_a_command_may_not_change_too_many_files(project: Project) -> None:
    project.sandbox = ScriptedSandbox({f"f{n}.txt": "x" for n in range(3)})
    outcome = do(command(project), project, limits={"files": 2})
    assert failed(outcome, project) == "format changed 3 files, and limits.files is 2"


def test_a_command_may_not_change_too_many_lines(project: Project) -> None:
    project.sandbox = ScriptedSandbox({"README.md": "1\n2\n3\n"})
    outcome = do(command(project), project, limits={"lines": 3})
    assert failed(outcome, project) == "format changed 4 lines, and limits.lines is 3"
    assert do(command(project), project, limits={"lines": 4}).result is Result.DONE


def test_without_a_sandbox_a_command_is_refused(project: Project) -> None:
    def none() -> ScriptedSandbox:
        raise Refused("no sandbox can be had here", hint="install bubblewrap")

    outcome = do(command(project), project, replace(project.edges(), sandbox=none))
    assert outcome.result is Result.REFUSED
    assert outcome.detail == "no sandbox can be had here (install bubblewrap)"
    assert project.tip(BRANCH) == ""


# --- proposals ---------------------------------------------------------------------------------


def test_a_proposal_is_rebuilt_from_main_in_its_one_pull(project: Project) -> None:
    first = do(propose(project), project)
    tip = project.tip(PLAN_BRANCH)
    project.commit({"later.txt": "x"})
    project.git.sync()
    second = do(propose(project, "2\n", tip), project)
    assert (first.pull, second.pull, second.result) == (1, 1, Result.DONE)
    (pull,) = project.forge.pulls()
    assert (pull.title, pull.body) == ("Plan 2", "Body 2\n")
    commits = project.git.commits(project.tip(PLAN_BRANCH), project.tip("main"))
    assert len(commits) == 1
    assert commits[0].parents == (project.tip("main"),)


def test_a_proposal_done_twice_is_done_once(project: Project) -> None:
    do(propose(project), project)
    again = do(propose(project, expected=project.tip(PLAN_BRANCH)), project)
    assert (again.result, again.pull) == (Result.DONE, 1)
    assert len(project.forge.pulls()) == 1


def test_a_branch_that_holds_it_already_only_gets_its_pull(project: Project) -> None:
    tip = project.push(PLAN_BRANCH, {"plan.txt": "1\n"})
    outcome = do(propose(project, expected=tip, commits=()), project)
    assert outcome.result is Result.DONE
    assert project.tip(PLAN_BRANCH) == tip


def test_a_branch_that_moved_meanwhile_is_lost(project: Project) -> None:
    do(propose(project), project)
    tip = project.tip(PLAN_BRANCH)
    project.push(PLAN_BRANCH, {"other.txt": "x"})
    moved = project.tip(PLAN_BRANCH)
    assert do(propose(project, "2\n", tip), project).result is Result.LOST
    assert project.tip(PLAN_BRANCH) == moved


def test_a_persons_commits_are_never_rewritten(project: Project) -> None:
    do(propose(project), project)
    theirs = project.commit({"mine.txt": "x"}, PLAN_BRANCH)
    project.git.sync()
    outcome = do(propose(project, "2\n", theirs), project)
    assert outcome.result is Result.REFUSED
    assert "somebody else's commits" in outcome.detail
    assert project.tip(PLAN_BRANCH) == theirs


def test_an_unreachable_remote_is_for_later(project: Project) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            raise TryLater("the network is down", hint="run it again")

    outcome = do(propose(project), project, replace(project.edges(), git=Away()))
    assert outcome.result is Result.LATER
    assert outcome.detail == "the network is down (run it again)"


# --- comments ----------------------------------------------------------------------------------


def review(digest: str = "d1") -> PostReview:
    body = f"{marker('review', digest)}\nFine.\n"
    return PostReview(1, "review", digest, body, "because")


@pytest.fixture
def pulled(project: Project) -> Project:
    do(work(project), project)
    return project


def bodies(project: Project) -> list[str]:
    return [comment.body for comment in project.forge.comments(1)]


def test_a_review_is_written_once_and_edited_in_place(pulled: Project) -> None:
    assert do(review(), pulled).result is Result.DONE
    assert do(review(), pulled).result is Result.UNCHANGED
    assert do(review("d2"), pulled).result is Result.DONE
    assert bodies(pulled) == [review("d2").body]
    point = pulled.fresh_store("state").checkpoint
    assert point.intents == {}
    assert point.receipts["comment:1:review"].digest == "d2"


def test_somebody_elses_comment_with_our_marker_is_left_alone(pulled: Project) -> None:
    mallory = pulled.forge_of(Person("mallory", "m@example.org"))
    mallory.create_comment(1, review("d1").body)
    do(review(), pulled)
    assert [comment.author for comment in pulled.forge.comments(1)] == ["mallory", "pmcodex"]


class Lagging:
    """A forge whose listing shows a comment `lag` seconds late, and that knows no markers."""

    def __init__(self, project: Project, lag: float = 4.0) -> None:
        self._forge, self._clock, self.lag = project.forge, project.clock, lag
        self._made: dict[str, float] = {}
        self.name, self.shares_remote = "lagging", False

    def __getattr__(self, name: str) -> object:
        return getattr(self._forge, name)

    def create_comment(self, number: int, body: str, *, marker: str = "") -> Comment:
        made = self._forge.create_comment(number, body)
        self._made[made.id] = self._clock.now()
        return made

    def comments(self, number: int) -> tuple[Comment, ...]:
        oldest = self._clock.now() - self.lag
        shown = self._forge.comments(number)
        return tuple(c for c in shown if self._made.get(c.id, 0.0) <= oldest)


@pytest.fixture
def lagging(pulled: Project) -> Callable[[PostReview], Outcome]:
    forge = Lagging(pulled)

    def post(action: PostReview) -> Outcome:
        return do(action, pulled, replace(pulled.edges(), forge=forge))

    post.forge = forge  # type: ignore[attr-defined]
    return post


def test_a_listing_that_lags_makes_no_second_comment(pulled: Project, lagging) -> None:
    assert lagging(review()).result is Result.DONE
    assert lagging(review()).result is Result.UNCHANGED
    assert lagging(review("d2")).result is Result.DONE
    pulled.clock.at += 10
    assert lagging(review("d2")).result is Result.UNCHANGED
    assert bodies(pulled) == [review("d2").body]


def test_a_run_that_ended_after_writing_makes_no_second_comment(pulled: Project, lagging) -> None:
    pulled.store.intend("comment:1:review", "run-0", pulled.clock.now())
    lagging.forge.create_comment(1, review().body)
    assert lagging(review()).result is Result.UNCHANGED
    assert bodies(pulled) == [review().body]
    assert pulled.store.checkpoint.intents == {}


def test_a_run_that_ended_before_writing_is_waited_for_and_then_repeated(
    pulled: Project, lagging
) -> None:
    lagging.forge.lag = 60.0
    pulled.store.intend("comment:1:review", "run-0", pulled.clock.now())
    assert lagging(review()).result is Result.LATER
    assert bodies(pulled) == []
    pulled.clock.at += 60
    assert lagging(review()).result is Result.DONE
    assert bodies(pulled) == [review().body]


def test_an_intent_on_a_forge_that_does_not_lag_is_repeated_at_once(pulled: Project) -> None:
    pulled.store.intend("comment:1:review", "run-0", pulled.clock.now())
    assert do(review(), pulled).result is Result.DONE
    assert pulled.clock.slept == []


def test_the_intent_is_on_disk_before_the_comment_is_made(pulled: Project) -> None:
    class Dying(Lagging):
        def create_comment(self, number: int, body: str, *, marker: str = "") -> Comment:
            assert "comment:1:review" in pulled.fresh_store("state").checkpoint.intents
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do(review(), pulled, replace(pulled.edges(), forge=Dying(pulled)))  # type: ignore[arg-type]
    assert pulled.store.intent("comment:1:review") is not None


def test_a_comment_a_person_deleted_is_written_anew(pulled: Project, lagging) -> None:
    lagging(review())
    pulled.clock.at += 10
    hidden = lagging.forge._forge.comments(1)[0].id
    lagging.forge._made[hidden] = float("inf")
    assert lagging(review("d2")).result is Result.DONE
    assert len(bodies(pulled)) == 2


# --- merges and checks -------------------------------------------------------------------------


def merge(project: Project, head: str = "") -> RequestMerge:
    return RequestMerge(1, head or project.tip(BRANCH), "T-0001: Step 1", "because")


def test_a_merge_is_asked_of_the_forge(pulled: Project) -> None:
    action = merge(pulled)
    assert do(action, pulled).result is Result.DONE
    assert pulled.text("main", "x.txt") == "1"
    assert do(action, pulled).result is Result.DONE
    assert len(pulled.git.commits(pulled.tip("main"), "")) == 3


def test_a_head_that_moved_is_not_merged(pulled: Project) -> None:
    action = merge(pulled)
    pulled.commit({"more.txt": "x"}, BRANCH)
    before = pulled.tip("main")
    assert do(action, pulled).result is Result.LOST
    assert pulled.tip("main") == before


def test_a_conflict_is_refused(pulled: Project) -> None:
    pulled.commit({"x.txt": "theirs\n"})
    outcome = do(merge(pulled), pulled)
    assert outcome.result is Result.REFUSED
    assert "conflicts" in outcome.detail


def check(project: Project) -> RunCheck:
    return RunCheck(1, project.tip(BRANCH), "pytest", "because")


@pytest.mark.parametrize(
    ("sandbox", "state"),
    [
        (ScriptedSandbox(output="== 3 passed in 0.1s ==\n"), CheckState.SUCCESS),
        (ScriptedSandbox(code=1, output="== 1 failed in 0.1s ==\n"), CheckState.FAILURE),
        (ScriptedSandbox(timed_out=True), CheckState.FAILURE),
    ],
)
def test_how_a_check_ended_is_recorded(
    pulled: Project, sandbox: ScriptedSandbox, state: CheckState
) -> None:
    pulled.sandbox = sandbox
    assert do(check(pulled), pulled).result is Result.DONE
    (found,) = pulled.forge.pulls()[0].checks
    assert (found.name, found.state) == ("pytest", state)


def test_what_a_check_writes_stays_with_it(pulled: Project) -> None:
    before = pulled.refs()
    pulled.sandbox = ScriptedSandbox({"x.txt": "changed"}, output="1 passed in 0s")
    do(check(pulled), pulled)
    after = pulled.refs()
    assert {ref for ref in after if after[ref] != before.get(ref)} == {"refs/pmcodex/forge"}


def test_outcomes_say_what_they_are_about(pulled: Project) -> None:
    pulled.clock.at = 50.0
    outcome = do(work(pulled, task_id="T-0001"), pulled)
    assert (outcome.key, outcome.task_id) == (f"branch:{BRANCH}", "T-0001")
    assert do(check(pulled), pulled).pull == 1


def test_without_a_sandbox_nothing_is_made_first(pulled: Project, home: Path) -> None:
    def none() -> ScriptedSandbox:
        raise Refused("no sandbox can be had here")

    edges, facts = replace(pulled.edges(), sandbox=none), setting(pulled)
    actions = (check(pulled), work(pulled, branch=f"{BRANCH}-2", command="format"))
    trace = GitTrace(home)
    for action in actions:
        outcome = apply(action, edges, facts)
        assert (outcome.result, outcome.invalid) == (Result.REFUSED, False)
    assert trace.commands() == []


def test_what_invalid_data_refuses_says_so(pulled: Project) -> None:
    def broken() -> ScriptedSandbox:
        raise InvalidInput("sandbox.readable names no folder")

    outcome = do(check(pulled), pulled, replace(pulled.edges(), sandbox=broken))
    assert (outcome.result, outcome.invalid) == (Result.REFUSED, True)
