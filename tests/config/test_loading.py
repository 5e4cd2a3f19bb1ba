from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pmcodex.config.loading import Loaded, load_settings
from pmcodex.config.settings import FIELDS, Settings
from pmcodex.errors import InvalidInput

TOKEN = "ghp_" + "a1B2" * 9
EXAMPLE = Path(__file__).parents[2] / ".env.example"


def dotenv(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def load(env: Mapping[str, str] | None = None, *folders: Path, **flags: str | None) -> Loaded:
    return load_settings(env or {}, folders, flags)


def refusal(env: Mapping[str, str] | None = None, *folders: Path, **flags: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load(env, *folders, **flags)
    return caught.value


# --- where values come from ----------------------------------------------------------------


def test_the_defaults_need_no_account_no_model_and_open_nothing() -> None:
    loaded = load()
    settings = loaded.settings
    assert settings.ollama_base_url == "http://aether:11434"
    assert settings.gh_api_url == "https://api.github.com"
    assert settings.gh_token is None
    assert settings.allow_unsandboxed is False
    assert settings.lock_wait == 0
    roles = ("planner", "taskmaster", "developer", "reviewer", "integrator")
    assert [settings.model_of(role) for role in roles] == [""] * 5
    assert set(loaded.origins.values()) == {"default"}


def test_a_flag_beats_the_environment_beats_a_file_beats_the_default(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    names = ["GH_OWNER", "GH_REPO", "DEFAULT_BRANCH", "LLM_PLANNER_MODEL"]
    far_file = dotenv(far, "".join(f"{name}=far\n" for name in names))
    near_file = dotenv(near, "GH_OWNER=near\nGH_REPO=near\nDEFAULT_BRANCH=near\n")
    loaded = load({"GH_OWNER": "env", "GH_REPO": "env"}, near, far, GH_OWNER="flag", GH_REPO=None)
    values = [getattr(loaded.settings, FIELDS[name]) for name in names]
    assert values == ["flag", "env", "near", "far"]
    assert [loaded.origins[name] for name in names] == [
        "flag",
        "environment",
        str(near_file),
        str(far_file),
    ]


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    dotenv(tmp_path, "GH_OWNER=file\nGH_REPO=\nGH_TOKEN\n")
    loaded = load({"GH_OWNER": "  ", "LLM_PLANNER_MODEL": ""}, tmp_path)
    assert loaded.settings.gh_owner == "file"
    assert loaded.settings.gh_token is None
    assert loaded.origins["LLM_PLANNER_MODEL"] == "default"


def test_a_file_reaches_neither_the_environment_nor_is_anything_expanded_in_it(
    tmp_path: Path,
) -> None:
    dotenv(tmp_path, "\ufeff# words\nexport GH_TOKEN='a$HOME${PATH}b'\nGH_OWNER=\"acme\" # who\n")
    loaded = load(os.environ | {}, tmp_path)
    assert loaded.settings.gh_token is not None
    assert loaded.settings.gh_token.get_secret_value() == "a$HOME${PATH}b"
    assert loaded.settings.gh_owner == "acme"
    assert "GH_OWNER" not in os.environ


def test_a_relative_work_folder_starts_where_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dotenv(tmp_path / "there", "WORKDIR_ROOT=work\n")
    assert load({}, tmp_path / "there").settings.workdir_root == tmp_path / "there" / "work"
    assert load({"WORKDIR_ROOT": "work"}).settings.workdir_root == tmp_path / "work"
    assert load({"WORKDIR_ROOT": "/w"}).settings.workdir_root == Path("/w")


def test_a_home_folder_is_known_by_its_tilde(home: Path) -> None:
    assert load({"WORKDIR_ROOT": "~/w"}).settings.workdir_root == home / "w"
    assert "home folder" in refusal({"WORKDIR_ROOT": "~nobody-of-that-name/w"}).sentence


def test_a_virtual_environment_called_dot_env_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load({}, tmp_path).findings == ()


# --- unknown names -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GH_TOKNE", "GH_TOKEN"),
        ("LLM_DEVELOPPER_MODEL", "LLM_DEVELOPER_MODEL"),
        ("OLLAMA_BASEURL", "OLLAMA_BASE_URL"),
        ("PMCODEX_LOCKWAIT", "PMCODEX_LOCK_WAIT"),
        ("DEFAULT_BRANCHES", "DEFAULT_BRANCH"),
        ("WORKDIR_ROOTS", "WORKDIR_ROOT"),
        ("gh_token", "GH_TOKEN"),
    ],
)
def test_a_misspelt_key_of_a_file_is_an_error_with_a_guess(
    tmp_path: Path, name: str, meant: str
) -> None:
    path = dotenv(tmp_path, f"{name}={TOKEN}\n")
    error = refusal({}, tmp_path)
    assert error.sentence == f"{name} ({path}) is not a setting of pmcodex"
    assert error.hint == f"Did you mean {meant}?"


def test_keys_of_others_in_a_shared_file_are_left_alone(tmp_path: Path) -> None:
    dotenv(
        tmp_path,
        "DATABASE_URL=x\nDEBUG=1\nSECRET_KEY=y\nPATH=/x\nOLLAMA_HOST=h\nGH_HOST=g\nLLM_API_KEY=k\n",
    )
    assert set(load({}, tmp_path).origins.values()) == {"default"}


@pytest.mark.parametrize("name", ["PMCODEX_LOCKWAIT", "PMCODEX_X", "LLM_REVIEWR_MODEL"])
def test_a_misspelt_variable_of_ours_is_an_error(name: str) -> None:
    assert refusal({name: "x"}).sentence == f"{name} (environment) is not a setting of pmcodex"


def test_variables_of_others_are_left_alone() -> None:
    others = ["LLM_API_KEY", "LLM_MODEL", "GH_HOST", "GH_TOKNE", "OLLAMA_HOST", "DEFAULT_BRANCHES"]
    assert set(load(dict.fromkeys(others, "x")).origins.values()) == {"default"}


# --- wrong values --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("GH_OWNER", "acme/app", "must be one name"),
        ("GH_REPO", "..", "must be one name"),
        ("GH_API_URL", "http://github.example.com/api/v3", "must be an https address"),
        ("GH_API_URL", "github.example.com", "is not an http or https address"),
        ("OLLAMA_BASE_URL", "aether:11434", "is not an http or https address"),
        ("OLLAMA_BASE_URL", "http://aether:99999", "is not an http or https address"),
        ("OLLAMA_BASE_URL", "http://me:pw@aether:1", "holds a password or a token"),
        ("DEFAULT_BRANCH", "-f", "is not the short name of a branch"),
        ("DEFAULT_BRANCH", "refs/heads/main", "is not the short name of a branch"),
        ("DEFAULT_BRANCH", "a..b", "is not the short name of a branch"),
        ("PROJECT_CLONE_URL", "--upload-pack=x", "is not the address of a git repository"),
        ("PROJECT_CLONE_URL", "ext::sh -c x", "is not the address of a git repository"),
        ("PROJECT_CLONE_URL", f"https://x-access-token:{TOKEN}@github.com/a/b", "holds a password"),
        ("PROJECT_CLONE_URL", f"https://{TOKEN}@github.com/a/b", "holds a password or a token"),
        ("PMCODEX_LOCK_WAIT", "soon", "is not right: input should be a valid number"),
        ("PMCODEX_LOCK_WAIT", "nan", "is not right: input should be"),
        ("PMCODEX_ALLOW_UNSANDBOXED", "maybe", "is not right: input should be a valid boolean"),
        ("PMCODEX_ACTOR", "a\nb", "holds a line break"),
        ("LLM_PLANNER_MODEL", "a\x1bb", "holds a line break or a control character"),
        ("CHECK_PATH", "bin:/usr/bin", "must be absolute folders"),
    ],
)
def test_a_wrong_value_names_variable_origin_and_what_would_be_right(
    name: str, value: str, problem: str
) -> None:
    error = refusal({name: value})
    assert error.sentence.startswith(f"{name} (environment) {problem}")
    assert error.hint.startswith(f"Right would be, for example: {name}=")
    assert TOKEN not in error.sentence + error.hint


