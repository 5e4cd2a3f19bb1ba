"""A page's console blocks are found and run, and a page that lies is caught."""

from __future__ import annotations

from pathlib import Path

import pytest
from console import Ran, Session, Step, lies, steps

PAGE = """\
# A sample

```console
$ mkdir here && cd here
$ export WORD=hello
$ printf '%s\\n' "$WORD" \\
>   world
hello
world
```

```sh
$ false
```

1. in a list

   ```console
   $ basename "$PWD"; echo "$WORD"; exit 5  # exit 5
   here
   ```
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    for name in ("work", "notes"):
        (tmp_path / name).mkdir()
    return Session(tmp_path / "work", tmp_path / "notes")


def test_commands_are_found_with_what_they_show_and_leave_with() -> None:
    found = steps(PAGE)
    assert [step.line for step in found] == [4, 5, 6, 19]
    assert found[2].command == "printf '%s\\n' \"$WORD\" \\\n  world"
    assert found[2].shows == ("hello", "world")
    assert [step.exit_code for step in found] == [0, 0, 0, 5]


def test_an_honest_page_runs_through_in_one_session(session: Session) -> None:
    for step in steps(PAGE):
        assert lies(step, session.run(step.command)) == []


def test_a_block_must_start_with_a_command() -> None:
    with pytest.raises(ValueError, match="line 2"):
        steps("```console\nhello\n```\n")


@pytest.mark.parametrize(
    ("shows", "code", "ran", "said"),
    [
        (("hello",), 0, Ran(0, "hello\n"), ""),
        (("task ... done", "...", "end"), 0, Ran(0, "task T-1 is done\nand\nend"), ""),
        ((), 5, Ran(5, "locked"), ""),
        ((), 0, Ran(1, "boom"), "left with 1"),
        ((), 5, Ran(0, ""), "left with 0"),
        (("hello",), 0, Ran(0, "hell\n"), "does not print 'hello'"),
        (("b", "a"), 0, Ran(0, "a\nb\n"), "does not print 'a'"),
        (("[x]",), 0, Ran(0, "x"), r"does not print '[x]'"),
    ],
)
def test_a_lie_is_told(shows: tuple[str, ...], code: int, ran: Ran, said: str) -> None:
    found = lies(Step(7, "try", shows, code), ran)
    assert len(found) == bool(said)
    assert said in "".join(found)
