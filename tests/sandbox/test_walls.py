"""Attempts to get out. Each kind of walls that stands on this machine is leant on in the same way.

Everything a check could try in one go is tried in one run (`attempts`), and judged test by test.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pmcodex.core.policy import SandboxLimits
from pmcodex.errors import InvalidInput, Refused
from pmcodex.ports import Ran, Sandbox
from pmcodex.sandbox.walls import NoSandbox, Walls, candidates, find_sandbox, holds

SECRET = "planted-secret-7f3a"
LIMITS = SandboxLimits(memory_mb=256, processes=40, file_mb=4)
KINDS = [
    pytest.param(walls, id=f"{walls.kind}-{'own-user' if walls.own_user else 'same-user'}")
    for walls in candidates()
]


@pytest.fixture(scope="module", params=KINDS)
def walls(request: pytest.FixtureRequest) -> Walls:
    found: Walls = request.param
    if not holds(found):
        pytest.skip(f"no {found.kind} that holds on this machine")
    return found


def python(where: Sandbox, folder: Path, code: str, **more: Any) -> Ran:
    limits = SandboxLimits(**{**LIMITS.model_dump(), **more.pop("limits", {})})
    argv = ["python", "-I", "-S", "-c", textwrap.dedent(code), *more.pop("args", ())]
    return where.run(argv, folder, limits, more.pop("timeout", 20))


@dataclass(frozen=True)
class Attempts:
    """What a check said it could do, and the place it was let loose in."""

    said: dict[str, Any]
    top: Path
    folder: Path
    output: str


ATTEMPT = """
import ctypes, glob, json, os, resource, socket, subprocess, sys
told = json.loads(sys.argv[1])

def tried(act):
    try:
        return str(act())
    except OSError as fault:
        return type(fault).__name__

def write(path):
    with open(path, "w") as file:
        return file.write("was here")

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        s.connect(address)
        return "connected"

def served():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return connect(socket.AF_INET, server.getsockname())

libc = ctypes.CDLL(None, use_errno=True)
rdonly_off = 4096 | 32  # bind, remount
nested = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
          "mount -o remount,bind,rw /usr; touch /usr/nested"]
said = {
    "env": dict(os.environ),
    "cwd": os.getcwd(),
    "exists": {p: os.path.exists(p) for p in told["paths"]},
    "writes": {p: tried(lambda: write(p)) for p in told["writes"]},
    "tcp": tried(lambda: connect(socket.AF_INET, ("127.0.0.1", told["port"]))),
    "abstract": tried(lambda: connect(socket.AF_UNIX, "\\0" + told["abstract"])),
    "own tcp": tried(served),
    "signal": {str(p): tried(lambda: os.kill(p, 0)) for p in told["pids"]},
    "environs": [tried(lambda: open(p, "rb").read()) for p in glob.glob("/proc/[0-9]*/environ")],
    "pids": len(glob.glob("/proc/[0-9]*")),
    "shadow": tried(lambda: open("/etc/shadow").read()),
    "remount": libc.mount(b"none", b"/usr", None, ctypes.c_ulong(rdonly_off), None),
    "unmount": libc.umount2(b"/tmp", 2),
    "nested": subprocess.run(nested, capture_output=True).returncode,
    "devices": sorted(os.listdir("/dev")),
    "tmp": os.listdir("/tmp"),
    "root": sorted(os.listdir("/")),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "status": dict(line.split(":", 1) for line in open("/proc/self/status")),
    "terminal": tried(lambda: os.open("/dev/tty", os.O_RDWR)),
    "open files": sorted(os.listdir("/proc/self/fd")),
}
print(json.dumps(said))
"""


def strangers() -> list[str]:
    """Folders at the root that no check needs: not the system's, none that Python lives below."""
    known = {"bin", "dev", "etc", "lib", "lib32", "lib64", "opt", "proc", "sbin", "tmp", "usr"}
    lived_in = {Path(prefix).resolve().parts[1] for prefix in (sys.prefix, sys.base_prefix)}
    found = {path.name for path in Path("/").iterdir() if path.is_dir()} | {"home"}
    return [f"/{name}" for name in sorted(found - known - lived_in)]


