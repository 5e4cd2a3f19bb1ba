"""Texts: finds `templates/` and `prompts/`, in a source checkout and in an installed wheel.

Names are POSIX paths below the folder; a text is read when it is first asked for.
What must never happen here: rendering, or a path that the caller's data chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pmcodex.core.templates import Templates
from pmcodex.errors import InvalidInput

_CHECKOUT = Path(__file__).resolve().parents[2]


def load_templates() -> Templates:
    """Every template by name, e.g. `recipes/ci.yml`. InvalidInput where the folder is missing."""
    return Templates(_Folder(_find("templates")))


def load_prompts() -> Templates:
    """Every prompt by name. InvalidInput where the folder is missing."""
    return Templates(_Folder(_find("prompts")))


def _find(folder: str) -> Traversable:
    shipped = files("pmcodex") / "_data" / folder
    if shipped.is_dir():
        return shipped
    in_checkout = _CHECKOUT / folder
    if in_checkout.is_dir():
        return in_checkout
    raise InvalidInput(
        f"The {folder} that ship with pmcodex are missing",
        hint="Install pmcodex again: pip install --force-reinstall pmcodex",
    )


class _Folder(Mapping[str, str]):
    """A folder of UTF-8 texts as a mapping; listing reads names only."""

    def __init__(self, root: Traversable) -> None:
        self._root = root
        self._found: dict[str, Traversable] | None = None
        self._read: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._read:
            raw = self._names()[name].read_bytes()
            try:
                self._read[name] = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InvalidInput(
                    f"The shipped text {name} is damaged",
                    hint="Install pmcodex again: pip install --force-reinstall pmcodex",
                ) from error
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> dict[str, Traversable]:
        if self._found is None:
            self._found = dict(_walk(self._root, ""))
        return self._found


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry, name + "/")
        elif entry.name != ".gitkeep":
            yield name, entry
