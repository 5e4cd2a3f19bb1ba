"""Words for "cannot go on": one base error with a sentence, a hint and an exit code.

Expected outcomes (a lost race, red tests, a refused edit) are values, never exceptions.
What must never happen here: an import of anything else of pmcodex.
"""

from __future__ import annotations


class PmcodexError(Exception):
    """What stops a command, in words for its user.

    `sentence` says what is wrong, `hint` what to do next (may be empty). `exit_code` is what
    the process leaves with; see the table in README.md.
    """

    exit_code = 1

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class UsageFault(PmcodexError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class InvalidInput(PmcodexError):
    """Configuration or data (a setting, a policy file, a repository) is invalid."""

    exit_code = 3


class Refused(PmcodexError):
    """The forge, git or a guard of ours says no: token, permission, protection, a law."""

    exit_code = 4


class TryLater(PmcodexError):
    """Nothing is wrong that time does not mend: rate limit, network, a held lock."""

    exit_code = 5
