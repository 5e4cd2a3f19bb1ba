"""`status`: what needs a person first, honest reasons, readable with a thousand tasks."""

from __future__ import annotations

from clihelp import Pm, Shop, task


def test_the_data_is_of_the_documented_shape(worked: Shop, pm: Pm) -> None:
    worked.tasks(task("T-0003", depends_on="[T-0001]"), "---\nid: T-0004\nno: task\n---\n")
    said = pm("status", "--json")
    assert (said.code, said.err) == (0, "")
    assert set(said.data) == {"tasks", "pulls", "findings", "needs_human"}
    assert said.data["tasks"][0] == {
        "id": "T-0001",
        "title": "Editor settings",
        "state": "in_review",
        "file_status": "queued",
        "waits_on": [],
        "pull": 1,
        "reason": "pull 1 is open",
    }
    by_id = {each["id"]: each for each in said.data["tasks"]}
    assert by_id["T-0002"]["pull"] is None
    assert by_id["T-0003"]["waits_on"] == ["T-0001"]
    assert by_id["T-0003"]["reason"] == "waits for T-0001"
    assert [pull["number"] for pull in said.data["pulls"]] == [1]
    assert said.data["findings"][0]["where"] == "tasks/T-0004.md:3"
    assert any("pmcodex pull show 1" in ask for ask in said.data["needs_human"])
    assert any("tasks/T-0004.md" in ask for ask in said.data["needs_human"])


def test_a_person_reads_what_needs_them_first(worked: Shop, pm: Pm) -> None:
    lines = pm("status").out.splitlines()
    assert lines[:2] == [
        "needs you:",
        "  pull 1 waits for review: pmcodex pull show 1 (T-0001: Editor settings)",
    ]
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["needs you:", "open pulls:", "tasks:"]
    rows = [line.split()[:2] for line in lines if line.startswith("  T-")]
    assert rows == [["T-0001", "in_review"], ["T-0002", "queued"]]
    assert lines[-1] == "2 tasks: 1 queued, 1 in_review"


def test_a_ready_pull_says_how_to_merge_it(worked: Shop, pm: Pm) -> None:
    assert pm("pull", "label", "1", "ready_for_integration").code == 0
    said = pm("status")
    assert "  pull 1 is ready: pmcodex pull merge 1" in said.out
    assert "T-0001  ready_for_integration" in said.out


def test_where_nothing_can_be_claimed_each_task_says_why(shop: Shop, pm: Pm) -> None:
    shop.tasks(
        task("T-0001", recipe=""),
        task("T-0002", depends_on="[T-0001]"),
        task("T-0003", depends_on="[T-0004]"),
        task("T-0004", depends_on="[T-0003]"),
        task("T-0005", depends_on="[T-0099]"),
        task("T-0006", status="blocked"),
    )
    out = pm("status").out
    for task_id, why in (
        ("T-0001", "no recipe"),
        ("T-0002", "waits for T-0001"),
        ("T-0003", "T-0003 -> T-0004 -> T-0003"),
        ("T-0005", "T-0099, which no task has as its id"),
        ("T-0006", "the task file says blocked"),
    ):
        (row,) = [line for line in out.splitlines() if line.startswith(f"  {task_id} ")]
        assert why in row
    assert "none of the queued tasks can be worked without you" in out


def test_a_full_queue_of_pulls_asks_for_a_person(worked: Shop, pm: Pm) -> None:
    worked.write({".llm-team.yml": "limits:\n  open_pulls: 1\n"})
    asks = pm("status", "--json").data["needs_human"]
    assert any("limits.open_pulls is 1: review and merge" in ask for ask in asks)


def test_a_full_queue_is_said_of_every_task_it_holds_back(worked: Shop, pm: Pm) -> None:
    worked.tasks(task("T-0003", recipe=""))
    worked.write({".llm-team.yml": "limits:\n  open_pulls: 1\n"})
    why = {each["id"]: each["reason"] for each in pm("status", "--json").data["tasks"]}
    assert "limits.open_pulls is 1" in why["T-0002"]
    assert "no recipe" in why["T-0003"]
    assert pm("explain", "T-0002", "--json").data["claimable"] is False
    assert "moved by: review and merge, or close, one of them" in pm("explain", "T-0002").out


def test_files_that_can_not_be_read_are_listed_and_counted(worked: Shop, pm: Pm) -> None:
    worked.write({"tasks/T-0011-x.md": "no front matter\n"})
    out = pm("status").out
    assert "  tasks/T-0011-x.md" in out.partition("open pulls:")[0]
    assert out.endswith("\n2 tasks: 1 queued, 1 in_review; 1 file can't be read\n")


