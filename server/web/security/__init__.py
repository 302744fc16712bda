"""What stands between the network and the server's pages."""
