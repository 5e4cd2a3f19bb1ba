"""The git forge where it is git: its ref, its guards, its races, and what people do beside it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pmcodex
from pmcodex.clock import SystemClock
from pmcodex.core.actions import FileEdit, PullDraft
from pmcodex.core.facts import Check, CheckState, Pull, PullState, Verdict
from pmcodex.core.guard import FORGE_REF, RoleGuard
from pmcodex.errors import InvalidInput, Refused, TryLater
from pmcodex.forges.gitrefs import GitForge
from pmcodex.git.mirror import Mirror
from pmcodex.ports import PMCODEX, Git, Guard, MergeEnd, Person, PushResult, RefUpdate

HEAD = "feature/T-0001-one"
DRAFT = PullDraft("T-0001: one", "Body", "main")
GUARD = RoleGuard("main", "feature/")
RunGit = Callable[..., str]


class Watched:
    """A git that counts what is asked of it, and lets somebody in just before a push."""

    def __init__(self, git: Git, before_push: Callable[[], object] | None = None) -> None:
        self._git = git
        self._before_push = before_push
        self.asked: list[str] = []
        self.blobs = 0

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._git, name)

    def read(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        found = self._git.read(blobs)
        self.asked.append("read")
        self.blobs += len(found)
        return found

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        self.asked.append("push")
        if self._before_push is not None:
            self._before_push()
        return self._git.push(updates, guard)


def forge_on(git: Git, name: str = "Bot", *, keep_heads: bool = False) -> GitForge:
    return GitForge(
        git,
        SystemClock(),
        actor=Person(name, "bot@example.org"),
        branch_prefix="feature/",
        delete_merged_heads=not keep_heads,
    )


@pytest.fixture
def mirror(remote: Path, tmp_path: Path) -> Mirror:
    return Mirror.open(str(remote), tmp_path / "mirror")


@pytest.fixture
def forge(mirror: Mirror) -> GitForge:
    return forge_on(mirror)


@pytest.fixture
def work(clone: Path, git: RunGit) -> Callable[..., str]:
    """A person commits a file on a branch of the remote, starting at main."""

    def commit(branch: str, path: str, text: str = "one\n") -> str:
        git(clone, "fetch", "-q", "--prune")
        there = git(clone, "ls-remote", "--heads", "origin", branch)
        start = f"origin/{branch}" if there else "origin/main"
        git(clone, "checkout", "-q", "-B", branch, start)
        (clone / path).write_text(text, encoding="utf-8")
        git(clone, "add", path)
        git(clone, "commit", "-q", "-m", f"Change {path}")
        git(clone, "push", "-q", "origin", branch)
        return git(clone, "rev-parse", "HEAD")

    return commit


def only(forge: GitForge) -> Pull:
    (pull,) = forge.pulls()
    return pull


def put(mirror: Mirror, path: str, text: str) -> None:
    """Somebody writes into the forge's ref by hand."""
    tip = mirror.sync().get(FORGE_REF, "")
    made = mirror.commit(tip, [FileEdit(path, text)], "By hand", at=1)
    mirror.push([RefUpdate(FORGE_REF, made, tip)], GUARD)


# --- the audit trail -------------------------------------------------------------------------


