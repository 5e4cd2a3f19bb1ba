"""Roles: pure functions from a view to a decision, one module each, all of one shape.

`decide(view)` is what the engine calls. What must never happen here: an effect, or one role
importing another; what two roles share lives in `core`.
"""
