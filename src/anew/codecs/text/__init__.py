"""Text and code as codes."""
