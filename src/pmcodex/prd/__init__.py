"""A PRD read: milestones and acceptance items, and which of them tasks cover already.

Pure, and by Markdown's tokens. What must never happen here: an item made of a code block.
"""
