"""The dependency graph of tasks: cycles, unknown ids, who waits for whom. Linear in its size.

Nothing recurses, so a chain of any length is fine. What must never happen here: a set of
ancestors per task, which is what makes such tools hang on a diamond.
"""

from __future__ import annotations

from collections.abc import Mapping

Graph = Mapping[str, tuple[str, ...]]
"""Task id -> the ids it depends on."""


def unknown(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Per task, the ids it depends on that no task has."""
    missing = {node: tuple(dep for dep in deps if dep not in graph) for node, deps in graph.items()}
    return {node: deps for node, deps in missing.items() if deps}


def dependents(graph: Graph) -> dict[str, int]:
    """Per task, how many tasks name it in their `depends_on`."""
    counts = dict.fromkeys(graph, 0)
    for deps in graph.values():
        for dep in set(deps):
            if dep in counts:
                counts[dep] += 1
    return counts


def cycles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """One path per knot of tasks that wait for each other, first id repeated at the end.

    Each strongly connected component with a cycle gives one path, its smallest id first.
    """
    knots = [part for part in _components(graph) if len(part) > 1 or _loops(graph, part[0])]
    return tuple(sorted(_path_through(graph, frozenset(knot)) for knot in knots))


def _loops(graph: Graph, node: str) -> bool:
    return node in graph[node]


def _components(graph: Graph) -> list[list[str]]:
    """Strongly connected components (Tarjan's algorithm with a stack of its own)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    found: list[list[str]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            for dep in rest:
                if dep not in graph:
                    continue
                if dep not in index:
                    index[dep] = low[dep] = len(index)
                    stack.append(dep)
                    on_stack.add(dep)
                    work.append((dep, iter(graph[dep])))
                    break
                if dep in on_stack:
                    low[node] = min(low[node], index[dep])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = [stack.pop()]
                    while part[-1] != node:
                        part.append(stack.pop())
                    on_stack.difference_update(part)
                    found.append(part)
    return found


def _path_through(graph: Graph, knot: frozenset[str]) -> tuple[str, ...]:
    """A shortest cycle through the smallest id of the knot, as a path that returns to it."""
    start = min(knot)
    path_to: dict[str, tuple[str, ...]] = {start: (start,)}
    frontier = [start]
    while frontier:
        following: list[str] = []
        for node in frontier:
            for dep in sorted(graph[node]):
                if dep == start:
                    return (*path_to[node], start)
                if dep in knot and dep not in path_to:
                    path_to[dep] = (*path_to[node], dep)
                    following.append(dep)
        frontier = following
    raise AssertionError("every task of a knot is on a cycle")
