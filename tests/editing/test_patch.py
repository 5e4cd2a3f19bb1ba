from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.actions import FileEdit
from pmcodex.core.policy import Limits, Policy
from pmcodex.editing.patch import apply_diff, diff_in, paths_in
from pmcodex.project.edits import CannotApply

POLICY = Policy()
ROOMY = Policy(limits=Limits(files=50, lines=10_000))


def lines_of(text: str) -> list[str]:
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def make_diff(old: str | None, new: str | None, path: str = "src/a.py", context: int = 3) -> str:
    """A diff as git would write it, no-newline markers included."""
    made = difflib.unified_diff(
        lines_of(old or ""),
        lines_of(new or ""),
        "/dev/null" if old is None else f"a/{path}",
        "/dev/null" if new is None else f"b/{path}",
        n=context,
    )
    marker = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + marker for line in made)


def reason(diff: str, files: dict[str, str], policy: Policy = POLICY) -> str:
    refused = apply_diff(diff, files, policy)
    assert isinstance(refused, CannotApply), refused
    return refused.reason


def text_after(diff: str, before: str, path: str = "src/a.py") -> str | None:
    edits = apply_diff(diff, {path: before}, ROOMY)
    assert isinstance(edits, tuple), edits
    assert [edit.path for edit in edits] == [path]
    return edits[0].text


# --- finding the diff ------------------------------------------------------------------------


def test_the_one_fence_marked_diff_is_found() -> None:
    body = "# Do it\n\n```python\nx = 1\n```\n\n```diff\n--- a/x\n+++ b/x\n```\n"
    assert diff_in(body) == "--- a/x\n+++ b/x\n"


@pytest.mark.parametrize("info", ["diff", "patch", "Diff", " diff "])
def test_both_marks_are_known(info: str) -> None:
    assert diff_in(f"~~~{info}\n+a\n~~~\n") == "+a\n"


@pytest.mark.parametrize(
    "body",
    [
        "no fence, only the word diff",
        "```diff\n+a\n```\n\n```diff\n+b\n```\n",
        "```python\n# diff\n```\n",
        "    ```diff\n    +a\n    ```\n",
        "`` ```diff `` is how it is written",
    ],
)
def test_no_diff_or_several_is_none(body: str) -> None:
    assert diff_in(body) is None


def test_a_diff_of_a_markdown_file_with_fences_survives_a_longer_fence() -> None:
    inner = "--- a/README.md\n+++ b/README.md\n@@ -1 +1,3 @@\n a\n+```\n+```\n"
    assert diff_in(f"````diff\n{inner}````\n") == inner


def test_paths_are_those_read_and_written() -> None:
    moved = "diff --git a/old.py b/new.py\nrename from old.py\nrename to new.py\n"
    edited = "diff --git a/z.py b/z.py\n" + make_diff("a\n", "b\n", "z.py")
    assert paths_in(moved + edited) == ("new.py", "old.py", "z.py")
    assert paths_in(make_diff(None, "x\n", "docs/é.md")) == ("docs/é.md",)
    assert paths_in("not a diff") == ()
    assert paths_in(make_diff("a\n", "b\n", "../out")) == ()


# --- applying --------------------------------------------------------------------------------

BEFORE = "".join(f"line {number}\n" for number in range(1, 21))
AFTER = (
    BEFORE.replace("line 5\n", "line five\n")
    .replace("line 15\n", "")
    .replace("line 18\n", "line 18\nand a half\n")
)


def test_hunks_go_where_they_say() -> None:
    assert text_after(make_diff(BEFORE, AFTER), BEFORE) == AFTER


def test_hunks_follow_lines_that_moved() -> None:
    diff = make_diff(BEFORE, AFTER)
    assert text_after(diff, "new top\n" * 7 + BEFORE) == "new top\n" * 7 + AFTER


def test_changed_context_is_refused() -> None:
    diff = make_diff(BEFORE, BEFORE.replace("line 5\n", "line five\n"))
    assert "not in the file" in reason(diff, {"src/a.py": BEFORE.replace("line 4", "line IV")})
    assert "not in the file" in reason(diff, {"src/a.py": BEFORE.replace("line 4\n", "line 4 \n")})


