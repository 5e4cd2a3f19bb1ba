"""The embedded forge: pulls, reviews, checks and merges as commits on one ref of the remote.

Everything lives under `refs/pmcodex/forge`, so any git remote is a forge, without account or
server, and `git log -p refs/pmcodex/forge` is the audit trail. A change is one commit on top of
the tip that was read, pushed by compare-and-swap; who loses the race looks again and decides
anew. What must never happen here: a push that does not say what it expects, a base branch moved
by anything but `merge`, or a MergeGuard made anywhere else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pmcodex.core.actions import FileEdit, PullDraft
from pmcodex.core.facts import Check, Comment, Finding, Pull, PullState, Verdict
from pmcodex.core.guard import FORGE_REF, MergeGuard, RoleGuard
from pmcodex.core.keys import read_marker
from pmcodex.errors import InvalidInput, Refused, TryLater
from pmcodex.forges import changes
from pmcodex.forges.changes import HEADS
from pmcodex.forges.documents import (
    ChecksRecord,
    CommentRecord,
    PullRecord,
    ReviewRecord,
    as_comment,
    as_pull,
    checked_sha,
    checks_path,
    clean,
    dump,
    pull_path,
)
from pmcodex.forges.ledger import Ledger, Look
from pmcodex.ports import (
    Clock,
    Git,
    Guard,
    MergeEnd,
    MergeResult,
    Person,
    Pushed,
    PushResult,
    RefUpdate,
)

_TRIES = 30


@dataclass(frozen=True, slots=True)
class _Step:
    """One change to make: the documents, the sentence of its commit."""

    message: str
    edits: tuple[FileEdit, ...]


class GitForge:
    """A forge in the project's own remote. See `ports.Forge` for what its verbs promise.

    `actor` is whose pulls, comments and reviews these are. With `delete_merged_heads`, a merge
    takes the pull's branch away in the same push. Not made for use by several threads at once.
    """

    name = "git"
    shares_remote = True
    lag = 0.0

    def __init__(
        self,
        git: Git,
        clock: Clock,
        *,
        actor: Person,
        branch_prefix: str,
        default_branch: str = "",
        delete_merged_heads: bool = True,
    ) -> None:
        self._git = git
        self._clock = clock
        self._actor = replace(actor, name=_line(actor.name))
        self._branch_prefix = branch_prefix
        self._default_branch = default_branch
        self._delete_merged_heads = delete_merged_heads
        self._ledger = Ledger(git)

    # --- reading -----------------------------------------------------------------------------

    def me(self) -> str:
        """The author name our own pulls and comments carry."""
        return self._actor.name

    def pulls(self) -> tuple[Pull, ...]:
        """Every pull ever opened, by number, with comments; checks on those that are open.

        Costs, after the sync, one listing and one reading of what was not read before; one more
        look where a base moved since a pull into it was opened.
        """
        look = self._ledger.look(self._now())
        return tuple(self._as_pull(look, record) for record in look.pulls.values())

    def findings(self) -> tuple[Finding, ...]:
        """What in the forge's ref can't be read. Such documents are left out of everything else."""
        return self._ledger.look(self._now()).findings

    def comments(self, number: int) -> tuple[Comment, ...]:
        """A pull's comments, oldest first."""
        record = _known(self._ledger.look(self._now()), number)
        return tuple(as_comment(comment) for comment in record.comments)

    # --- pulls -------------------------------------------------------------------------------

    def open_pull(self, head: str, draft: PullDraft) -> Pull:
        """Open a pull, or return the one that is open for `head`, unchanged."""
        for look in self._tries():
            for record in look.pulls.values():
                if record.state is PullState.OPEN and record.head == head:
                    return self._as_pull(look, record)
            self._must_differ(look, head, draft.base)
            number = max((*look.pulls, *look.broken), default=0) + 1
            new = changes.opened(number, head, draft, self._actor.name, self._now())
            new = changes.touched(new, look.refs, self._now())
            said = f"pull {number}: opened by {self._actor.name}, {new.head} into {new.base}"
            if self._done(self._push(look, _step(said, new))):
                return self._as_pull(look, new)
        raise _too_busy()

    def edit_pull(self, number: int, *, title: str, body: str) -> None:
        """Give a pull this title and body."""
        self._change(number, "edited", lambda record: changes.edited(record, title, body))

    def close_pull(self, number: int) -> None:
        """Close a pull without merging it; a pull that is not open stays as it is."""
        self._change(number, "closed", lambda record: changes.closed(record, self._now()))

    def reopen_pull(self, number: int) -> None:
        """Open a closed pull again; one that is open already stays as it is."""
        for look in self._tries():
            record = _known(look, number)
            if record.state is PullState.OPEN:
                return
            if record.state is PullState.MERGED:
                raise Refused(f"Pull {number} is merged; it can't be opened again.")
            others = [other.number for other in look.pulls.values() if _rivals(other, record)]
            if others:
                raise Refused(f"Pull {others[0]} is open for {record.head} already.")
            self._must_differ(look, record.head, record.base)
            new = changes.touched(changes.reopened(record), look.refs, self._now())
            said = f"pull {number}: reopened by {self._actor.name}"
            if self._done(self._push(look, _step(said, new))):
                return
        raise _too_busy()

    def add_label(self, number: int, label: str) -> None:
        """Put a label on a pull."""
        said = f"labelled {_line(label)}"
        self._change(number, said, lambda record: changes.labelled(record, label))

    def review(self, number: int, verdict: Verdict, body: str) -> None:
        """Record the actor's review of the pull's head as it is now."""

        def change(record: PullRecord) -> PullRecord:
            if record.author == self._actor.name:
                raise Refused(
                    f"You can't review your own pull: {self._actor.name} opened pull {number}.",
                    hint="ask somebody else to review it, or merge it without a review",
                )
            review = ReviewRecord(
                author=self._actor.name,
                verdict=verdict,
                body=clean(body),
                head_sha=record.head_sha,
                at=self._now(),
            )
            new = changes.reviewed(record, review)
            if new is not record and record.state is not PullState.OPEN:
                raise Refused(f"Pull {number} is {record.state.value}; it can't be reviewed.")
            return new

        self._change(number, verdict.value.replace("_", " "), change)

    # --- comments and checks -----------------------------------------------------------------

    def create_comment(self, number: int, body: str, *, marker: str = "") -> Comment:
        """Add a comment to a pull; with `marker`, edit ours that carries it if there is one."""

        def change(record: PullRecord) -> PullRecord:
            ours = self._marked(record, marker)
            if ours is not None:
                return changes.recommented(record, ours.id, body, self._now())
            return changes.commented(record, self._actor.name, body, self._now())

        record = self._change(number, "commented on", change)
        return as_comment(self._marked(record, marker) or record.comments[-1])

    def _marked(self, record: PullRecord, marker: str) -> CommentRecord | None:
        """The actor's comment with this marker, if it is asked for and there is one."""
        return next(
            (
                comment
                for comment in record.comments
                if marker
                and comment.author == self._actor.name
                and read_marker(comment.body, marker) is not None
            ),
            None,
        )

    def edit_comment(self, number: int, comment_id: str, body: str) -> None:
        """Replace a comment's body in its place."""

        def change(record: PullRecord) -> PullRecord:
            if all(comment.id != comment_id for comment in record.comments):
                raise InvalidInput(
                    f"Pull {number} has no comment {comment_id}.",
                    hint=f"see its comments with `pmcodex pull show {number}`",
                )
            return changes.recommented(record, comment_id, body, self._now())

        self._change(number, f"comment {comment_id} edited", change)

    def set_check(self, sha: str, check: Check) -> None:
        """Record how a check ended on a commit; the last word by (sha, name) wins."""
        path = checks_path(sha)
        if not sha or checked_sha(path) != sha:
            raise InvalidInput(
                f"{_line(sha) or 'An empty string'} is not a commit's id.",
                hint="give all 40 hex digits; `git rev-parse` prints them",
            )
        for look in self._tries():
            old = self._ledger.checks(look, sha) or ChecksRecord(sha=sha)
            new = changes.checked(old, check, self._actor.name, self._now())
            if new is old:
                return
            said = f"commit {sha[:10]}: check {_line(check.name)} ended {check.state.value}"
            if self._done(self._push(look, _Step(said, (FileEdit(path, dump(new)),)))):
                return
        raise _too_busy()

    # --- merging -----------------------------------------------------------------------------

    def request_merge(self, number: int, *, expected_head: str) -> None:
        """Write down that the pull is to be merged once it is green; a new commit voids it."""

        def change(record: PullRecord) -> PullRecord:
            end = _unmergeable(record, expected_head)
            if end is not None and end.ended is not MergeEnd.MERGED:
                raise Refused(end.detail, hint=f"look at it with `pmcodex pull show {number}`")
            return record if end else changes.wanted_merged(record, expected_head)

        self._change(number, f"merge of {expected_head[:10]} requested", change)

    def merge(self, number: int, *, expected_head: str, message: str) -> MergeResult:
        """Squash a pull into today's base in one atomic push, only if its head is as expected."""
        for look in self._tries():
            record = _known(look, number)
            end = _unmergeable(record, expected_head)
            if end is not None:
                return end
            base = look.refs[HEADS + record.base]
            tree = self._git.merge_tree(base, expected_head)
            if tree.conflicts:
                paths = ", ".join(tree.conflicts)
                return MergeResult(
                    MergeEnd.CONFLICT, detail=f"{record.head} conflicts with {record.base}: {paths}"
                )
            made = self._git.commit_tree(
                tree.tree, [base], clean(message), at=self._now(), author=self._actor
            )
            pushed = self._push_merge(look, record, base, made)
            if pushed.ended is Pushed.DONE:
                return MergeResult(MergeEnd.MERGED, sha=made)
            if pushed.ended is Pushed.REFUSED:
                return MergeResult(MergeEnd.REFUSED, detail=pushed.detail)
        raise _too_busy()

    def _push_merge(self, look: Look, record: PullRecord, base: str, made: str) -> PushResult:
        new = changes.merged(changes.touched(record, look.refs, self._now()), made, self._now())
        said = f"pull {record.number}: merged by {self._actor.name} as {made[:10]}"
        guard = MergeGuard(record.base, record.head)
        moves = [RefUpdate(HEADS + record.base, made, base)]
        if not self._may_delete(look, record):
            return self._push(look, _step(said, new), moves, guard)
        gone = RefUpdate(HEADS + record.head, "", record.head_sha)
        pushed = self._push(look, _step(said, new), [*moves, gone], guard)
        if pushed.ended is Pushed.REFUSED:  # the branch may be checked out, or protected there
            return self._push(look, _step(said, new), moves, guard)
        return pushed

    def _may_delete(self, look: Look, record: PullRecord) -> bool:
        return (
            self._delete_merged_heads
            and record.head != self._default(look.refs)
            and not any(
                other.state is PullState.OPEN and other.base == record.head
                for other in look.pulls.values()
            )
        )

    # --- one change --------------------------------------------------------------------------

    def _change(
        self, number: int, verb: str, change: Callable[[PullRecord], PullRecord]
    ) -> PullRecord:
        for look in self._tries():
            record = _known(look, number)
            new = change(record)
            if new is record:
                return record
            new = change(changes.touched(record, look.refs, self._now()))
            said = f"pull {number}: {verb} by {self._actor.name}"
            if self._done(self._push(look, _step(said, new))):
                return new
        raise _too_busy()

    def _push(
        self,
        look: Look,
        step: _Step,
        moves: Sequence[RefUpdate] = (),
        guard: Guard | None = None,
    ) -> PushResult:
        tip = look.tip
        for record in look.overdue:
            how = "merged by hand" if record.state is PullState.MERGED else "closed with its branch"
            tip = self._commit(tip, _step(f"pull {record.number}: {how}", record))
        tip = self._commit(tip, step)
        guard = guard or RoleGuard(self._default(look.refs), self._branch_prefix)
        return self._git.push([*moves, RefUpdate(FORGE_REF, tip, look.tip)], guard)

    def _commit(self, parent: str, step: _Step) -> str:
        return self._git.commit(
            parent, step.edits, step.message, at=self._now(), author=self._actor
        )

    def _done(self, pushed: PushResult) -> bool:
        if pushed.ended is Pushed.REFUSED:
            raise Refused(
                f"The remote refuses the forge's record: {pushed.detail or 'it does not say why'}",
                hint=f"you need the right to push to {FORGE_REF} there",
            )
        return pushed.ended is Pushed.DONE

    def _tries(self) -> Iterator[Look]:
        for attempt in range(_TRIES):
            yield self._ledger.look(self._now())
            self._clock.sleep(random.uniform(0.2, 1.0) * min(0.02 * (attempt + 1), 0.3))

    # --- small words -------------------------------------------------------------------------

    def _as_pull(self, look: Look, record: PullRecord) -> Pull:
        is_open = record.state is PullState.OPEN
        return as_pull(record, self._ledger.checks(look, record.head_sha) if is_open else None)

    def _must_differ(self, look: Look, head: str, base: str) -> None:
        for branch in (head, base):
            if HEADS + branch not in look.refs:
                raise Refused(
                    f"There is no branch {_line(branch) or '(no name)'} on the remote.",
                    hint="push it first; `git ls-remote --heads` shows what is there",
                )
        if head == base:
            raise Refused(f"A pull of {head} into itself can't be opened.")
        tip, target = look.refs[HEADS + head], look.refs[HEADS + base]
        common = self._git.merge_base(target, tip)
        if common == tip:
            raise Refused(
                f"{head} has no commits that {base} has not.",
                hint="commit and push something first",
            )
        if not common:
            raise Refused(f"{head} and {base} have no history in common.")

    def _default(self, refs: Mapping[str, str]) -> str:
        return self._default_branch or refs.get("HEAD", "").removeprefix(HEADS)

    def _now(self) -> int:
        return int(self._clock.now())