def test_every_change_is_one_commit_with_a_sentence(
    forge: GitForge, mirror: Mirror, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    head = work(HEAD, "one.txt")
    for _ in range(2):  # the second time, all of it is there already
        forge.open_pull(HEAD, DRAFT)
        forge.add_label(1, "x")
        forge.set_check(head, Check("ruff\nx", CheckState.SUCCESS))
        forge_on(mirror, "Ada").review(1, Verdict.APPROVED, "")
    forge.create_comment(1, "hello")
    forge.edit_comment(1, "1", "hello you")
    forge.edit_comment(1, "1", "hello you")
    done = forge.merge(1, expected_head=head, message="One (#1)")
    forge.close_pull(1)
    assert git(remote, "log", "--reverse", "--format=%an: %B", FORGE_REF).split("\n\n") == [
        f"Bot: pull 1: opened by Bot, {HEAD} into main",
        "Bot: pull 1: labelled x by Bot",
        f"Bot: commit {head[:10]}: check ruff x ended success",
        "Ada: pull 1: approved by Ada",
        "Bot: pull 1: commented on by Bot",
        "Bot: pull 1: comment 1 edited by Bot",
        f"Bot: pull 1: merged by Bot as {done.sha[:10]}",
    ]
    shown = git(remote, "show", f"{FORGE_REF}:pulls/000001.json")
    assert json.loads(shown)["merge_sha"] == done.sha
    assert git(remote, "ls-tree", "-r", "--name-only", FORGE_REF).split() == [
        f"checks/{head[:2]}/{head}.json",
        "pulls/000001.json",
    ]


def test_the_squash_carries_the_message_the_actor_and_one_parent(
    forge: GitForge, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    before = git(remote, "rev-parse", "main")
    head = work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    done = forge.merge(1, expected_head=head, message="One (#1)\n\nWhy.")
    assert (
        git(remote, "log", "-1", "--format=%P|%an|%B", done.sha) == f"{before}|Bot|One (#1)\n\nWhy."
    )
    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"


def test_heads_are_kept_where_asked_or_needed(
    mirror: Mirror, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    forge = forge_on(mirror, keep_heads=True)
    kept = work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    assert forge.merge(1, expected_head=kept, message="m").ended is MergeEnd.MERGED
    tidy = forge_on(mirror)
    below = work("feature/T-0002-two", "two.txt")
    git(remote, "branch", "feature/T-0003-three", below)
    work("feature/T-0003-three", "three.txt")
    tidy.open_pull("feature/T-0002-two", DRAFT)
    tidy.open_pull("feature/T-0003-three", PullDraft("On top", "", "feature/T-0002-two"))
    assert tidy.merge(2, expected_head=below, message="m").ended is MergeEnd.MERGED
    branches = git(remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert branches == [HEAD, "feature/T-0002-two", "feature/T-0003-three", "main"]
    assert tidy.pulls()[2].state is PullState.OPEN


def test_a_merge_of_nothing_new_is_an_empty_commit(
    forge: GitForge, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    head = work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    base = work("main", "one.txt")
    done = forge.merge(1, expected_head=head, message="m")
    assert done.ended is MergeEnd.MERGED
    assert git(remote, "diff", "--name-only", base, done.sha) == ""


def test_a_conflict_names_its_paths(forge: GitForge, work: Callable[..., str]) -> None:
    head = work(HEAD, "README.md", "mine\n")
    forge.open_pull(HEAD, DRAFT)
    work("main", "README.md", "theirs\n")
    assert "README.md" in forge.merge(1, expected_head=head, message="m").detail


# --- races -----------------------------------------------------------------------------------


def test_a_change_of_another_in_between_is_kept(
    mirror: Mirror, remote: Path, tmp_path: Path, work: Callable[..., str]
) -> None:
    work(HEAD, "one.txt")
    other = forge_on(Mirror.open(str(remote), tmp_path / "other"), "Ada")
    other.open_pull(HEAD, DRAFT)
    left = ["second", "first"]
    late = forge_on(Watched(mirror, lambda: left and other.create_comment(1, left.pop())))
    mine = late.create_comment(1, "third")
    assert [one.body for one in late.comments(1)] == ["first", "second", "third"]
    assert mine.id == "3"


def test_a_push_to_main_in_between_is_merged_onto(
    mirror: Mirror, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    head = work(HEAD, "one.txt")
    forge_on(mirror).open_pull(HEAD, DRAFT)
    pushed: list[str] = []
    late = forge_on(
        Watched(mirror, lambda: pushed or pushed.append(work("main", "human.txt", "by hand\n")))
    )
    done = late.merge(1, expected_head=head, message="m")
    assert done.ended is MergeEnd.MERGED
    assert git(remote, "rev-parse", "main^") == pushed[0]
    assert git(remote, "ls-tree", "--name-only", "main").split() == [
        "README.md",
        "human.txt",
        "one.txt",
    ]


def test_a_head_that_moves_in_between_is_stale_and_nothing_moved(
    mirror: Mirror, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    head = work(HEAD, "one.txt")
    forge_on(mirror).open_pull(HEAD, DRAFT)
    main = git(remote, "rev-parse", "main")
    pushed: list[str] = []
    late = forge_on(Watched(mirror, lambda: pushed or pushed.append(work(HEAD, "two.txt"))))
    assert late.merge(1, expected_head=head, message="m").ended is MergeEnd.STALE
    assert (git(remote, "rev-parse", "main"), only(late).state) == (main, PullState.OPEN)


def test_a_race_that_never_ends_is_given_up(
    mirror: Mirror, remote: Path, work: Callable[..., str], git: RunGit
) -> None:
    work(HEAD, "one.txt")
    forge_on(mirror).open_pull(HEAD, DRAFT)
    tree = git(remote, "rev-parse", f"{FORGE_REF}^{{tree}}")
    tries: list[int] = []

    class Hurried(SystemClock):
        def sleep(self, seconds: float) -> None:
            tries.append(1)

    def barge_in() -> None:
        made = git(remote, "commit-tree", tree, "-p", FORGE_REF, "-m", "Me first")
        git(remote, "update-ref", FORGE_REF, made)

    late = GitForge(
        Watched(mirror, barge_in),
        Hurried(),
        actor=PMCODEX,
        branch_prefix="feature/",
    )
    with pytest.raises(TryLater, match="times in a row"):
        late.create_comment(1, "never")
    assert 5 <= len(tries) <= 50
    assert forge_on(mirror).comments(1) == ()


# --- what people do beside the forge -----------------------------------------------------------


@pytest.mark.parametrize("way", ["--ff-only", "--no-ff"])
@pytest.mark.parametrize("delete", [False, True])
def test_a_merge_by_hand_is_seen_and_written_down_by_the_next_change(
    forge: GitForge,
    work: Callable[..., str],
    remote: Path,
    clone: Path,
    git: RunGit,
    way: str,
    delete: bool,
) -> None:
    work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    work("feature/T-0002-two", "two.txt")
    git(clone, "checkout", "-q", "main")
    git(clone, "merge", "-q", way, "-m", "By hand", HEAD)
    git(clone, "push", "-q", "origin", "main", *([f":{HEAD}"] if delete else []))
    tip = git(remote, "rev-parse", "main")
    seen = only(forge)
    assert (seen.state, seen.merge_sha) == (PullState.MERGED, tip)
    assert json.loads(git(remote, "show", f"{FORGE_REF}:pulls/000001.json"))["state"] == "open"
    assert forge.open_pull("feature/T-0002-two", DRAFT).number == 2
    written = json.loads(git(remote, "show", f"{FORGE_REF}:pulls/000001.json"))
    assert (written["state"], written["merge_sha"]) == ("merged", tip)
    assert "pull 1: merged by hand" in git(remote, "log", "--format=%s", FORGE_REF)


def test_a_deleted_branch_is_written_down_and_stays_closed(
    forge: GitForge, work: Callable[..., str], remote: Path, git: RunGit
) -> None:
    work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    git(remote, "update-ref", "-d", f"refs/heads/{HEAD}")
    forge.create_comment(1, "why?")
    assert git(remote, "log", "-2", "--format=%s", FORGE_REF).splitlines() == [
        "pull 1: commented on by Bot",
        "pull 1: closed with its branch",
    ]
    work(HEAD, "again.txt")
    assert only(forge).state is PullState.CLOSED
    assert only(forge).comments
    assert forge.open_pull(HEAD, DRAFT).number == 2


def test_garbage_is_found_and_nothing_else_suffers(
    forge: GitForge, mirror: Mirror, work: Callable[..., str]
) -> None:
    head = work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    put(mirror, "pulls/000007.json", '{"number": 7')
    put(mirror, "pulls/notes.txt", "mine\n")
    put(mirror, f"checks/{head[:2]}/{head}.json", "[]")
    assert [pull.number for pull in forge.pulls()] == [1]
    assert [found.where for found in forge.findings()] == [
        f"checks/{head[:2]}/{head}.json",
        "pulls/000007.json",
        "pulls/notes.txt",
    ]
    with pytest.raises(InvalidInput, match=r"000007\.json"):
        forge.create_comment(7, "hello")
    forge.close_pull(1)
    assert forge.open_pull(HEAD, DRAFT).number == 8
    forge.set_check(head, Check("ruff", CheckState.SUCCESS))
    assert [one.name for one in forge.pulls()[1].checks] == ["ruff"]


def test_words_of_others_stay_one_line_in_the_trail(
    mirror: Mirror, work: Callable[..., str], remote: Path, git: RunGit
) -> None:
    work(HEAD, "one.txt")
    forge = forge_on(mirror, "Eve\n\nSigned-off-by: root")
    forge.open_pull(HEAD, PullDraft("t\ud800\x00", "b", "main", labels=("x\ny",)))
    forge.add_label(1, "a\nb: c")
    assert len(git(remote, "log", "--format=%B", FORGE_REF).replace("\n\n", "\n").splitlines()) == 2
    assert only(forge).title == "t?\x00"
    assert only(forge).author == forge.me() == "Eve Signed-off-by: root"


@pytest.mark.parametrize("sha", ["", "main", "../../etc", "a" * 39, "A" * 40])
def test_a_check_needs_a_commits_id(forge: GitForge, sha: str) -> None:
    with pytest.raises(InvalidInput, match="commit's id"):
        forge.set_check(sha, Check("ruff", CheckState.SUCCESS))


# --- a repository that is its own remote -------------------------------------------------------


@pytest.fixture
def own(project: Path, tmp_path: Path, git: RunGit) -> GitForge:
    forge = forge_on(Mirror.open(str(project), tmp_path / "mirror"))
    git(project, "checkout", "-q", "-b", HEAD)
    (project / "one.txt").write_text("one\n", encoding="utf-8")
    git(project, "add", "one.txt")
    git(project, "commit", "-q", "-m", "One")
    git(project, "checkout", "-q", "main")
    forge.open_pull(HEAD, DRAFT)
    return forge


def test_a_clean_checkout_of_the_base_is_brought_along(
    own: GitForge, project: Path, git: RunGit
) -> None:
    done = own.merge(1, expected_head=only(own).head_sha, message="m")
    assert (done.ended, done.sha) == (MergeEnd.MERGED, git(project, "rev-parse", "HEAD"))
    assert (project / "one.txt").read_text(encoding="utf-8") == "one\n"
    assert git(project, "status", "--porcelain") == ""


def test_a_dirty_checkout_of_the_base_is_refused_and_left_alone(
    own: GitForge, project: Path, git: RunGit
) -> None:
    (project / "README.md").write_text("half a thought\n", encoding="utf-8")
    before = git(project, "for-each-ref")
    end = own.merge(1, expected_head=only(own).head_sha, message="m")
    assert end.ended is MergeEnd.REFUSED
    assert "commit or stash" in end.detail
    assert git(project, "for-each-ref") == before
    assert (project / "README.md").read_text(encoding="utf-8") == "half a thought\n"
    assert only(own).state is PullState.OPEN


@pytest.mark.parametrize("default_branch", ["main", ""])
def test_a_head_that_is_checked_out_is_merged_and_stays(
    own: GitForge, project: Path, tmp_path: Path, git: RunGit, default_branch: str
) -> None:
    git(project, "checkout", "-q", HEAD)
    head = git(project, "rev-parse", "HEAD")
    forge = GitForge(
        Mirror.open(str(project), tmp_path / "mirror"),
        SystemClock(),
        actor=PMCODEX,
        branch_prefix="feature/",
        default_branch=default_branch,
    )
    assert forge.merge(1, expected_head=head, message="m").ended is MergeEnd.MERGED
    assert git(project, "rev-parse", "HEAD") == head
    assert git(project, "status", "--porcelain") == ""


# --- cost ------------------------------------------------------------------------------------


def test_three_hundred_pulls_cost_one_listing_and_one_reading(
    forge: GitForge, mirror: Mirror, work: Callable[..., str], remote: Path, tmp_path: Path
) -> None:
    head = work(HEAD, "one.txt")
    forge.open_pull(HEAD, DRAFT)
    forge.set_check(head, Check("ruff", CheckState.SUCCESS))
    first = {entry.path: entry.oid for entry in mirror.tree(mirror.sync()[FORGE_REF])}
    oid = first["pulls/000001.json"]
    document = json.loads(mirror.read([oid])[oid]) | {"state": "closed"}
    edits = [
        FileEdit(f"pulls/{number:06d}.json", json.dumps(document | {"number": number}))
        for number in range(2, 301)
    ]
    tip = mirror.sync()[FORGE_REF]
    many = mirror.commit(tip, edits, "Many", at=1)
    mirror.push([RefUpdate(FORGE_REF, many, tip)], GUARD)
    watched = Watched(Mirror.open(str(remote), tmp_path / "cold"))
    cold = forge_on(watched)
    assert len(cold.pulls()) == 300
    assert watched.asked == ["sync", "tree", "read"]
    watched.asked.clear()
    assert cold.pulls()[0].checks
    assert watched.asked == ["sync"]
    forge.add_label(1, "x")
    watched.blobs = 0
    assert cold.pulls()[0].labels == ("x",)
    assert watched.blobs == 1


# --- law 1 -----------------------------------------------------------------------------------


class Recorder(Watched):
    """Every push that the forge asks for, with its guard."""

    pushes: list[tuple[tuple[RefUpdate, ...], Guard]]

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        self.__dict__.setdefault("pushes", []).append((tuple(updates), guard))
        return super().push(updates, guard)


def test_no_verb_but_merge_pushes_anything_but_the_forges_ref(
    mirror: Mirror, work: Callable[..., str]
) -> None:
    head = work(HEAD, "one.txt")
    recorder = Recorder(mirror)
    forge = forge_on(recorder)
    forge.open_pull(HEAD, DRAFT)
    forge.edit_pull(1, title="a", body="b")
    forge.create_comment(1, "c")
    forge.edit_comment(1, "1", "d")
    forge.add_label(1, "e")
    forge_on(recorder, "Ada").review(1, Verdict.APPROVED, "")
    forge.set_check(head, Check("ruff", CheckState.SUCCESS))
    forge.close_pull(1)
    assert len(recorder.pushes) == 8
    for updates, guard in recorder.pushes:
        assert [update.ref for update in updates] == [FORGE_REF]
        assert isinstance(guard, RoleGuard)
        assert guard.refusal(RefUpdate("refs/heads/main", "1", "0"), forced=False, ours=True)
    recorder.pushes.clear()
    forge.open_pull(HEAD, DRAFT)
    forge.merge(2, expected_head=head, message="m")
    updates, guard = recorder.pushes[-1]
    assert {update.ref for update in updates} == {
        FORGE_REF,
        "refs/heads/main",
        f"refs/heads/{HEAD}",
    }
    assert guard.refusal(RefUpdate("refs/heads/other", "1", "0"), forced=False, ours=True)


def test_a_merge_out_of_the_default_branch_keeps_it(
    mirror: Mirror, work: Callable[..., str], remote: Path, git: RunGit
) -> None:
    git(remote, "branch", "release", "main")
    head = work("main", "one.txt")
    recorder = Recorder(mirror)
    forge = forge_on(recorder)
    forge.open_pull("main", PullDraft("Release", "", "release"))
    assert forge.merge(1, expected_head=head, message="m").ended is MergeEnd.MERGED
    assert git(remote, "rev-parse", "main") == head
    assert all(update.new for updates, _ in recorder.pushes for update in updates)


@settings(max_examples=60)
@given(
    st.sampled_from(["refs/heads/main", "main"]),
    st.text("0123", max_size=2),
    st.booleans(),
    st.booleans(),
)
def test_a_roles_guard_never_lets_the_default_branch_through(
    ref: str, new: str, forced: bool, ours: bool
) -> None:
    assert GUARD.refusal(RefUpdate(ref, new, "0"), forced=forced, ours=ours)


def test_a_role_cannot_push_main_with_the_forges_own_git(
    forge: GitForge, mirror: Mirror, remote: Path, git: RunGit
) -> None:
    tip = mirror.sync()["refs/heads/main"]
    made = mirror.commit(tip, [FileEdit("x", "x")], "m", at=1)
    for updates in (
        [RefUpdate("refs/heads/main", made, tip)],
        [RefUpdate(FORGE_REF, made, ""), RefUpdate("refs/heads/main", made, tip)],
    ):
        with pytest.raises(Refused):
            mirror.push(updates, GUARD)
    assert git(remote, "rev-parse", "main") == tip
    assert git(remote, "for-each-ref", FORGE_REF) == ""


def makers_of(name: str, sources: dict[str, str]) -> set[str]:
    """The modules whose source calls or aliases `name`, other than to import or define it."""
    found = set()
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.Name, ast.Attribute)):
                said = node.id if isinstance(node, ast.Name) else node.attr
                if said == name:
                    found.add(module)
            elif isinstance(node, ast.ImportFrom) and any(a.name == name for a in node.names):
                found.add(module)
    return found


def test_only_this_forge_makes_a_merge_guard() -> None:
    root = Path(pmcodex.__file__).parent
    sources = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*.py")
    }
    assert makers_of("MergeGuard", sources) == {"forges/gitrefs.py"}
    planted = sources | {
        "roles/x.py": "from pmcodex.core import guard as g\ng.MergeGuard('a', 'b')"
    }
    assert makers_of("MergeGuard", planted) == {"forges/gitrefs.py", "roles/x.py"}