def test_a_thousand_tasks_fit_a_screen(shop: Shop, pm: Pm) -> None:
    done = [task(f"T-{number:04d}", status="done") for number in range(1, 601)]
    stuck = [task(f"T-{number:04d}", status="blocked") for number in range(601, 651)]
    queue = [task(f"T-{number:04d}") for number in range(651, 1001)]
    shop.tasks(*done, *stuck, *queue)
    out = pm("status").out
    assert len(out.splitlines()) < 60
    assert out.splitlines()[-1] == "1000 tasks: 350 queued, 600 done, 50 blocked"
    tasks = out.partition("\ntasks:\n")[2]
    rows = [line.split()[0] for line in tasks.splitlines() if line.startswith("  T-")]
    assert rows.index("T-0601") < rows.index("T-0651") < rows.index("T-0600")
    assert "  and 970 more; --all shows them" in out
    every = pm("status", "--all").out
    assert "more; --all" not in every
    assert len([line for line in every.splitlines() if "  queued " in line]) == 350


def test_an_empty_board_says_how_to_begin(shop: Shop, pm: Pm) -> None:
    assert pm("status").out == (
        "needs you:\n"
        "  docs/PRD.md: there is no docs/PRD.md (`pmcodex init` writes one to start from)\n"
        "\n"
        "no tasks yet; `pmcodex taskmaster` proposes the first\n"
    )


def test_an_empty_board_never_promises_what_no_round_does(shop: Shop, pm: Pm) -> None:
    shop.write({"docs/PRD.md": "# Words alone\n"})
    assert pm("taskmaster").out.startswith("taskmaster: pull 1: ")
    assert pm("status").out.endswith("\nno tasks yet; pull 1 proposes the first\n")
    assert pm("pull", "close", "1").code == 0
    said = pm("status")
    assert said.out.endswith("\n\nno tasks yet\n")
    assert "head a section `### M1 - Title` and list items below" in said.out


def test_what_the_roles_would_say_is_told(shop: Shop, pm: Pm) -> None:
    prd = "# PRD\n\n### M1 - Go\n\n**Acceptance:**\n\n- The door opens\n- The window opens\n"
    shop.write({"docs/PRD.md": prd})
    shop.tasks(task("T-0001", status="done"))
    assert pm("taskmaster").code == 0
    assert pm("pull", "close", "1").code == 0
    assert pm("plan").code == 0
    shop.git("checkout", "-q", "pmcodex/plan")
    shop.git("commit", "-q", "--allow-empty", "-m", "Mine")
    shop.git("checkout", "-q", "main")
    shop.write({"docs/PRD.md": f"{prd}- The roof opens\n"})
    asks = pm("status", "--json").data["needs_human"]
    assert any("2 items without a task" in ask and "--again" in ask for ask in asks)
    assert any("somebody else committed to pmcodex/plan" in ask for ask in asks)
    out = pm("status").out
    assert all(f"  {ask}\n" in out for ask in asks)


def test_titles_can_not_drive_the_terminal(shop: Shop, pm: Pm) -> None:
    evil = r'"\e[2J\e]0;owned\a \u202eevil\u202c \x9b31m \x7f end"'
    shop.tasks(task("T-0001", evil))
    assert pm("developer").code == 0
    for argv in (("status",), ("status", "--json"), ("pull", "show", "1"), ("log",), ("run",)):
        said = pm(*argv)
        assert said.code == 0
        assert not set(said.out + said.err) & set("\x1b\x07\x9b\x7f\u202e")
    title = pm("status", "--json").data["tasks"][0]["title"]
    assert title.startswith("\x1b[2J")


def test_any_address_of_the_project_will_do(
    worked: Shop, pm: Pm, tmp_path, monkeypatch, git
) -> None:
    (worked.folder / "deep" / "down").mkdir(parents=True)
    git(tmp_path, "clone", "-q", str(worked.folder), str(tmp_path / "copy"))
    monkeypatch.chdir(tmp_path)
    for repo in (
        str(worked.folder),
        worked.folder.name,
        str(worked.folder / "deep" / "down"),
        f"file://{worked.folder}",
        "copy",
    ):
        said = pm("status", "--json", "--repo", repo)
        assert said.code == 0, repo
        assert [pull["number"] for pull in said.data["pulls"]] == [1], repo
    monkeypatch.setenv("PROJECT_CLONE_URL", f"file://{worked.folder}")
    assert pm("status", "--json").data["pulls"]
