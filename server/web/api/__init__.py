"""`/api/v1`: what programs ask the centre, by the same functions as its pages."""
