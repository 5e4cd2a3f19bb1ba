"""Wiring: which project a command is about, who acts there, and no edge before it is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from living import GitTrace, StillClock, plain_git

from pmcodex.core.actions import TEAM
from pmcodex.errors import InvalidInput
from pmcodex.ports import PMCODEX
from pmcodex.round import run_round
from pmcodex.state.store import Held
from pmcodex.wiring import Session, open_session


def opened(repo: str | Path | None, here: Path, **env: str) -> Session:
    return open_session(
        None if repo is None else str(repo), {**os.environ, **env}, here, StillClock()
    )


def test_the_folder_one_is_in_is_the_project(clone: Path, remote: Path) -> None:
    (clone / "deep/er").mkdir(parents=True)
    session = opened(None, clone / "deep/er")
    assert (session.url, session.project) == (str(remote), "remote")
    assert session.local is not None
    assert session.local.folder == clone


def test_a_repository_without_a_remote_is_its_own(project: Path) -> None:
    session = opened(None, project)
    assert (session.url, session.project) == (str(project), "project")


def test_a_named_path_comes_before_everything(project: Path, clone: Path, remote: Path) -> None:
    session = opened(clone, project, PROJECT_CLONE_URL="https://example.org/a/other.git")
    assert session.url == str(remote)


def test_a_named_address_comes_before_the_environments(project: Path) -> None:
    env = {"PROJECT_CLONE_URL": "https://example.org/a/other.git"}
    assert opened(None, project, **env).url == "https://example.org/a/other.git"
    session = opened("https://example.org/a/named.git", project, **env)
    assert (session.url, session.project, session.local) == (
        "https://example.org/a/named.git",
        "named",
        None,
    )


def test_no_project_at_all_is_told(home: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        opened(None, home)
    assert "is not in a git repository" in caught.value.sentence
    assert "--repo" in caught.value.hint
    with pytest.raises(InvalidInput, match="is not in a git repository"):
        opened(home, home)


def test_a_person_acts_under_the_name_git_knows(clone: Path) -> None:
    person = opened(None, clone).person
    assert (person.name, person.email) == ("Ada Human", "ada@example.org")


def test_a_person_acts_under_that_name_on_a_project_elsewhere_too(home: Path) -> None:
    assert opened("https://example.org/a/b.git", home, USER="bob").person.name == "Ada Human"


def test_a_person_git_does_not_know_has_the_systems_name(home: Path) -> None:
    (home / "gitconfig").write_text("")
    session = opened("https://example.org/a/b.git", home, USER="bob")
    assert (session.person.name, session.person.email) == ("bob", "bob@localhost")
    assert opened("https://example.org/a/b.git", home, USER="").person.name == "maintainer"


def test_roles_act_as_pmcodex_and_people_as_themselves(clone: Path) -> None:
    session = opened(None, clone)
    assert session.forge().me() == PMCODEX.name
    assert session.forge(session.person).me() == "Ada Human"


def test_a_machine_is_told_by_its_state_folder(clone: Path, tmp_path: Path) -> None:
    one = opened(None, clone)
    again = opened(None, clone)
    other = opened(None, clone, WORKDIR_ROOT=str(tmp_path / "other"))
    assert one.machine == again.machine != other.machine
    assert " " not in one.machine


def test_each_project_has_a_folder_of_its_own_below_the_root(
    clone: Path, project: Path, state: Path
) -> None:
    one, other = opened(None, clone), opened(None, project)
    assert one.folder != other.folder
    assert one.folder.parent == other.folder.parent == state


def test_no_edge_is_built_before_it_is_asked_for(clone: Path, home: Path) -> None:
    trace = GitTrace(home)
    session = opened(None, clone)
    before = trace.commands()
    assert len(before) <= 2, before
    assert not (session.folder / "mirror.git").exists()
    assert session.git is session.git
    assert (session.folder / "mirror.git").exists()


def test_a_frame_plays_a_round(clone: Path) -> None:
    session = opened(None, clone)
    report = run_round(session.frame(dry_run=True), TEAM)
    assert report.dry_run
    assert report.seen is not None
    assert report.seen.snapshot.machine == session.machine


def test_two_runs_on_one_machine_do_not_meet(clone: Path) -> None:
    session = opened(None, clone)
    with (
        session.locked("pmcodex run"),
        pytest.raises(Held, match="pmcodex run"),
        opened(None, clone).locked("pmcodex review"),
    ):
        pass


def test_an_idle_run_costs_one_look_beyond_finding_the_project(
    clone: Path, remote: Path, home: Path
) -> None:
    for _ in range(3):
        session = opened(None, clone)
        key = session.idle_key(TEAM)
        run_round(session.frame(idle_key=key), TEAM)
    trace = GitTrace(home)
    session = opened(None, clone)
    finding = len(trace.commands())
    assert session.rests(session.idle_key(TEAM))
    assert trace.commands()[finding:] == ["ls-remote"]
    plain_git(clone, "commit", "-q", "--allow-empty", "-m", "Move")
    plain_git(clone, "push", "-q", "origin", "main")
    session = opened(None, clone)
    assert not session.rests(session.idle_key(TEAM))