def _rivals(other: PullRecord, record: PullRecord) -> bool:
    return other.state is PullState.OPEN and other.head == record.head


def _step(message: str, record: PullRecord) -> _Step:
    return _Step(message, (FileEdit(pull_path(record.number), dump(record)),))


def _known(look: Look, number: int) -> PullRecord:
    if number in look.broken:
        raise InvalidInput(look.broken[number].message, hint=look.broken[number].hint)
    if number not in look.pulls:
        raise InvalidInput(
            f"There is no pull {number}.", hint="`pmcodex pull list` shows those that there are"
        )
    return look.pulls[number]


def _unmergeable(record: PullRecord, expected_head: str) -> MergeResult | None:
    moved = f"{record.head} is at {record.head_sha[:10]} now, not at {expected_head[:10]}"
    if record.state is PullState.MERGED:
        if record.head_sha != expected_head:
            return MergeResult(MergeEnd.STALE, detail=f"pull {record.number} was merged: {moved}")
        return MergeResult(MergeEnd.MERGED, sha=record.merge_sha)
    if record.state is PullState.CLOSED:
        return MergeResult(MergeEnd.REFUSED, detail=f"pull {record.number} is closed")
    if record.head_sha != expected_head:
        return MergeResult(MergeEnd.STALE, detail=moved)
    if record.draft:
        return MergeResult(MergeEnd.REFUSED, detail=f"pull {record.number} is a draft")
    return None


def _too_busy() -> TryLater:
    return TryLater(
        f"Others changed the forge's record {_TRIES} times in a row.", hint="run it again"
    )


def _line(text: str) -> str:
    """One line of a text, since commit messages are read by line."""
    return re.sub(r"\s+", " ", clean(text)).strip()[:120]
