"""The way to the server: connection, lanes, window, retries, both exchanges."""
