"""Pictures in; detections, readings and embeddings out. No database, no network."""