def test_a_hunk_that_fits_in_two_places_is_refused() -> None:
    block = "def f():\n    a\n    b\n    c\n    d\n\n\n"
    diff = make_diff(block, block.replace("    b\n", "    B\n"))
    assert "fits in 2 places" in reason(diff, {"src/a.py": "# top\n" + block + block})


def test_a_hunk_at_the_end_stays_at_the_end() -> None:
    diff = make_diff("a\nb\n", "a\nb\nc\n")
    assert text_after(diff, "z\na\nb\n") == "z\na\nb\nc\n"
    assert "not in the file" in reason(diff, {"src/a.py": "a\nb\nother\n"})


def test_line_ends_of_the_file_are_kept() -> None:
    before = BEFORE.replace("\n", "\r\n")
    assert text_after(make_diff(BEFORE, AFTER), before) == AFTER.replace("\n", "\r\n")


def test_a_diff_may_change_line_ends_themselves() -> None:
    crlf, lf = "a\r\nb\r\n", "a\nb\n"
    assert text_after(make_diff(crlf, lf), crlf) == lf


def test_a_diff_that_travelled_with_crlf_still_applies() -> None:
    travelled = make_diff(BEFORE, AFTER).replace("\n", "\r\n")
    assert text_after(travelled, BEFORE) == AFTER


@pytest.mark.parametrize(("old", "new"), [("a", "a\n"), ("a\n", "a"), ("a\nb", "a\nc"), ("a", "")])
def test_a_missing_last_line_end_is_kept_exact(old: str, new: str) -> None:
    assert text_after(make_diff(old, new), old) == new


def test_other_line_separators_are_content() -> None:
    old, new = "a\x0cb\u2028c\x85d\rz\ntwo\n", "a\x0cb\u2028c\x85D\rz\ntwo\n"
    assert text_after(make_diff(old, new), old) == new


def test_new_and_deleted_and_renamed_files() -> None:
    new = make_diff(None, "x = 1\n", "src/new.py")
    assert apply_diff(new, {}, POLICY) == (FileEdit("src/new.py", "x = 1\n"),)
    assert "there already" in reason(new, {"src/new.py": "y = 2\n"})
    assert "is a file, not a folder" in reason(new, {"src": "text"})
    gone = make_diff("x = 1\n", None, "src/old.py")
    assert apply_diff(gone, {"src/old.py": "x = 1\n"}, POLICY) == (FileEdit("src/old.py", None),)
    assert reason(gone, {"src/old.py": "x = 1\ny = 2\n"})
    moved = "diff --git a/a.py b/b.py\nsimilarity index 100%\nrename from a.py\nrename to b.py\n"
    edits = apply_diff(moved, {"a.py": "x\n"}, POLICY)
    assert edits == (FileEdit("a.py", None), FileEdit("b.py", "x\n"))


def test_the_executable_bit_is_read() -> None:
    head = "diff --git a/run b/run\nnew file mode 100755\n"
    edits = apply_diff(head + make_diff(None, "#!/bin/sh\n", "run"), {}, POLICY)
    assert edits == (FileEdit("run", "#!/bin/sh\n", executable=True),)
    flip = "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n"
    assert apply_diff(flip, {"run": "x\n"}, POLICY) == (FileEdit("run", "x\n", executable=True),)


@pytest.mark.parametrize("old", [None, "a\nb\nc\nd\n"])
def test_applying_twice_says_so(old: str | None) -> None:
    new = "a\nb\nnew\nc\nd\n"
    diff = make_diff(old, new)
    assert reason(diff, {"src/a.py": new}) == "already applied"
    gone = make_diff("x\n", None)
    assert reason(gone, {}) == "already applied"


def test_half_applied_is_not_already_applied() -> None:
    diff = make_diff("a\n", "b\n", "one") + make_diff("a\n", "b\n", "two")
    assert reason(diff, {"one": "b\n", "two": "a\n"}) != "already applied"


# --- refusing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py",
        "/etc/passwd",
        "src/../../x",
        ".git/hooks/pre-commit",
        ".GIT/config",
        "sub/.git/config",
        ".g\u200cit/config",
        "git~1/config",
        ".git ./config",
        "C:/x",
        "a\\b",
    ],
)
def test_paths_outside_are_refused(path: str) -> None:
    assert "not a path inside" in reason(make_diff(None, "x\n", path), {})


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".GitHub/workflows/ci.yml",
        "infra/main.tf",
        "CODEOWNERS",
        "docs/codeowners",
        ".llm-team.yml",
        ".github",
    ],
)
def test_protected_paths_are_refused(path: str) -> None:
    assert "protected" in reason(make_diff(None, "x\n", path), {})
    assert "protected" in reason(make_diff("x\n", None, path), {path: "x\n"})
    moved = f"diff --git a/{path} b/free\nrename from {path}\nrename to free\n"
    assert "protected" in reason(moved, {path: "x\n"})


