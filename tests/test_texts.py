from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pmcodex
from pmcodex.texts import load_prompts, load_templates

ROOT = Path(__file__).resolve().parents[1]


def test_names_are_posix_paths_below_the_folder() -> None:
    names = set(load_templates().by_name)
    assert {"pull.md", "task.md", "recipes/ci.yml", "timers/crontab"} <= names
    assert ".gitkeep" not in names
    for name in names:
        assert load_templates().text(name) == (ROOT / "templates" / name).read_bytes().decode()


def test_prompts_are_found() -> None:
    assert "README.md" in load_prompts().by_name


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load_templates().text("../pyproject.toml")


def _installed(folder: Path, shipped: dict[str, str]) -> None:
    """The package as a wheel lays it out, without the checkout around it."""
    package = folder / "pmcodex"
    for source in Path(pmcodex.__file__).parent.rglob("*.py"):
        target = package / source.relative_to(Path(pmcodex.__file__).parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    for name, text in shipped.items():
        (package / "_data" / name).parent.mkdir(parents=True, exist_ok=True)
        (package / "_data" / name).write_text(text)


def _ask(path: Path, code: str) -> str:
    started = f"import sys; sys.path.insert(0, {str(path)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", started + code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_installed_wheel_has_its_own(tmp_path: Path) -> None:
    _installed(tmp_path, {"templates/a/b.md": "shipped", "prompts/p.md": "asked"})
    code = (
        "from pmcodex.texts import load_templates, load_prompts\n"
        "print(load_templates().text('a/b.md'), load_prompts().text('p.md'))"
    )
    assert _ask(tmp_path, code) == "shipped asked"


def test_a_zipped_package_works_too(tmp_path: Path) -> None:
    _installed(tmp_path, {"templates/a/b.md": "shipped"})
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in (tmp_path / "pmcodex").rglob("*"):
            packed.write(file, file.relative_to(tmp_path))
    code = "from pmcodex.texts import load_templates\nprint(load_templates().text('a/b.md'))"
    assert _ask(archive, code) == "shipped"


def test_missing_texts_are_told_in_words(tmp_path: Path) -> None:
    _installed(tmp_path, {})
    code = (
        "from pmcodex.errors import InvalidInput\n"
        "from pmcodex.texts import load_templates\n"
        "try:\n    load_templates()\n"
        "except InvalidInput as error:\n    print(error.sentence, '|', error.hint)"
    )
    assert "templates that ship with pmcodex are missing | Install" in _ask(tmp_path, code)
