"""Editing: turns a task's words into verified edits. Pure; the Developer's hands without a model."""
