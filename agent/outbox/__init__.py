"""Rows and pictures that wait on this device: recorded durably, read for sending, flagged."""
