"""What runs a model: one contract, one module for each runtime."""
