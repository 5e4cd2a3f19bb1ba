"""`demo`: the whole loop on a sample project in a scratch folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer, main: Callable[[Sequence[str]], int]) -> None:
    """Put the verb on the app; `main` is what runs a command line as a person would."""

    @app.command()
    def demo(
        folder: Annotated[
            Path | None,
            typer.Option("--folder", help="Where to play. Default: a new scratch folder."),
        ] = None,
    ) -> int:
        """Play the whole loop on a sample project.

        It needs nothing and touches nothing of yours. The folder stays, to look around in.
        """
        import tempfile

        from pmcodex.demo import play

        place = folder or Path(tempfile.mkdtemp(prefix="pmcodex-demo-"))
        return play(place.absolute(), main, typer.echo)
