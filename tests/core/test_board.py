from __future__ import annotations

from pmcodex.core.board import Board, build_board, needs_human
from pmcodex.core.facts import Finding, Pull, PullState, Snapshot, TaskFile
from pmcodex.core.model import Priority, Task, TaskStatus


def file(number: int, *deps: int, priority: str = "P2", status: str = "queued") -> TaskFile:
    task = Task(
        id=f"T-{number:04d}",
        title=f"task {number}",
        priority=Priority(priority),
        status=TaskStatus(status),
        depends_on=tuple(f"T-{dep:04d}" for dep in deps),
    )
    return TaskFile(f"tasks/{task.id}-task.md", f"{number:040x}", task)


def board_of(*files: TaskFile, pulls: tuple[Pull, ...] = ()) -> Board:
    return build_board(Snapshot("main", "f" * 40, "host", tasks=files, pulls=pulls), "feature/")


def queue(*files: TaskFile) -> list[str]:
    return [card.task.id for card in board_of(*files).queue]


def test_priority_then_dependents_then_id_decides_who_is_next() -> None:
    files = [file(1), file(2), file(3, 2, priority="P0"), file(4, priority="P1"), file(5, 2)]
    assert queue(*files) == ["T-0004", "T-0002", "T-0001"]


def test_a_merged_dependency_counts_as_done_at_once() -> None:
    merged = Pull(
        1, "", "", "feature/T-0001-x", "a" * 40, "main", PullState.MERGED, "pmcodex", merge_sha="b"
    )
    found = board_of(file(1, status="in_review"), file(2, 1), pulls=(merged,))
    assert [card.task.id for card in found.queue] == ["T-0002"]


def test_a_cycle_blocks_its_own_tasks_and_no_others() -> None:
    found = board_of(file(1, 2), file(2, 1), file(3), file(4, 2))
    assert [card.task.id for card in found.queue] == ["T-0003"]
    (finding,) = found.findings
    assert finding.kind == "cycle"
    assert "T-0001 -> T-0002 -> T-0001" in finding.message


def test_an_unknown_dependency_is_a_finding_and_blocks_its_task() -> None:
    found = board_of(file(1, 9), file(2))
    assert [finding.kind for finding in found.findings] == ["unknown-dependency"]
    assert [card.task.id for card in found.queue] == ["T-0002"]


def test_a_duplicate_id_blocks_that_id_alone() -> None:
    twin = TaskFile("tasks/T-0001-z.md", "z", file(1).task)
    found = board_of(file(1), twin, file(2))
    assert [finding.where for finding in found.findings] == ["tasks/T-0001-z.md"]
    assert [card.task.id for card in found.queue] == ["T-0002"]


def test_a_broken_file_is_a_finding_and_nothing_else() -> None:
    broken = TaskFile("tasks/T-0009.md", "x", None, Finding("task-file", "tasks/T-0009.md:1", "no"))
    found = board_of(broken, file(1))
    assert [finding.kind for finding in found.findings] == ["task-file"]
    assert [card.task.id for card in found.queue] == ["T-0001"]


def test_a_chain_of_two_thousand_is_a_board() -> None:
    files = [file(n, *([n - 1] if n > 1 else [])) for n in range(1, 2001)]
    found = board_of(*files)
    assert [card.task.id for card in found.queue] == ["T-0001"]
    assert found.cards[-1].waits_on == ("T-1999",)


def test_a_card_is_found_by_its_id_and_the_board_stays_a_value() -> None:
    found = board_of(file(1), file(2))
    card = found.card("T-0002")
    assert card is not None
    assert card.task.id == "T-0002"
    assert found.card("T-0009") is None
    assert found == board_of(file(1), file(2))
    assert found != board_of(file(1))


def test_a_finding_without_a_hint_ends_without_brackets() -> None:
    bare = TaskFile("tasks/x.md", "x", None, Finding("task", "tasks/x.md:1", "is broken"))
    odd = Finding("task", "tasks/y.md:1", "is odd", "mend it")
    hinted = TaskFile("tasks/y.md", "y", None, odd)
    snapshot = Snapshot("main", "f" * 40, "host", tasks=(bare, hinted))
    asks = needs_human(build_board(snapshot, "feature/"), snapshot)
    assert asks == ("tasks/x.md:1: is broken", "tasks/y.md:1: is odd (mend it)")
