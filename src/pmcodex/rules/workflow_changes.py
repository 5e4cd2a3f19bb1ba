"""Workflow changes: what CI runs, with rights that the code itself doesn't have."""

from __future__ import annotations

import re

from pmcodex.core.diffs import added_lines, names_of
from pmcodex.core.facts import FileDiff
from pmcodex.reviewing.change import Change, Remark, spot

NAME = "workflow-changes"
WHY = "Workflows run with the repository's own rights, before anybody has merged."

_PLACES = re.compile(
    r"^(?:\.github/(?:workflows|actions)/|\.circleci/|\.gitlab-ci\.yml$|\.gitlab/ci/|"
    r"\.forgejo/workflows/|\.gitea/workflows/|azure-pipelines\.yml$|Jenkinsfile$)"
)
_GRAVE = (
    (re.compile(r"\bpull_request_target\b"), "runs on pull_request_target"),
    (re.compile(r"permissions:\s*write-all|^\s*[\w-]+:\s*write\s*$"), "asks for write permission"),
    (re.compile(r"\$\{\{[^}]*\bsecrets\."), "uses a secret"),
    (re.compile(r"\$\{\{[^}]*\bgithub\.(?:event\.|head_ref)"), "puts event data into a command"),
    (re.compile(r"\b(?:curl|wget)\b[^|]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b"), "runs a download"),
)


def look(change: Change) -> tuple[Remark, ...]:
    """A remark per workflow file, and a grave one for each line that hands out rights."""
    said: list[Remark] = []
    for file in change.diff.files:
        if any(_PLACES.match(path) for path in names_of(file)):
            said.append(Remark(NAME, "medium", "changes what CI runs", file.path))
            said += _grave(file)
    return tuple(said)


def _grave(file: FileDiff) -> list[Remark]:
    return [
        Remark(NAME, "high", message, spot(file.path, number))
        for number, line in added_lines(file)
        for pattern, message in _GRAVE
        if not line.lstrip().startswith("#") and pattern.search(line[:1000])
    ]
