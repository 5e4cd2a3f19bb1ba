"""PRDs: real ones and messy ones, exactly what is read from them and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.model import Milestone
from pmcodex.prd.reader import item_key, normalised, read_prd

DATA = Path(__file__).parents[1] / "data" / "prd"


def texts(milestone: Milestone) -> list[str]:
    return [item.text for item in milestone.acceptance]


def items(text: str) -> list[str]:
    """The items of the only milestone of a text."""
    (milestone,) = read_prd(text).milestones
    return texts(milestone)


def below(block: str) -> list[str]:
    return items(f"## Milestones\n\n### M1 — One\n\n{block}\n")


def test_the_requirement_has_its_four_milestones() -> None:
    prd = read_prd((DATA / "requirement.md").read_text(encoding="utf-8"))
    assert [(m.id, m.title, len(m.acceptance)) for m in prd.milestones] == [
        ("M0", "Skeleton (Day 1)", 2),
        ("M1", "Deterministic E2E Loop (Day 1–2)", 4),
        ("M2", "LLM Augmentation (Day 3–5)", 4),
        ("M3", "Safety & UX (Week 2)", 3),
    ]
    assert prd.findings == ()
    assert texts(prd.milestones[0]) == [
        "Orchestrator boots (/health returns ok: true).",
        "Project repo contains CI, template, and task template.",
    ]
    assert prd.milestones[2].hints == ("Enable LLM planning and micro-diff proposals.",)


MESSY = {
    "M1": (
        "Seed the garden (week 1)",
        [
            ('A seed can be sown with sow --at "x; y".', 39),
            ("A watered seed sprouts within three days.", 40),
            ("A second list is still acceptance: on phones", 46),
            ("A second list is still acceptance: on tablets: in portrait", 48),
            ("A second list is still acceptance: on tablets: in landscape", 49),
        ],
        ["Sowing & raking, over two lines.", "Words after the list end it", "so this is a hint"],
    ),
    "M2": ("Grow again", [("Leaves fall in autumn", 65), ("Leaves are pressed", 69)], []),
    "M1-2": ("Another first", [("Rows are items", 79), ("One", 80), ("Two a|b", 80)], []),
    "M4": (
        "Harvest",
        [("Baskets are full", 85), ("Knives are sharp", 86)],
        ["Baskets are full", "Knives are sharp"],
    ),
    "M7": ("Empty", [], []),
    "M2-2": (
        "Grow 🪴",
        [("leaves appear", 97), ("stems, too grow", 97), ("a;b stays whole", 98)],
        [],
    ),
    "M3": ("Winter", [("Snow falls", 108), ("Snow melts", 109)], []),
}


def test_a_messy_one_is_read_as_a_person_would() -> None:
    with (DATA / "messy.md").open(encoding="utf-8", newline="") as file:
        text = file.read()
    assert "\r\n" in text
    prd = read_prd(text, "docs/messy.md")
    read = {
        m.id: (m.title, [(item.text, item.line) for item in m.acceptance], list(m.hints))
        for m in prd.milestones
    }
    assert list(read.items()) == list(MESSY.items())
    assert [(finding.where, finding.message) for finding in prd.findings] == [
        ("docs/messy.md:75", "there is another M1 above; this one is read as M1-2"),
        ("docs/messy.md:92", "M7 has no acceptance items"),
        ("docs/messy.md:94", "there is another M2 above; this one is read as M2-2"),
        ("docs/messy.md:114", "acceptance items outside every milestone are not read: 1"),
        ("docs/messy.md:118", "the code fence is never closed; nothing below it is read"),
    ]
    assert prd.milestones == read_prd(text.replace("\r\n", "\n")).milestones


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("**Acceptance:**\n* a\n* b", ["a", "b"]),
        ("**Acceptance**:\n\n1. a\n2. b", ["a", "b"]),
        ("Acceptance criteria\n\n- a", ["a"]),
        ("#### Acceptance\n\n- a\n\nAnd these:\n\n- b", ["a", "b"]),
        ("**Acceptance:** all of these hold:\n- a", ["a"]),
        ("**Acceptance:** a;\nand b is\nwrapped; and c", ["a", "and b is wrapped", "c"]),
        ("**Acceptance** — a; b", ["a", "b"]),
        ("#### Acceptance\n\nUsers can log in.", ["Users can log in."]),
        ("#### Acceptance\n\nIn short: it works.\n\n- a", ["a"]),
        ("- **Scope:** x\n- **Acceptance:**\n  - a\n  - b\n- Notes: y", ["a", "b"]),
        ("- Login\n  - Acceptance: a; b", ["a", "b"]),
        ("**Acceptance:**\n* Parent:\n  * a\n  * b\n* c", ["Parent: a", "Parent: b", "c"]),
        ("**Acceptance:**\n* a\n\n  > quoted\n\n  more\n* b", ["a", "b"]),
        ("**Acceptance:**\n* a\n* A!\n* `a`", ["a"]),
        ("**Acceptance:**\n* <!-- hidden -->\n* ![a picture](x.png) &amp; b", ["a picture & b"]),
        ("**Acceptance:**\n* a\n\n***\n\n* b", ["a"]),
        ("**Acceptance:**\n* a\n\n**Risks:**\n* b", ["a"]),
        ("#### Acceptance\n* a\n\n#### Out of scope\n* b", ["a"]),
        ("| Story | Acceptance criteria |\n|--|--|\n| x | a |\n| y | b |", ["a", "b"]),
        ("#### Acceptance\n\n| # | What |\n|--|--|\n| 1 | a thing |", ["a thing"]),
        ("* [ ] a\n* [x] b", ["a", "b"]),
        ("* [ ] a\n\n**Acceptance:**\n* b", ["b"]),
        ("**Acceptance:**\n\n    * code", []),
        ("**Acceptance:**\n```\n* code\n```", []),
        ("<details>\n\n**Acceptance:**\n* a\n\n</details>", ["a"]),
    ],
)
def test_what_is_an_item_and_what_is_not(block: str, expected: list[str]) -> None:
    assert below(block) == expected


@pytest.mark.parametrize(
    ("heading", "mid", "title"),
    [
        ("### M0 — Skeleton (Day 1)", "M0", "Skeleton (Day 1)"),
        ("## Milestone 2: Pay", "M2", "Pay"),
        ("## Phase 1", "M1", "Phase 1"),
        ("### m3 - Grow", "M3", "Grow"),
        ("## 3.2 Milestone #4 (Ship)", "M4", "Ship"),
        ("### 🚀 **[M5]** `Launch`", "M5", "Launch"),
        ("## Phase IV: Rest", "M4", "Rest"),
        ("## Milestone: Rest", "M1", "Rest"),
        ("## Sprint A — Rest", "M1", "Rest"),
        ("M6: Setext\n---", "M6", "Setext"),
        ("### M1.2 Details", "M1.2", "Details"),
    ],
)
def test_ids_and_titles_are_as_written(heading: str, mid: str, title: str) -> None:
    (milestone,) = read_prd(f"# Doc\n\n{heading}\n\n**Acceptance:**\n* a\n").milestones
    assert (milestone.id, milestone.title) == (mid, title)


@pytest.mark.parametrize("heading", ["### M2M links", "### Phased work", "### Milestones of life"])
def test_a_heading_that_only_looks_like_a_milestone_is_none(heading: str) -> None:
    (milestone,) = read_prd(f"# Doc\n\n{heading}\n\n**Acceptance:**\n* a\n").milestones
    assert (milestone.id, milestone.title) == ("M0", "Doc")


def test_headings_right_below_the_plan_are_milestones_by_position() -> None:
    part = "\n\n**Acceptance:**\n* a\n\n"
    text = f"# Doc\n\n## Roadmap\n\n### Sow{part}### M1 — Reap{part}### Rest{part}## Next{part}"
    prd = read_prd(text)
    assert [(m.id, m.title) for m in prd.milestones] == [
        ("M2", "Sow"),
        ("M1", "Reap"),
        ("M3", "Rest"),
    ]


def test_the_same_heading_again_goes_on_with_its_milestone() -> None:
    text = "## Milestones\n### M1 — One\nScope: x\n## Acceptance\n### M1\n* a\n### M2\n* b\n"
    prd = read_prd(text)
    assert [(m.id, m.title, texts(m)) for m in prd.milestones] == [
        ("M1", "One", ["a"]),
        ("M2", "M2", ["b"]),
    ]


@pytest.mark.parametrize(
    "plan",
    [
        "* **M1 — One**\n  * Acceptance: a\n* M2: Two\n  Acceptance: b\n",
        "**M1 — One**\n\nAcceptance:\n* a\n\n**M2: Two**\n\nAcceptance:\n* b\n",
        "| Milestone | Name | Acceptance |\n|--|--|--|\n| M1 | One | a |\n| M2 | Two | b |\n",
        "| Milestone | Acceptance |\n|--|--|\n| M1 — One | a |\n| M2: Two | b |\n",
    ],
    ids=["list", "bold", "table", "narrow table"],
)
def test_milestones_without_headings(plan: str) -> None:
    prd = read_prd(f"# Doc\n\n## Milestones\n\n{plan}")
    assert [(m.id, m.title, texts(m)) for m in prd.milestones] == [
        ("M1", "One", ["a"]),
        ("M2", "Two", ["b"]),
    ]


def test_without_milestones_the_document_is_one() -> None:
    prd = read_prd("# Shop\n\n## Cart\n\n**Acceptance:**\n* a\n\n## Pay\n\nAcceptance:\n* b\n")
    assert [(m.id, m.title, texts(m)) for m in prd.milestones] == [("M0", "Shop", ["a", "b"])]
    assert prd.findings == ()


@pytest.mark.parametrize("text", ["", "# Only a title\n\n* a list\n", "\x00", "```", "---\n---\n"])
def test_nothing_to_read_is_said(text: str) -> None:
    prd = read_prd(text)
    assert prd.milestones == ()
    assert prd.findings[0].message == "there are no milestones and no acceptance items"


@pytest.mark.parametrize(
    "one",
    ["Users can log in.", "users CAN  log in", "`Users` can *log* in!", "Users can\nlog in"],
)
def test_the_key_is_of_the_words_alone(one: str) -> None:
    assert below(f"**Acceptance:**\n* {one}") != []
    (milestone,) = read_prd(f"### M1: x\n**Acceptance:**\n* {one}\n").milestones
    assert milestone.acceptance[0].key == item_key("M1", "users can log in")


def test_signs_that_carry_meaning_are_words() -> None:
    assert normalised("≤ 5 tasks") == "≤ 5 tasks"
    assert normalised("≥5 tasks") == "≥ 5 tasks"
    assert normalised("C++") != normalised("C")
    assert normalised("🎉!") == "🎉!"
    assert item_key("M1", "a") != item_key("M2", "a")


def test_a_long_item_fits_a_task_and_keeps_its_own_key() -> None:
    prd = read_prd(f"### M1: x\n**Acceptance:**\n* {'long ' * 200} a\n* {'long ' * 200} b\n")
    one, other = prd.milestones[0].acceptance
    assert len(one.text) == len(other.text) == 500
    assert one.key != other.key


def test_deep_and_wide_markdown_is_read_in_time() -> None:
    deep = "".join("  " * n + "* a\n" for n in range(200))
    stars = "*" * 2000 + "a" + "*" * 2000
    wide = "".join(f"* item number {n}\n" for n in range(2000))
    prd = read_prd(f"### M1: x\n**Acceptance:**\n{wide}\n{stars}\n\n{deep}\n{'>' * 2000} a\n")
    assert len(prd.milestones[0].acceptance) >= 2000


_PIECE = st.sampled_from(
    [
        *"*-+#>|`~[]()<>!&;: \t\r\n",
        *(
            "# M1",
            "## Milestones",
            "**Acceptance:**",
            "* a",
            "\n\n",
            "| Acceptance |\n|--|\n| a |\n",
        ),
        *("### M1 — a", "- [x] b", "```", "<!--", "-->", "---", "Phase:", "1.", "Acceptance: a; b"),
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_PIECE, max_size=40).map("".join))
def test_any_text_is_read_with_unique_ids_and_keys(text: str) -> None:
    prd = read_prd(text)
    ids = [milestone.id for milestone in prd.milestones]
    keys = [item.key for milestone in prd.milestones for item in milestone.acceptance]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)
    assert prd.milestones or prd.findings
    assert all(key.rpartition("-")[0] in ids for key in keys)
