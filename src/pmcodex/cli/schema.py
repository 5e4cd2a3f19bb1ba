"""`schema`: JSON Schema of `.llm-team.yml` and of a task's front matter, for editors."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(schema)


def schema(
    of: Annotated[
        str, typer.Argument(metavar="[llm-team|task]", help="Which one. Default: both.")
    ] = "",
) -> int:
    """Print the JSON Schema of .llm-team.yml and of task files.

    Editors check and complete both by it. It is always JSON: of one of them, or an object of both.
    """
    from pmcodex.config.loading import json_schemas
    from pmcodex.errors import UsageFault
    from pmcodex.render.text import print_json

    schemas = json_schemas()
    if of and of not in schemas:
        raise UsageFault(f"there is no schema {of!r}", hint=f"there are: {', '.join(schemas)}")
    print_json(schemas[of] if of else schemas)
    return 0
