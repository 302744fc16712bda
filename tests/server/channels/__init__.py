"""Tests of the channels by which alerts are told."""
