"""What the server shows over HTTP."""
