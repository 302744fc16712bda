"""What both programs say about themselves."""
