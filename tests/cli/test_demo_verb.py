"""`demo`: only in a folder of its own."""

from __future__ import annotations

from clihelp import Pm, Shop


def test_a_folder_with_something_in_it_is_refused(shop: Shop, pm: Pm) -> None:
    before = sorted(shop.folder.rglob("*"))
    said = pm("demo", "--folder", str(shop.folder))
    assert (said.code, said.out) == (3, "")
    assert "is not empty" in said.err
    assert sorted(shop.folder.rglob("*")) == before