def test_the_examples_given_as_right_are_right() -> None:
    for name, field in FIELDS.items():
        for example in Settings.model_fields[field].examples or []:
            assert load({name: example}).origins[name] == "environment"


@pytest.mark.parametrize(
    "url",
    [
        "/srv/git/app.git",
        "../app",
        "file:///srv/app",
        "git@github.com:acme/app.git",
        "ssh://git@example.org:2222/acme/app.git",
        "https://github.com/acme/app",
    ],
)
def test_any_git_address_without_a_secret_will_do(url: str) -> None:
    assert load({"PROJECT_CLONE_URL": url}).settings.project_clone_url == url


def test_every_wrong_value_is_named_at_once() -> None:
    sentence = refusal({"GH_OWNER": "a b", "GH_REPO": "c d"}).sentence
    assert "GH_OWNER (environment)" in sentence
    assert "GH_REPO (environment)" in sentence


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = dotenv(tmp_path, "")
    path.write_bytes(b"GH_OWNER=\xff\n")
    assert refusal({}, tmp_path).sentence == f"{path} can't be read: it is not UTF-8 text"


def test_a_line_that_can_not_be_read_is_a_finding_with_its_number(tmp_path: Path) -> None:
    path = dotenv(tmp_path, "# words\nGH_OWNER=acme\nGH_REPO='never closed\nDEFAULT_BRANCH=x\n")
    loaded = load({}, tmp_path)
    assert loaded.settings.gh_owner == "acme"
    assert loaded.settings.default_branch == "x"
    assert [finding.where for finding in loaded.findings] == [f"{path} line 3"]


