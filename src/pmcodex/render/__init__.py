"""Render: values into text for people and data for programs, and nothing else prints values.

Data goes to stdout, the rest to stderr; colour only on a terminal and never with NO_COLOR. What
must never happen here: a look at git, a forge or a file.
"""
