"""What each verb does to the git forge's records: record in, record out.

Pure. A change that is there already returns the very same value, so that asking twice is asking
once. `settled` reads from the branches what a person did without the forge: a deleted branch
closes its pull, a merge by hand marks it merged. What must never happen here: a clock, or a pull
called merged whose commits are not in its base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pmcodex.core.actions import PullDraft
from pmcodex.core.facts import Check, PullState, Verdict
from pmcodex.forges.documents import (
    CheckRecord,
    ChecksRecord,
    CommentRecord,
    PullRecord,
    ReviewRecord,
    as_checks,
    clean,
)
from pmcodex.ports import Commit

HEADS = "refs/heads/"


def opened(number: int, head: str, draft: PullDraft, author: str, at: int) -> PullRecord:
    """A new pull, its tips not yet filled in (see `touched`)."""
    return PullRecord(
        number=number,
        title=clean(draft.title),
        body=clean(draft.body),
        head=head,
        base=draft.base,
        author=author,
        labels=tuple(sorted({clean(label) for label in draft.labels})),
        draft=draft.draft,
        opened_at=at,
    )


def touched(record: PullRecord, refs: Mapping[str, str], at: int) -> PullRecord:
    """The record with the tips and the time of this change."""
    if record.state is not PullState.OPEN:
        return record.model_copy(update={"changed_at": at})
    base = refs.get(HEADS + record.base, record.base_sha)
    tips = {
        "head_sha": refs.get(HEADS + record.head, record.head_sha),
        "base_sha": base,
        "opened_on": record.opened_on or base,
        "changed_at": at,
    }
    return record.model_copy(update=tips)


def edited(record: PullRecord, title: str, body: str) -> PullRecord:
    """The pull with this title and body."""
    title, body = clean(title), clean(body)
    if (record.title, record.body) == (title, body):
        return record
    return record.model_copy(update={"title": title, "body": body})


def labelled(record: PullRecord, label: str) -> PullRecord:
    """The pull with this label too."""
    label = clean(label)
    if label in record.labels:
        return record
    return record.model_copy(update={"labels": tuple(sorted({*record.labels, label}))})


def commented(record: PullRecord, author: str, body: str, at: int) -> PullRecord:
    """The pull with one more comment; its id is the next number."""
    number = max((int(comment.id) for comment in record.comments), default=0) + 1
    comment = CommentRecord(id=str(number), author=author, body=clean(body), created_at=at)
    return record.model_copy(update={"comments": (*record.comments, comment)})


def recommented(record: PullRecord, comment_id: str, body: str, at: int) -> PullRecord:
    """The pull with one comment's body replaced, in its place."""
    body = clean(body)
    comments = tuple(
        comment.model_copy(update={"body": body, "edited_at": at})
        if comment.id == comment_id and comment.body != body
        else comment
        for comment in record.comments
    )
    if comments == record.comments:
        return record
    return record.model_copy(update={"comments": comments})


def reviewed(record: PullRecord, review: ReviewRecord) -> PullRecord:
    """The pull with a person's latest review last.

    A mere comment never takes back a verdict: one of each is kept per author, as GitHub does.
    """
    comment = review.verdict is Verdict.COMMENTED
    kept = []
    for other in record.reviews:
        replaced = other.author == review.author and (
            not comment or other.verdict is Verdict.COMMENTED
        )
        if replaced and other.model_copy(update={"at": review.at}) == review:
            return record
        if not replaced:
            kept.append(other)
    return record.model_copy(update={"reviews": (*kept, review)})


def closed(record: PullRecord, at: int) -> PullRecord:
    """The pull, closed without a merge."""
    if record.state is not PullState.OPEN:
        return record
    return record.model_copy(update={"state": PullState.CLOSED, "closed_at": at})


def reopened(record: PullRecord) -> PullRecord:
    """A closed pull, open again."""
    return record.model_copy(update={"state": PullState.OPEN, "closed_at": 0, "base_sha": ""})


def wanted_merged(record: PullRecord, head_sha: str) -> PullRecord:
    """The pull, to be merged once it is green, as long as this is its head."""
    if record.auto_merge_head == head_sha:
        return record
    return record.model_copy(update={"auto_merge_head": head_sha})


def merged(record: PullRecord, sha: str, at: int) -> PullRecord:
    """The pull, merged as `sha`, which was its base's tip then."""
    return record.model_copy(
        update={
            "state": PullState.MERGED,
            "merge_sha": sha,
            "base_sha": sha,
            "closed_at": at,
        }
    )


def checked(record: ChecksRecord, check: Check, author: str, at: int) -> ChecksRecord:
    """A commit's checks with this one's last word."""
    value = Check(
        clean(check.name),
        check.state,
        clean(check.summary),
        tuple(clean(line) for line in check.details),
        clean(check.url),
        clean(check.spec),
    )
    if value in as_checks(record):
        return record
    one = CheckRecord(
        state=value.state,
        summary=value.summary,
        details=value.details,
        url=value.url,
        spec=value.spec,
        author=author,
        at=at,
    )
    return record.model_copy(update={"checks": {**record.checks, value.name: one}})


def arrivals(commits: Iterable[Commit]) -> dict[str, str]:
    """Each commit that reached a base, and what brought it there: a merge, or itself."""
    brought: dict[str, str] = {}
    for commit in commits:
        brought.setdefault(commit.sha, commit.sha)
        for parent in commit.parents[1:]:
            brought[parent] = commit.sha
    return brought


def settled(
    record: PullRecord, refs: Mapping[str, str], landed: Mapping[str, str], at: int
) -> PullRecord:
    """The pull as its branches say: merged by hand, closed with its branch, or open at its tip.

    `landed` maps the commits that reached the base since the pull was opened to what brought
    them. The tip that the last change saw must be among them, not only the branch's tip of today:
    a branch that was thrown back onto its base is not a merge. `at` is the time of the look.
    """
    if record.state is not PullState.OPEN:
        return record
    head, base = refs.get(HEADS + record.head, ""), refs.get(HEADS + record.base, "")
    tip = head or record.head_sha
    if base and record.head_sha in landed and tip in landed:
        return merged(record.model_copy(update={"head_sha": tip}), landed[tip], at)
    if not head or not base:
        return closed(record, at)
    return record.model_copy(update={"head_sha": head}) if head != record.head_sha else record
