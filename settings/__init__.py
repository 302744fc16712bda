"""Environment and `.env` files into one frozen object; errors that tell the line to write."""
