"""docs/help.md says what the program says, and the check notices when it does not."""

from __future__ import annotations

from pathlib import Path

import help_page
import pytest

GROUP = """\
Usage: pmcodex [OPTIONS] COMMAND [ARGS]...

  Commands here are few.

Options:
  --help  Show this message and exit.

Commands:
  plan  reads the PRD with a sentence so long that it goes on
        pull another line
  pull  works on pulls"""

ANSWERS: dict[tuple[str, ...], str] = {
    (): GROUP,
    ("plan",): "Usage: pmcodex plan [OPTIONS]\n\n  Read the PRD.",
    ("pull",): "Usage: pmcodex pull [OPTIONS] COMMAND [ARGS]...\n\nCommands:\n  list",
    ("pull", "list"): "Usage: pmcodex pull list [OPTIONS]\n\nCommands:",
}


def test_every_command_is_on_the_page_outer_before_inner() -> None:
    page = help_page.render(ANSWERS.__getitem__)
    titles = [line for line in page.splitlines() if line.startswith("## ")]
    assert titles == [
        "## pmcodex",
        "## pmcodex plan",
        "## pmcodex pull",
        "## pmcodex pull list",
    ]
    assert f"```text\n{GROUP}\n```" in page


def test_a_help_whose_commands_can_not_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="can't tell the commands"):
        help_page.commands_in("Usage: pmcodex COMMAND [ARGS]...\n\n+- Commands -+\n| plan |")


def test_an_old_page_is_shown_as_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "help.md"
    assert help_page.check(page, "# new\n") == 1
    assert "+# new" in capsys.readouterr().out
    help_page.write(page, "# new\n")
    assert help_page.check(page, "# new\n") == 0
