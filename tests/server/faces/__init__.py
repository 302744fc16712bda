"""Tests of the face gallery."""
