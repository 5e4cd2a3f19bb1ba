"""Each risk rule on real diffs: what it must see, and what it must let pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pmcodex.core.diffs import read_diff
from pmcodex.core.facts import Pull, PullState
from pmcodex.core.keys import ROLLING_BRANCHES
from pmcodex.core.policy import Policy
from pmcodex.reviewing.change import LEVELS, Change
from pmcodex.rules import (
    REASONS,
    RULES,
    binary_files,
    codeowners,
    deletions_of_tests,
    dependency_files,
    file_modes,
    no_test_changed,
    protected_paths,
    remarks_on,
    secrets,
    size,
    task_files,
    workflow_changes,
)

PULL = Pull(3, "A pull", "", "feature/T-0001-x", "h" * 40, "main", PullState.OPEN, "ada")
TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL3oR6"  # made up here, opens nothing
TESTS = "def test_one():\n    assert f() == 1\n\n\ndef test_two():\n    assert f() == 2\n"


class Workshop:
    """A project whose working tree is changed until `change` asks git what is new."""

    def __init__(self, git, folder: Path):
        self.git, self.folder = git, folder

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files: dict[str, str | bytes]) -> None:
        self.write(files)
        self.git(self.folder, "add", "-A")
        self.git(self.folder, "commit", "-q", "-m", "More")

    def change(self, files: dict[str, str | bytes] | None = None, **more) -> Change:
        self.write(files or {})
        self.git(self.folder, "add", "-A")
        text = self.git(self.folder, "diff", "--cached", "-M") + "\n"
        return Change(PULL, read_diff(text, "", ""), more.pop("policy", Policy()), **more)


@pytest.fixture
def shop(git, project: Path) -> Workshop:
    return Workshop(git, project)


def said(rule, change: Change) -> list[tuple[str, str]]:
    assert all(remark.rule == rule.NAME for remark in rule.look(change))
    return [(remark.level, remark.where) for remark in rule.look(change)]


# --- protected paths -----------------------------------------------------------------------


def test_a_protected_path_is_named(shop):
    change = shop.change({"infra/main.tf": "x\n", "src/a.py": "x\n"})
    assert said(protected_paths, change) == [("high", "infra/main.tf")]


def test_a_file_moved_out_of_a_protected_folder_counts(shop):
    shop.commit({"infra/main.tf": "one\ntwo\nthree\n"})
    (shop.folder / "infra/main.tf").rename(shop.folder / "main.tf")
    assert said(protected_paths, shop.change()) == [("high", "infra/main.tf")]


def test_what_is_not_protected_passes(shop):
    assert said(protected_paths, shop.change({"infrastructure.py": "x\n"})) == []


# --- code owners ---------------------------------------------------------------------------


def test_owners_are_named_once_per_group(shop):
    files = {f"docs/{name}.md": "x\n" for name in "abcd"} | {"src/a.py": "x\n"}
    change = shop.change(files, codeowners="docs/ @org/writers\n*.py @ada @grace\n")
    assert {remark.message for remark in codeowners.look(change)} == {
        "docs/a.md, docs/b.md, docs/c.md and 1 more: review by @org/writers",
        "src/a.py: review by @ada or @grace",
    }


def test_nobody_owns_anything_without_the_file(shop):
    assert said(codeowners, shop.change({"src/a.py": "x\n"})) == []


# --- size ----------------------------------------------------------------------------------


def test_both_limits_are_held(shop):
    policy = Policy.model_validate({"limits": {"files": 2, "lines": 10}})
    change = shop.change({f"{name}.py": "x\n" * 4 for name in "abc"}, policy=policy)
    assert [remark.message for remark in size.look(change)] == [
        "3 files changed; the policy's limit is 2",
        "12 lines added and removed; the policy's limit is 10",
    ]


def test_a_change_at_the_limit_passes(shop):
    policy = Policy.model_validate({"limits": {"files": 1, "lines": 10}})
    assert said(size, shop.change({"a.py": "x\n" * 10}, policy=policy)) == []


# --- no test changed -----------------------------------------------------------------------


def test_code_without_a_test_is_seen(shop):
    change = shop.change({"src/a.py": "x = 1\n", "README.md": "# More\n"})
    assert [remark.message for remark in no_test_changed.look(change)] == [
        "code changed without any test: src/a.py"
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"src/a.py": "x = 1\n", "tests/test_a.py": TESTS},
        {"src/a.ts": "let x\n", "src/a.spec.ts": "it('x')\n"},
        {"pkg/a.go": "package a\n", "pkg/a_test.go": "package a\n"},
        {"src/lib.rs": "fn a() {}\n#[cfg(test)]\nmod tests {}\n"},
        {"docs/a.md": "x\n", "docs/conf.py": "x = 1\n"},
        {".github/workflows/ci.yml": "on: push\n", ".github/scripts/a.py": "x\n"},
        {"tasks/T-0001-a.md": "x\n", ".llm-team.yml": "version: 1\n"},
    ],
)
def test_tests_docs_and_ci_pass(shop, files):
    assert said(no_test_changed, shop.change(files)) == []


def test_taking_code_away_asks_for_no_test(shop):
    shop.commit({"src/a.py": "x = 1\ny = 2\n"})
    assert said(no_test_changed, shop.change({"src/a.py": "x = 1\n"})) == []


# --- dependency files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("pyproject.toml", "requirements.txt", "requirements-dev.txt", "dev-requirements.in"),
        *("requirements/test.txt", "web/package.json", "yarn.lock", "uv.lock", "go.mod", "go.sum"),
        *("Cargo.toml", "Cargo.lock", "poetry.lock", "Gemfile", "constraints.txt"),
    ],
)
def test_dependency_files_are_seen(shop, path):
    assert said(dependency_files, shop.change({path: "x\n"})) == [("medium", path)]


@pytest.mark.parametrize(
    "path", ["src/package.py", "docs/requirements.md", "notes.txt", "a.lock.md"]
)
def test_other_files_are_no_dependencies(shop, path):
    assert said(dependency_files, shop.change({path: "x\n"})) == []


# --- secrets -------------------------------------------------------------------------------


def test_a_token_is_named_by_place_and_kind_and_never_repeated(shop):
    shop.commit({"src/a.py": "one = 1\n"})
    change = shop.change({"src/a.py": f'one = 1\ntwo = 2\nt = "{TOKEN}"\n'})
    (remark,) = secrets.look(change)
    assert (remark.level, remark.where) == ("high", "src/a.py:3")
    assert "GitHub Token" in remark.message
    assert TOKEN not in str(remark)
    assert TOKEN[4:16] not in str(remark)


@pytest.mark.parametrize(
    ("path", "line", "level"),
    [
        ("a.pem", "-----BEGIN RSA PRIVATE KEY-----", "high"),
        ("a.md", "postgres://bob:tr0ub4dor@db.example.org/x", "high"),
        ("a.py", f"call(one, '{TOKEN}')", "high"),
        ("a.py", 'password = "correct-horse-battery"', "medium"),
        ("a.py", 'h = "4f1e9a0bc37d52866ff0d3a91b7c2e58d604aa19"', "medium"),
        ("a.py", f't = "{TOKEN}"  # pragma: allowlist secret', "low"),
        ("a.js", "x" * 5_000 + f"'{TOKEN}'", "high"),
    ],
)
def test_what_looks_like_a_secret_has_a_level(shop, path, line, level):
    assert said(secrets, shop.change({path: line + "\n"})) == [(level, f"{path}:1")]


def test_a_waiver_on_the_line_before_counts_too(shop):
    text = f"# pragma: allowlist nextline secret\nt = '{TOKEN}'\nu = '{TOKEN}'\n"
    assert said(secrets, shop.change({"a.py": text})) == [("low", "a.py:2"), ("high", "a.py:3")]


@pytest.mark.parametrize(
    "line",
    [
        "password: ${{ secrets.PASSWORD }}",
        'token = os.environ["GH_TOKEN"]',
        "password: vault.read(production.db)",
        "clone: https://bob:{password}@example.org/x",
        "def test_password_is_asked_for(): ...",
        "uses: actions/checkout@da39a3ee5e6b4b0d3255bfef95601890afd80709",
        'url = "http://127.0.0.1:8000/"',
        "See https://docs.example.org/secrets for more.",
    ],
)
@pytest.mark.parametrize("path", ["a.py", "a.yml"])
def test_ordinary_lines_hold_no_secret(shop, path, line):
    assert said(secrets, shop.change({path: line + "\n"})) == []


def test_a_secret_that_is_taken_away_or_only_near_is_not_reported(shop):
    shop.commit({"a.py": f't = "{TOKEN}"\nkeep = "{TOKEN}"\n'})
    assert said(secrets, shop.change({"a.py": f'keep = "{TOKEN}"\nnew = 1\n'})) == []


def test_more_than_can_be_searched_is_said(shop):
    change = shop.change({"huge.txt": "x\n" * 20_001})
    assert said(secrets, change) == [("medium", "huge.txt")]


# --- workflows -----------------------------------------------------------------------------


def test_a_workflow_is_seen_and_its_grave_lines_too(shop):
    text = "on:\n  pull_request_target:\n# pull_request_target\njobs: {}\n"
    change = shop.change({".github/workflows/ci.yml": text})
    path = ".github/workflows/ci.yml"
    assert said(workflow_changes, change) == [("medium", path), ("high", f"{path}:2")]


@pytest.mark.parametrize(
    "line",
    [
        "permissions: write-all",
        "  contents: write",
        "  key: ${{ secrets.DEPLOY }}",
        "  - run: echo ${{ github.event.pull_request.title }}",
        "  - run: curl -s https://example.org/x | sudo bash",
    ],
)
def test_lines_that_hand_out_rights_are_grave(shop, line):
    change = shop.change({".github/workflows/x.yml": f"{line}\n"})
    assert ("high", ".github/workflows/x.yml:1") in said(workflow_changes, change)


def test_yaml_elsewhere_is_no_workflow(shop):
    files = {"src/workflows/ci.yml": "permissions: write-all\n", ".github/CODEOWNERS": "* @ada\n"}
    assert said(workflow_changes, shop.change(files)) == []


# --- deleted tests -------------------------------------------------------------------------


def test_a_deleted_test_file_is_grave(shop):
    shop.commit({"tests/test_a.py": TESTS})
    (shop.folder / "tests/test_a.py").unlink()
    assert said(deletions_of_tests, shop.change()) == [("high", "tests/test_a.py")]


def test_fewer_tests_and_assertions_are_counted(shop):
    shop.commit({"tests/test_a.py": TESTS})
    change = shop.change({"tests/test_a.py": TESTS.replace("    assert f() == 2\n", "    f()\n")})
    assert [remark.message for remark in deletions_of_tests.look(change)] == [
        "1 assertion fewer than before"
    ]
    change = shop.change({"tests/test_a.py": TESTS.split("\n\n\n")[0] + "\n"})
    assert [remark.message for remark in deletions_of_tests.look(change)] == [
        "1 test fewer than before",
        "1 assertion fewer than before",
    ]


@pytest.mark.parametrize("line", ["@pytest.mark.skip", "@pytest.mark.xfail(strict=False)"])
def test_a_new_skip_is_seen_where_it_is(shop, line):
    shop.commit({"tests/test_a.py": TESTS})
    change = shop.change(
        {"tests/test_a.py": TESTS.replace("def test_two", f"{line}\ndef test_two")}
    )
    assert said(deletions_of_tests, change) == [("medium", "tests/test_a.py:5")]


def test_a_test_that_moved_or_was_renamed_is_no_loss(shop):
    shop.commit({"tests/test_a.py": TESTS, "tests/test_b.py": "def test_b():\n    assert 1\n"})
    one, two = TESTS.split("\n\n\n")
    change = shop.change(
        {
            "tests/test_a.py": one + "\n",
            "tests/test_b.py": f"def test_b():\n    assert 1\n\n\n{two}",
        }
    )
    assert said(deletions_of_tests, change) == []
    shop.git(shop.folder, "commit", "-q", "-m", "Move")
    (shop.folder / "tests/test_a.py").rename(shop.folder / "tests/test_c.py")
    assert said(deletions_of_tests, shop.change()) == []


def test_more_tests_and_less_code_or_data_pass(shop):
    shop.commit({"src/a.py": "assert x\ndef test_like(): ...\n", "tests/data/a.json": "{}\n"})
    (shop.folder / "src/a.py").unlink()
    (shop.folder / "tests/data/a.json").unlink()
    assert said(deletions_of_tests, shop.change({"tests/test_n.py": TESTS})) == []


# --- binary files --------------------------------------------------------------------------


def test_binaries_are_seen_and_pictures_weigh_little(shop):
    change = shop.change({"a.bin": b"\0\1\2", "logo.png": b"\x89PNG\0", "a.txt": "text\n"})
    assert said(binary_files, change) == [("medium", "a.bin"), ("low", "logo.png")]


def test_a_binary_that_goes_away_passes(shop):
    shop.commit({"a.bin": b"\0\1\2"})
    (shop.folder / "a.bin").unlink()
    assert said(binary_files, shop.change()) == []


# --- task files ----------------------------------------------------------------------------

OWN, OTHER = "tasks/T-0001-x.md", "tasks/T-0002-y.md"


def a_task(task_id: str, status: str = "queued", *, policy: str = "manual", body: str = "") -> str:
    accepts = "".join(f"- It does {word}\n" for word in ("one", "two", "three", "four"))
    return (
        f"---\nid: {task_id}\ntitle: A task\ntype: chore\npriority: P2\ndepends_on: []\n"
        f"status: {status}\nowner: ''\nestimate: 1d\nacceptance:\n{accepts}"
        f"auto_policy: {policy}\n---\n\nWords.\n{body}"
    )


def of_task(shop, files, **more) -> list[tuple[str, str]]:
    return said(task_files, shop.change(files, task_path=OWN, **more))


@pytest.fixture
def tasked(shop) -> Workshop:
    shop.commit({OWN: a_task("T-0001"), OTHER: a_task("T-0002")})
    return shop


def test_a_claim_of_its_own_task_passes(tasked):
    assert of_task(tasked, {OWN: a_task("T-0001", "in_review"), "src/a.py": "x\n"}) == []
    in_pull = Policy.model_validate({"bookkeeping": "in_pull"})
    done = {OWN: a_task("T-0001", "done")}
    assert of_task(tasked, done, policy=in_pull) == []
    assert of_task(tasked, done) == [("high", OWN)]


def test_other_tasks_front_matter_is_grave_wherever_it_is(tasked):
    for text in (
        a_task("T-0002", "done"),
        a_task("T-0002", policy="merge_when_ready"),
        a_task("T-0002").replace("- It does three\n", ""),
        a_task("T-0002").replace("id: T-0002", "id: T-0009"),
    ):
        assert of_task(tasked, {OTHER: text}) == [("high", OTHER)]


def test_other_tasks_words_pass_and_their_files_stay_in_place(tasked):
    assert of_task(tasked, {OTHER: a_task("T-0002", body="status: all is well\n")}) == []
    (tasked.folder / OTHER).rename(tasked.folder / "tasks/gone.md")
    assert of_task(tasked, {}) == [("high", "tasks/gone.md")]
    (tasked.folder / "tasks/gone.md").unlink()
    (tasked.folder / OWN).unlink()
    assert of_task(tasked, {}) == [("high", OWN), ("high", OTHER)]


def test_its_own_task_asking_for_less_is_said(tasked):
    text = a_task("T-0001", "in_review", policy="merge_when_ready")
    assert of_task(tasked, {OWN: text}) == [("medium", OWN)]


def test_new_tasks_pass_where_they_start_at_the_start(tasked):
    assert of_task(tasked, {"tasks/T-0003.md": a_task("T-0003")}) == []
    assert of_task(tasked, {"tasks/T-0003.md": a_task("T-0003", "done")}) == [
        ("high", "tasks/T-0003.md")
    ]


@pytest.mark.parametrize("head", [*ROLLING_BRANCHES, "ada/requeue"])
def test_pulls_that_are_of_no_task_may_change_tasks(tasked, head):
    change = tasked.change({OTHER: a_task("T-0002", "done"), OWN: a_task("T-0001", "done")})
    assert said(task_files, replace(change, pull=replace(PULL, head=head))) == []


# --- file modes ----------------------------------------------------------------------------


def test_modes_and_what_git_obeys_are_seen(shop):
    shop.commit({"old.sh": "x\n", "tool.sh": "x\n"})
    (shop.folder / "old.sh").chmod(0o755)
    shop.write({"new.sh": "x\n"})
    (shop.folder / "new.sh").chmod(0o755)
    (shop.folder / "link").symlink_to("old.sh")
    change = shop.change({"deep/.gitattributes": "* -diff\n", ".gitmodules": ""})
    assert {(r.level, r.where, r.message) for r in file_modes.look(change)} == {
        ("medium", "old.sh", "changes its mode from 100644 to 100755"),
        ("medium", "new.sh", "is new and executable"),
        ("medium", "link", "is a symbolic link"),
        ("medium", "deep/.gitattributes", "changes how git treats other files"),
        ("medium", ".gitmodules", "changes how git treats other files"),
    }


def test_plain_files_and_words_about_modes_pass(shop):
    (shop.folder / "run.sh").write_text("x\n")
    (shop.folder / "run.sh").chmod(0o755)
    shop.commit({"gone.sh": "x\n"})
    (shop.folder / "gone.sh").unlink()
    text = "\nnew file mode 100755\nold mode 1\n"
    assert said(file_modes, shop.change({"a.md": text, "run.sh": "y\n", ".gitignore": "x\n"})) == []


# --- all of them ---------------------------------------------------------------------------


def test_every_rule_has_a_name_of_its_own_and_a_sentence():
    assert len(REASONS) == len(RULES)
    assert all(why.endswith(".") and "\n" not in why for why in REASONS.values())


def test_the_gravest_come_first_and_a_switch_silences_one_rule(shop):
    files = {"infra/a.tf": "x\n", "pyproject.toml": "x\n", "logo.png": b"\0", "src/a.py": "x = 1\n"}
    change = shop.change(files)
    levels = [LEVELS.index(remark.level) for remark in remarks_on(change)]
    assert levels == sorted(levels)
    assert {"protected-paths", "dependency-files"} <= {r.rule for r in remarks_on(change)}
    quiet = Policy.model_validate({"rules": {"dependency-files": False}})
    assert {r.rule for r in remarks_on(shop.change(policy=quiet))} == {
        "protected-paths",
        "no-test-changed",
        "binary-files",
    }


def test_a_change_that_touches_nothing_risky_is_met_with_silence(shop):
    assert remarks_on(shop.change({"README.md": "# Sample\n\nMore words.\n"})) == ()
