"""The crash sweep: every effect of the loop, killed before and after, done again, compared.

The loop runs once undisturbed; the world before each step is kept. A point starts from the copy
of its step, dies, is taken up by a fresh process and goes on. As soon as its world is the
undisturbed one again to the byte (every branch, the forge's records, the checkpoint, what the
mirror remembers), the rest of the loop is the same as well, since nothing else is looked at;
`to_the_end` goes there all the same. Run as a program: a folder, the seed, the size.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sweep_fuse import AFTER, BEFORE, REACHED, Fuse, FusedGit, FusedSession
from sweep_loop import STEPS, Box, Kill, Run, die, do, in_child, new_world, run_step
from sweep_world import copy_world, differences, git, keep_world, picture, unnumbered

DAY = 86_400.0
PLAIN = "plain"
WORKERS = max(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Recording:
    """The loop undisturbed: worlds before each step, effects of each, marks after each, its end.

    It may end early, after as many steps as there are marks.
    """

    folder: Path
    effects: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...]
    end: dict[str, Any]

    def before(self, place: int) -> Path:
        return self.folder / f"before-{place}"


@dataclass(frozen=True)
class Point:
    """One kill, and how the loop goes on after it.

    `forget`: the checkpoint is lost with the process. `box`: who resumes. `between`: another
    machine does the step before that. `again`: a second kill, this many effects into the resumed
    step.
    """

    place: int
    kill: Kill
    kind: str = PLAIN
    forget: bool = False
    box: Box = field(default_factory=Box)
    between: Box | None = None
    again: int = -1
    to_the_end: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: step {self.place} ({STEPS[self.place].name}), {self.kill}"


# --- the undisturbed run -------------------------------------------------------------------


def record(folder: Path, steps: int = len(STEPS)) -> Recording:
    """Run the loop once, keeping what points start from and are held against."""
    world = new_world(folder / "world")
    effects, marks = [], []
    for place in range(steps):
        keep_world(world, folder / f"before-{place}")
        effects.append(_effects(Run(world, place)))
        marks.append(mark(world))
    return Recording(folder, tuple(effects), tuple(marks), picture(world / "remote.git"))


def _effects(run: Run) -> tuple[str, ...]:
    """Do a step in this process, so that what is imported late is there for all the others."""
    fuse = Fuse()
    code = run_step(run, fuse)
    if code:
        raise AssertionError(f"step {run.place} ({STEPS[run.place].name}) left with {code}")
    return tuple(fuse.seen)


def mark(world: Path) -> str:
    """All that a later step looks at. The forge's tree counts, its history may be another."""
    remote = world / "remote.git"
    heads = git(remote, "for-each-ref", "refs/heads/")
    forge = (
        git(remote, "rev-parse", "--verify", "-q", "refs/pmcodex/forge^{tree}")
        if (git(remote, "for-each-ref", "refs/pmcodex/forge"))
        else ""
    )
    return json.dumps([heads, forge, *map(_contents, sorted(world.glob("box-*")))])


def _contents(box: Path) -> list[Any]:
    files = [box / "state" / name for name in ("checkpoint.json", "tasks.json")]
    texts = [json.loads(file.read_text()) if file.exists() else None for file in files]
    if texts[0]:
        texts[0].pop("idle")  # a digest over refs, the forge's commit among them
    known = box / "mirror.git" / "pmcodex-refs.json"
    refs = json.loads(known.read_text())["refs"] if known.exists() else {}
    refs.pop("refs/pmcodex/forge", None)
    return [box.name, texts, refs]


# --- points --------------------------------------------------------------------------------


def every_point(recording: Recording) -> Iterator[Point]:
    """Before and after every effect; of a push also between arriving and being remembered."""
    for place, effects in enumerate(recording.effects):
        for at, effect in enumerate(effects):
            for when in (BEFORE, REACHED, AFTER) if effect.startswith("push") else (BEFORE, AFTER):
                yield Point(place, Kill(at, when))


