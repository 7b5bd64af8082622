"""Graphs and molecules as matrices of kinds."""
