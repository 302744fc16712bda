"""The contract between agent and server: messages, codec, limits, session rules. No I/O."""
