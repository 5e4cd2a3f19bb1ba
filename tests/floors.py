"""The rooms, their floors and who may import what, as rules over a source's syntax trees.

A new module is covered by its package's place or needs one of its own in FLOORS. What must never
happen here: an import of the code that is judged.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# From the ground up. A floor is a row of shelves: a module imports from lower shelves and from its
# own package, never from its neighbours on the shelf. The longest name that fits a module counts.
FLOORS = {
    "words": ("errors", "core ports"),
    "judgement": ("prd reviewing project", "recipes rules", "editing scaffold", "roles"),
    "engine": ("decide settle",),
    "edges": (
        "clock texts workfolder",
        "state config git sandbox",
        "forges models",
    ),
    "shell": ("observe checks rest", "apply", "round", "render wiring", "demo"),
    "faces": ("cli", "__main__"),
}
PURE = {"words", "judgement", "engine"}
# One shelf in the ground floor speaks of one thing: ports name core's values, core obeys ports.
NEIGHBOURS = {("core", "ports"), ("ports", "core")}
# Packages of equals: nothing but the package itself may know its modules.
EQUALS = {"recipes", "rules", "roles"}

# What belongs to the world outside, and the only rooms that may import it.
SOLE: dict[str, tuple[str, ...]] = {
    "click": (),
    "dotenv": ("config.loading",),
    "filelock": ("state.lock", "state.journal"),
    "git": ("git.process",),
    "gitdb": (),
    "github": ("forges.github",),
    "httpx": ("models.openai",),
    "multiprocessing": (),
    "ollama": ("models.ollama",),
    "platformdirs": ("config", "state.store"),
    "pty": (),
    "requests": (),
    "rich": ("cli", "render"),
    "subprocess": ("sandbox.process",),
    "typer": ("cli", "render"),
}
MAY_START = ("sandbox.process", "sandbox.jail")  # the jail becomes the check, inside its sandbox
STARTS = ("system", "popen", "exec", "spawn", "posix_spawn", "fork")

EFFECTS = {
    *("asyncio", "builtins", "concurrent", "ctypes", "fcntl", "getpass", "glob", "http"),
    *("importlib", "io", "logging", "os", "pathlib", "platform", "random", "resource", "runpy"),
    *("secrets", "select", "shelve", "shutil", "signal", "socket", "sqlite3", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid", "warnings"),
}
HARMLESS = {
    "io": {"StringIO", "BytesIO"},
    "pathlib": {"PurePath", "PurePosixPath", "PureWindowsPath"},
    "signal": {"Signals"},
    "urllib": {"parse", "parse.quote", "parse.unquote", "parse.urlsplit"},
}
NAMES_A_PATH = {"ports"}  # as the type of a verb's argument, no more
EFFECT_CALLS = {"open", "print", "input", "eval", "exec", "__import__", "breakpoint"}


@dataclass(frozen=True)
class Module:
    """One file: its name without the package's ("core.keys", "" for the package itself)."""

    name: str
    tree: ast.Module
    is_package: bool

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """One imported thing: `what` is absolute, `ours` its name without the package's, if ours."""

    line: int
    what: str
    ours: str | None


def modules(source: Path) -> Iterator[Module]:
    for file in sorted(source.rglob("*.py")):
        parts = file.relative_to(source).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        yield Module(name, ast.parse(file.read_text(), str(file)), is_package)


def imports(module: Module, known: set[str]) -> Iterator[Import]:
    """Every import, also those inside functions and under TYPE_CHECKING; relative ones resolved."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:
                package = ["pmcodex", *module.package.split(".")] if module.package else ["pmcodex"]
                above = package[: len(package) - node.level + 1]
                start = ".".join([*above, start] if start else above)
            wanted = [f"{start}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and name_of(node.func) in {"import_module", "__import__"}:
            wanted = [str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)]
        else:
            continue
        for what in wanted:
            yield Import(node.lineno, what, ours(what, known))


def ours(what: str, known: set[str]) -> str | None:
    """The module of ours that an imported name lives in."""
    root, _, rest = what.partition(".")
    if root != "pmcodex":
        return None
    while rest and rest not in known:
        rest = rest.rpartition(".")[0]
    return rest


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


@dataclass(frozen=True)
class Place:
    floor: str
    height: int
    room: str


def place(name: str) -> Place | None:
    """Where a module stands; None where no one has given it a place."""
    if not name:
        return Place("words", 0, "")
    height, best = 0, None
    for floor, shelves in FLOORS.items():
        for shelf in shelves:
            height += 1
            for room in shelf.split():
                fits = within(name, (room,))
                if fits and (best is None or len(room) > len(best.room)):
                    best = Place(floor, height, room)
    return best


def misplaced(module: Module, known: set[str]) -> Iterator[str]:
    here = place(module.name)
    if here is None:
        yield "has no place in FLOORS"
        return
    for found in imports(module, known):
        there = place(found.ours) if found.ours is not None else None
        if there is None or found.ours == module.name:
            continue
        same_room = here.room == there.room
        if there.height > here.height:
            yield f"{found.line}: imports upward, {found.ours}"
        elif there.height == here.height and not same_room:
            if (here.room, there.room) not in NEIGHBOURS:
                yield f"{found.line}: imports its neighbour {found.ours}"
        elif same_room and here.room in EQUALS and not module.is_package:
            yield f"{found.line}: imports its equal {found.ours}"


def trespassing(module: Module, known: set[str]) -> Iterator[str]:
    for found in imports(module, known):
        root = found.what.partition(".")[0]
        if root in SOLE and not within(module.name, SOLE[root]):
            yield f"{found.line}: imports {root}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            by_os = node.value.id == "os" and node.attr.startswith(STARTS)
            started = by_os or node.attr.startswith("create_subprocess")
            if started and module.name not in MAY_START:
                yield f"{node.lineno}: starts a process with {node.value.id}.{node.attr}"


def used_of(name: str, tree: ast.Module) -> set[str]:
    """What a file takes of a module that it imported whole."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and name_of(node.value) == name
    }


def is_clock(call: ast.expr) -> bool:
    return (
        isinstance(call, ast.Attribute)
        and call.attr in {"now", "today", "utcnow"}
        and name_of(call.value) in {"datetime", "date"}
    )


def impure(module: Module, known: set[str]) -> Iterator[str]:
    here = place(module.name)
    if here is None or here.floor not in PURE:
        return
    for found in imports(module, known):
        root, _, rest = found.what.partition(".")
        used = {rest} if rest else used_of(root, module.tree)
        harmless = (used and used <= HARMLESS.get(root, set())) or (
            found.what == "pathlib.Path" and module.name in NAMES_A_PATH
        )
        if root in EFFECTS and not harmless:
            yield f"{found.line}: imports {found.what} on a pure floor"
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in EFFECT_CALLS:
            yield f"{node.lineno}: calls {node.func.id}() on a pure floor"
        if is_clock(node.func):
            yield f"{node.lineno}: reads the clock on a pure floor"


Rule = Callable[[Module, set[str]], Iterator[str]]
RULES: tuple[Rule, ...] = (misplaced, trespassing, impure)


def breaches(source: Path) -> list[str]:
    """What in a source tree breaks the rules above, one sentence each; empty: nothing."""
    found = list(modules(source))
    known = {module.name for module in found}
    return [
        f"{module.name or 'pmcodex'}: {sentence}"
        for module in found
        for rule in RULES
        for sentence in rule(module, known)
    ]
