"""Settings: what one machine and its user decide, typed, frozen, secrets wrapped.

Each field is one variable: `gh_token` is GH_TOKEN, and `lock_wait` is PMCODEX_LOCK_WAIT.
What must never happen here: looking at the environment (see `config`), or a secret in a message.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from pmcodex.core.redaction import Redactor

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a line break or a control character")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError("holds blanks, line breaks or letters that no token has")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("is not an http or https address")
    return _without_password(value).rstrip("/")


def _api_url(value: str) -> str:
    parts = urlsplit(_url(value))
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("must be an https address, since a token is sent there")
    return value.rstrip("/")


def _without_password(value: str) -> str:
    user = value.partition("://")[2].partition("/")[0].rpartition("@")[0]
    if ":" in user or Redactor().clean(user) != user:
        raise ValueError("holds a password or a token; put that into GH_TOKEN, where it is kept")
    return value


def _clone_url(value: str) -> str:
    if value.startswith("-") or "::" in value.partition("/")[0]:
        raise ValueError("is not the address of a git repository")
    return _without_password(_one_line(value))


def _branch(value: str) -> str:
    bad = re.search(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$", value)
    if bad or value.startswith("refs/"):
        raise ValueError("is not the short name of a branch")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value) or value in (".", ".."):
        raise ValueError("must be one name of letters, digits, dots and dashes")
    return value


def _search_path(value: str) -> str:
    if not all(Path(part).is_absolute() for part in value.split(":")):
        raise ValueError("must be absolute folders with colons between them")
    return value


Model = Annotated[str, AfterValidator(_one_line)]


class Settings(BaseModel):
    """Where the project is, how its forge and models are reached, where state is kept.

    An empty string means: not set. `lock_wait` is in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    project_clone_url: Annotated[str, AfterValidator(_clone_url)] = Field(
        "",
        description="address of the project's git repository: a folder, file://, ssh or https",
        examples=["git@github.com:acme/sample-python-app.git"],
    )
    default_branch: Annotated[str, AfterValidator(_branch)] = Field(
        "", description="the branch pulls go to; unset: what the remote says", examples=["main"]
    )
    workdir_root: Path | None = Field(
        None,
        description="folder for mirrors and state; unset: the platform's folder for user state",
        examples=["/var/lib/pmcodex"],
    )
    gh_token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        None, description="GitHub token; no need for one on the embedded git forge"
    )
    gh_owner: Annotated[str, AfterValidator(_name)] = Field(
        "",
        description="owner of the project's repository on GitHub",
        examples=["acme"],
    )
    gh_repo: Annotated[str, AfterValidator(_name)] = Field(
        "",
        description="name of the project's repository on GitHub, without its owner",
        examples=["sample-python-app"],
    )
    gh_api_url: Annotated[str, AfterValidator(_api_url)] = Field(
        "https://api.github.com",
        description="address of the GitHub API; another one for GitHub Enterprise",
        examples=["https://github.example.com/api/v3"],
    )
    ollama_base_url: Annotated[str, AfterValidator(_url)] = Field(
        "http://aether:11434",
        description="where Ollama listens; asked only when a role has a model",
        examples=["http://localhost:11434"],
    )
    llm_planner_model: Model = Field(
        "", description="the Planner's model; unset: it works without one", examples=["qwen3:32b"]
    )
    llm_taskmaster_model: Model = Field(
        "",
        description="the Taskmaster's model; unset: it works without one",
        examples=["qwen3:32b"],
    )
    llm_developer_model: Model = Field(
        "",
        description="the Developer's model; unset: it works without one",
        examples=["qwen3-coder:latest"],
    )
    llm_reviewer_model: Model = Field(
        "", description="the Reviewer's model; unset: it works without one", examples=["qwen3:32b"]
    )
    llm_integrator_model: Model = Field(
        "",
        description="the Integrator's model; unset: it works without one",
        examples=["llama3.2:latest"],
    )
    check_path: Annotated[str, AfterValidator(_search_path)] = Field(
        "",
        description="PATH for the project's checks; unset: the one pmcodex runs with",
        examples=["/opt/project/venv/bin:/usr/bin:/bin"],
    )
    allow_unsandboxed: bool = Field(
        False,
        description="accept the risk of running project code without a sandbox; environment or"
        " flag only, since a .env may come with the project",
        examples=["true"],
    )
    actor: Annotated[str, AfterValidator(_one_line)] = Field(
        "",
        description="name shown for what a person does here; unset: git's user.name",
        max_length=100,
        examples=["Ada Lovelace"],
    )
    lock_wait: float = Field(
        0.0,
        description="seconds to wait while another run holds the project",
        ge=0,
        le=86400,
        examples=["60"],
    )

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for a `Redactor`."""
        return (self.gh_token.get_secret_value(),) if self.gh_token else ()

    def model_of(self, role: str) -> str:
        """The model a role may ask, or an empty string: it works without one."""
        return str(getattr(self, f"llm_{role}_model"))


_PREFIXED = {"allow_unsandboxed", "actor", "lock_wait"}


def variable(name: str) -> str:
    """The variable of a field: GH_TOKEN for gh_token."""
    return f"PMCODEX_{name}".upper() if name in _PREFIXED else name.upper()


FIELDS = {variable(name): name for name in Settings.model_fields}
"""Every variable, with its field."""

SECRETS = frozenset({"GH_TOKEN"})
ENVIRONMENT_ONLY = frozenset({"PMCODEX_ALLOW_UNSANDBOXED"})
"""Variables that no .env may set: one that comes with a clone could open the sandbox."""
