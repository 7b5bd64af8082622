"""Tables as fields."""
