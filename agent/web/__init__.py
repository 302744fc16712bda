"""What the agent shows over HTTP."""
