"""From frames to sightings: motion, tracks, readings, votes, rules."""