@pytest.fixture(scope="module")
def attempts(walls: Walls, tmp_path_factory: pytest.TempPathFactory) -> Attempts:
    top = tmp_path_factory.mktemp("top").resolve()
    folder, state = top / "folder", top / "state"
    folder.mkdir()
    state.mkdir()
    for secret in (top / ".env", state / "checkpoint.json", top / "victim"):
        secret.write_text(SECRET)
    (folder / "link").symlink_to(top / "victim")
    (folder / "wide").symlink_to(Path(sys.prefix) / "written")
    (folder / "ours").write_text("was there before")
    home = Path.home()
    abstract = f"pmcodex-test-{os.getpid()}-{time.monotonic_ns()}"
    told: dict[str, Any] = {
        "paths": [str(top / ".env"), str(state), str(top / "victim"), str(home / ".ssh"),
                  "/root/.ssh", "/etc/ssh", "/var", "/sys", "/run", *strangers()],
        "writes": ["/written", "/usr/written", "/etc/written", "/opt/written", "/dev/written",
                   f"{sys.prefix}/written", f"{sys.base_prefix}/written", "link", "wide",
                   str(folder / "made"), "/tmp/made", "ours"],
        "pids": [os.getpid(), os.getppid()],
        "abstract": abstract,
    }  # fmt: skip
    os.environ["GH_TOKEN"] = SECRET
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as unix,
    ):
        unix.bind("\0" + abstract)
        unix.listen()
        told["port"] = tcp.getsockname()[1]
        try:
            ran = python(walls, folder, ATTEMPT, args=[json.dumps(told)])
        finally:
            del os.environ["GH_TOKEN"]
    assert ran.code == 0, ran.output
    return Attempts(json.loads(ran.output), top, folder, ran.output)


def test_the_environment_is_six_names_and_no_secret(attempts: Attempts) -> None:
    env = attempts.said["env"]
    env.pop("LC_CTYPE", None)  # the interpreter's own doing
    assert set(env) == {"PATH", "HOME", "TMPDIR", "LANG", "PYTHONDONTWRITEBYTECODE", "CI"}
    assert SECRET not in attempts.output


def test_it_runs_in_the_folder_at_its_own_path(attempts: Attempts) -> None:
    assert attempts.said["cwd"] == str(attempts.folder)


def test_nothing_outside_the_allow_list_is_there(attempts: Attempts) -> None:
    assert not [path for path, there in attempts.said["exists"].items() if there]
    expected = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "sbin",
                "sandbox-home", ".sandbox-jail.py", "tmp", "usr", "nix", "gnu",
                Path(sys.base_prefix).parts[1], Path(sys.prefix).parts[1]}  # fmt: skip
    assert set(attempts.said["root"]) <= expected


def test_nothing_but_the_folder_and_scratch_can_be_written(attempts: Attempts) -> None:
    writes = attempts.said["writes"]
    may = {str(attempts.folder / "made"), "/tmp/made", "ours"}
    assert {path for path, result in writes.items() if result == "8"} - {"link"} == may
    assert (attempts.folder / "made").read_text() == "was here"
    assert (attempts.folder / "ours").read_text() == "was here"


def test_a_link_out_of_the_folder_leads_nowhere(attempts: Attempts) -> None:
    # at most it made a file in its own /tmp, where its own folder has to be mounted
    assert attempts.said["writes"]["wide"] in ("OSError", "PermissionError")
    assert not (Path(sys.prefix) / "written").exists()
    assert (attempts.top / "victim").read_text() == SECRET


def test_scratch_is_not_the_machines(attempts: Attempts) -> None:
    mounted = [p.parts[2] for p in (attempts.folder, Path(sys.prefix)) if p.parts[1] == "tmp"]
    assert set(attempts.said["tmp"]) <= {*mounted, "made"}
    assert not Path("/tmp/made").exists()


def test_what_it_made_belongs_to_the_caller(attempts: Attempts) -> None:
    for path in (attempts.folder, attempts.folder / "made", attempts.folder / "ours"):
        assert (path.stat().st_uid, path.stat().st_gid) == (os.getuid(), os.getgid())
    assert (attempts.folder / "link").lstat().st_uid == os.getuid()
    assert (attempts.top / "victim").stat().st_uid == os.getuid()


