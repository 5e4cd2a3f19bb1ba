"""Forges: where pulls live. Each adapter implements `ports.Forge` and passes one suite.

What must never happen here: one forge importing another, or a forge's own words outside its room.
"""
