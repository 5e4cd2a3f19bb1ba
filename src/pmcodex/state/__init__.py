"""State on this machine: the checkpoint, the lock and the journal. Deleting it is harmless.

What must never happen here: a fact that the project's remote does not hold as well.
"""
