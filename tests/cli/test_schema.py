"""`schema`: JSON Schemas for editors."""

from __future__ import annotations

from pathlib import Path

import pytest
from clihelp import Pm


@pytest.mark.parametrize(("name", "key"), [("llm-team", "protected_paths"), ("task", "depends_on")])
def test_each_schema_names_its_keys(name: str, key: str, home: Path, pm: Pm) -> None:
    said = pm("schema", name)
    assert (said.code, said.err) == (0, "")
    assert key in said.data["properties"]
    assert pm("schema").data[name] == said.data
