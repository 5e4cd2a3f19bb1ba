"""A project as recipes see it: its files, and what those say of its sources and settings.

Pure. What must never happen here: a guess where a file does not say.
"""
