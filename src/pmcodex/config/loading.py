"""Settings, read once: flag > environment > .env > default, each value with where it came from.

What must never happen here: a value of a .env in our own environment, a secret in a message, or a
token on its way to an address that somebody else chose.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pmcodex.config.policyfile import json_schemas, policy_rows, read_policy
from pmcodex.core.suggest import did_you_mean, nearest
from pmcodex.errors import InvalidInput, PmcodexError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from pmcodex.config.settings import Settings
    from pmcodex.core.facts import Finding

__all__ = ["Loaded", "json_schemas", "load_settings", "policy_rows", "read_policy"]

FLAG, ENVIRONMENT, DEFAULT = "flag", "environment", "default"
_FLAGS = {"PROJECT_CLONE_URL": "--repo"}

_PREFIXES = ("GH_", "LLM_", "OLLAMA_", "PMCODEX_")
# Names that well-known other tools read, and that the project's .env may hold for those.
_OF_OTHERS = frozenset(
    {f"GH_{name}" for name in ("HOST", "ENTERPRISE_TOKEN", "DEBUG", "EDITOR", "PAGER")}
    | {f"OLLAMA_{name}" for name in ("HOST", "MODEL", "MODELS", "KEEP_ALIVE", "API_KEY")}
    | {f"LLM_{name}" for name in ("API_KEY", "BASE_URL", "MODEL", "PROVIDER")}
)
_OF_OUR_TESTS = frozenset({"PMCODEX_REQUIRE_SYSTEM"})
_NEAR = 0.85


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, where each variable came from, and what should be mended.

    An origin is "flag", "environment", the path of a .env, or "default".
    """

    settings: Settings
    origins: Mapping[str, str]
    findings: tuple[Finding, ...] = ()

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Variable, value and origin of every setting; secrets masked."""
        from pmcodex.config.settings import FIELDS

        return tuple(
            (name, _shown(getattr(self.settings, field)), self.origins[name])
            for name, field in FIELDS.items()
        )


@dataclass(frozen=True, slots=True)
class _Given:
    """One value somebody gave, and where."""

    value: str
    origin: str
    folder: Path


def load_settings(
    env: Mapping[str, str], folders: Sequence[Path], flags: Mapping[str, str | None]
) -> Loaded:
    """Read the settings from flags (by variable; None: not given), environment and `.env` files.

    A `.env` in an earlier folder wins over one in a later. Empty values count as unset. Raises
    InvalidInput naming every variable that is wrong, where it came from and what would be right.
    """
    from pydantic import ValidationError

    from pmcodex.config.settings import FIELDS, Settings

    findings: list[Finding] = []
    given: dict[str, _Given] = {}
    for folder in reversed(list(dict.fromkeys(path.resolve() for path in folders))):
        given |= _from_file(folder / ".env", findings)
    _refuse_unknown((name for name in env if _misspelt_here(name)), ENVIRONMENT)
    here = Path.cwd()
    given |= _ours(env, ENVIRONMENT, here)
    given |= _ours({name: value or "" for name, value in flags.items()}, FLAG, here)
    _guard_token(given)
    try:
        settings = Settings.model_validate({FIELDS[n]: _value(n, one) for n, one in given.items()})
    except ValidationError as error:
        raise _explained(error, given) from None
    origins = {name: given[name].origin if name in given else DEFAULT for name in FIELDS}
    return Loaded(settings, origins, tuple(findings))


def _ours(source: Mapping[str, str], origin: str, folder: Path) -> dict[str, _Given]:
    from pmcodex.config.settings import FIELDS

    return {
        name: _Given(source[name].strip(), origin, folder)
        for name in FIELDS
        if source.get(name, "").strip()
    }


def _from_file(path: Path, findings: list[Finding]) -> dict[str, _Given]:
    """What one .env says of our settings. Foreign keys are left alone, misspelt ones are errors."""
    from pmcodex.config.settings import ENVIRONMENT_ONLY, SECRETS

    if not path.is_file():  # a folder of that name is somebody's virtual environment
        return {}
    raw = dict(_bindings(path, findings))
    _refuse_unknown((name for name in raw if _misspelt(name)), str(path))
    given = _ours(raw, str(path), path.parent)
    for name in sorted(given.keys() & ENVIRONMENT_ONLY):
        raise InvalidInput(
            f"{name} may not be set in {path}: that file could have come with the project",
            hint=f"Set it in the environment or by its flag, as in: {name}=true pmcodex check",
        )
    if given.keys() & SECRETS and path.stat().st_mode & stat.S_IROTH:
        message = "it holds a secret and everybody on this machine can read it"
        findings.append(_finding(str(path), message, f"Run: chmod 600 {path}"))
    return given


def _bindings(path: Path, findings: list[Finding]) -> Iterator[tuple[str, str]]:
    """The keys and values of a .env, nothing expanded; unreadable lines become findings."""
    from io import StringIO

    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInput(
            f"{path} can't be read: {reason}", hint="Mend its permissions or its encoding."
        ) from error
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            where = f"{path} line {binding.original.line}"
            findings.append(_finding(where, "this line can't be read", "Write it as NAME=value."))
        elif binding.key is not None:
            yield binding.key, binding.value or ""


def _finding(where: str, message: str, hint: str) -> Finding:
    from pmcodex.core.facts import Finding

    return Finding(kind="settings", where=where, message=message, hint=hint)


def _misspelt(name: str) -> bool:
    """Whether a key of a .env, which may be another tool's as well, was meant for us."""
    from pmcodex.config.settings import FIELDS

    if name in FIELDS or name in _OF_OTHERS:
        return False
    return name.startswith(_PREFIXES) or bool(nearest(name, FIELDS, cutoff=_NEAR))


