from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.graph import cycles, dependents, unknown


def chain(length: int) -> dict[str, tuple[str, ...]]:
    return {f"T-{n:04d}": (f"T-{n - 1:04d}",) if n > 1 else () for n in range(1, length + 1)}


def test_a_chain_of_two_thousand_has_no_cycle() -> None:
    assert cycles(chain(2000)) == ()


def test_a_diamond_of_48_is_walked_once() -> None:
    # Two tasks a level, each waiting for both of the level before: 2**24 paths through it.
    graph = {
        f"T-{2 * level + side:04d}": tuple(
            f"T-{2 * (level - 1) + other:04d}" for other in (0, 1) if level
        )
        for level in range(24)
        for side in (0, 1)
    }
    assert cycles(graph) == ()
    assert dependents(graph)["T-0000"] == 2


def test_a_cycle_is_printed_as_its_path() -> None:
    graph = {"T-0001": ("T-0003",), "T-0002": ("T-0001",), "T-0003": ("T-0002",), "T-0004": ()}
    assert cycles(graph) == (("T-0001", "T-0003", "T-0002", "T-0001"),)


def test_a_task_that_waits_for_itself_is_a_cycle() -> None:
    assert cycles({"T-0001": ("T-0001",)}) == (("T-0001", "T-0001"),)


def test_a_chain_closed_to_a_ring_of_two_thousand_is_one_cycle() -> None:
    graph = chain(2000) | {"T-0001": ("T-2000",)}
    (path,) = cycles(graph)
    assert len(path) == 2001
    assert path[0] == path[-1] == "T-0001"


def test_unknown_ids_are_found_and_others_are_not() -> None:
    assert unknown({"T-0001": ("T-0009", "T-0002"), "T-0002": ()}) == {"T-0001": ("T-0009",)}


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.lists(st.sampled_from("abcdefgh"), max_size=4).map(tuple),
    )
)
def test_cycles_are_real_and_none_is_missed(graph: dict[str, tuple[str, ...]]) -> None:
    found = cycles(graph)
    for path in found:
        assert path[0] == path[-1]
        assert all(after in graph[before] for before, after in itertools.pairwise(path))
    on_cycle = {node for node in graph if reaches(graph, node, node)}
    covered = {node for node in on_cycle if any(connected(graph, node, path[0]) for path in found)}
    assert covered == on_cycle


def reaches(graph: dict[str, tuple[str, ...]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        node = todo.pop()
        if node == goal:
            return True
        if node in graph and node not in seen:
            seen.add(node)
            todo += graph[node]
    return False


def connected(graph: dict[str, tuple[str, ...]], one: str, other: str) -> bool:
    return one == other or (reaches(graph, one, other) and reaches(graph, other, one))
