"""`python -m pmcodex`: the same as the `pmcodex` command."""

from pmcodex.cli.main import run

run()
