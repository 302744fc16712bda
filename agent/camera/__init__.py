"""Where frames come from: sources by address, and the thread that keeps one running."""
