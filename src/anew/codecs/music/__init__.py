"""Music as codes."""
