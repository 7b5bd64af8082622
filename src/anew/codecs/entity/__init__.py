"""Rows that belong together as codes."""
