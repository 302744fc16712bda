-- Where a face came from of which somebody said that it is not this person's: source is camera or
-- upload, nothing where it was said before this was noted; sighting_id is a row of face_detections,
-- which may have been given up since.
ALTER TABLE face_negatives ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE face_negatives ADD COLUMN sighting_id INTEGER;
