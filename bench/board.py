"""How long it takes to see the board: by `pmcodex status` on projects of 100 to 10,000 tasks,
cold (an empty state folder) and warm, and in the program itself on graphs that stop its peers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pairs import pmcodex, rounds, spread, timed

from pmcodex.core.board import build_board
from pmcodex.core.facts import Snapshot, TaskFile
from pmcodex.core.model import Task

TASK = """\
---
id: {id}
title: Task number {number}
type: feature
priority: P{priority}
depends_on: [{needs}]
status: {status}
owner: ""
estimate: 2h
acceptance:
  - The thing number {number} works
  - A test shows it
auto_policy: manual
---

What thing number {number} is for, in a sentence or two, as people write them.
"""


def task_text(number: int) -> str:
    """A third of the tasks is done, and each other task depends on the two before it."""
    needs = [f"T-{other:04d}" for other in range(max(1, number - 2), number)]
    return TASK.format(
        id=f"T-{number:04d}",
        number=number,
        priority=number % 4,
        needs=", ".join(needs if number % 5 else []),
        status="done" if number % 3 == 0 else "queued",
    )


def project(folder: Path, tasks: int) -> Path:
    """A bare repository with so many tasks, written in one go."""
    repository = folder / f"tasks-{tasks}.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
    stream = ["commit refs/heads/main\n", "committer Ada <ada@example.org> 1700000000 +0000\n"]
    stream.append("data 5\nStart\n")
    for number in range(1, tasks + 1):
        text = task_text(number)
        path = f"tasks/T-{number:04d}-task-number-{number}.md"
        stream.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
    subprocess.run(
        ["git", "-C", repository, "fast-import", "--quiet"],
        input="".join(stream),
        text=True,
        check=True,
    )
    return repository


def load(repository: Path, state: Path) -> None:
    """Time `pmcodex status`, cold and warm, and print both."""
    env = {**os.environ, "WORKDIR_ROOT": str(state)}
    argv = pmcodex("status", "--json", "--repo", str(repository))

    def cold() -> float:
        shutil.rmtree(state, ignore_errors=True)
        return timed(argv, env=env)

    colds = [cold() for _ in range(min(3, rounds(3)))]
    warms = [timed(argv, env=env) for _ in range(rounds(7))]
    print(f"  cold  {spread(colds).milliseconds()}")
    print(f"  warm  {spread(warms).milliseconds()}")


def chain(length: int) -> Mapping[str, tuple[str, ...]]:
    """Every task waits for the one before it."""
    ids = [f"T-{number:04d}" for number in range(1, length + 1)]
    return {task: tuple(ids[place - 1 : place]) for place, task in enumerate(ids)}


def diamond(layers: int) -> Mapping[str, tuple[str, ...]]:
    """Two tasks per layer, both waiting for both of the layer before: 2**layers paths."""
    graph: dict[str, tuple[str, ...]] = {}
    above: tuple[str, ...] = ()
    for layer in range(layers):
        pair = (f"T-{2 * layer + 1:04d}", f"T-{2 * layer + 2:04d}")
        graph |= dict.fromkeys(pair, above)
        above = pair
    return graph


def board_seconds(graph: Mapping[str, tuple[str, ...]]) -> float:
    """How long the board of a graph takes inside the program."""
    tasks = [Task(id=task, title=task, depends_on=needs) for task, needs in graph.items()]
    files = tuple(TaskFile(f"tasks/{task.id}.md", "", task) for task in tasks)
    snapshot = Snapshot("main", "0" * 40, "bench", tasks=files)
    start = time.perf_counter()
    board = build_board(snapshot, "feature/")
    took = time.perf_counter() - start
    if board.findings or len(board.cards) != len(graph):
        raise SystemExit("the board is wrong")
    return took


def main() -> None:
    """Print everything."""
    with tempfile.TemporaryDirectory(prefix="pmcodex-bench-") as folder:
        for tasks in (100, 1_000, 10_000):
            print(f"board: pmcodex status --json, {tasks:,} tasks")
            load(project(Path(folder), tasks), Path(folder) / "state")
    for name, graph in (("chain of 2,000", chain(2_000)), ("diamond of 48", diamond(24))):
        print(f"board: {name} tasks, in the program")
        print(f"        {spread([board_seconds(graph) for _ in range(5)]).milliseconds()}")


if __name__ == "__main__":
    main()
