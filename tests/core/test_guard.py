"""Law 1: no role's push names the default branch, and nobody's commits are thrown away."""

from __future__ import annotations

import pytest

from pmcodex.core.guard import FORGE_REF, MergeGuard, RoleGuard
from pmcodex.core.keys import ROLLING_BRANCHES
from pmcodex.ports import RefUpdate

NEW, OLD = "a" * 40, "b" * 40
ROLE = RoleGuard("main", "feature/")
TASK = "refs/heads/feature/T-0001-x"


def refusal(ref: str, *, new: str = NEW, forced: bool = False, ours: bool = True) -> str:
    return ROLE.refusal(RefUpdate(ref, new, OLD), forced=forced, ours=ours)


@pytest.mark.parametrize("forced", [True, False])
@pytest.mark.parametrize("new", [NEW, ""])
def test_the_default_branch_is_never_pushed(forced: bool, new: str) -> None:
    for ref in ("refs/heads/main", "main"):
        assert "default branch" in refusal(ref, new=new, forced=forced)


@pytest.mark.parametrize("branch", ["feature/T-0001-x", *ROLLING_BRANCHES])
def test_not_even_where_its_name_is_one_of_ours(branch: str) -> None:
    guard = RoleGuard(branch, "feature/")
    update = RefUpdate(f"refs/heads/{branch}", NEW, "")
    assert "default branch" in guard.refusal(update, forced=False, ours=True)


def test_task_branches_only_grow() -> None:
    assert refusal(TASK) == ""
    assert "never rewrites" in refusal(TASK, forced=True)
    assert "never rewrites" in refusal(TASK, new="", forced=True)


@pytest.mark.parametrize("branch", ROLLING_BRANCHES)
def test_rolling_branches_are_rewritten_only_where_all_is_ours(branch: str) -> None:
    ref = f"refs/heads/{branch}"
    assert refusal(ref, forced=True) == ""
    assert refusal(ref, ours=False) == ""
    assert "somebody else" in refusal(ref, forced=True, ours=False)


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/release",
        "refs/heads/Main",
        "refs/heads/feature/other",
        "refs/heads/feature/T-0001x",
        "refs/heads/pmcodex/other",
        "refs/tags/v1",
        "refs/tags/feature/T-0001-x",
        "refs/pmcodex/other",
        "HEAD",
        "feature/T-0001-x",
        "",
    ],
)
def test_everything_else_is_not_ours(ref: str) -> None:
    assert "not a branch of pmcodex" in refusal(ref)


def test_the_forges_record_only_grows() -> None:
    assert refusal(FORGE_REF) == ""
    assert refusal(FORGE_REF, forced=True)
    assert refusal(FORGE_REF, new="")


MERGE = MergeGuard("main", "feature/T-0001-x")


def test_a_merge_moves_its_base_forward_and_takes_its_head_away() -> None:
    def says(ref: str, new: str = NEW, *, forced: bool = False) -> str:
        return MERGE.refusal(RefUpdate(ref, new, OLD), forced=forced, ours=True)

    assert says("refs/heads/main") == ""
    assert says(FORGE_REF) == ""
    assert says(TASK, "", forced=True) == ""
    assert says("refs/heads/main", forced=True)
    assert says("refs/heads/main", "")
    assert says(FORGE_REF, forced=True)
    assert says(TASK)
    assert says("refs/heads/other")
    assert says("refs/heads/other", "", forced=True)


def test_a_merge_never_deletes_its_base() -> None:
    guard = MergeGuard("main", "main")
    assert guard.refusal(RefUpdate("refs/heads/main", "", OLD), forced=True, ours=True)
