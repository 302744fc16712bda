"""How the camera is: checks, what of them is worth a row, and facts of the system."""
