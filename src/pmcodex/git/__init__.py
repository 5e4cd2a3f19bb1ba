"""The git room: one project's mirror, its remote, and the one way to push.

`process` is the sole importer of GitPython. What must never happen here: a push past the guard.
"""
