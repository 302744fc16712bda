-- People who are enrolled to be recognised, and what is held on each. Times are UTC, ISO 8601 with
-- offset. class_id, ten (name), tuoi (age), gioitinh (gender) and noio (place) are the names of the
-- older face service. No id is given twice, so that what names one that is gone names nobody.
-- consent says in words what the person agreed to, purpose what they are recognised for; after
-- keep_until they are forgotten.
CREATE TABLE face_persons (
    class_id INTEGER PRIMARY KEY AUTOINCREMENT,
    ten TEXT NOT NULL,
    tuoi INTEGER,
    gioitinh TEXT NOT NULL DEFAULT '',
    noio TEXT NOT NULL DEFAULT '',
    consent TEXT NOT NULL DEFAULT '',
    purpose TEXT NOT NULL DEFAULT '',
    keep_until TEXT,
    enrolled_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE INDEX face_persons_keep_until ON face_persons (keep_until) WHERE keep_until IS NOT NULL;

-- content is a JPEG of the face and what is close around it, nobody else's. source_sha256 is of the
-- file that it was cut from; quality is JSON; source says where it came from (upload, import, ...).
CREATE TABLE face_pictures (
    image_id INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id INTEGER NOT NULL REFERENCES face_persons (class_id),
    source_sha256 TEXT NOT NULL,
    content BLOB NOT NULL,
    quality TEXT NOT NULL,
    source TEXT NOT NULL,
    added_at TEXT NOT NULL,
    UNIQUE (class_id, source_sha256)
);

-- vector: 32-bit floats, lowest byte first, of length 1. model_version is the start of the SHA-256
-- of the model's file: vectors of different ones do not compare. A vector never changes under its id.
CREATE TABLE face_embeddings (
    embedding_id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER NOT NULL REFERENCES face_pictures (image_id),
    class_id INTEGER NOT NULL REFERENCES face_persons (class_id),
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (image_id, model, model_version)
);
CREATE INDEX face_embeddings_class ON face_embeddings (class_id, model, model_version);
CREATE INDEX face_embeddings_model ON face_embeddings (model, model_version, embedding_id);

-- Faces that somebody said are not this person.
CREATE TABLE face_negatives (
    negative_id INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id INTEGER NOT NULL REFERENCES face_persons (class_id),
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    vector BLOB NOT NULL,
    noted_by TEXT NOT NULL,
    noted_at TEXT NOT NULL
);
CREATE INDEX face_negatives_class ON face_negatives (class_id, model, model_version);

-- One row. revision grows with every change above, in the same transaction: an index of vectors that
-- has another one is brought up to date before it is asked.
CREATE TABLE face_gallery (
    gallery_id TEXT NOT NULL,
    revision INTEGER NOT NULL
);
INSERT INTO face_gallery VALUES (lower(hex(randomblob(8))), 0);
