"""The worlds that are swept: a sample project on a bare remote, its copies, and their pictures.

A picture is everything of a remote that people see, read by plain git alone, with shas turned into
what they stand for (trees) and times left out: two worlds are one where their pictures are equal.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PRD = """\
# PRD: greeting

## Milestones

### M1 - Greet

**Acceptance:**

- `greet("Ada")` returns "Hello, Ada!"
- A stamp stands beside the documents

### M2 - Polish

**Acceptance:**

- A changelog tells what is new
"""
POLICY = """\
version: 1
checks:
  smoke: "true"
commands:
  stamp: cp README.md docs/STAMP.md
"""
PROJECT = {
    "README.md": "# greeting\n",
    "greeting/__init__.py": '"""Greets people."""\n',
    "pyproject.toml": '[project]\nname = "greeting"\nversion = "0.1.0"\n',
    "docs/PRD.md": PRD,
    ".llm-team.yml": POLICY,
}
GREET = """\
```diff
--- a/greeting/__init__.py
+++ b/greeting/__init__.py
@@ -1 +1,6 @@
 \"\"\"Greets people.\"\"\"
+
+
+def greet(name: str) -> str:
+    \"\"\"Return a greeting.\"\"\"
+    return f"Hello, {name}!"
```
"""
_DATE = "1700000000 +0000"
_FORGE = "refs/pmcodex/forge"


def git(folder: Path, *args: str, text: str | None = None) -> str:
    """Plain git, as a person would type it; its output, stripped."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    ran = subprocess.run(
        ["git", *args], cwd=folder, env=env, input=text, capture_output=True, text=True, timeout=120
    )
    if ran.returncode:
        raise AssertionError(f"git {' '.join(args)} failed: {ran.stderr}")
    return ran.stdout.strip()


