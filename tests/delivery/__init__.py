"""Agent and server together, without sockets: the promise of delivery against a simple model."""
