"""The git forge's records: one JSON document per pull, one per checked commit; text <-> value.

Pure. A document is written to be read in `git log -p`: indented, sorted, newline-ended, and the
same value always gives the same bytes. Fields this version does not know are kept when a
document is rewritten. What must never happen here: a crash over what somebody wrote by hand
(that is a Finding), or two records for one number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pmcodex.core.facts import (
    Check,
    CheckState,
    Comment,
    Finding,
    Pull,
    PullState,
    Review,
    Verdict,
)

_PULL_PATH = re.compile(r"pulls/(\d{6,12})\.json")
_CHECKS_PATH = re.compile(r"checks/([0-9a-f]{2})/([0-9a-f]{40}(?:[0-9a-f]{24})?)\.json")

Name = Annotated[str, StringConstraints(min_length=1)]
Sha = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}([0-9a-f]{24})?)?$")]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


_AnyDocument = TypeVar("_AnyDocument", bound=_Document)


class CommentRecord(_Document):
    """A comment. `id` counts up within its pull; times are seconds since the epoch."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")]
    author: str
    body: str
    created_at: int = 0
    edited_at: int = 0


class ReviewRecord(_Document):
    """A review of the commit `head_sha`, `at` seconds since the epoch."""

    author: str
    verdict: Verdict
    body: str = ""
    head_sha: Sha = ""
    at: int = 0


class PullRecord(_Document):
    """Everything the forge remembers of a pull.

    While the pull is open, `head_sha` and `base_sha` are the tips that the last change to it saw;
    when it closes they stay as they were then. `opened_on` is the base's tip at the opening.
    Times are seconds since the epoch, 0 for "not yet".
    """

    number: int = Field(ge=1)
    title: str
    body: str = ""
    head: Name
    base: Name
    state: PullState = PullState.OPEN
    author: str = ""
    labels: tuple[str, ...] = ()
    draft: bool = False
    auto_merge_head: Sha = ""
    reviews: tuple[ReviewRecord, ...] = ()
    comments: tuple[CommentRecord, ...] = ()
    head_sha: Sha = ""
    base_sha: Sha = ""
    opened_on: Sha = ""
    merge_sha: Sha = ""
    opened_at: int = 0
    changed_at: int = 0
    closed_at: int = 0


class CheckRecord(_Document):
    """How one check ended on one commit, `at` seconds since the epoch, recorded by `author`.

    `spec` is a digest of what was run, where pmcodex ran it.
    """

    state: CheckState
    summary: str = ""
    details: tuple[str, ...] = ()
    url: str = ""
    spec: str = ""
    author: str = ""
    at: int = 0


class ChecksRecord(_Document):
    """Every check of one commit by its name."""

    sha: Sha
    checks: Mapping[str, CheckRecord] = Field(default_factory=dict)


# --- places and text -------------------------------------------------------------------------


def pull_path(number: int) -> str:
    """Where a pull's document lies in the forge's tree."""
    return f"pulls/{number:06d}.json"


def pull_number(path: str) -> int:
    """The number a path is for; 0 where it is no pull's path."""
    found = _PULL_PATH.fullmatch(path)
    number = int(found.group(1)) if found else 0
    return number if pull_path(number) == path else 0


def checks_path(sha: str) -> str:
    """Where the checks of a commit lie in the forge's tree."""
    return f"checks/{sha[:2]}/{sha}.json"


def checked_sha(path: str) -> str:
    """The commit a path holds the checks of; empty where it is no such path."""
    found = _CHECKS_PATH.fullmatch(path)
    return found.group(2) if found and found.group(2).startswith(found.group(1)) else ""


def dump(document: PullRecord | ChecksRecord) -> str:
    """The document's text: the same value gives the same bytes."""
    data = document.model_dump(mode="json")
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def clean(text: str) -> str:
    """Text that UTF-8 can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def load_pull(path: str, data: bytes) -> PullRecord | Finding:
    """Read a pull's document, or say what is wrong with it."""
    record = _load(PullRecord, path, data)
    if isinstance(record, PullRecord) and record.number != pull_number(path):
        return _unreadable(path, f"it says it is pull {record.number}")
    return record


def load_checks(path: str, data: bytes) -> ChecksRecord | Finding:
    """Read the checks of a commit, or say what is wrong with the document."""
    record = _load(ChecksRecord, path, data)
    if isinstance(record, ChecksRecord) and record.sha != checked_sha(path):
        return _unreadable(path, f"it says it is about commit {record.sha or '(none)'}")
    return record


def _load(shape: type[_AnyDocument], path: str, data: bytes) -> _AnyDocument | Finding:
    try:
        return shape.model_validate_json(data)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return _unreadable(path, f"{where}: {first['msg']}" if where else first["msg"])


def _unreadable(path: str, why: str) -> Finding:
    return Finding(
        kind="forge",
        where=path,
        message=f"the forge's record {path} can't be read: {why}",
        hint="see `git log -p refs/pmcodex/forge` in the project's remote for who changed it",
    )


# --- records as facts ------------------------------------------------------------------------


def as_pull(record: PullRecord, checks: ChecksRecord | None = None) -> Pull:
    """A record in the words of the core."""
    return Pull(
        number=record.number,
        title=record.title,
        body=record.body,
        head=record.head,
        head_sha=record.head_sha,
        base=record.base,
        state=record.state,
        author=record.author,
        labels=record.labels,
        draft=record.draft,
        reviews=tuple(
            Review(review.author, review.verdict, review.body, review.head_sha)
            for review in record.reviews
        ),
        checks=as_checks(checks),
        comments=tuple(as_comment(comment) for comment in record.comments),
        merge_sha=record.merge_sha,
        base_sha="" if record.state is PullState.OPEN else record.base_sha,
        auto_merge=bool(record.head_sha) and record.auto_merge_head == record.head_sha,
    )


def as_comment(record: CommentRecord) -> Comment:
    """A comment in the words of the core."""
    return Comment(record.id, record.author, record.body)


def as_checks(record: ChecksRecord | None) -> tuple[Check, ...]:
    """A commit's checks in the words of the core, by name."""
    if record is None:
        return ()
    return tuple(
        Check(name, check.state, check.summary, check.details, check.url, check.spec)
        for name, check in sorted(record.checks.items())
    )
