"""The command line: one module a verb, each of them parse, call, render.

Imported at every start, so nothing heavy may be imported at the top of these modules. What must
never happen here: a decision, or an effect that is not the session's.
"""
