"""Keeps loaded networks within the memory that is set apart for them."""
