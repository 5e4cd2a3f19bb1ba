"""pmcodex: a command-line dev team for people who run their own models.

Nothing happens at import; heavy libraries load where they are used.
"""

__version__ = "0.1.0"