def make_remote(folder: Path, files: Mapping[str, str]) -> Path:
    """A bare repository whose main holds these files, in one commit by Ada."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "--initial-branch=main", ".")
    commit(folder, files, "Start")
    return folder


def commit(remote: Path, files: Mapping[str, str], subject: str, branch: str = "main") -> None:
    """Ada commits files on a branch of the remote (a new one starts at main)."""
    known = git(remote, "for-each-ref", "--format=%(refname:short)", "refs/heads/").split()
    start = branch if branch in known else "main"
    after = f"from {git(remote, 'rev-parse', start)}\n" if start in known else ""
    edits = "".join(f"M 100644 inline {path}\n{_data(text)}" for path, text in files.items())
    who = f"committer Ada <ada@example.org> {_DATE}\n"
    given = f"commit refs/heads/{branch}\n{who}{_data(subject)}{after}{edits}\n"
    git(remote, "fast-import", "--quiet", text=given)


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def file_of(remote: Path, path: str, branch: str = "main") -> str:
    return git(remote, "show", f"{branch}:{path}") + "\n"


def paths_of(remote: Path, branch: str = "main") -> list[str]:
    return git(remote, "ls-tree", "-r", "--name-only", branch).splitlines()


def task_path(remote: Path, task_id: str) -> str:
    return next(path for path in paths_of(remote) if path.startswith(f"tasks/{task_id}-"))


# --- copies --------------------------------------------------------------------------------


def copy_world(world: Path, to: Path) -> Path:
    """A copy with the remote and every state folder.

    Git's objects never change, so they are borrowed from the world, which must stay.
    """
    if to.exists():
        shutil.rmtree(to)
    shutil.copytree(world, to, ignore=_objects, symlinks=True)
    for repository in world.glob("**/*.git"):
        _borrow(repository / "objects", to / repository.relative_to(world) / "objects")
    _readdress(to, world)
    return to


def keep_world(world: Path, to: Path) -> Path:
    """A copy that needs nothing of the world it was made from."""
    shutil.copytree(world, to, symlinks=True)
    _readdress(to, world)
    return to


def _readdress(world: Path, was: Path) -> None:
    """Bring along the absolute address by which a mirror knows its remote."""
    for config in world.glob("*/mirror.git/config"):
        config.write_text(config.read_text().replace(f'"{was}/', f'"{world}/'))


def _objects(folder: str, names: list[str]) -> list[str]:
    return ["objects"] if folder.endswith(".git") and "objects" in names else []


def _borrow(objects: Path, to: Path) -> None:
    (to / "info").mkdir(parents=True)
    (to / "pack").mkdir()
    (to / "info" / "alternates").write_text(f"{objects}\n")


# --- pictures ------------------------------------------------------------------------------


def picture(remote: Path) -> dict[str, Any]:
    """All that people see of a remote, by plain git, in words that any two runs share."""
    stands_for = _trees(remote)
    pulls, checks = {}, {}
    for path, document in _documents(remote):
        if path.startswith("pulls/"):
            pulls[str(document["number"])] = _settled(document, stands_for)
        else:
            checks[stands_for[document["sha"]]] = _settled(document["checks"], stands_for)
    heads = git(remote, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
    branches = {ref: stands_for[sha] for sha, ref in map(str.split, heads.splitlines())}
    return {
        "files": dict.fromkeys(git(remote, "ls-tree", "-r", "main").splitlines(), True),
        "subjects": git(remote, "log", "--format=%s (%an)", "main").splitlines(),
        "branches": branches,
        "pulls": pulls,
        "checks": checks,
    }


def unnumbered(seen: dict[str, Any]) -> dict[str, Any]:
    """The picture with pulls named by their heads: for runs that may open them in another order.

    A head that had several pulls keeps them in their order. Subjects are sorted.
    """
    names: dict[str, str] = {}
    for number, pull in sorted(seen["pulls"].items(), key=lambda item: int(item[0])):
        again = sum(name.split("!")[0] == pull["head"] for name in names.values())
        names[number] = f"{pull['head']}!{again}"
    text = re.sub(
        r"(?<=[Pp]ull )\d+|(?<=#)\d+(?=\))",
        lambda found: names.get(found[0], found[0]),
        json.dumps({**seen, "pulls": {}}),
    )
    rest = json.loads(text)
    pulls = {names[n]: {**pull, "number": 0} for n, pull in seen["pulls"].items()}
    return {**rest, "subjects": sorted(rest["subjects"]), "pulls": pulls}


def differences(expected: object, found: object, where: str = "") -> Iterator[str]:
    """Every place where two pictures differ, a sentence each."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            yield from differences(expected.get(name), found.get(name), f"{where}/{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{where}[{place}]")
    elif expected != found:
        yield f"{where}: expected {expected!r}, found {found!r}"


def _documents(remote: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if not git(remote, "for-each-ref", _FORGE):
        return
    listed = git(remote, "ls-tree", "-r", "--format=%(objectname) %(path)", _FORGE).splitlines()
    oids, paths = zip(*(line.split(" ", 1) for line in listed), strict=True)
    out = git(remote, "cat-file", "--batch", text="\n".join(oids) + "\n")
    decoder, at = json.JSONDecoder(), 0
    for path in paths:
        document, at = decoder.raw_decode(out, out.index("{", at))
        yield path, document


def _trees(remote: Path) -> Mapping[str, str]:
    """Every commit the remote still holds, and its tree: the same content, the same name."""
    every = ("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)")
    commits = [line[7:] for line in git(remote, *every).splitlines() if line.startswith("commit ")]
    trees = git(remote, "rev-parse", *(f"{sha}^{{tree}}" for sha in commits)).splitlines()
    return dict(zip(commits, trees, strict=True)) | {"": ""}


def _settled(value: Any, stands_for: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: stands_for[item] if name.endswith("_sha") else _settled(item, stands_for)
            for name, item in value.items()
            if not name.endswith("_at") and name not in ("at", "opened_on")
        }
    return [_settled(item, stands_for) for item in value] if isinstance(value, list) else value
