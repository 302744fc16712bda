"""The page: who gets in, what is asked, what is shown."""
