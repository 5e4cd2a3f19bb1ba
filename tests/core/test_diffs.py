"""Diffs against real git, odd names and all, and against text that is no diff."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.diffs import (
    added_lines,
    essence,
    is_binary,
    is_deleted,
    is_new,
    names_of,
    read_diff,
    removed_lines,
)
from pmcodex.core.facts import FileDiff

ODD_NAMES = (
    "plain.txt",
    "two words.txt",
    "é/ünïcode.txt",
    'quo"te.txt',
    "tab\there.txt",
    "new\nline.txt",
    "a/x b/y.txt",
    "b/b/b.txt",
    "back\\slash.txt",
    "-dash.txt",
    "@@ -1 +1 @@.txt",
)


def diff_of(git, folder: Path, *options: str) -> tuple[FileDiff, ...]:
    git(folder, "add", "-A")
    tree = git(folder, "write-tree")
    text = git(folder, "diff-tree", "-r", "-p", "-M", "--full-index", *options, "HEAD", tree)
    return read_diff(text + "\n", "b" * 40, "h" * 40).files


def commit(git, folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text, newline="")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "More")


def test_an_empty_diff_has_no_files_and_keeps_its_shas():
    diff = read_diff("", "b" * 40, "h" * 40)
    assert (diff.merge_base, diff.head_sha, diff.files) == ("b" * 40, "h" * 40, ())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_survives_adding_changing_renaming_and_deleting(git, project: Path, name: str):
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one\ntwo\nthree\nfour\n")
    (new,) = diff_of(git, project)
    assert (new.path, new.added, new.removed, new.old_path) == (name, 4, 0, "")
    assert is_new(new)
    git(project, "commit", "-q", "-m", "Add")
    path.write_text("one\n2\nthree\nfour\nfive\n")
    (changed,) = diff_of(git, project)
    assert (changed.path, changed.added, changed.removed) == (name, 2, 1)
    path.rename(project / "moved there.txt")
    (moved,) = diff_of(git, project)
    assert (moved.path, moved.old_path) == ("moved there.txt", name)
    assert names_of(moved) == ("moved there.txt", name)
    (project / "moved there.txt").unlink()
    (gone,) = diff_of(git, project)
    assert (gone.path, gone.added, gone.removed, gone.old_path) == (name, 0, 4, "")
    assert is_deleted(gone)


def test_a_rename_to_an_odd_name_without_a_change(git, project: Path):
    (project / "README.md").rename(project / 'to "b c.md')
    (file,) = diff_of(git, project)
    assert (file.path, file.old_path, file.added, file.removed) == ('to "b c.md', "README.md", 0, 0)


def test_a_mode_change_is_a_file_without_lines(git, project: Path):
    (project / "README.md").chmod(0o755)
    (file,) = diff_of(git, project)
    assert (file.path, file.added, file.removed) == ("README.md", 0, 0)
    assert not is_binary(file)


@pytest.mark.parametrize("options", [(), ("--binary",)])
def test_binary_files_have_no_lines(git, project: Path, options):
    (project / "logo.bin").write_bytes(bytes(range(256)) * 4)
    (file,) = diff_of(git, project, *options)
    assert (file.path, file.added, file.removed) == ("logo.bin", 0, 0)
    assert is_binary(file)
    assert is_new(file)


def test_a_missing_final_newline_is_no_line(git, project: Path):
    commit(git, project, **{"a.txt": "one\ntwo"})
    (project / "a.txt").write_text("one\nzwei")
    (file,) = diff_of(git, project)
    assert (file.added, file.removed) == (1, 1)
    assert added_lines(file) == ((2, "zwei"),)
    assert removed_lines(file) == ((2, "two"),)


def test_lines_keep_their_numbers_over_several_hunks(git, project: Path):
    lines = [f"line {number}\n" for number in range(1, 41)]
    commit(git, project, **{"a.txt": "".join(lines)})
    lines[30] = "changed\n"
    lines.insert(2, "fresh\n")
    (project / "a.txt").write_text("".join(lines))
    (file,) = diff_of(git, project)
    assert added_lines(file) == ((3, "fresh"), (32, "changed"))
    assert removed_lines(file) == ((31, "line 31"),)


def test_content_that_looks_like_headers_stays_content(git, project: Path):
    text = "-- a/x\n++ b/x\n@@ -1 +1 @@\ndiff --git a/x b/x\n\n\x0c\r\n\u2028end\n"
    commit(git, project, **{"a.txt": "-- old\n" + text})
    (project / "a.txt").write_text(text + "++ new\n", newline="")
    (file,) = diff_of(git, project)
    assert (file.path, file.added, file.removed) == ("a.txt", 1, 1)
    assert added_lines(file)[0][1] == "++ new"
    (project / "b.txt").write_text(text, newline="")
    new = diff_of(git, project)[1]
    assert [line for _, line in added_lines(new)] == [
        part.rstrip("\r") for part in text.split("\n")[:-1]
    ]


def test_a_plain_unified_diff_is_read_too():
    text = "".join(
        "".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"))
        for name, old, new in (("x.py", ["a\n", "b\n"], ["a\n", "c\n"]), ("y.py", [], ["n\n"]))
    )
    files = read_diff(text, "", "").files
    assert [(file.path, file.added, file.removed) for file in files] == [
        ("x.py", 1, 1),
        ("y.py", 1, 0),
    ]


def test_a_broken_hunk_leaves_the_file_and_counts_what_looks_changed(git, project: Path):
    head = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
    broken = head + "@@ -1,9 +1,9 @@\n one\n+two\n+three\n-x\n"
    (project / "z.txt").write_text("fine\n")
    (whole,) = diff_of(git, project)
    files = read_diff(broken + whole.patch, "", "").files
    assert [(file.path, file.added, file.removed) for file in files] == [
        ("a.py", 2, 1),
        ("z.txt", 1, 0),
    ]
    assert added_lines(files[0]) == ((0, "two"), (0, "three"))


def test_the_patches_put_together_are_the_diff(git, project: Path):
    for name in ODD_NAMES[:3]:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x\n")
    git(project, "add", "-A")
    text = git(project, "diff", "--cached") + "\n"
    assert "".join(file.patch for file in read_diff(text, "", "").files) == text


HUNK = "@@ -{0},3 +{0},4 @@ def f():\n a\n+{1}\n b\n c\n"
PATCH = "diff --git a/a.py b/a.py\nindex {2}..{3} 100644\n--- a/a.py\n+++ b/a.py\n" + HUNK


def test_essence_forgets_where_and_remembers_what():
    def of(*parts: object) -> str:
        return essence(read_diff(PATCH.format(*parts), "", "").files[0])

    here = of(3, "new", "a" * 40, "b" * 40)
    assert here == of(90, "new", "c" * 40, "d" * 40)
    assert here != of(3, "other", "a" * 40, "b" * 40)
    assert here != essence(
        read_diff(PATCH.format(3, "new", "a" * 40, "b" * 40).replace("f()", "g()"), "", "").files[0]
    )


def test_essence_of_a_binary_file_is_its_blobs(git, project: Path):
    (project / "logo.bin").write_bytes(b"\0one")
    (first,) = diff_of(git, project)
    (project / "logo.bin").write_bytes(b"\0two")
    (second,) = diff_of(git, project)
    assert essence(first) != essence(second)


LINES = st.sampled_from(
    [
        "diff --git a/x b/x",
        'diff --git "a/\\303x" "b/\\30"',
        "diff --git ",
        "--- a/x",
        "+++ b/x",
        "--- /dev/null",
        "rename from x",
        "@@ -1,2 +1,2 @@ f",
        "@@ -1 +99999999999999999999 @@",
        "@@ ",
        " context",
        "+added",
        "-removed",
        "\\ No newline at end of file",
        "Binary files a/x and b/x differ",
        "GIT binary patch",
        "deleted file mode 100644",
        "",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES | st.text(max_size=12), max_size=14).map("\n".join))
def test_no_text_at_all_raises(text: str):
    for file in read_diff(text, "", "").files:
        assert file.added >= 0
        assert len(added_lines(file)) == file.added
        assert len(removed_lines(file)) == file.removed
        assert isinstance(essence(file) + str(is_new(file)) + str(is_binary(file)), str)
