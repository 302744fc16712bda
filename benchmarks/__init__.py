"""Measurements: programs that print numbers with what they were measured on."""
