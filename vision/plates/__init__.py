"""Plates: text regions, readers, grammars, gates."""
