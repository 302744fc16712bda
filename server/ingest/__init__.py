"""From a socket to the store: who may connect, the conversation, group commits."""
