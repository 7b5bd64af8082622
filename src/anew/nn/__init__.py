"""Bricks that families build their networks from. They know tensors and spaces, not modalities."""
