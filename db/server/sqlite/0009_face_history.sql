-- Who was recognised in the pictures of cameras: one row for each sighting of somebody enrolled.
-- score is a cosine, probability that of a match (NULL: nobody has calibrated the model). sighting_id
-- is a row of face_detections; a match goes with it, and with its person.
CREATE TABLE face_matches (
    match_id INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id INTEGER NOT NULL REFERENCES face_persons (class_id),
    sighting_id INTEGER NOT NULL UNIQUE,
    device_id TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    score REAL NOT NULL,
    probability REAL,
    model TEXT NOT NULL,
    model_version TEXT NOT NULL
);
CREATE INDEX face_matches_class ON face_matches (class_id, match_id);
CREATE INDEX face_matches_seen ON face_matches (seen_at);

-- Faces of people who are not enrolled, only where SERVER_FACE_VISITOR_DAYS asks for them; they go
-- after keep_until.
CREATE TABLE face_visitors (
    visitor_id INTEGER PRIMARY KEY AUTOINCREMENT,
    sighting_id INTEGER NOT NULL UNIQUE,
    device_id TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    keep_until TEXT NOT NULL,
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    vector BLOB NOT NULL
);
CREATE INDEX face_visitors_keep_until ON face_visitors (keep_until);
CREATE INDEX face_visitors_model ON face_visitors (model, model_version, visitor_id);

-- One row: how far the sightings of cameras were compared with the gallery. Those that were there
-- before this was possible are not.
CREATE TABLE face_follower (
    sighting_id INTEGER NOT NULL
);
INSERT INTO face_follower SELECT coalesce(max(id), 0) FROM face_detections;
CREATE INDEX face_detections_arrival ON face_detections (device_id, id);