def test_a_protected_path_cannot_hide_in_a_quoted_name() -> None:
    diff = '--- /dev/null\n+++ "b/.git\\150ub/x"\n@@ -0,0 +1 @@\n+x\n'
    assert "protected" in reason(diff, {})
    outside = '--- /dev/null\n+++ "b/\\056\\056/x"\n@@ -0,0 +1 @@\n+x\n'
    assert "not a path inside" in reason(outside, {})


def test_size_limits_hold() -> None:
    long = make_diff(None, "x\n" * 601)
    assert "limits.lines is 600" in reason(long, {})
    many = "".join(make_diff(None, "x\n", f"f{number}") for number in range(21))
    assert "limits.files is 20" in reason(many, {})


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("", "names no file"),
        ("just words\n", "names no file"),
        ("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n", "can't be read"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+dropped\n", "outside every hunk"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- lost\n", "outside every hunk"),
        ("--- a/x\n+++ b/x\n@@ -5,0 +6 @@\n+b\n", "between which"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n", "changes nothing"),
        (f"--- a/x\n+++ b/x\n@@ -{'9' * 5000} +1 @@\n-a\n+b\n", "can't be read"),
        ("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "binary"),
        ("diff --git a/x b/x\nindex 1..2 100644\nGIT binary patch\nliteral 3\n", "binary"),
        ("diff --git a/l b/l\nnew file mode 120000\n", "regular files"),
        ("diff --git a/l b/l\nnew file mode 160000\n", "regular files"),
        ("diff --git a/x b/y\ncopy from x\ncopy to y\n", "copies"),
        (make_diff("a\n", "b\n", "x") * 2, "names a file twice"),
        (make_diff("a\n", "b\n", "gone"), "not there"),
    ],
)
def test_what_cannot_be_applied_is_said(diff: str, words: str) -> None:
    assert words in reason(diff, {"x": "a\n"})


# --- anything at all -------------------------------------------------------------------------

LINE = st.sampled_from(
    ["a", "b", "", " ", "+", "-", "-- x", "--- x", "++ y", "@@ -1 +1 @@", "\\ No", "é\r"]
)
TEXT = st.builds(
    lambda lines, last: "\n".join(lines) + last,
    st.lists(LINE, max_size=25),
    st.sampled_from(["", "\n"]),
)


@settings(max_examples=100, deadline=None)
@given(TEXT, TEXT, st.integers(1, 4))
def test_a_made_diff_gives_the_target(old: str, new: str, context: int) -> None:
    diff = make_diff(old, new, context=context)
    if old == new:
        assert isinstance(apply_diff(diff, {"src/a.py": old}, ROOMY), CannotApply)
    else:
        assert text_after(diff, old) == new


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                """--- a/x
+++ b/x
@@ -1 +1 @@
@@ -0,0 +1 @@
+b
-a
 a

diff --git a/x b/y
new file mode 100644
index 1..2 100755
\\ No newline at end of file
+++ "b/\\377"
--- /dev/null
GIT binary patch
Binary files a and b differ
rename from x
""".splitlines(keepends=True)
            ),
            st.text(max_size=8),
        ),
        max_size=14,
    )
)
def test_no_input_crashes(pieces: list[str]) -> None:
    diff = "".join(pieces)
    answer = apply_diff(diff, {"x": "a\n", "y": "b"}, POLICY)
    assert isinstance(answer, CannotApply | tuple)
    paths_in(diff)
    diff_in("```diff\n" + diff + "\n```\n")


@pytest.mark.parametrize("name", ["with space.txt", "ümlaut.txt", "a/b.txt", 'q"t.txt'])
def test_what_git_writes_is_applied(tmp_path: Path, name: str) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@x", *words],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    git("init", "-q")
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(BEFORE)
    git("add", ".")
    git("commit", "-qm", "before")
    file.write_text(AFTER)
    assert text_after(git("diff"), BEFORE, name) == AFTER
