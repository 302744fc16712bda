"""Tests of watchlists and alerts."""
