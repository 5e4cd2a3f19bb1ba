"""Templates: the texts pmcodex fills in, as a value, so that pure rooms can render them.

Placeholders are `$name` or `${name}`; `$$` is a dollar sign. Loading the files is `texts`' work.
What must never happen here: a value that is read as a placeholder, or a silently missing name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template


@dataclass(frozen=True, slots=True)
class Templates:
    """Template texts by name: the path below `templates/`, e.g. `pull.md` or `recipes/ci.yml`."""

    by_name: Mapping[str, str]

    def text(self, name: str) -> str:
        """The template as it is, placeholders and all. KeyError for an unknown name."""
        return self.by_name[name]

    def render(self, name: str, **values: str) -> str:
        """The template with every placeholder filled.

        KeyError for an unknown template or a placeholder without a value, ValueError for a value
        without a placeholder: both are bugs of ours, found by the first test that renders.
        """
        template = Template(self.by_name[name])
        unused = values.keys() - set(template.get_identifiers())
        if unused:
            raise ValueError(f"{name} has no placeholder {sorted(unused)}")
        return template.substitute(values)