def test_no_network_but_its_own(attempts: Attempts) -> None:
    assert attempts.said["tcp"] == "ConnectionRefusedError"
    assert attempts.said["abstract"] == "ConnectionRefusedError"
    assert attempts.said["own tcp"] == "connected"


def test_the_machines_processes_are_out_of_reach(attempts: Attempts) -> None:
    assert set(attempts.said["signal"].values()) == {"ProcessLookupError"}
    assert attempts.said["pids"] < 10
    assert not any(SECRET in text for text in attempts.said["environs"])


def test_no_privilege_is_left_nor_to_be_had(attempts: Attempts) -> None:
    status = attempts.said["status"]
    assert [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0] * 4
    assert status["NoNewPrivs"].strip() == "1"
    assert attempts.said["remount"] == -1
    assert attempts.said["unmount"] == -1
    assert attempts.said["nested"] != 0
    assert attempts.said["shadow"] in ("FileNotFoundError", "PermissionError")


def test_devices_are_few_and_there_is_no_terminal(attempts: Attempts) -> None:
    allowed = {"console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr",
               "stdin", "stdout", "tty", "urandom", "zero"}  # fmt: skip
    assert set(attempts.said["devices"]) <= allowed
    assert attempts.said["terminal"] == "OSError"


def test_no_descriptor_is_inherited_and_no_core_is_dumped(attempts: Attempts) -> None:
    assert set(attempts.said["open files"]) <= {"0", "1", "2", "3"}
    assert attempts.said["core"] == [0, 0]


