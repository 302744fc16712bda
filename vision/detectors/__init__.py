"""Detectors of plates and vehicles that are fetched or brought along, by decoder name."""
