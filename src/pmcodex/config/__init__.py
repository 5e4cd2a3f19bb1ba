"""Configuration, read once, typed and closed: settings of this machine, policy of the project.

What must never happen here: a secret in a message, or a setting that a clone brings changing what
is safe.
"""
