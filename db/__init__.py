"""Numbered SQL migrations of both databases, their runner, and queries for people."""
