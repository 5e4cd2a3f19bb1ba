"""Dependency files: what the project will download and run next time it is installed."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from pmcodex.core.diffs import names_of
from pmcodex.reviewing.change import Change, Remark

NAME = "dependency-files"
WHY = "A dependency is other people's code with the project's rights."

_MANIFESTS = (
    "pyproject.toml setup.py setup.cfg Pipfile environment.yml conda.yml"
    " package.json bower.json go.mod Cargo.toml Gemfile composer.json"
    " pom.xml build.gradle build.gradle.kts build.sbt mix.exs pubspec.yaml Package.swift"
    " Directory.Packages.props packages.config .pre-commit-config.yaml Dockerfile"
)
_LOCKFILES = (
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lockb poetry.lock uv.lock"
    " pdm.lock Pipfile.lock go.sum Cargo.lock Gemfile.lock composer.lock mix.lock pubspec.lock"
    " Package.resolved packages.lock.json gradle.lockfile flake.lock"
)
_NAMES = frozenset(_MANIFESTS.split())
_LOCKS = frozenset(_LOCKFILES.split())
_REQUIREMENTS = re.compile(r"^(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in)$")


def look(change: Change) -> tuple[Remark, ...]:
    """A remark per file that names dependencies, or that pins them."""
    said = []
    for file in change.diff.files:
        kinds = {_kind(path) for path in names_of(file)} - {""}
        said += [Remark(NAME, "medium", kind, file.path) for kind in sorted(kinds)]
    return tuple(said)


def _kind(path: str) -> str:
    name = PurePosixPath(path).name
    folder = PurePosixPath(path).parent.name
    if name in _LOCKS:
        return "pins dependencies"
    listed = folder == "requirements" and name.endswith((".txt", ".in"))
    if name in _NAMES or listed or _REQUIREMENTS.match(name):
        return "names dependencies"
    return ""
