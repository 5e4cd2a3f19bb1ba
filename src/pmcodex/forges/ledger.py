"""What the git forge's ref says at one look: every pull as its branches are now, and findings.

Documents are parsed once per blob and kept for the life of the ledger. What must never happen
here: a push, or a crash over a document that can't be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pmcodex.core.facts import Finding, PullState
from pmcodex.core.guard import FORGE_REF
from pmcodex.forges import changes
from pmcodex.forges.changes import HEADS
from pmcodex.forges.documents import (
    ChecksRecord,
    PullRecord,
    checked_sha,
    checks_path,
    load_checks,
    load_pull,
    pull_number,
)
from pmcodex.ports import Entry, Git

_PLAIN_FILE = "100644"


@dataclass(frozen=True, slots=True)
class Look:
    """What one sync showed.

    `pulls` are by number, as their branches say; `overdue` are those of them that are still
    written down as open. `broken` are the numbers whose document can't be read. `checks` maps
    commits to the blobs of their checks.
    """

    refs: Mapping[str, str]
    tip: str
    pulls: Mapping[int, PullRecord]
    overdue: tuple[PullRecord, ...]
    broken: Mapping[int, Finding]
    checks: Mapping[str, str]
    findings: tuple[Finding, ...]


class Ledger:
    """Reads the forge's ref of one git."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._listed: tuple[str, tuple[Entry, ...]] = ("", ())
        self._parsed: dict[tuple[str, str], PullRecord | ChecksRecord | Finding] = {}
        self._arrived: dict[tuple[str, str], Mapping[str, str]] = {}

    def look(self, at: int) -> Look:
        """Sync and read. Pulls found closed or merged by their branches are so since `at`."""
        refs = self._git.sync()
        tip = refs.get(FORGE_REF, "")
        checks: dict[str, str] = {}
        wanted: dict[str, str] = {}
        strays: dict[str, Finding] = {}
        tips = set(refs.values())
        for entry in self._entries(tip):
            number, sha = pull_number(entry.path), checked_sha(entry.path)
            if entry.mode != _PLAIN_FILE or not (number or sha):
                strays[entry.path] = _stray(entry.path)
                continue
            if sha:
                checks[sha] = entry.oid
            if number or sha in tips:
                wanted[entry.path] = entry.oid
        self._load(wanted)
        parsed = {path: self._parsed[path, oid] for path, oid in wanted.items()}
        broken = strays | {path: one for path, one in parsed.items() if isinstance(one, Finding)}
        written = {one.number: one for one in parsed.values() if isinstance(one, PullRecord)}
        pulls = self._settled(refs, dict(sorted(written.items())), at)
        return Look(
            refs,
            tip,
            pulls,
            tuple(now for number, now in pulls.items() if now.state is not written[number].state),
            {pull_number(path): found for path, found in broken.items() if pull_number(path)},
            checks,
            tuple(broken[path] for path in sorted(broken)),
        )

    def checks(self, look: Look, sha: str) -> ChecksRecord | None:
        """The checks of a commit; None where there are none that can be read."""
        if sha not in look.checks:
            return None
        key = (checks_path(sha), look.checks[sha])
        self._load(dict([key]))
        found = self._parsed[key]
        return found if isinstance(found, ChecksRecord) else None

    def _entries(self, tip: str) -> tuple[Entry, ...]:
        if self._listed[0] != tip:
            self._listed = (tip, self._git.tree(tip) if tip else ())
            kept = {(entry.path, entry.oid) for entry in self._listed[1]}
            self._parsed = {key: one for key, one in self._parsed.items() if key in kept}
        return self._listed[1]

    def _load(self, wanted: Mapping[str, str]) -> None:
        new = {key for key in wanted.items() if key not in self._parsed}
        blobs = self._git.read({oid for _, oid in new}) if new else {}
        for path, oid in new:
            load = load_pull if pull_number(path) else load_checks
            self._parsed[path, oid] = load(path, blobs[oid])

    def _settled(
        self, refs: Mapping[str, str], written: Mapping[int, PullRecord], at: int
    ) -> dict[int, PullRecord]:
        landed: dict[str, Mapping[str, str]] = {}
        for record in written.values():
            # numbers follow the base's history: the first pull open into a base saw its oldest tip
            if record.state is PullState.OPEN and record.base not in landed:
                tip = refs.get(HEADS + record.base, "")
                landed[record.base] = self._arrivals(tip, record.opened_on)
        return {
            number: changes.settled(record, refs, landed.get(record.base, {}), at)
            for number, record in written.items()
        }

    def _arrivals(self, tip: str, since: str) -> Mapping[str, str]:
        if not tip or not since or tip == since:
            return {}
        if (tip, since) not in self._arrived:
            known = self._git.is_ancestor(since, tip)
            found = changes.arrivals(self._git.commits(tip, since)) if known else {}
            self._arrived = {(tip, since): found}
        return self._arrived[tip, since]


def _stray(path: str) -> Finding:
    return Finding(
        kind="forge",
        where=path,
        message=f"{path} is not a record of the forge",
        hint=f"see `git log {FORGE_REF} -- <path>` in the project's remote for who put it there",
    )
