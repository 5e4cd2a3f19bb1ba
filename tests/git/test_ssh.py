"""The mirror over ssh, against a real sshd on loopback with keys of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmcodex.core.actions import FileEdit
from pmcodex.core.guard import RoleGuard
from pmcodex.errors import Refused, TryLater
from pmcodex.git.mirror import Mirror
from pmcodex.ports import Pushed, RefUpdate

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(
    not (SSHD and shutil.which("ssh") and shutil.which("ssh-keygen")), reason="needs openssh"
)
ROLE = RoleGuard("main", "feature/")
TASK = "refs/heads/feature/T-0001-x"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A folder with the client's key `key`, and the port of the server that takes it."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "key", "stranger"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(make, check=True, timeout=20)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    port = free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    arguments = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while process.poll() is None and not answers(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is not None:
            pytest.skip(f"needs an sshd that starts: {(folder / 'log').read_text()[-200:]}")
        yield folder, port
    finally:
        process.terminate()
        process.wait(10)


def command(folder: Path, key: str) -> str:
    options = "-F none -o IdentitiesOnly=yes -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    return f"ssh {options} -o StrictHostKeyChecking=no -i {folder / key}"


def test_the_whole_way_over_ssh(server, remote, state, git, monkeypatch) -> None:
    folder, port = server
    git(remote, "config", "uploadpack.allowFilter", "true")
    monkeypatch.setenv("GIT_SSH_COMMAND", command(folder, "key"))
    mirror = Mirror.open(f"ssh://127.0.0.1:{port}{remote}", state / "m")
    main = mirror.sync()["refs/heads/main"]
    (entry,) = mirror.tree(main)
    # This server knows protocol 0 alone, which filters but gives no single blob: all are fetched.
    assert mirror.read([entry.oid]) == {entry.oid: b"# Sample\n"}
    with Mirror.open(mirror.url, state / "m").export(main) as export:
        assert (export.path / "README.md").exists()
    sha = mirror.commit(main, [FileEdit("a", "1\n")], "m", at=5)
    other = mirror.commit(main, [FileEdit("a", "2\n")], "m", at=5)
    assert mirror.push([RefUpdate(TASK, sha, "")], ROLE).ended is Pushed.DONE
    assert mirror.push([RefUpdate(TASK, other, "")], ROLE).ended is Pushed.LOST
    assert git(remote, "rev-parse", TASK) == sha


def test_an_export_over_ssh_needs_no_read_before(server, remote, state, git, monkeypatch) -> None:
    folder, port = server
    git(remote, "config", "uploadpack.allowFilter", "true")
    monkeypatch.setenv("GIT_SSH_COMMAND", command(folder, "key"))
    mirror = Mirror.open(f"ssh://127.0.0.1:{port}{remote}", state / "m")
    with mirror.export(mirror.sync()["refs/heads/main"]) as export:
        assert (export.path / "README.md").read_text() == "# Sample\n"


def test_the_users_core_ssh_command_counts(server, remote, home, state, git) -> None:
    folder, port = server
    git(home, "config", "--global", "core.sshCommand", command(folder, "key"))
    assert Mirror.open(f"ssh://127.0.0.1:{port}{remote}", state / "m").sync()


def test_a_key_that_is_not_known_is_refused(server, remote, state, monkeypatch) -> None:
    folder, port = server
    monkeypatch.setenv("GIT_SSH_COMMAND", command(folder, "stranger"))
    with pytest.raises(Refused, match="Permission denied") as error:
        Mirror.open(f"ssh://127.0.0.1:{port}{remote}", state / "m")
    assert "ssh key" in error.value.hint


def test_a_closed_port_is_for_later(server, remote, state, monkeypatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", command(server[0], "key"))
    with pytest.raises(TryLater):
        Mirror.open(f"ssh://127.0.0.1:{free_port()}{remote}", state / "m")
