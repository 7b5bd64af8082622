"""Samples with wished properties, of models as they are."""
