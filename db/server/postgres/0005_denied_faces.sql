-- Where a face came from of which somebody said that it is not this person's: as in SQLite.
ALTER TABLE face_negatives ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE face_negatives ADD COLUMN sighting_id BIGINT;