@pytest.mark.parametrize("walls", KINDS)
def test_walls_stand_wherever_their_tool_works(walls: Walls) -> None:
    """Else a hole in them would be found by the probe, and every test here skipped."""
    base = {
        "bubblewrap": ["bwrap", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc",
                       "--size", "4096", "--tmpfs", "/tmp"],
        "namespaces": ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"],
    }[walls.kind]  # fmt: skip
    user = [] if walls.own_user else [f"--{'unshare-' * (walls.kind == 'bubblewrap')}user"]
    try:
        plain = subprocess.run([*base, *user, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{base[0]} is not installed")
    if plain.returncode:
        pytest.skip(f"{base[0]} does not work here: {plain.stderr.decode().strip()}")
    assert holds(walls)


# --- limits --------------------------------------------------------------------------------


def test_a_fork_bomb_is_held(walls: Walls, tmp_path: Path) -> None:
    if os.geteuid() == 0 and not walls.own_user:
        pytest.skip("root's own processes can't be counted: only the time limit ends them")
    code = """
        import os, time
        born = 0
        try:
            while True:
                if not os.fork():
                    time.sleep(60)
                    os._exit(0)
                born += 1
        except BlockingIOError:
            print(born)
    """
    ran = python(walls, tmp_path, code)
    assert ran.code == 0
    assert 30 <= int(ran.output) <= 40
    assert ran.seconds < 15


def test_one_hog_gets_no_more_memory_than_allowed(walls: Walls, tmp_path: Path) -> None:
    code = """
        try:
            bytearray(300 << 20)
        except MemoryError:
            print("held", len(bytearray(64 << 20)))
    """
    assert python(walls, tmp_path, code).output == f"held {64 << 20}\n"


def test_many_small_hogs_are_ended_together(walls: Walls, tmp_path: Path) -> None:
    code = """
        import os, time
        for _ in range(6):
            if not os.fork():
                break
        held = bytearray(os.urandom(1)) * (80 << 20)
        time.sleep(60)
    """
    ran = python(walls, tmp_path, code)
    assert ran.code == -9
    assert "held more than 256 MB" in ran.output
    assert ran.seconds < 15
    assert not ran.timed_out


def test_a_big_file_stops_at_the_limit_everywhere(walls: Walls, tmp_path: Path) -> None:
    code = """
        import os
        for place in (".", "/tmp", os.environ["HOME"], "/dev/shm"):
            try:
                with open(place + "/big", "wb", buffering=0) as file:
                    for _ in range(5):
                        file.write(bytes(1 << 20))
            except OSError as fault:
                print(os.path.getsize(place + "/big") >> 20, fault.strerror)
    """
    ran = python(walls, tmp_path, code)
    assert [line.split()[0] for line in ran.output.splitlines()] == ["4"] * 4, ran.output
    assert (tmp_path / "big").stat().st_size == 4 << 20


def test_scratch_has_a_size_whatever_the_number_of_files(walls: Walls, tmp_path: Path) -> None:
    code = """
        import os
        for place in ("/tmp", os.environ["HOME"], "/dev/shm"):
            try:
                for number in range(8):
                    with open(f"{place}/{number}", "wb", buffering=0) as file:
                        file.write(bytes(1 << 20))
            except OSError as fault:
                print(number, fault.strerror)
    """
    assert python(walls, tmp_path, code).output == "4 No space left on device\n" * 3


# --- the end -------------------------------------------------------------------------------

DAEMON = """
import fcntl, os, signal, sys, time
ready, told = os.pipe()
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    lock = open("lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.dup2(os.open("/dev/null", os.O_RDWR), 1)
    os.dup2(1, 2)
    os.write(told, b"x")
    time.sleep(60)
    os._exit(0)
os.read(ready, 1)
print("daemon is up", flush=True)
time.sleep(float(sys.argv[1]))
"""


def is_free(lock: Path, *, within: float = 0.0) -> bool:
    """Whether nobody holds a lock: whoever took it is dead."""
    until = time.monotonic() + within
    while True:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.01)
                    continue
                return False
            return True


@pytest.fixture(params=["walls", "none"])
def anywhere(request: pytest.FixtureRequest) -> Sandbox:
    if request.param == "none":
        return NoSandbox(allowed=True, tool_path=os.defpath)
    return find_sandbox(allow_none=True, tool_path=os.defpath, hidden=[])


def test_a_daemon_left_behind_is_dead_when_the_run_is_over(walls: Walls, tmp_path: Path) -> None:
    ran = python(walls, tmp_path, DAEMON, args=["0"])
    assert (ran.code, ran.output) == (0, "daemon is up\n")
    assert is_free(tmp_path / "lock")


def test_a_timeout_leaves_nothing_alive(walls: Walls, tmp_path: Path) -> None:
    ran = python(walls, tmp_path, DAEMON, args=["60"], timeout=1.5)
    assert ran.timed_out
    assert ran.output == "daemon is up\n"
    assert ran.seconds < 10
    assert is_free(tmp_path / "lock")


def test_even_without_walls_a_daemon_does_not_outlive_the_run(tmp_path: Path) -> None:
    nowhere = NoSandbox(allowed=True, tool_path=os.defpath)
    assert python(nowhere, tmp_path, DAEMON, args=["0"]).output == "daemon is up\n"
    assert is_free(tmp_path / "lock")
    assert python(nowhere, tmp_path, DAEMON, args=["60"], timeout=1.5).timed_out
    assert is_free(tmp_path / "lock")


def test_when_the_caller_is_killed_the_check_dies_too(walls: Walls, tmp_path: Path) -> None:
    caller = f"""
import sys
from pathlib import Path
from pmcodex.core.policy import SandboxLimits
from pmcodex.sandbox.walls import Walls
argv = ["python", "-I", "-S", "-c", {DAEMON!r}, "60"]
Walls({walls.kind!r}, {walls.own_user}).run(argv, Path(sys.argv[1]), SandboxLimits(), 60)
"""
    argv = [sys.executable, "-c", caller, str(tmp_path)]
    with subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}) as process:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if (tmp_path / "lock").exists() and not is_free(tmp_path / "lock"):
                break
            time.sleep(0.02)
        else:
            pytest.fail("the check never started")
        process.kill()
    assert is_free(tmp_path / "lock", within=5)


# --- what comes back -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 15)", -15)]
)
def test_codes_and_signals_come_back(
    anywhere: Sandbox, tmp_path: Path, code: str, expected: int
) -> None:
    assert python(anywhere, tmp_path, code).code == expected


def test_a_tool_that_is_not_there(anywhere: Sandbox, tmp_path: Path) -> None:
    ran = anywhere.run(["no-such-tool"], tmp_path, LIMITS, 20)
    assert (ran.code, ran.output) == (127, "no-such-tool: not found\n")


def test_words_reach_no_shell(anywhere: Sandbox, tmp_path: Path) -> None:
    argv = ["echo", "$(id)", "--bind", "/", "/", "; touch x", "é"]
    assert anywhere.run(argv, tmp_path, LIMITS, 20).output == " ".join(argv[1:]) + "\n"


