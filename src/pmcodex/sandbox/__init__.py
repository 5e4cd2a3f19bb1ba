"""Where project code runs and can do no harm: the walls, and the processes inside them.

What must never happen here: a check that runs outside the walls unasked.
"""
