"""What figures say: how well services work, what changes, what is odd, and what to do. Pure."""
