"""Levels of games as codes."""
