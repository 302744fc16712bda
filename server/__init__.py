"""The program in the centre: takes rows from cameras, keeps them, shows them."""
