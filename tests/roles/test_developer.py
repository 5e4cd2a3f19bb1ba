"""The Developer: the first task it can work, worked whole, on a branch nobody else has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import (
    NOW,
    World,
    a_claim,
    a_policy,
    a_pull,
    a_task,
    closed,
    merged,
    path_of,
    sha,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.actions import Decision, WorkTask
from pmcodex.core.actions import Role as Name
from pmcodex.core.taskfile import read_task
from pmcodex.decide import decide as ask
from pmcodex.roles.developer import decide

DIFF = "```diff\n--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-old\n+new\n```\n"
X = {"x.txt": "old\n"}


def easy(number: int = 1, **fields):
    """A task that a recipe does."""
    return a_task(number, **({"recipe": ("editorconfig",)} | fields))


def world_of(*tasks, body: str = "", **more) -> World:
    return World(main={**X, **written(*tasks, body=body)}, **more)


def work(decision: Decision) -> WorkTask:
    (action,) = decision.actions
    assert isinstance(action, WorkTask)
    return action


def after(action: WorkTask) -> dict[str, str | None]:
    """What the commits leave behind, by path."""
    plans = (*action.commits, *action.closing)
    return {edit.path: edit.text for plan in plans for edit in plan.edits}


def status(action: WorkTask, task) -> str:
    text = after(action)[path_of(task)]
    found = read_task(path_of(task), "", str(text).encode()).task
    assert found is not None
    return found.status.value


def said(decision: Decision) -> dict[str, str]:
    return {note.about: note.message for note in decision.notes}


# --- choosing ----------------------------------------------------------------------------------


def test_priority_then_dependents_then_id_decides() -> None:
    first, second, third = easy(1), easy(2), easy(3, priority="P0")
    waits = easy(4, depends_on=("T-0002",))
    assert work(decide(world_of(first, second, third, waits).view())).task_id == "T-0003"
    assert work(decide(world_of(first, second, waits).view())).task_id == "T-0002"
    assert work(decide(world_of(first, second).view())).task_id == "T-0001"


def test_one_task_at_a_time() -> None:
    assert len(decide(world_of(easy(1), easy(2)).view()).actions) == 1


def test_a_task_it_cannot_work_is_told_and_passed_over() -> None:
    decision = decide(world_of(a_task(1), easy(2)).view())
    assert work(decision).task_id == "T-0002"
    assert said(decision) == {"T-0001": "it names no recipe and no command and carries no diff"}


def test_somebody_elses_task_is_theirs() -> None:
    assert decide(world_of(easy(owner="ada")).view()) == Decision()
    assert decide(world_of(easy(owner="pmcodex")).view()).actions


@pytest.mark.parametrize("state", ["done", "blocked", "in_review", "ready_for_integration"])
def test_only_queued_tasks_are_claimed(state: str) -> None:
    assert decide(world_of(easy(status=state)).view()) == Decision()


def test_a_task_that_waits_is_not_claimed() -> None:
    world = world_of(easy(1, owner="ada"), easy(2, depends_on=("T-0001",)))
    assert decide(world.view()) == Decision()
    world.pulls = [merged(1)]
    assert work(decide(world.view())).task_id == "T-0002"


def test_no_more_pulls_than_the_limit() -> None:
    pulls = [a_pull(n, f"feature/T-{n:04d}-step-{n}") for n in (7, 8)]
    limit = a_policy(limits={"open_pulls": 2})
    world = world_of(easy(1), a_task(2), pulls=pulls, policy=limit)
    decision = decide(world.view())
    assert decision.actions == ()
    assert "limits.open_pulls is 2" in decision.notes[0].message
    assert "limits.open_pulls is 2" in said(decision)["T-0001"]
    assert said(decision)["T-0002"] == "it names no recipe and no command and carries no diff"
    world.pulls[0] = a_pull(7, "pmcodex/tasks")
    assert decide(world.view()).actions


@pytest.mark.parametrize("head", ["feature/T-0009-other", "somebodys-branch"])
def test_a_task_keeps_clear_of_what_an_open_pull_changes(head: str) -> None:
    world = world_of(easy(1, touches=("src/**",)), easy(2, touches=("docs/*",)))
    world.pulls, world.pull_paths = [a_pull(4, head)], {4: ("src/a/b.py",)}
    decision = decide(world.view())
    assert work(decision).task_id == "T-0002"
    assert said(decision) == {"T-0001": "pull 4 changes what it touches"}


def test_what_failed_on_just_this_is_not_tried_again() -> None:
    world = world_of(easy(1), easy(2), tried={"T-0001": "format failed: exit 1"})
    decision = decide(world.view())
    assert work(decision).task_id == "T-0002"
    assert said(decision) == {"T-0001": "format failed: exit 1"}


def test_a_task_whose_text_was_not_read_is_told_apart_from_one_without_hands() -> None:
    world = world_of(easy(1), a_task(2))
    decision = decide(world.view(without=[path_of(easy(1)), path_of(a_task(2))]))
    assert said(decision) == {
        "T-0001": "too many tasks come before it",
        "T-0002": "it names no recipe and no command and carries no diff",
    }


def test_a_status_that_cannot_be_rewritten_alone_is_told() -> None:
    world = world_of(easy(1))
    text = world.main[path_of(easy(1))]
    lines = text.replace("status: queued", "status: &s queued").splitlines(keepends=True)
    tied = [line if not line.startswith("command:") else "" for line in lines]
    world.main[path_of(easy(1))] = "".join(tied).replace("title: Step 1", "title: *s", 1)
    world.main[path_of(easy(1))] = _after_status(world.main[path_of(easy(1))])
    decision = decide(world.view())
    assert decision.actions == ()
    assert "can't be rewritten" in said(decision)["T-0001"]


def _after_status(text: str) -> str:
    """The title's line moved below the status, since an alias follows its anchor."""
    lines = text.splitlines(keepends=True)
    title = next(line for line in lines if line.startswith("title:"))
    lines.remove(title)
    place = next(n for n, line in enumerate(lines) if line.startswith("status:"))
    return "".join([*lines[: place + 1], title, *lines[place + 1 :]])


