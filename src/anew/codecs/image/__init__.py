"""Pictures as grids."""
