"""A rendered road with vehicles and readable plates, and the truth about them (see README.md)."""
