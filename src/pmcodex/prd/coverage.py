"""PRD diffs: which acceptance items have a task, which have none, and which changed their words.

What must never happen here: a second task for an item whose words were only changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from pmcodex.core.keys import number
from pmcodex.core.model import AcceptanceItem, Milestone, Task
from pmcodex.prd.reader import Prd, normalised

_ALIKE = 0.6
# Up to this many open items are compared with every orphan; above it, those that share words.
_FEW = 40
_CANDIDATES = 8

Open = tuple[Milestone, AcceptanceItem]


@dataclass(frozen=True, slots=True)
class Changed:
    """A task whose item has other words in the PRD now: the old words, and the item as it is."""

    task_id: str
    old: str
    item: AcceptanceItem


@dataclass(frozen=True, slots=True)
class Coverage:
    """A PRD against the tasks. Item keys are covered, uncovered or changed, never two of them.

    `covered` maps an item's key to the lowest id of its tasks. `uncovered` is in the PRD's order,
    `changed` and `gone` (tasks whose item is no longer there) in the order of ids.
    """

    covered: Mapping[str, str]
    uncovered: tuple[Open, ...]
    changed: tuple[Changed, ...] = ()
    gone: tuple[str, ...] = ()


def coverage(prd: Prd, tasks: Iterable[Task]) -> Coverage:
    """Compare a PRD with the tasks that name one of its items, whatever state those are in.

    Tasks whose item vanished are paired one to one with open items of similar words, the same
    milestone first; several tasks of one vanished item share its new one.
    """
    claims: dict[str, list[Task]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: number(task.id)):
        if task.prd:
            claims[task.prd].append(task)
    items = [(stone, item) for stone in prd.milestones for item in stone.acceptance]
    covered = {item.key: claims.pop(item.key)[0].id for _, item in items if item.key in claims}
    unclaimed = [(stone, item) for stone, item in items if item.key not in covered]
    pairs = _pairs(claims, unclaimed)
    taken = {item.key for item in pairs.values()}
    orphans = sorted((t for one in claims.values() for t in one), key=lambda task: number(task.id))
    return Coverage(
        covered=covered,
        uncovered=tuple(pair for pair in unclaimed if pair[1].key not in taken),
        changed=tuple(
            Changed(task.id, _words(task), pairs[task.prd]) for task in orphans if task.prd in pairs
        ),
        gone=tuple(task.id for task in orphans if task.prd not in pairs),
    )


def _words(task: Task) -> str:
    """What a task says its item said."""
    return task.acceptance[0] if task.acceptance else task.title


def _pairs(orphans: Mapping[str, list[Task]], unclaimed: list[Open]) -> dict[str, AcceptanceItem]:
    """Vanished keys with the item each became: the most alike first, ties by order."""
    said = [normalised(item.text) for _, item in unclaimed]
    nearby = _Nearby(said)
    scored = []
    for order, (key, tasks) in enumerate(orphans.items()):
        old = normalised(_words(tasks[0]))
        matcher = SequenceMatcher(b=old, autojunk=False)
        for n in nearby.candidates(old):
            if (ratio := _ratio(matcher, said[n])) >= _ALIKE:
                elsewhere = unclaimed[n][0].id != key.rpartition("-")[0]
                scored.append((elsewhere, -ratio, order, n, key))
    pairs: dict[str, AcceptanceItem] = {}
    taken: set[int] = set()
    for _, _, _, n, key in sorted(scored):
        if key not in pairs and n not in taken:
            pairs[key] = unclaimed[n][1]
            taken.add(n)
    return pairs


def _ratio(matcher: SequenceMatcher[str], words: str) -> float:
    """How alike, from 0 to 1; 0 where cheap upper bounds already say that it is too little."""
    matcher.set_seq1(words)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0.0
    return matcher.ratio()


class _Nearby:
    """Which texts are worth a look for another one, so that a rewritten PRD of a thousand items
    isn't compared a million times: those that share the most of the rarer words."""

    def __init__(self, texts: list[str]) -> None:
        self._all = range(len(texts))
        self._holders: dict[str, list[int]] = defaultdict(list)
        for n, text in enumerate(texts):
            for word in dict.fromkeys(text.split()):
                self._holders[word].append(n)

    def candidates(self, text: str) -> Iterable[int]:
        if len(self._all) <= _FEW:
            return self._all
        score: Counter[int] = Counter()
        for word in dict.fromkeys(text.split()):
            holders = self._holders.get(word, [])
            if len(holders) <= _FEW:
                for n in holders:
                    score[n] += 1
        return [n for n, _ in sorted(score.items(), key=lambda pair: (-pair[1], pair[0]))][
            :_CANDIDATES
        ]
