"""People who are enrolled, and the faces they are found by."""
