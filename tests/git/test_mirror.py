"""The git room on real repositories: mirror, commits, the one push, exports, races, hostility."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmcodex.core.actions import FileEdit
from pmcodex.core.guard import FORGE_REF, MergeGuard, RoleGuard
from pmcodex.errors import InvalidInput, Refused, TryLater
from pmcodex.git.mirror import Mirror, describe_repository
from pmcodex.ports import PMCODEX, Git, Person, Pushed, PushResult, RefUpdate

AT = 1_700_000_000
ROLE = RoleGuard("main", "feature/")
TASK = "refs/heads/feature/T-0001-x"
ROLLING = "refs/heads/pmcodex/tasks"
MAIN = "refs/heads/main"


class Anything:
    """A guard that lets everything through, for tests of what git itself does."""

    def refusal(self, update: RefUpdate, *, forced: bool, ours: bool) -> str:
        return ""


ANY = Anything()


@pytest.fixture
def mirror(remote: Path, state: Path) -> Mirror:
    mirror = Mirror.open(str(remote), state / "mirror")
    mirror.sync()
    return mirror


def edit(path: str, text: str | None = "text\n", executable: bool = False) -> FileEdit:
    return FileEdit(path, text, executable)


def files(mirror: Mirror, commit: str) -> dict[str, bytes]:
    entries = mirror.tree(commit)
    blobs = mirror.read(e.oid for e in entries)
    return {e.path: blobs[e.oid] for e in entries}


def main_of(mirror: Mirror) -> str:
    return mirror.sync()[MAIN]


def human_commit(git, folder: Path, name: str, text: str = "by hand\n") -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", f"Touch {name}")
    return git(folder, "rev-parse", "HEAD")


# --- mirror and sync -----------------------------------------------------------------------


def test_mirror_is_the_port(mirror: Mirror) -> None:
    port: Git = mirror
    assert port.url


def test_sync_names_every_ref_and_the_default_branch(mirror, remote, git) -> None:
    git(remote, "update-ref", "refs/heads/a/b", "main")
    git(remote, "update-ref", FORGE_REF, "main")
    git(remote, "update-ref", "refs/tags/v1", "main")
    sha = git(remote, "rev-parse", "main")
    assert mirror.sync() == {MAIN: sha, "refs/heads/a/b": sha, FORGE_REF: sha, "HEAD": MAIN}


def test_sync_follows_moved_and_deleted_refs(mirror, clone, remote, git) -> None:
    git(remote, "update-ref", "refs/heads/a", "main")
    mirror.sync()
    git(remote, "update-ref", "-d", "refs/heads/a")
    git(remote, "update-ref", "refs/heads/a/b", "main")
    sha = human_commit(git, clone, "new.txt")
    git(clone, "push", "-q")
    refs = mirror.sync()
    assert set(refs) == {MAIN, "refs/heads/a/b", "HEAD"}
    assert refs[MAIN] == sha
    assert files(mirror, sha)["new.txt"] == b"by hand\n"


def test_empty_remote_gives_nothing_and_takes_a_first_commit(empty_remote, state, git) -> None:
    mirror = Mirror.open(str(empty_remote), state / "m")
    assert mirror.sync() == {}
    sha = mirror.commit("", [edit("README.md")], "Start", at=AT)
    assert mirror.push([RefUpdate(MAIN, sha, "")], ANY) == PushResult(Pushed.DONE)
    assert mirror.sync() == {MAIN: sha, "HEAD": MAIN}


def trace_of(tmp_path: Path, patch: pytest.MonkeyPatch) -> Path:
    """Have every git started from here on write its name down, by a `git` first on the PATH."""
    real = shutil.which("git")
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "started"
    log.touch()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    script.chmod(0o755)
    patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return log


def test_idle_sync_is_one_process(mirror, tmp_path, monkeypatch) -> None:
    log = trace_of(tmp_path, monkeypatch)
    mirror.sync()
    assert len(log.read_text().splitlines()) == 1


def test_sync_after_our_own_push_is_one_process(mirror, tmp_path, monkeypatch) -> None:
    sha = mirror.commit(main_of(mirror), [edit("a")], "m", at=AT)
    mirror.push([RefUpdate(TASK, sha, "")], ROLE)
    log = trace_of(tmp_path, monkeypatch)
    assert mirror.sync()[TASK] == sha
    assert len(log.read_text().splitlines()) == 1


def test_mirror_is_kept_between_openings(mirror, remote, state) -> None:
    (state / "mirror" / "kept").touch()
    again = Mirror.open(str(remote), state / "mirror")
    assert (state / "mirror" / "kept").exists()
    assert again.sync() == mirror.sync()


@pytest.mark.parametrize("missing", ["HEAD", "config", "objects", "pmcodex-refs.json"])
def test_half_made_mirror_is_rebuilt(mirror, remote, state, missing) -> None:
    place = state / "mirror" / missing
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    again = Mirror.open(str(remote), state / "mirror")
    assert files(again, main_of(again)) == {"README.md": b"# Sample\n"}
    assert [p.name for p in state.iterdir()] == ["mirror"]


def test_mirror_of_another_remote_is_rebuilt(mirror, state, tmp_path, git) -> None:
    other = tmp_path / "other.git"
    git(tmp_path, "init", "-q", "--bare", str(other))
    assert Mirror.open(str(other), state / "mirror").sync() == {}


def test_lost_objects_are_fetched_again_by_the_next_sync(mirror, state) -> None:
    sha = main_of(mirror)
    for folder in (state / "mirror" / "objects").iterdir():
        if len(folder.name) == 2 or folder.name == "pack":
            shutil.rmtree(folder)
    with pytest.raises(TryLater, match="lacks something"):
        mirror.tree(sha)
    assert main_of(mirror) == sha
    assert files(mirror, sha) == {"README.md": b"# Sample\n"}


def test_garbled_refs_file_is_no_reason_to_stop(mirror, remote, state) -> None:
    (state / "mirror" / "pmcodex-refs.json").write_text("{")
    assert main_of(mirror) == main_of(Mirror.open(str(remote), state / "mirror"))


def test_stale_locks_do_not_wedge_the_mirror(mirror, remote, state, clone, git) -> None:
    locks = ["packed-refs.lock", "refs/remotes/origin/main.lock", "config.lock"]
    for name in locks:
        (state / "mirror" / name).touch()
        os.utime(state / "mirror" / name, (1, 1))
    sha = human_commit(git, clone, "x")
    git(clone, "push", "-q")
    again = Mirror.open(str(remote), state / "mirror")
    assert main_of(again) == sha
    assert not [name for name in locks if (state / "mirror" / name).exists()]


def test_a_slow_mirror_is_packed_when_opened(mirror, remote, state) -> None:
    sha = mirror.commit("", [edit(f"f{n}", f"{n}\n") for n in range(300)], "m", at=AT)
    mirror.push([RefUpdate(TASK, sha, "")], ROLE)
    crowded = state / "mirror" / "objects" / "17"
    crowded.mkdir(exist_ok=True)
    for n in range(40):
        (crowded / f"{n:038x}").touch()
    again = Mirror.open(str(remote), state / "mirror")
    assert len(files(again, sha)) == 300


# --- commits -------------------------------------------------------------------------------


def test_commit_is_the_same_for_the_same_input(mirror) -> None:
    parent = main_of(mirror)
    one = mirror.commit(parent, [edit("a.txt")], "Say it\n\nAnd why.", at=AT)
    assert one == mirror.commit(parent, [edit("a.txt")], "Say it\n\nAnd why.", at=AT)
    assert one != mirror.commit(parent, [edit("a.txt")], "Say it\n\nAnd why.", at=AT + 1)
    (commit,) = mirror.commits(one, parent)
    assert (commit.author, commit.email) == (PMCODEX.name, PMCODEX.email)
    assert (commit.at, commit.parents) == (AT, (parent,))
    assert commit.message == "Say it\n\nAnd why.\n"


def test_commit_leaves_no_ref(mirror, state, git) -> None:
    before = git(state / "mirror", "for-each-ref")
    mirror.commit(main_of(mirror), [edit("a")], "m", at=AT)
    assert git(state / "mirror", "for-each-ref") == before


ODD = [
    'quo"te',
    "back\\slash",
    "new\nline",
    "tab\tbed",
    "café/ü ber",
    " lead",
    "-option",
    "a'b",
    ":!x",
]


def test_odd_paths_and_bytes_are_kept_exactly(mirror) -> None:
    contents = {path: f"{path}\r\nsecond\nno end" for path in ODD}
    sha = mirror.commit("", [edit(p, t) for p, t in contents.items()], "odd", at=AT)
    assert files(mirror, sha) == {p: t.encode() for p, t in contents.items()}
    assert set(mirror.changed_paths("", sha)) == set(ODD)
    for path in ODD:
        assert mirror.last_touch(sha, path) == sha


def test_delete_and_executable_bit(mirror) -> None:
    one = mirror.commit("", [edit("run", "1", True), edit("gone"), edit("plain")], "1", at=AT)
    two = mirror.commit(
        one, [edit("run", "2"), edit("gone", None), edit("d/new", "", True)], "2", at=AT
    )
    modes = {e.path: e.mode for e in mirror.tree(two)}
    assert modes == {"run": "100755", "plain": "100644", "d/new": "100755"}
    # Known from `tree` rather than asked of git: the same answer.
    three = mirror.commit(two, [edit("run", "3"), edit("plain", "3")], "3", at=AT)
    assert {e.path: e.mode for e in mirror.tree(three)} == modes


UNSAFE = [
    "", "/abs", "a//b", "a/", "..", "a/../b", "./a", ".git", ".git/config", "a/.GIT/hooks/x",
    "a/.Git", "nul\0", "git~1/config", ".git./x", ".git /x", ".g\u200cit/config",
    "a\\..\\b", ".git\\config", ".git::$INDEX_ALLOCATION/config", "lone\udc80surrogate",
]  # fmt: skip


@pytest.mark.parametrize("path", UNSAFE)
def test_unsafe_path_is_refused(mirror, path) -> None:
    with pytest.raises(InvalidInput, match="not a path"):
        mirror.commit("", [edit(path)], "m", at=AT)


def test_text_that_is_no_utf8_is_refused(mirror) -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        mirror.commit("", [edit("a", "\ud800")], "m", at=AT)


def test_author_cannot_break_the_header(mirror) -> None:
    evil = Person("Eve <x>\ncommitter Eve <e@x> 1 +0000", "eve@x>\n\nhello")
    for sha in (
        mirror.commit("", [edit("a")], "m", at=AT, author=evil),
        mirror.commit_tree(mirror_tree(mirror), [], "m", at=AT, author=evil),
    ):
        (commit,) = mirror.commits(sha, "")
        assert commit.message == "m\n"
        assert "<" not in commit.author + commit.email


def mirror_tree(mirror: Mirror) -> str:
    with mirror.export(main_of(mirror)) as files:
        return files.tree()


def test_nameless_author_still_commits(mirror) -> None:
    sha = mirror.commit_tree(mirror_tree(mirror), [], "m", at=AT, author=Person("", ""))
    assert len(mirror.commits(sha, "")) == 1


def test_message_may_hold_anything(mirror) -> None:
    message = "Título ✓\n\ndone\nget-mark :1\nfrom 0000\n# no comment\n\x00end"
    (commit,) = mirror.commits(mirror.commit("", [edit("a")], message, at=AT), "")
    assert commit.message == message.replace("\x00", "") + "\n"


def test_commit_tree_is_the_same_as_commit(mirror) -> None:
    main = main_of(mirror)
    one = mirror.commit(main, [edit("a")], "m", at=5, author=Person("Bo", "bo@x.org"))
    with mirror.export(one) as export:
        tree = export.tree()
    assert mirror.commit_tree(tree, [main], "m", at=5, author=Person("Bo", "bo@x.org")) == one


def test_commit_on_an_unknown_parent_is_no_crash(mirror) -> None:
    with pytest.raises(TryLater):
        mirror.commit("1" * 40, [edit("a", None)], "m", at=AT)


# --- reading -------------------------------------------------------------------------------


def test_history_is_read_as_it_was_made(mirror) -> None:
    base = mirror.commit("", [edit("t/a"), edit("t/b"), edit("z")], "base", at=1)
    left = mirror.commit(base, [edit("t/a", "left\n")], "left", at=2)
    gone = mirror.commit(left, [edit("t/c", "c\n")], "add", at=3)
    right = mirror.commit(base, [edit("t/b", "right\n")], "right", at=4)
    back = mirror.commit(gone, [edit("t/c", None)], "drop", at=5)
    merged = mirror.merge_tree(back, right)
    tip = mirror.commit_tree(merged.tree, [back, right], "merge", at=6)
    assert [c.message for c in mirror.commits(tip, base)][-1] == "merge\n"
    assert {c.message for c in mirror.commits(tip, base)} == {
        "left\n", "add\n", "drop\n", "right\n", "merge\n"
    }  # fmt: skip
    assert mirror.commits(base, tip) == ()
    assert mirror.merge_base(back, right) == base
    assert mirror.is_ancestor(base, tip)
    assert mirror.is_ancestor(tip, tip)
    assert not mirror.is_ancestor(tip, base)
    assert mirror.last_touch(tip, "t/a") == left
    assert mirror.last_touch(tip, "t/b") == right
    assert mirror.last_touch(tip, "nothing") == ""
    assert mirror.history_paths(tip, base, "t") == {"t/a", "t/b", "t/c"}
    assert mirror.history_paths(tip, "", "") == {"t/a", "t/b", "t/c", "z"}
    assert mirror.history_paths(tip, tip, "t") == frozenset()
    assert mirror.changed_paths(base, tip) == ("t/a", "t/b")


def test_what_came_and_went_on_a_side_branch_is_history(mirror) -> None:
    base = mirror.commit("", [edit("t/a"), edit("z")], "base", at=1)
    came = mirror.commit(base, [edit("t/b")], "came", at=2)
    went = mirror.commit(came, [edit("t/b", None), edit("y")], "went", at=3)
    other = mirror.commit(base, [edit("z", "2")], "other", at=4)
    merged = mirror.merge_tree(other, went)
    tip = mirror.commit_tree(merged.tree, [other, went], "merge", at=5)
    assert mirror.history_paths(tip, base, "t") == {"t/b"}
    extra = mirror.commit(tip, [edit("t/only-in-merge")], "m", at=6)
    with mirror.export(extra) as export:
        evil = mirror.commit_tree(export.tree(), [other, went], "evil merge", at=7)
    assert mirror.history_paths(evil, base, "t") == {"t/b", "t/only-in-merge"}


def test_unrelated_histories_have_no_base(mirror) -> None:
    one = mirror.commit("", [edit("a", "1")], "1", at=1)
    other = mirror.commit("", [edit("a", "2"), edit("b")], "2", at=1)
    assert mirror.merge_base(one, other) == ""
    assert mirror.merge_tree(one, other).conflicts == ("a",)


@pytest.mark.parametrize("unknown", ["1" * 40, "main", "", "--help"])
def test_is_ancestor_is_false_for_the_unknown(mirror, unknown) -> None:
    main = main_of(mirror)
    assert not mirror.is_ancestor(unknown, main)
    assert not mirror.is_ancestor(main, unknown)


@pytest.mark.parametrize("name", ["main", "--all", "HEAD", "", "g" * 40, "0" * 39])
def test_only_object_ids_are_taken(mirror, name) -> None:
    main = main_of(mirror)
    with pytest.raises(InvalidInput, match="not the id"):
        mirror.tree(name)
    with pytest.raises(InvalidInput, match="not the id"):
        mirror.commits(name, main)
    with pytest.raises(InvalidInput, match="not the id"):
        mirror.read([name])


def test_merge_tree_tells_conflicts(mirror) -> None:
    base = mirror.commit("", [edit("a\tb", "1\n"), edit("c", "1\n")], "b", at=1)
    one = mirror.commit(base, [edit("a\tb", "2\n")], "1", at=1)
    other = mirror.commit(base, [edit("a\tb", "3\n")], "2", at=1)
    fine = mirror.commit(base, [edit("c", "2\n")], "3", at=1)
    assert mirror.merge_tree(one, other).conflicts == ("a\tb",)
    merged = mirror.merge_tree(one, fine)
    assert merged.conflicts == ()
    tip = mirror.commit_tree(merged.tree, [one, fine], "m", at=1)
    assert files(mirror, tip) == {"a\tb": b"2\n", "c": b"2\n"}


def test_diff_is_plain_whatever_the_user_configured(mirror, home, tmp_path) -> None:
    with (home / "gitconfig").open("a") as file:
        file.write(
            "[diff]\n\tnoprefix = true\n\texternal = false\n\tcontext = 0\n\trenames = false\n"
        )
        file.write("[color]\n\tui = always\n")
    base = mirror.commit("", [edit("old", "1\n2\n3\n4\n5\n6\n"), edit("bin", "\0\1")], "b", at=1)
    edits = [edit("old", None), edit("new", "1\n2\n3\n4\n5\nsix\r\n"), edit("bin", "\0\2")]
    diff = mirror.diff(base, mirror.commit(base, edits, "h", at=1))
    assert "rename from old\nrename to new\n" in diff
    assert " 5\n-6\n+six\r\n" in diff
    assert "Binary files a/bin and b/bin differ\n" in diff
    assert set(mirror.changed_paths(base, mirror.commit(base, edits, "h", at=1))) == {
        "old",
        "new",
        "bin",
    }


def test_bytes_that_are_no_utf8_can_be_shown(clone, mirror, git) -> None:
    (clone / "latin").write_bytes("é\n".encode("latin-1"))
    Path(os.fsdecode(os.fsencode(clone) + b"/n\xe9me")).write_bytes(b"x\n")
    sha = human_commit(git, clone, "plain")
    git(clone, "push", "-q")
    base = main_of(mirror)
    assert {e.path for e in mirror.tree(base)} >= {"latin", "n\\xe9me"}
    mirror.diff("", sha).encode()
    assert files(mirror, sha)["latin"] == b"\xe9\n"


def test_tree_lists_links_but_no_submodules(clone, mirror, git) -> None:
    (clone / "link").symlink_to("README.md")
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    git(clone, "add", "link")
    git(clone, "commit", "-q", "-m", "m")
    git(clone, "push", "-q")
    entries = {e.path: e.mode for e in mirror.tree(main_of(mirror))}
    assert entries == {"README.md": "100644", "link": "120000"}
    with mirror.export(main_of(mirror)) as export:
        assert (export.path / "link").is_symlink()


def test_read_of_what_is_no_blob_is_refused(mirror) -> None:
    with pytest.raises(InvalidInput, match="no blob"):
        mirror.read([main_of(mirror)])
    with pytest.raises(InvalidInput, match="no blob"):
        mirror.read(["1" * 40])
    assert mirror.read([]) == {}


# --- push ----------------------------------------------------------------------------------


def test_claim_is_won_once(remote, state) -> None:
    one, two = (Mirror.open(str(remote), state / name) for name in "ab")
    parent = main_of(one)
    main_of(two)
    mine = one.commit(parent, [edit("a", "one")], "one", at=AT)
    theirs = two.commit(parent, [edit("a", "two")], "two", at=AT)
    assert one.push([RefUpdate(TASK, mine, "")], ROLE).ended is Pushed.DONE
    assert two.push([RefUpdate(TASK, theirs, "")], ROLE).ended is Pushed.LOST
    assert two.sync()[TASK] == mine
    assert one.push([RefUpdate(TASK, mine, "")], ROLE).ended is Pushed.DONE


def test_one_lost_ref_moves_none(remote, state, git) -> None:
    one, two = (Mirror.open(str(remote), state / name) for name in "ab")
    parent = main_of(one)
    main_of(two)
    sha = one.commit(parent, [edit("a")], "m", at=AT)
    other = two.commit(parent, [edit("b")], "m", at=AT)
    one.push([RefUpdate(FORGE_REF, sha, "")], ROLE)
    lost = two.push([RefUpdate(TASK, other, ""), RefUpdate(FORGE_REF, other, "")], ROLE)
    assert lost.ended is Pushed.LOST
    assert TASK not in two.sync()
    assert git(remote, "rev-parse", FORGE_REF) == sha


@pytest.mark.parametrize("own", [False, True])
def test_of_many_at_once_one_wins(remote, project, state, git, own) -> None:
    url = str(project if own else remote)
    mirrors = [Mirror.open(url, state / f"m{n}") for n in range(6)]
    parents = [main_of(mirror) for mirror in mirrors]
    updates = [
        RefUpdate(TASK, mirror.commit(parent, [edit("a", f"{n}")], f"{n}", at=AT), "")
        for n, (mirror, parent) in enumerate(zip(mirrors, parents, strict=True))
    ]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda m, u: m.push([u], ROLE), mirrors, updates))
    assert sorted(r.ended for r in results) == [Pushed.DONE] + [Pushed.LOST] * 5
    winner = next(u.new for r, u in zip(results, updates, strict=True) if r.ended is Pushed.DONE)
    assert {mirror.sync()[TASK] for mirror in mirrors} == {winner}


def test_moves_and_deletes_expect_what_was_seen(remote, state, mirror) -> None:
    parent = main_of(mirror)
    one = mirror.commit(parent, [edit("a")], "1", at=AT)
    two = mirror.commit(one, [edit("a", "2")], "2", at=AT)
    mirror.push([RefUpdate(ROLLING, one, "")], ROLE)
    assert mirror.push([RefUpdate(ROLLING, two, parent)], ROLE).ended is Pushed.LOST
    assert mirror.push([RefUpdate(ROLLING, two, one)], ROLE).ended is Pushed.DONE
    assert mirror.push([RefUpdate(ROLLING, "", one)], ROLE).ended is Pushed.LOST
    assert mirror.sync()[ROLLING] == two
    assert mirror.push([RefUpdate(ROLLING, "", two)], ROLE).ended is Pushed.DONE
    assert mirror.push([RefUpdate(ROLLING, "", two)], ROLE).ended is Pushed.DONE
    assert ROLLING not in mirror.sync()


def refused_before_any_push(mirror, updates, guard, tmp_path, patch) -> str:
    log = trace_of(tmp_path, patch)
    with pytest.raises(Refused) as refusal:
        mirror.push(updates, guard)
    assert " push " not in log.read_text()
    return refusal.value.sentence


def test_no_role_pushes_the_default_branch(mirror, tmp_path, monkeypatch) -> None:
    main = main_of(mirror)
    sha = mirror.commit(main, [edit("a")], "m", at=AT)
    updates = [RefUpdate(TASK, sha, ""), RefUpdate(MAIN, sha, main)]
    said = refused_before_any_push(mirror, updates, ROLE, tmp_path, monkeypatch)
    assert "never pushes to the default branch" in said
    assert set(mirror.sync()) == {MAIN, "HEAD"}


@pytest.mark.parametrize("ref", ["main", "HEAD", "--force", "refs/heads/a b", "refs/heads/../main"])
def test_only_full_ref_names_are_pushed(mirror, ref) -> None:
    with pytest.raises(InvalidInput, match="full name"):
        mirror.push([RefUpdate(ref, main_of(mirror), "")], ANY)


def test_our_rolling_branch_may_be_rebuilt(mirror) -> None:
    main = main_of(mirror)
    one = mirror.commit(main, [edit("a", "1")], "1", at=AT)
    two = mirror.commit(main, [edit("a", "2")], "2", at=AT)
    mirror.push([RefUpdate(ROLLING, one, "")], ROLE)
    assert mirror.push([RefUpdate(ROLLING, two, one)], ROLE).ended is Pushed.DONE


def test_foreign_commits_are_never_rewritten(mirror, clone, git, tmp_path, monkeypatch) -> None:
    main = main_of(mirror)
    mine = mirror.commit(main, [edit("a", "1")], "1", at=AT)
    mirror.push([RefUpdate(ROLLING, mine, "")], ROLE)
    git(clone, "fetch", "-q")
    git(clone, "checkout", "-q", "pmcodex/tasks")
    theirs = human_commit(git, clone, "by-hand")
    git(clone, "push", "-q", "origin", "pmcodex/tasks")
    assert mirror.sync()[ROLLING] == theirs
    other = mirror.commit(main, [edit("a", "2")], "2", at=AT)
    said = refused_before_any_push(
        mirror, [RefUpdate(ROLLING, other, theirs)], ROLE, tmp_path, monkeypatch
    )
    assert "somebody else's commits" in said


@pytest.mark.parametrize("delete", [False, True])
def test_a_commit_of_ours_on_top_does_not_make_theirs_ours(mirror, clone, git, delete) -> None:
    main = main_of(mirror)
    git(clone, "checkout", "-q", "-b", "pmcodex/tasks")
    theirs = human_commit(git, clone, "by-hand")
    git(clone, "push", "-q", "origin", "pmcodex/tasks")
    mirror.sync()
    top = mirror.commit(theirs, [edit("a")], "ours", at=AT)
    assert mirror.push([RefUpdate(ROLLING, top, theirs)], ROLE).ended is Pushed.DONE
    new = "" if delete else mirror.commit(main, [edit("a", "2")], "2", at=AT)
    with pytest.raises(Refused, match="somebody else's commits"):
        mirror.push([RefUpdate(ROLLING, new, top)], ROLE)


def test_task_branches_are_never_rewritten_or_deleted(mirror) -> None:
    main = main_of(mirror)
    one = mirror.commit(main, [edit("a", "1")], "1", at=AT)
    two = mirror.commit(main, [edit("a", "2")], "2", at=AT)
    mirror.push([RefUpdate(TASK, one, "")], ROLE)
    for new in (two, ""):
        with pytest.raises(Refused, match="rewrites or deletes"):
            mirror.push([RefUpdate(TASK, new, one)], ROLE)


def test_a_merge_moves_its_base_forward_and_nothing_else(mirror) -> None:
    main = main_of(mirror)
    head = mirror.commit(main, [edit("a")], "1", at=AT)
    mirror.push([RefUpdate(TASK, head, "")], ROLE)
    guard = MergeGuard("main", "feature/T-0001-x")
    root = mirror.commit("", [edit("a")], "1", at=AT)
    for bad in (
        RefUpdate(MAIN, root, main),
        RefUpdate(MAIN, "", main),
        RefUpdate(ROLLING, head, ""),
    ):
        with pytest.raises(Refused):
            mirror.push([bad], guard)
    done = mirror.push([RefUpdate(MAIN, head, main), RefUpdate(TASK, "", head)], guard)
    assert done.ended is Pushed.DONE
    assert mirror.sync() == {MAIN: head, "HEAD": MAIN}


def test_the_remotes_hook_refuses_in_its_own_words(mirror, remote) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no \033[31mbranches\033[0m on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    sha = mirror.commit(main_of(mirror), [edit("a")], "m", at=AT)
    result = mirror.push([RefUpdate(TASK, sha, "")], ROLE)
    assert result.ended is Pushed.REFUSED
    assert "on Fridays" in result.detail
    assert "\033" not in result.detail
    assert "\n" not in result.detail


def test_a_remote_without_atomic_still_takes_one_ref(mirror, remote, git) -> None:
    git(remote, "config", "receive.advertiseAtomic", "false")
    sha = mirror.commit(main_of(mirror), [edit("a")], "m", at=AT)
    both = [RefUpdate(TASK, sha, ""), RefUpdate(FORGE_REF, sha, "")]
    assert mirror.push(both, ROLE).ended is Pushed.REFUSED
    assert mirror.push(both[:1], ROLE).ended is Pushed.DONE
    assert set(mirror.sync()) == {MAIN, TASK, "HEAD"}


def test_push_of_nothing_is_done(mirror) -> None:
    assert mirror.push([], ROLE).ended is Pushed.DONE


# --- a repository that is its own remote ---------------------------------------------------


@pytest.fixture
def own(project: Path, state: Path) -> Mirror:
    mirror = Mirror.open(str(project), state / "own")
    mirror.sync()
    return mirror


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_merge_updates_a_clean_checkout(project, state, git, form) -> None:
    own = Mirror.open(form.format(project), state / "own")
    main = main_of(own)
    sha = own.commit(main, [edit("a", "1\r\n"), edit("README.md", "new\n")], "m", at=AT)
    (project / "untracked").write_text("stays")
    done = own.push([RefUpdate(MAIN, sha, main)], MergeGuard("main", "x"))
    assert done == PushResult(Pushed.DONE)
    assert (project / "a").read_bytes() == b"1\r\n"
    assert (project / "README.md").read_text() == "new\n"
    assert git(project, "status", "--porcelain") == "?? untracked"


@pytest.mark.parametrize("staged", [False, True])
def test_merge_refuses_a_dirty_checkout(own, project, git, staged) -> None:
    main = main_of(own)
    (project / "README.md").write_text("half done\n")
    if staged:
        git(project, "add", "README.md")
    sha = own.commit(main, [edit("README.md", "new\n")], "m", at=AT)
    result = own.push([RefUpdate(MAIN, sha, main)], MergeGuard("main", "x"))
    assert result.ended is Pushed.REFUSED
    assert "commit or stash" in result.detail
    assert str(project) in result.detail
    assert (project / "README.md").read_text() == "half done\n"
    assert main_of(own) == main


def test_untracked_file_in_the_way_is_kept(own, project) -> None:
    main = main_of(own)
    (project / "a").write_text("mine")
    sha = own.commit(main, [edit("a", "theirs")], "m", at=AT)
    result = own.push([RefUpdate(MAIN, sha, main)], MergeGuard("main", "x"))
    assert result.ended is Pushed.REFUSED
    assert "commit or stash" in result.detail
    assert (project / "a").read_text() == "mine"


def test_own_branches_do_not_touch_the_files(own, project, git) -> None:
    sha = own.commit(main_of(own), [edit("a")], "m", at=AT)
    (project / "README.md").write_text("half done\n")
    assert own.push([RefUpdate(TASK, sha, "")], ROLE).ended is Pushed.DONE
    assert git(project, "rev-parse", TASK) == sha


# --- partial clone -------------------------------------------------------------------------


@pytest.fixture
def partial(remote: Path, clone: Path, state: Path, git) -> Mirror:
    git(remote, "config", "uploadpack.allowFilter", "true")
    for n in range(5):
        (clone / f"f{n}").write_text(f"{n}\n")
    human_commit(git, clone, "six")
    git(clone, "push", "-q")
    return Mirror.open(f"file://{remote}", state / "partial")


def blobs_here(folder: Path, git) -> int:
    return git(folder, "cat-file", "--batch-all-objects", "--batch-check").count(" blob ")


def test_partial_clone_brings_blobs_in_one_go(partial, state, git, tmp_path, monkeypatch) -> None:
    main = main_of(partial)
    entries = partial.tree(main)
    assert blobs_here(state / "partial", git) == 0
    log = trace_of(tmp_path, monkeypatch)
    blobs = partial.read(e.oid for e in entries)
    assert {e.path: blobs[e.oid] for e in entries}["f3"] == b"3\n"
    assert log.read_text().count(" fetch ") == 1
    partial.read(e.oid for e in entries)
    assert log.read_text().count(" fetch ") == 1


def test_partial_clone_does_everything_else(partial, git, remote) -> None:
    main = main_of(partial)
    sha = partial.commit(main, [edit("f1", "one\n"), edit("f2", None)], "m", at=AT)
    other = partial.commit(main, [edit("f1", "uno\n")], "m", at=AT)
    assert "-1\n+one\n" in partial.diff(main, sha)
    assert partial.merge_tree(sha, other).conflicts == ("f1",)
    with partial.export(sha) as export:
        assert (export.path / "f4").read_text() == "4\n"
        (export.path / "f4").write_text("four\n")
        assert len(export.tree()) == 40
    assert partial.push([RefUpdate(TASK, sha, "")], ROLE).ended is Pushed.DONE
    assert git(remote, "show", f"{TASK}:f1") == "one"


def test_remote_that_filters_nothing_is_cloned_whole(remote, state, git) -> None:
    git(remote, "config", "uploadpack.allowFilter", "false")
    mirror = Mirror.open(f"file://{remote}", state / "m")
    assert files(mirror, main_of(mirror)) == {"README.md": b"# Sample\n"}


# --- export --------------------------------------------------------------------------------


def test_export_has_the_files_and_no_git(mirror) -> None:
    sha = mirror.commit("", [edit("d/a", "1\r\n"), edit("run", "x", True)], "m", at=AT)
    with mirror.export(sha) as export:
        assert sorted(str(p.relative_to(export.path)) for p in export.path.rglob("*")) == [
            "d", "d/a", "run"
        ]  # fmt: skip
        assert (export.path / "d/a").read_bytes() == b"1\r\n"
        assert (export.path / "run").stat().st_mode & stat.S_IXUSR
        kept = export.path
    assert not kept.exists()
    assert not kept.parent.exists()


def test_export_stores_changes_but_not_what_is_ignored(mirror) -> None:
    sha = mirror.commit("", [edit(".gitignore", "*.log\n"), edit("a"), edit("b")], "m", at=AT)
    with mirror.export(sha) as export:
        (export.path / "a").write_bytes(b"2\r\n")
        (export.path / "b").unlink()
        (export.path / "x.log").write_text("noise")
        (export.path / "sub").mkdir()
        (export.path / "sub/new").write_text("new")
        tree = export.tree()
    new = mirror.commit_tree(tree, [sha], "m", at=AT)
    assert mirror.changed_paths(sha, new) == ("a", "b", "sub/new")
    assert files(mirror, new)["a"] == b"2\r\n"


def test_export_never_trusts_a_git_inside(mirror, tmp_path, git) -> None:
    trap = tmp_path / "trapped"
    with mirror.export(main_of(mirror)) as export:
        for place in (export.path, export.path / "sub"):
            place.mkdir(exist_ok=True)
            git(place, "init", "-q")
            git(place, "config", "core.fsmonitor", f"touch {trap}; false")
            git(place, "config", "filter.x.clean", f"touch {trap}; cat")
            (place / "file").write_text("data")
            (place / ".gitattributes").write_text("* filter=x\n")
        git(
            export.path / "sub",
            "-c",
            "core.fsmonitor=false",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "x",
        )
        (export.path / "link").mkdir()
        (export.path / "link/.git").write_text("gitdir: ../sub/.git\n")
        (export.path / "link/file").write_text("data")
        tree = export.tree()
    sha = mirror.commit_tree(tree, [], "m", at=AT)
    assert {e.path for e in mirror.tree(sha)} >= {"sub/file", "link/file", "file", "README.md"}
    assert not trap.exists()


def test_export_is_removed_even_when_read_only_or_after_an_error(mirror) -> None:
    folders = []

    def leave_read_only() -> None:
        with mirror.export(main_of(mirror)) as export:
            folders.append(export.path)
            (export.path / "d").mkdir()
            (export.path / "d/f").write_text("x")
            (export.path / "d/f").chmod(0o400)
            (export.path / "d").chmod(0o500)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        leave_read_only()
    assert not folders[0].parent.exists()


# --- disarmed ------------------------------------------------------------------------------


def test_nothing_of_the_mirror_or_project_is_run(own, project, state, tmp_path, git) -> None:
    trap = tmp_path / "trapped"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    for folder in (state / "own", project / ".git"):
        git(folder, "config", "core.fsmonitor", str(script))
        if folder.name == "own":
            (folder / "hooks").mkdir(exist_ok=True)
            git(folder, "config", "core.hooksPath", str(folder / "hooks"))
            for hook in ("pre-push", "post-checkout", "reference-transaction", "post-index-change"):
                shutil.copy(script, folder / "hooks" / hook)
    main = main_of(own)
    sha = own.commit(main, [edit("a")], "m", at=AT)
    with own.export(sha) as export:
        export.tree()
    assert own.push([RefUpdate(MAIN, sha, main)], MergeGuard("main", "x")).ended is Pushed.DONE
    own.sync()
    assert not trap.exists()


def test_the_callers_git_variables_do_not_leak_in(
    mirror, remote, state, monkeypatch, tmp_path
) -> None:
    main = main_of(mirror)
    trace = tmp_path / "trace"
    odd = {"GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_INDEX_FILE": "/nowhere/i",
           "GIT_OBJECT_DIRECTORY": "/nowhere/o", "GIT_NAMESPACE": "other", "GIT_TRACE": str(trace),
           "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Eve",
           "GIT_AUTHOR_NAME": "Eve", "GIT_COMMITTER_EMAIL": "eve@x", "GIT_ALLOW_PROTOCOL": "ext",
           "GIT_EXTERNAL_DIFF": "false"}  # fmt: skip
    for name, value in odd.items():
        monkeypatch.setenv(name, value)
    again = Mirror.open(str(remote), state / "mirror")
    with again.export(main) as export:
        tree = export.tree()
    sha = again.commit_tree(tree, [main], "m", at=AT)
    assert again.diff(main, sha) == ""
    assert again.commits(sha, main)[0].author == PMCODEX.name
    assert again.push([RefUpdate(TASK, sha, "")], ROLE).ended is Pushed.DONE
    assert not trace.exists()


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% /tmp/x", "--upload-pack=touch", "", "foo://x", "ftp://x/y",
            "ssh://-oProxyCommand=x/y", "ssh://git@-oProxyCommand=x/y", "git@-oProxy:x", "a\nb",
            "fd::3"]
)  # fmt: skip
def test_foreign_and_option_like_addresses_are_refused(url, state) -> None:
    with pytest.raises(InvalidInput, match=r"address|transport"):
        Mirror.open(url, state / "m")
    assert not list(state.iterdir())


SECRET = "ghp_" + "abcdefghij" * 4


@pytest.mark.parametrize(
    "url", [f"https://{SECRET}@github.com/a/b", f"https://x-access-token:{SECRET}@github.com/a/b",
            f"https://ada:{SECRET}@host/a", f"ssh://git:{SECRET}@host/a", f"git:{SECRET}@host:a/b",
            f"https://host/a?access_token={SECRET}", f"ext::{SECRET} https://a:{SECRET}@b"]
)  # fmt: skip
def test_an_address_with_a_secret_is_refused_without_repeating_it(url, state) -> None:
    with pytest.raises(InvalidInput) as error:
        Mirror.open(url, state / "m")
    assert SECRET not in error.value.sentence + error.value.hint
    assert "GH_TOKEN" in error.value.hint or "transport" in error.value.sentence


def test_a_path_that_is_no_repository_is_said_so(tmp_path, state) -> None:
    for path in (tmp_path / "nothing", state):
        with pytest.raises(InvalidInput, match="git repository"):
            Mirror.open(str(path), state / "m")
    assert not list(state.iterdir())


def test_an_unreachable_remote_is_for_later(state) -> None:
    with pytest.raises(TryLater):
        Mirror.open("http://127.0.0.1:9/x.git", state / "m")


def test_a_remote_that_went_away_is_said_so(mirror, remote) -> None:
    sha = mirror.commit(main_of(mirror), [edit("a")], "m", at=AT)
    shutil.rmtree(remote)
    with pytest.raises(InvalidInput, match="git repository"):
        mirror.sync()
    with pytest.raises((InvalidInput, TryLater)):
        mirror.push([RefUpdate(TASK, sha, "")], ROLE)


def sleeper(tmp_path: Path) -> tuple[Path, Path]:
    pids = tmp_path / "pids"
    script = tmp_path / "slow-ssh"
    script.write_text(f"#!/bin/sh\necho $$ >> {pids}\nexec sleep 60\n")
    script.chmod(0o755)
    return script, pids


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_gone(pids: Path) -> bool:
    deadline = time.monotonic() + 5
    ids = [int(line) for line in pids.read_text().split()]
    while any(map(is_alive, ids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_alive, ids))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a proc file system")
def test_a_hanging_remote_is_ended_with_all_its_children(tmp_path, state, monkeypatch) -> None:
    script, pids = sleeper(tmp_path)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    with pytest.raises(TryLater, match="did not end within"):
        Mirror.open("ssh://host/x", state / "m", timeout=0.5)
    assert wait_gone(pids)
    assert not list(state.iterdir())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a proc file system")
def test_an_interrupt_ends_git_too(tmp_path, state, monkeypatch) -> None:
    script, pids = sleeper(tmp_path)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    code = (
        "from pathlib import Path; from pmcodex.git.mirror import Mirror\n"
        f"Mirror.open('ssh://h/x', Path({str(state / 'm')!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (pids.exists() and pids.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert wait_gone(pids)


def test_without_git_one_is_told_to_install_it(remote, state, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code = (
        "import sys; from pathlib import Path; from pmcodex.git.mirror import Mirror\n"
        "from pmcodex.errors import InvalidInput\n"
        f"try: Mirror.open({str(remote)!r}, Path({str(state / 'm')!r}))\n"
        "except InvalidInput as e: print(e.sentence, '|', e.hint)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "install git" in ran.stdout
    with pytest.raises(InvalidInput) as error:
        Mirror.open(str(remote), state / "m")
    assert "install git" in error.value.hint


def test_an_old_git_is_named(remote, state, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    with pytest.raises(InvalidInput, match=r"needs git 2\.38"):
        Mirror.open(str(remote), state / "m")


# --- a working folder as a project ---------------------------------------------------------


def test_describe_a_clone(clone, remote, git) -> None:
    (clone / "sub").mkdir()
    found = describe_repository(clone / "sub")
    assert found is not None
    assert (found.folder, found.origin) == (clone, str(remote))
    assert found.user == Person("Ada Human", "ada@example.org")
    assert found.url == str(remote)


def test_describe_a_repository_that_is_its_own_remote(project) -> None:
    found = describe_repository(project)
    assert found is not None
    assert (found.origin, found.url) == ("", str(project))


def test_describe_a_relative_remote_and_a_bare_one(clone, remote, git) -> None:
    git(clone, "remote", "set-url", "origin", "../remote.git")
    found = describe_repository(clone)
    assert found is not None
    assert found.origin == str(remote)
    bare = describe_repository(remote)
    assert bare is not None
    assert bare.url == str(remote)


def test_what_is_checked_out_is_not_the_default_branch(project, git, state) -> None:
    git(project, "checkout", "-q", "-b", "feature/x")
    mirror = Mirror.open(str(project), state / "own")
    assert mirror.sync()["HEAD"] == "refs/heads/main"


def test_describe_nothing(tmp_path, home) -> None:
    assert describe_repository(tmp_path) is None
    assert describe_repository(tmp_path / "missing") is None


def test_mirror_keeps_no_secret_and_no_credential(mirror, state) -> None:
    assert "@" not in (state / "mirror" / "config").read_text()
    assert json.loads((state / "mirror" / "pmcodex-refs.json").read_text())["shape"] == 1