# --- secrets and what a clone could bring along --------------------------------------------


def test_a_secret_is_in_no_message_row_or_repr(tmp_path: Path) -> None:
    loaded = load({"GH_TOKEN": f" {TOKEN}\n"})
    assert loaded.settings.secrets() == (TOKEN,)
    rows = {name: value for name, value, _ in loaded.rows()}
    assert rows["GH_TOKEN"] == "********"
    assert list(rows) == list(FIELDS)
    assert TOKEN not in f"{loaded!r}{loaded.settings}{loaded.settings.model_dump_json()}"
    error = refusal({"GH_TOKEN": f"{TOKEN} {TOKEN}"})
    assert error.sentence.startswith("GH_TOKEN (environment) holds blanks")
    assert TOKEN not in f"{error.sentence}{error.hint}{error.__cause__}"


def test_rows_say_value_and_origin() -> None:
    rows = load({"GH_OWNER": "acme"}, PMCODEX_LOCK_WAIT="5").rows()
    assert ("GH_OWNER", "acme", "environment") in rows
    assert ("PMCODEX_LOCK_WAIT", "5.0", "flag") in rows
    assert ("WORKDIR_ROOT", "", "default") in rows
    assert ("PMCODEX_ALLOW_UNSANDBOXED", "false", "default") in rows


def test_a_token_file_that_everybody_can_read_is_a_finding(tmp_path: Path) -> None:
    path = dotenv(tmp_path, f"GH_TOKEN={TOKEN}\n")
    assert load({}, tmp_path).findings == ()
    path.chmod(0o644)
    (finding,) = load({}, tmp_path).findings
    assert finding.where == str(path)
    assert finding.hint == f"Run: chmod 600 {path}"
    path.write_text("GH_OWNER=acme\n", encoding="utf-8")
    assert load({}, tmp_path).findings == ()


def test_no_file_may_open_the_sandbox(tmp_path: Path) -> None:
    dotenv(tmp_path, "PMCODEX_ALLOW_UNSANDBOXED=true\n")
    error = refusal({}, tmp_path)
    assert error.sentence.startswith("PMCODEX_ALLOW_UNSANDBOXED may not be set in ")
    assert load({"PMCODEX_ALLOW_UNSANDBOXED": "1"}).settings.allow_unsandboxed is True


def test_a_token_is_not_sent_where_another_file_says(tmp_path: Path) -> None:
    theirs, mine = tmp_path / "theirs", tmp_path / "mine"
    dotenv(theirs, "GH_API_URL=https://evil.example/api\n")
    dotenv(mine, f"GH_TOKEN={TOKEN}\n")
    for env, folders in (({"GH_TOKEN": TOKEN}, [theirs]), ({}, [mine, theirs])):
        error = refusal(env, *folders)
        assert error.sentence.startswith("GH_API_URL comes from ")
        assert TOKEN not in error.sentence + error.hint
    address = {"GH_API_URL": "https://github.example.com/api/v3"}
    assert load(address, mine).settings.gh_api_url == address["GH_API_URL"]
    dotenv(mine, f"GH_TOKEN={TOKEN}\nGH_API_URL=https://github.example.com/api/v3/\n")
    assert load({}, mine).settings.gh_api_url == address["GH_API_URL"]


# --- the room itself -----------------------------------------------------------------------


def test_the_room_opens_without_heavy_libraries() -> None:
    code = (
        "import sys, pmcodex.config.loading;"
        "print([n for n in ('pydantic', 'dotenv', 'yaml', 'filelock') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n"


def test_dotenv_is_not_even_loaded_without_a_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pmcodex.config.loading import load_settings;"
        f"load_settings({{}}, [Path({str(tmp_path)!r})], {{}}); print('dotenv' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "False\n"


def test_the_example_file_has_every_setting_with_words_and_a_right_value(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    found = re.findall(r"(?m)^# .+\n#([A-Z_]+)=(.*)$", text)
    assert [name for name, _ in found] == sorted(FIELDS, key=[n for n, _ in found].index)
    assert len(found) == text.count("\n#") - text.count("\n# ")
    assert load(dict(found)).settings is not None
    dotenv(tmp_path, text)
    assert set(load({}, tmp_path).origins.values()) == {"default"}
    fields = Settings.model_fields
    for name, value in found:
        if fields[FIELDS[name]].default and name != "PMCODEX_LOCK_WAIT":
            assert value == fields[FIELDS[name]].default