# --- the claim ---------------------------------------------------------------------------------


def test_a_claim_carries_its_work() -> None:
    action = work(decide(world_of(easy(1)).view()))
    assert action.branch == "feature/T-0001-step-1"
    assert action.expected == ""
    assert [plan.message for plan in action.commits] == ["T-0001: claim task", "T-0001: Step 1"]
    assert [edit.path for edit in action.commits[0].edits] == [path_of(easy(1))]
    assert status(action, easy(1)) == "in_review"
    assert ".editorconfig" in after(action)


def test_the_pull_fills_in_the_template() -> None:
    action = work(decide(world_of(easy(1, acceptance=("It indents",))).view()))
    assert action.pull.title == "T-0001: Step 1"
    assert "- It indents" in action.pull.body
    assert "- `.editorconfig`" in action.pull.body
    assert "CI has the word" in action.pull.body
    checked = world_of(easy(1), policy=a_policy(checks={"pytest": "pytest -q"}))
    assert "`pytest`" in work(decide(checked.view())).pull.body


def test_a_recipe_on_a_protected_path_says_so() -> None:
    action = work(decide(world_of(easy(1, recipe=("pr-template",))).view()))
    assert "Touches protected paths" in action.pull.body


def test_in_pull_bookkeeping_comes_with_the_work() -> None:
    world = world_of(easy(1), policy=a_policy(bookkeeping="in_pull"))
    assert status(work(decide(world.view())), easy(1)) == "done"


def test_a_prefix_of_the_policys_own() -> None:
    world = world_of(easy(1), policy=a_policy(branch_prefix="bot/"))
    assert work(decide(world.view())).branch == "bot/T-0001-step-1"


@pytest.mark.parametrize("ended", [closed(1), merged(1)])
def test_a_requeued_task_gets_a_branch_of_its_own(ended) -> None:
    world = world_of(easy(1), pulls=[ended], touched={1})
    assert work(decide(world.view())).branch == "feature/T-0001-step-1-2"
    world.pulls.append(replace(ended, number=2, head="feature/T-0001-step-1-2"))
    world.touched = {1, 2}
    assert work(decide(world.view())).branch == "feature/T-0001-step-1-3"


