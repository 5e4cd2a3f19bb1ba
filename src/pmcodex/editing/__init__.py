"""Editing: a task's words become verified edits. Pure; the hands of a Developer without a model."""
