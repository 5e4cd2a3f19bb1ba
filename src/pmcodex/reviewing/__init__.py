"""What a review is made of: the change, its points, and other people's words made harmless.

Pure. What must never happen here: somebody's text put into a comment unquoted.
"""