def test_a_branch_that_is_still_there_is_not_taken() -> None:
    world = world_of(easy(1), pulls=[closed(1)], touched={1})
    world.branches = {"feature/T-0001-step-1-2": sha("left")}
    world.pulls.append(closed(2, "feature/T-0001-step-1-2"))
    world.touched = {1, 2}
    assert work(decide(world.view())).branch == "feature/T-0001-step-1-3"


# --- ways of working ---------------------------------------------------------------------------


def test_a_recipe_with_nothing_to_do_is_a_note_and_no_pull() -> None:
    world = world_of(easy(1))
    world.main[".editorconfig"] = "root = true\n"
    decision = decide(world.view())
    assert decision.actions == ()
    assert "nothing is missing" in said(decision)["T-0001"]
    assert "set its status to done" in decision.notes[0].hint


def test_a_diff_is_applied_as_it_is() -> None:
    action = work(decide(world_of(a_task(1), body=DIFF).view()))
    assert after(action)["x.txt"] == "new\n"
    assert "the diff in its task file" in action.pull.body


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", "CODEOWNERS", ".llm-team.yml"])
def test_a_diff_on_a_protected_path_is_refused(path: str) -> None:
    body = f"```diff\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n```\n"
    decision = decide(world_of(a_task(1), body=body).view())
    assert decision.actions == ()
    assert said(decision) == {"T-0001": f"{path} is protected"}


def test_a_diff_that_is_applied_already_is_a_note() -> None:
    world = world_of(a_task(1), body=DIFF)
    world.main["x.txt"] = "new\n"
    decision = decide(world.view())
    assert said(decision) == {"T-0001": "already applied"}


def test_a_diff_of_its_own_task_file_keeps_the_claims_status() -> None:
    task = a_task(1)
    text = written(task, body="Words.\n")[path_of(task)]
    place = text.splitlines().index("Words.") + 1
    path = path_of(task)
    hunk = f"--- a/{path}\n+++ b/{path}\n@@ -{place} +{place} @@\n-Words.\n+More.\n"
    body = f"Words.\n\n```diff\n{hunk}```\n"
    for bookkeeping, expected in (("pull", "in_review"), ("in_pull", "done")):
        world = world_of(task, body=body, policy=a_policy(bookkeeping=bookkeeping))
        action = work(decide(world.view()))
        assert status(action, task) == expected
        assert "More." in str(after(action)[path])


def test_a_command_runs_between_claim_and_closing() -> None:
    policy = a_policy(commands={"format": "ruff format"}, bookkeeping="in_pull")
    action = work(decide(world_of(a_task(1, command="format"), policy=policy).view()))
    assert action.command == "format"
    assert [plan.message for plan in action.commits] == ["T-0001: claim task"]
    assert [plan.message for plan in action.closing] == ["T-0001: mark task done"]


def test_a_command_that_the_policy_does_not_name_is_a_note() -> None:
    decision = decide(world_of(a_task(1, command="rm -rf /")).view())
    assert said(decision) == {"T-0001": "command 'rm -rf /' is not in .llm-team.yml"}


# --- resuming ----------------------------------------------------------------------------------


def claimed(world: World, **fields) -> World:
    claim = a_claim(1, **fields)
    world.claims = [claim]
    return world


def test_a_claim_of_ours_comes_before_a_new_one() -> None:
    world = claimed(world_of(easy(1), easy(2, priority="P0")))
    action = work(decide(world.view()))
    assert (action.task_id, action.expected) == ("T-0001", a_claim(1).sha)
    assert [plan.message for plan in action.commits] == ["T-0001: Step 1"]


def test_a_claim_with_its_work_only_lacks_its_pull() -> None:
    world = claimed(world_of(easy(1)), worked=True)
    world.main[".editorconfig"] = "root = true\n"
    action = work(decide(world.view()))
    assert (action.commits, action.command, action.closing) == ((), "", ())
    assert "what is on its branch" in action.pull.body


def test_a_claimed_command_is_run() -> None:
    policy = a_policy(commands={"format": "ruff format"})
    world = claimed(world_of(a_task(1, command="format"), policy=policy))
    assert work(decide(world.view())).command == "format"
    assert work(decide(claimed(world, worked=True).view())).command == ""