def variants(points: Sequence[Point], chance: random.Random, size: int) -> Iterator[Point]:
    """A sample of the points, each in the other ways that a resumption can come about."""
    late = Box("box-b", 2 * DAY)
    for point in chance.sample(points, min(size, len(points))):
        yield replace(point, kind="checkpoint lost", forget=True)
    for point in chance.sample(points, min(size, len(points))):
        yield replace(point, kind="two kills", again=chance.randrange(4))
    for point in chance.sample(points, min(size, len(points))):
        yield replace(point, kind="another machine, claims expired", box=late)
    for point in chance.sample(points, min(size, len(points))):
        soon = Box("box-b", 60.0)
        yield replace(point, kind="another machine in between", between=soon)
    for point in chance.sample(points, min(size // 3 + 1, len(points))):
        yield replace(point, kind="to the end", to_the_end=True)


# --- the sweep -----------------------------------------------------------------------------


def sweep(recording: Recording, points: Sequence[Point]) -> list[str]:
    """Do all points in a few processes; every difference found, a sentence each."""
    jobs: dict[tuple[str, int], list[Point]] = {}
    for number, point in enumerate(points):
        jobs.setdefault((point.kind, point.place if point.kind == PLAIN else number), []).append(
            point
        )
    ordered = sorted(jobs.values(), key=lambda job: (job[0].kind == PLAIN, -len(job)))
    gc.freeze()  # what is never looked at is never copied, however often we fork
    with ProcessPoolExecutor(WORKERS, get_context("fork")) as pool:
        return [line for found in pool.map(partial(_job, recording), ordered) for line in found]


def _job(recording: Recording, points: Sequence[Point]) -> list[str]:
    """Points that may share what comes of them: where two left the same world, one goes on."""
    world = recording.folder / f"worker-{os.getpid()}"
    judged: dict[str, list[str]] = {}
    if points[0].kind == PLAIN and points[0].place:  # dead before it did anything: as undisturbed
        judged[recording.marks[points[0].place - 1]] = []
    for point in points:
        try:
            copy_world(recording.before(point.place), world)
            die(Run(world, point.place), point.kill)
            left = mark(world)
            if left not in judged:
                judged[left] = _resumed(recording, point, world)
        except AssertionError as error:
            judged[str(point)] = [f"{point}: {error}"]
    return [line for found in judged.values() for line in found]


def _resumed(recording: Recording, point: Point, world: Path) -> list[str]:
    """Take the step up again and go on; what is different in the end, a sentence each."""
    if point.forget:
        for name in ("checkpoint.json", "tasks.json"):
            (world / "box-a" / "state" / name).unlink(missing_ok=True)
    if point.again >= 0:  # which the step may not have any more
        in_child(lambda: run_step(Run(world, point.place), Fuse(point.again, REACHED)))
    if point.between is not None:  # its claims are not expired: they are left alone
        do(Run(world, point.place, point.between))
    for place in range(point.place, len(recording.marks)):
        do(Run(world, place, point.box))
        if not point.to_the_end and mark(world) == recording.marks[place]:
            return []
    expected, found = recording.end, picture(world / "remote.git")
    if point.between is not None:
        expected, found = unnumbered(expected), unnumbered(found)
    return [f"{point}: {line}" for line in differences(expected, found)]


class ForgetfulGit(FusedGit):
    """A planted breach: a look at the remote that misses the branches of tasks."""

    def sync(self) -> Mapping[str, str]:
        return self.refs()

    def refs(self) -> Mapping[str, str]:
        found = self._inner.sync()
        return {ref: sha for ref, sha in found.items() if "/feature/" not in ref}


@dataclass(frozen=True)
class ForgetfulSession(FusedSession):
    @cached_property
    def git(self) -> Any:
        return ForgetfulGit(super().git, self.fuse)


def planted(points: Sequence[Point]) -> list[Point]:
    """The points of the first claim, resumed by a session that breaks law 3."""
    first = next(place for place, step in enumerate(STEPS) if step.name == "developer")
    box = Box(session=ForgetfulSession)
    return [replace(point, box=box) for point in points if point.place == first]


SIZES = {"sampled": 3, "full": 40}


def main(argv: Sequence[str]) -> int:
    folder, seed, size = Path(argv[0]), int(argv[1]), argv[2]
    started = time.monotonic()
    recording = record(folder, 6 if size == "planted" else len(STEPS))
    points = list(every_point(recording))
    if size == "planted":
        points, more = planted(points), []
    else:
        more = list(variants(points, random.Random(seed), SIZES[size]))
    found = sweep(recording, [*points, *more])
    for line in found:
        print(line)
    seconds = time.monotonic() - started
    print(
        f"swept {len(points)} points and {len(more)} variants in {seconds:.0f} s,"
        f" {len(found)} differences"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
