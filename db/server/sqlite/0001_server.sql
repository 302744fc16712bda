-- Names without comment are the older server's. Times of ours are UTC, ISO 8601 with offset.
CREATE TABLE IF NOT EXISTS lpr_detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    license_plate TEXT,
    confidence REAL,
    checkpoint_id TEXT,
    timestamp TEXT,
    hostname TEXT,
    vehicle_type TEXT,
    vehicle_color TEXT,
    latitude TEXT,
    longitude TEXT,
    image_data TEXT,
    exposure_time REAL,
    analog_gain REAL,
    lux REAL,
    received_at TEXT,
    processed INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS health_monitors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    checkpoint_id TEXT,
    hostname TEXT,
    timestamp TEXT,
    component TEXT,
    status TEXT,
    message TEXT,
    system_info TEXT,
    received_at TEXT,
    processed INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS server_stats (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT,
    total_connections INTEGER,
    active_connections INTEGER,
    messages_received INTEGER,
    messages_processed INTEGER,
    errors INTEGER
);

-- image_data above stays empty in new rows (it holds what an adopted older database had):
-- pictures lie in pictures/DAY.db, DAY being the first ten characters of received_at,
-- under image_sha256. The view lpr_detections_with_images shows both as base64.
ALTER TABLE lpr_detections ADD COLUMN message_id TEXT;
ALTER TABLE lpr_detections ADD COLUMN device_id TEXT;
ALTER TABLE lpr_detections ADD COLUMN epoch TEXT;
ALTER TABLE lpr_detections ADD COLUMN sequence INTEGER;
ALTER TABLE lpr_detections ADD COLUMN captured_at TEXT;
ALTER TABLE lpr_detections ADD COLUMN confidence_percent REAL;
ALTER TABLE lpr_detections ADD COLUMN image_sha256 TEXT;
ALTER TABLE lpr_detections ADD COLUMN image_status TEXT;
ALTER TABLE lpr_detections ADD COLUMN evidence TEXT;
ALTER TABLE lpr_detections ADD COLUMN region TEXT;
ALTER TABLE lpr_detections ADD COLUMN direction TEXT;
ALTER TABLE lpr_detections ADD COLUMN dwell_s REAL;
ALTER TABLE lpr_detections ADD COLUMN clock_state TEXT;

ALTER TABLE health_monitors ADD COLUMN message_id TEXT;
ALTER TABLE health_monitors ADD COLUMN device_id TEXT;
ALTER TABLE health_monitors ADD COLUMN epoch TEXT;
ALTER TABLE health_monitors ADD COLUMN sequence INTEGER;
ALTER TABLE health_monitors ADD COLUMN captured_at TEXT;
ALTER TABLE health_monitors ADD COLUMN clock_state TEXT;

CREATE TABLE face_detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT,
    device_id TEXT,
    epoch TEXT,
    sequence INTEGER,
    checkpoint_id TEXT,
    hostname TEXT,
    timestamp TEXT,
    captured_at TEXT,
    confidence_percent REAL,
    quality REAL,
    box TEXT,
    landmarks TEXT,
    embedding BLOB,
    embedding_model TEXT,
    dwell_s REAL,
    image_sha256 TEXT,
    image_status TEXT,
    evidence TEXT,
    clock_state TEXT,
    received_at TEXT
);

CREATE TABLE evictions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT,
    device_id TEXT,
    epoch TEXT,
    sequence INTEGER,
    checkpoint_id TEXT,
    hostname TEXT,
    timestamp TEXT,
    captured_at TEXT,
    kind TEXT,
    reason TEXT,
    evicted_table TEXT,
    count INTEGER,
    size_bytes INTEGER,
    first_sequence INTEGER,
    last_sequence INTEGER,
    message TEXT,
    clock_state TEXT,
    received_at TEXT
);

-- Every camera that ever sent a row or said hello. device_id is the name of its token; of an old
-- camera without one it is classic:HOSTNAME.
CREATE TABLE cameras (
    id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL UNIQUE,
    hostname TEXT,
    checkpoint_id TEXT,
    agent_version TEXT,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    epoch TEXT,
    clock_offset_s REAL,
    clock_state TEXT,
    waiting_rows INTEGER
);

-- The books of each camera's store: rows_stored counts what was taken from it, once each.
-- A camera's sequence has no gaps, so that last_sequence says how many rows there have been.
-- The epoch of classic cameras is ''.
CREATE TABLE camera_epochs (
    camera INTEGER NOT NULL REFERENCES cameras (id),
    epoch TEXT NOT NULL,
    last_sequence INTEGER NOT NULL,
    rows_stored INTEGER NOT NULL,
    first_received_at TEXT NOT NULL,
    last_received_at TEXT NOT NULL,
    PRIMARY KEY (camera, epoch)
) WITHOUT ROWID;

-- Each run of the server that greeted a camera. Cameras remember which run acknowledged their rows:
-- one that is missing here tells them that this database is an older backup.
CREATE TABLE server_runs (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    first_greeting_at TEXT NOT NULL
);

-- Every row ever taken, kept longer than any camera can hold a row: a late duplicate stays out
-- even when its record was pruned. Compact, for it is written with every row:
-- message_id is the UUID's 16 bytes, received_at is in Unix seconds, table_number is
-- 1 lpr_detections, 2 health_monitors, 3 face_detections, 4 evictions.
-- fingerprint tells a repeated row from another one under its id.
CREATE TABLE message_ledger (
    message_id BLOB PRIMARY KEY,
    camera INTEGER NOT NULL REFERENCES cameras (id),
    table_number INTEGER NOT NULL,
    record_id INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    received_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE device_tokens (
    name TEXT PRIMARY KEY,
    token_sha256 BLOB NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    revoked_at TEXT,
    last_used_at TEXT
) WITHOUT ROWID;

CREATE INDEX lpr_detections_captured_at ON lpr_detections (captured_at);
CREATE INDEX lpr_detections_plate ON lpr_detections (license_plate, captured_at);
CREATE INDEX lpr_detections_device ON lpr_detections (device_id, captured_at);
CREATE INDEX health_monitors_device ON health_monitors (device_id, component, captured_at);
CREATE INDEX face_detections_captured_at ON face_detections (captured_at);

-- picture_base64(sha256, day) is a function of Sightpost's own connections
-- (python -m server sql 'SELECT ...').
CREATE VIEW lpr_detections_with_images AS
SELECT id, license_plate, confidence, checkpoint_id, timestamp, hostname, vehicle_type,
       vehicle_color, latitude, longitude,
       coalesce(image_data, picture_base64(image_sha256, substr(received_at, 1, 10)))
           AS image_data,
       exposure_time, analog_gain, lux, received_at, processed
FROM lpr_detections;