def test_another_machines_claim_is_left_until_it_expires() -> None:
    world = claimed(world_of(easy(1)), machine="there-2", at=int(NOW) - 23 * 3600)
    assert decide(world.view()) == Decision()
    world.now += 2 * 3600
    assert work(decide(world.view())).branch == "feature/T-0001-step-1"


@pytest.mark.parametrize("machine", ["here-1", "there-2", ""])
def test_a_branch_with_a_persons_commits_is_never_touched(machine: str) -> None:
    world = claimed(world_of(easy(1)), machine=machine, at=0, foreign=True)
    assert decide(world.view()) == Decision()


def test_a_person_on_a_second_branch_of_the_task_has_it() -> None:
    world = claimed(world_of(easy(1)))
    world.claims.append(a_claim(1, branch="feature/T-0001-a", foreign=True))
    assert decide(world.view()) == Decision()


def test_a_claim_that_cannot_go_on_is_told_and_others_are_not_held_up() -> None:
    world = claimed(world_of(a_task(1), easy(2)))
    decision = decide(world.view())
    assert work(decision).task_id == "T-0002"
    assert "can't go on" in said(decision)["T-0001"]


def test_a_claim_of_a_task_that_is_done_is_left() -> None:
    assert decide(claimed(world_of(easy(1, status="done"))).view()) == Decision()


def test_a_claim_without_a_task_is_left() -> None:
    world = world_of(easy(2, status="done"), claims=[a_claim(1)])
    assert decide(world.view()) == Decision()


# --- any board ---------------------------------------------------------------------------------

numbers = st.integers(1, 6)
some_tasks = st.lists(
    st.builds(
        lambda number, deps, fields: a_task(
            number, depends_on=[f"T-{dep:04d}" for dep in deps], **fields
        ),
        numbers,
        st.lists(numbers, max_size=2),
        st.fixed_dictionaries(
            {},
            optional={
                "priority": st.sampled_from(["P0", "P1", "P3"]),
                "status": st.sampled_from(["queued", "queued", "in_review", "done", "blocked"]),
                "owner": st.sampled_from(["", "pmcodex", "ada"]),
                "recipe": st.sampled_from([("editorconfig",), ("changelog",), ("no-such",)]),
                "command": st.sampled_from(["format", "nope"]),
                "touches": st.sampled_from([(), ("src/*",)]),
            },
        ),
    ),
    max_size=6,
)
some_pulls = st.lists(
    st.tuples(numbers, st.sampled_from([a_pull, merged, closed])), max_size=4
).map(lambda made: [make(n, f"feature/T-{t:04d}-step-{t}") for n, (t, make) in enumerate(made, 1)])
some_claims = st.lists(
    st.builds(
        lambda number, fields: a_claim(number, **fields),
        numbers,
        st.fixed_dictionaries(
            {"foreign": st.booleans(), "machine": st.sampled_from(["here-1", "x"])}
        ),
    ),
    max_size=2,
    unique_by=lambda claim: claim.task_id,
)


@settings(max_examples=100)
@given(some_tasks, some_pulls, some_claims, st.sets(st.integers(1, 4)))
def test_whatever_the_board_at_most_one_task_and_only_a_claimable_or_claimed_one(
    tasks, pulls, claims, touched
) -> None:
    busy = {pull.head for pull in pulls}
    world = world_of(
        *tasks,
        pulls=pulls,
        claims=[claim for claim in claims if claim.branch not in busy],
        touched=touched,
        policy=a_policy(commands={"format": "ruff format"}),
        pull_paths={pull.number: ("src/x.py",) for pull in pulls if pull.state == "open"},
    )
    view = world.view()
    actions = ask(Name.DEVELOPER, view).actions
    assert len(actions) <= 1
    for action in actions:
        assert isinstance(action, WorkTask)
        card = view.board.card(action.task_id)
        assert card is not None
        if action.expected:
            claim = next(c for c in claims if c.branch == action.branch)
            assert (claim.foreign, claim.machine) == (False, "here-1")
            assert card.standing.state == "in_progress"
        else:
            assert card.standing.claimable
            assert action.branch not in view.snapshot.branches
