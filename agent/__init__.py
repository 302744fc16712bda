"""The program on the camera: frames in, sightings stored and sent."""