def test_pytest_is_at_hand_without_any_settings(tmp_path: Path) -> None:
    if not Path(pytest.__file__).is_relative_to(sys.prefix):
        pytest.skip("pytest is not installed beside this interpreter")
    walls = find_sandbox(allow_none=True, tool_path="", hidden=[])
    (tmp_path / "test_it.py").write_text("def test_it(tmp_path): (tmp_path / 'x').write_text('')\n")
    ran = walls.run(["python", "-m", "pytest", "-q"], tmp_path, SandboxLimits(), 60)
    assert ran.code == 0, ran.output
    assert "1 passed" in ran.output


def test_more_folders_can_be_read_but_what_is_hidden_in_them_cannot(
    walls: Walls, tmp_path: Path
) -> None:
    folder, data = tmp_path / "folder", tmp_path / "data"
    for place in (folder, data, data / "state"):
        place.mkdir()
    for file in (data / "shown", data / "state" / "checkpoint.json", data / ".env"):
        file.write_text(SECRET)
    shut = Walls(walls.kind, walls.own_user, "", (data / "state", data / ".env"))
    code = f"""
        import os
        os.chdir({str(data)!r})
        for path in ("shown", "state/checkpoint.json", ".env"):
            try:
                print(path, len(open(path).read()))
            except OSError as fault:
                print(path, type(fault).__name__)
        try:
            open("shown", "w")
        except OSError as fault:
            print(fault.strerror)
    """
    ran = python(shut, folder, code, limits={"readable": (str(data),)})
    lines = ran.output.splitlines()
    assert lines[0] == f"shown {len(SECRET)}"
    assert lines[1] == "state/checkpoint.json FileNotFoundError"
    assert lines[2] in (".env 0", ".env PermissionError")
    assert lines[3] == "Read-only file system"
    assert (data / "shown").read_text() == SECRET


@pytest.mark.parametrize("folder", ["/", "/usr", "/tmp", "/etc", "~"])
def test_a_folder_that_holds_too_much_is_refused(walls: Walls, folder: str) -> None:
    with pytest.raises(Refused, match="writable"):
        walls.run(["true"], Path(folder).expanduser(), LIMITS, 20)


@pytest.mark.parametrize("name", ["/", "relative", "/usr/../root", "/proc", "/run/secrets", "/tmp"])
def test_what_may_not_be_shown_is_refused(walls: Walls, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="readable"):
        python(walls, tmp_path, "", limits={"readable": (name,)})


# --- which one -----------------------------------------------------------------------------


def test_the_firmest_that_holds_is_found(tmp_path: Path) -> None:
    standing = [walls for walls in candidates() if holds(walls)]
    found = find_sandbox(allow_none=False, tool_path="/usr/bin", hidden=[tmp_path])
    if not standing:
        assert found.kind == "none"
        return
    assert found == Walls(standing[0].kind, standing[0].own_user, "/usr/bin", (tmp_path,))


def test_without_walls_nothing_runs_and_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no sandbox") as caught:
        NoSandbox(allowed=False).run(["touch", "x"], tmp_path, LIMITS, 20)
    assert "apt install bubblewrap" in caught.value.hint
    assert "PMCODEX_ALLOW_UNSANDBOXED=true" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_accepted_risk_still_has_a_clean_environment_and_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", SECRET)
    nowhere = NoSandbox(allowed=True, tool_path=os.defpath)
    code = """
        import json, os, resource
        limits = {n: resource.getrlimit(getattr(resource, n))[0] >> 20
                  for n in ("RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_CORE")}
        print(json.dumps([dict(os.environ), limits]))
    """
    env, limits = json.loads(python(nowhere, tmp_path, code).output)
    assert SECRET not in json.dumps(env)
    assert not Path(env["HOME"]).exists()
    assert limits == {"RLIMIT_DATA": 256, "RLIMIT_FSIZE": 4, "RLIMIT_CORE": 0}


def test_a_machine_without_a_sandbox_says_so_before_anything_runs() -> None:
    NoSandbox(allowed=True).require_allowed()
    with pytest.raises(Refused, match="no sandbox"):
        NoSandbox(allowed=False).require_allowed()
