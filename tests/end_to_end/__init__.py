"""Real programs as real processes: agent and server, killed and started again."""