def _misspelt_here(name: str) -> bool:
    """Whether an environment variable was meant for us.

    Everybody's variables meet there, so of LLM_* only what is nearly ours counts.
    """
    from pmcodex.config.settings import FIELDS

    if name in FIELDS or name in _OF_OUR_TESTS:
        return False
    if name.startswith("LLM_"):
        return bool(nearest(name, FIELDS, cutoff=_NEAR))
    return name.startswith("PMCODEX_")


def _refuse_unknown(names: Iterable[str], origin: str) -> None:
    from pmcodex.config.settings import FIELDS

    for name in sorted(names):
        raise InvalidInput(
            f"{name} ({origin}) is not a setting of pmcodex", hint=did_you_mean(name, FIELDS)
        )


def _guard_token(given: Mapping[str, _Given]) -> None:
    """Refuse to send a token to an address out of a .env that doesn't hold the token itself.

    That file may have come with a clone, and the token may be the user's for everything.
    """
    token, address = given.get("GH_TOKEN"), given.get("GH_API_URL")
    if not token or not address or address.origin in (FLAG, ENVIRONMENT, token.origin):
        return
    raise InvalidInput(
        f"GH_API_URL comes from {address.origin}, but GH_TOKEN from {token.origin}: the token"
        " will not be sent to an address that somebody else may have chosen",
        hint="Set both in the same place, or GH_API_URL in the environment.",
    )


def _value(name: str, given: _Given) -> str | Path:
    """What pydantic is given: the text, and for a folder its absolute path."""
    if name != "WORKDIR_ROOT":
        return given.value
    try:
        return given.folder / Path(given.value).expanduser()
    except RuntimeError as error:
        raise InvalidInput(
            f"{name} ({given.origin}) names a home folder that isn't known",
            hint="Write it as an absolute path.",
        ) from error


def _explained(error: ValidationError, given: Mapping[str, _Given]) -> PmcodexError:
    """Pydantic's findings in our words. Values are left out: one of them may be a secret."""
    from pmcodex.config.settings import FIELDS, Settings

    names = {field: name for name, field in FIELDS.items()}
    lines, hints = [], []
    for one in error.errors(include_url=False, include_input=False):
        field = str(one["loc"][0])
        problem = one["msg"].removeprefix("Value error, ")
        if problem == one["msg"]:
            problem = f"is not right: {problem[:1].lower()}{problem[1:]}"
        name, origin = names[field], given[names[field]].origin
        typed = _FLAGS.get(name, "") if origin == FLAG else ""
        lines.append(f"{typed or f'{name} ({origin})'} {problem}")
        if examples := Settings.model_fields[field].examples:
            hints.append(f"{f'{typed} ' if typed else f'{name}='}{examples[0]}")
    hint = f"Right would be, for example: {', '.join(hints)}" if hints else ""
    return InvalidInput("; ".join(lines), hint=hint)


def _shown(value: object) -> str:
    from pydantic import SecretStr

    match value:
        case None:
            return ""
        case SecretStr():
            return "********"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
