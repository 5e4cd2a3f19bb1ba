"""One project's git: a bare mirror of its remote, read and written without a working tree.

Commits are made in the mirror and reach the remote through `push` alone, which asks the guard
first (law 1) and moves refs by compare-and-swap.
What must never happen here: a second way to the remote, or a ref moved unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from pmcodex.core.actions import FileEdit
from pmcodex.errors import InvalidInput, Refused, TryLater
from pmcodex.git import folder as gitfolder
from pmcodex.git.export import ExportedFiles, exported
from pmcodex.git.local import LocalRepository, describe_repository
from pmcodex.git.process import Ended, GitProcess, looks_damaged, text, trouble, verb_of
from pmcodex.git.remote import (
    address,
    is_race,
    is_sha,
    push_arguments,
    read_refs,
    rejection,
    standing,
    with_default,
)
from pmcodex.git.stream import identity, message_bytes, stream
from pmcodex.ports import (
    PMCODEX,
    Commit,
    Entry,
    Guard,
    MergedTree,
    Person,
    Pushed,
    PushResult,
    RefUpdate,
)

__all__ = ["LocalRepository", "Mirror", "describe_repository"]

_BRANCHES = "--glob=refs/remotes/origin/*"
_EMPTY_TREE = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


class Mirror:
    """The `Git` port over a bare mirror in `folder`. The caller holds the project's lock."""

    def __init__(self, url: str, folder: Path, timeout: float) -> None:
        self.url = url
        self.folder = folder
        self._git = GitProcess(folder, timeout)
        self._partial = gitfolder.is_partial(folder)
        self._executables: dict[str, frozenset[str]] = {}
        self._synced = False

    @classmethod
    def open(cls, url: str, folder: Path, *, timeout: float = 300) -> Mirror:
        """The mirror of a remote, built first where it is missing or broken.

        `timeout` is in seconds, for each git process. Raises InvalidInput for an address that is
        no repository or may not be used, Refused without permission, TryLater without network.
        """
        url = address(url)
        folder = folder.absolute()
        gitfolder.prepare(folder, url, timeout)
        return cls(url, folder, timeout)

    # --- the remote ------------------------------------------------------------------------

    def sync(self) -> Mapping[str, str]:
        try:
            return self._sync()
        except TryLater:
            if not gitfolder.is_damaged(self.folder):
                raise
        gitfolder.prepare(self.folder, self.url, self._git.timeout)
        return self._sync()

    def refs(self) -> Mapping[str, str]:
        return (gitfolder.remembered(self.folder) or {}) if self._synced else self.sync()

    def _sync(self) -> Mapping[str, str]:
        if gitfolder.is_damaged(self.folder):
            gitfolder.prepare(self.folder, self.url, self._git.timeout)
        seen = self._look()
        known = gitfolder.remembered(self.folder) or {}
        self._synced = True
        if seen == known:
            return seen
        default = seen.pop("HEAD", "")
        known.pop("HEAD", None)
        refs = seen if seen == known else self._fetch()
        if default in refs:
            refs = {**refs, "HEAD": default}
        gitfolder.remember(self.folder, refs)
        return refs

    def _look(self) -> dict[str, str]:
        return with_default(read_refs(text(self._run(*gitfolder.LOOK).out)), self.url)

    def _fetch(self) -> dict[str, str]:
        self._run("fetch", "-q", "--prune", "--no-tags", "--no-write-fetch-head", "origin")
        # The remote may have moved since we looked; what counts is what was fetched.
        out = self._run("for-each-ref", "--format=%(refname)%00%(objectname)").out
        refs = {}
        for line in text(out).splitlines():
            name, _, sha = line.partition("\0")
            if name.startswith("refs/remotes/origin/"):
                refs["refs/heads/" + name.removeprefix("refs/remotes/origin/")] = sha
            elif name.startswith("refs/pmcodex/remote/"):
                refs["refs/pmcodex/" + name.removeprefix("refs/pmcodex/remote/")] = sha
        return refs

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        for update in updates:
            _check_update(update)
            forced, ours = self._rewrites(update)
            refusal = guard.refusal(update, forced=forced, ours=ours)
            if refusal:
                raise Refused(refusal)
        return self._push(updates) if updates else PushResult(Pushed.DONE)

    def _rewrites(self, update: RefUpdate) -> tuple[bool, bool]:
        """Whether the update takes commits off the ref, and whether pmcodex made those."""
        if not update.expected:
            return False, False
        forced = not update.new or not self.is_ancestor(update.expected, update.new)
        if not self._is_by_us("--no-walk", update.expected):
            return forced, False
        branch = update.ref.replace("refs/heads/", "refs/remotes/origin/", 1)
        others = ("--not", *filter(None, [update.new]), f"--exclude={branch}", _BRANCHES)
        return forced, not forced or self._is_by_us(update.expected, *others)

    def _is_by_us(self, *span: str) -> bool:
        found = self._git("log", "--format=%ce", *span, "--", ok=None)
        return found.code == 0 and set(found.lines) <= {PMCODEX.email}

    def _push(self, updates: Sequence[RefUpdate]) -> PushResult:
        ended = self._git(*push_arguments(updates, self.url, atomic=True), ok=None)
        if ended.code and "support --atomic" in ended.err:
            if len(updates) > 1:
                return PushResult(Pushed.REFUSED, "the remote can't move several refs at once")
            ended = self._git(*push_arguments(updates, self.url, atomic=False), ok=None)
        if ended.code:
            return self._look_again(updates, ended)
        self._remember_push(updates)
        return PushResult(Pushed.DONE)

    def _look_again(self, updates: Sequence[RefUpdate], ended: Ended) -> PushResult:
        """What a failed push came to, by the remote's own refs rather than by its words."""
        error = trouble("push", ended.err)
        answered = "\n!\t" in "\n" + text(ended.out)
        if not answered and isinstance(error, TryLater):
            raise error
        match standing(updates, self._look()):
            case "new":
                self._remember_push(updates)
                return PushResult(Pushed.DONE)
            case "other":
                return PushResult(Pushed.LOST)
        words = text(ended.out)
        if answered and is_race(words + ended.err):
            return PushResult(Pushed.LOST)
        if not answered and isinstance(error, Refused):
            raise error
        return PushResult(Pushed.REFUSED, rejection(words, ended.err, self.url))

    def _remember_push(self, updates: Sequence[RefUpdate]) -> None:
        refs = gitfolder.remembered(self.folder)
        if refs is None:
            return
        for update in updates:
            refs.pop(update.ref, None)
            if update.new:
                refs[update.ref] = update.new
        gitfolder.remember(self.folder, refs)

    # --- reading ---------------------------------------------------------------------------

    def tree(self, commit: str) -> tuple[Entry, ...]:
        out = self._run("ls-tree", "-r", "-z", "--full-tree", _sha(commit)).out
        entries = []
        for record in text(out).split("\0")[:-1]:
            head, _, path = record.partition("\t")
            mode, kind, oid = head.split(" ")
            if kind == "blob":
                entries.append(Entry(mode, oid, path))
        self._executables[commit] = frozenset(e.path for e in entries if e.mode == "100755")
        return tuple(entries)

    def read(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(dict.fromkeys(_sha(blob) for blob in blobs))
        if not wanted:
            return {}
        if self._partial:
            self._fetch_missing(wanted)
        out = self._run("cat-file", "--batch", stdin=_lines(wanted)).out
        return _read_batch(out, len(wanted))

    def _fetch_missing(self, wanted: list[str]) -> None:
        """Bring the blobs a partial clone left at the remote, all in one go."""
        walk = ("rev-list", "--objects", "--no-walk", "--ignore-missing", "--missing=print")
        found = self._run(*walk, "--stdin", stdin=_lines(wanted))
        there = {line.split(" ")[0] for line in found.lines}
        missing = [blob for blob in wanted if blob not in there]
        if missing:
            get = ("fetch", "-q", "--no-tags", "--no-write-fetch-head", "--filter=blob:none")
            quick = ("-c", "fetch.negotiationAlgorithm=noop")
            self._run(*quick, *get, "--stdin", "origin", stdin=_lines(missing))

    def _become_whole(self) -> None:
        """Fetch every blob: the remote leaves blobs out but won't give single ones later."""
        fetch = ("fetch", "-q", "--prune", "--no-tags", "--no-write-fetch-head")
        self._git(*fetch, "--refetch", "--no-filter", "origin")
        gitfolder.forget_partial(self.folder)
        self._partial = False

    def merge_tree(self, ours: str, theirs: str) -> MergedTree:
        how = ("merge-tree", "--write-tree", "--allow-unrelated-histories", "--name-only", "-z")
        ended = self._run(*how, _sha(ours), _sha(theirs), ok=(0, 1))
        tree, *rest = text(ended.out).split("\0")
        if ended.code == 0:
            return MergedTree(tree)
        return MergedTree("", tuple(dict.fromkeys(rest[: rest.index("")])))

    def merge_base(self, one: str, other: str) -> str:
        ended = self._run("merge-base", _sha(one), _sha(other), ok=(0, 1))
        return next(iter(ended.lines), "")

    def is_ancestor(self, older: str, newer: str) -> bool:
        if not (is_sha(older) and is_sha(newer)):
            return False
        return self._git("merge-base", "--is-ancestor", older, newer, ok=None).code == 0

    def commits(self, tip: str, not_in: str) -> tuple[Commit, ...]:
        form = "--format=%H%x00%P%x00%an%x00%ae%x00%ct%x00%B"
        span = _span(tip, not_in)
        out = text(self._run("log", "-z", "--reverse", "--topo-order", form, *span, "--").out)
        fields = out.split("\0")[:-1]
        return tuple(
            Commit(sha, tuple(parents.split()), author, email, int(at), message)
            for sha, parents, author, email, at, message in zip(*[iter(fields)] * 6, strict=True)
        )

    def last_touch(self, tip: str, path: str) -> str:
        ended = self._run("--literal-pathspecs", "rev-list", "-1", _sha(tip), "--", path)
        return next(iter(ended.lines), "")

    def history_paths(self, tip: str, since: str, folder: str) -> frozenset[str]:
        how = ("log", "-z", "--format=", "--name-only", "--no-renames", "-c", "--full-history")
        span = _span(tip, since)
        out = self._run("--literal-pathspecs", *how, *span, "--", folder or ".").out
        return frozenset(path for path in text(out).split("\0") if path)

    def diff(self, base: str, head: str) -> str:
        how = ("--no-ext-diff", "--no-textconv", "--no-color", "-r", "-p", "-M", "--full-index")
        out = self._run("diff-tree", *how, *_trees(base, head), "--").out
        return out.decode("utf-8", "replace")

    def changed_paths(self, base: str, head: str) -> tuple[str, ...]:
        how = ("diff-tree", "-r", "-z", "--name-only", "--no-renames")
        return tuple(text(self._run(*how, *_trees(base, head), "--").out).split("\0")[:-1])

    def export(self, commit: str) -> AbstractContextManager[ExportedFiles]:
        return exported(self._run, _sha(commit))

    # --- writing ---------------------------------------------------------------------------

    def commit(
        self,
        parent: str,
        edits: Sequence[FileEdit],
        message: str,
        *,
        at: int,
        author: Person = PMCODEX,
    ) -> str:
        executables = self._executable_among(_sha(parent), edits) if parent else frozenset()
        given = stream(parent, edits, (message, at, author), executables)
        made = text(self._run("fast-import", "--quiet", stdin=given).out).strip()
        if parent in self._executables:
            self._executables[made] = _executables_after(self._executables[parent], edits)
        return made

    def _executable_among(self, parent: str, edits: Sequence[FileEdit]) -> frozenset[str]:
        if parent not in self._executables:
            paths = [e.path for e in edits if e.text is not None and not e.executable]
            if not paths:
                return frozenset()
            how = ("--literal-pathspecs", "ls-tree", "-z", "--full-tree", parent, "--")
            records = text(self._run(*how, *paths).out).split("\0")[:-1]
            return frozenset(r.partition("\t")[2] for r in records if r.startswith("100755 "))
        return self._executables[parent]

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, at: int, author: Person = PMCODEX
    ) -> str:
        env: dict[str, str] = {}
        for role, person in (("AUTHOR", author), ("COMMITTER", PMCODEX)):
            name, email = identity(person)
            env |= {
                f"GIT_{role}_NAME": name,
                f"GIT_{role}_EMAIL": email,
                f"GIT_{role}_DATE": f"@{at} +0000",
            }
        over = [part for parent in parents for part in ("-p", _sha(parent))]
        given = message_bytes(message)
        ended = self._run("commit-tree", _sha(tree), *over, "-F", "-", stdin=given, env=env)
        return text(ended.out).strip()

    def _run(
        self,
        *args: str,
        ok: tuple[int, ...] = (0,),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run git in the mirror; where the mirror itself is broken, see that it is rebuilt."""
        ended = self._git(*args, ok=None, stdin=stdin, env=env)
        if ended.code in ok:
            return ended
        if self._partial and "unadvertised object" in ended.err:
            self._become_whole()
            return self._run(*args, ok=ok, stdin=stdin, env=env)
        error = trouble(verb_of(args), ended.err)
        if not isinstance(error, InvalidInput) or not looks_damaged(ended.err):
            raise error
        gitfolder.mark_damaged(self.folder)
        raise TryLater(
            f"the mirror of {self.url} lacks something: {error.sentence}",
            hint="it is built anew by the next round",
        )


def _executables_after(before: frozenset[str], edits: Sequence[FileEdit]) -> frozenset[str]:
    """The executable paths of a commit that makes these edits on top of those paths."""
    gone = {edit.path for edit in edits if edit.text is None}
    return (before - gone) | {edit.path for edit in edits if edit.text and edit.executable}


def _sha(name: str) -> str:
    if not is_sha(name):
        raise InvalidInput(f"{name!r} is not the id of a git object")
    return name


def _check_update(update: RefUpdate) -> None:
    plain = update.ref.startswith("refs/") and not set(update.ref) & set(" ~^:?*[\\\x7f")
    if not plain or any(ord(c) < 32 for c in update.ref) or ".." in update.ref:
        raise InvalidInput(f"{update.ref!r} is not the full name of a ref")
    for sha in filter(None, (update.new, update.expected)):
        _sha(sha)


def _span(tip: str, not_in: str) -> tuple[str, ...]:
    return (_sha(tip), f"^{_sha(not_in)}") if not_in else (_sha(tip),)


def _trees(base: str, head: str) -> tuple[str, str]:
    return (_sha(base) if base else _EMPTY_TREE[len(_sha(head))]), _sha(head)


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _read_batch(out: bytes, count: int) -> dict[str, bytes]:
    """The output of `cat-file --batch`: per object a line with id, kind and size, then bytes."""
    blobs: dict[str, bytes] = {}
    at = 0
    for _ in range(count):
        end = out.index(b"\n", at)
        head = text(out[at:end]).split(" ")
        if len(head) != 3 or head[1] != "blob":
            raise InvalidInput(f"there is no blob {head[0]} in the repository")
        size = int(head[2])
        blobs[head[0]] = out[end + 1 : end + 1 + size]
        at = end + 2 + size
    return blobs
