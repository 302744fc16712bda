"""What passes, told to other programs: every sighting in order, at least once, with its id."""
