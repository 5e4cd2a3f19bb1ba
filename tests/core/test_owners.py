"""CODEOWNERS: last match wins, bad lines hurt nobody else."""

from __future__ import annotations

from pmcodex.core.owners import codeowners_text, owners_of

TEXT = """\
# who looks at what
*            @ada
/docs/       @org/writers docs@example.org   # and nobody else, @not-him
*.py         @grace @ada
/src/free.py
src/[oops    @broken
src/[z-a].py @backwards
"""


def test_the_last_pattern_that_fits_decides():
    owners = owners_of(TEXT, ["README.md", "docs/a/b.md", "src/x.py", "src/free.py", "docs/c.py"])
    assert dict(owners) == {
        "README.md": ("@ada",),
        "docs/a/b.md": ("@org/writers", "docs@example.org"),
        "src/x.py": ("@grace", "@ada"),
        "src/free.py": (),
        "docs/c.py": ("@grace", "@ada"),
    }


def test_without_a_file_nobody_owns_anything():
    assert dict(owners_of("", ["a.py", ""])) == {"a.py": (), "": ()}


def test_spaces_in_patterns_may_be_escaped():
    assert owners_of("my\\ docs/ @ada\n", ["my docs/x.md"])["my docs/x.md"] == ("@ada",)


def test_the_forge_folder_comes_before_the_root_and_the_docs():
    files = {"docs/CODEOWNERS": "d", "CODEOWNERS": "r"}
    assert codeowners_text(files) == "r"
    assert codeowners_text({**files, ".github/CODEOWNERS": "g"}) == "g"
    assert codeowners_text({"README.md": "x"}) == ""
