-- What exactly-once delivery and evidence need beside the older columns.
-- sent_to_server: 0 waiting, 1 acknowledged, 2 refused for good (send_error says why).
-- retry_since: when a server first refused the row in a way that may pass (UTC).
-- message_id and sequence are NULL in rows that older tools inserted: the agent gives them
-- before it sends such a row for the first time.
ALTER TABLE detection_results ADD COLUMN timestamp TEXT;
ALTER TABLE detection_results ADD COLUMN message_id TEXT;
ALTER TABLE detection_results ADD COLUMN sequence INTEGER;
ALTER TABLE detection_results ADD COLUMN evidence TEXT;
ALTER TABLE detection_results ADD COLUMN region TEXT;
ALTER TABLE detection_results ADD COLUMN direction TEXT;
ALTER TABLE detection_results ADD COLUMN dwell_s REAL;
ALTER TABLE detection_results ADD COLUMN image_sha256 TEXT;
ALTER TABLE detection_results ADD COLUMN image_status TEXT;
ALTER TABLE detection_results ADD COLUMN clock_state TEXT;
ALTER TABLE detection_results ADD COLUMN boot_id TEXT;
ALTER TABLE detection_results ADD COLUMN boot_time_s REAL;
ALTER TABLE detection_results ADD COLUMN send_error TEXT;
ALTER TABLE detection_results ADD COLUMN send_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE detection_results ADD COLUMN retry_since TEXT;

ALTER TABLE health_checks ADD COLUMN message_id TEXT;
ALTER TABLE health_checks ADD COLUMN sequence INTEGER;
ALTER TABLE health_checks ADD COLUMN system_info TEXT;
ALTER TABLE health_checks ADD COLUMN clock_state TEXT;
ALTER TABLE health_checks ADD COLUMN boot_id TEXT;
ALTER TABLE health_checks ADD COLUMN boot_time_s REAL;
ALTER TABLE health_checks ADD COLUMN send_error TEXT;
ALTER TABLE health_checks ADD COLUMN send_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE health_checks ADD COLUMN retry_since TEXT;

UPDATE detection_results SET timestamp =
    (SELECT m.timestamp FROM camera_metadata AS m WHERE m.frame_id = detection_results.frame_id)
    WHERE timestamp IS NULL;

CREATE TABLE face_results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame_id TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    confidence REAL,
    quality REAL,
    box_x INTEGER,
    box_y INTEGER,
    box_w INTEGER,
    box_h INTEGER,
    landmarks TEXT,
    embedding BLOB,
    embedding_model TEXT,
    face_image_filename TEXT,
    dwell_s REAL,
    evidence TEXT,
    image_sha256 TEXT,
    image_status TEXT,
    clock_state TEXT,
    boot_id TEXT,
    boot_time_s REAL,
    message_id TEXT,
    sequence INTEGER,
    sent_to_server INTEGER DEFAULT 0,
    sent_timestamp TEXT,
    send_error TEXT,
    send_attempts INTEGER NOT NULL DEFAULT 0,
    retry_since TEXT
);

CREATE TABLE evictions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('picture', 'row')),
    reason TEXT NOT NULL,
    evicted_table TEXT NOT NULL,
    count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL DEFAULT 0,
    first_sequence INTEGER,
    last_sequence INTEGER,
    message TEXT,
    clock_state TEXT,
    boot_id TEXT,
    boot_time_s REAL,
    message_id TEXT,
    sequence INTEGER,
    sent_to_server INTEGER DEFAULT 0,
    sent_timestamp TEXT,
    send_error TEXT,
    send_attempts INTEGER NOT NULL DEFAULT 0,
    retry_since TEXT
);

-- One row: whose database this is, the last sequence number given in this epoch, and the
-- books, which the triggers of 0003 keep: captured = waiting + acknowledged + refused + evicted.
CREATE TABLE store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    device_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    captured INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    evicted INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX detection_results_message_id ON detection_results (message_id);
CREATE UNIQUE INDEX face_results_message_id ON face_results (message_id);
CREATE UNIQUE INDEX health_checks_message_id ON health_checks (message_id);
CREATE UNIQUE INDEX evictions_message_id ON evictions (message_id);

-- Rows that wait are few, however many were sent: these keep looking them up constant.
CREATE INDEX detection_results_waiting ON detection_results (id) WHERE sent_to_server = 0;
CREATE INDEX face_results_waiting ON face_results (id) WHERE sent_to_server = 0;
CREATE INDEX health_checks_waiting ON health_checks (id) WHERE sent_to_server = 0;
CREATE INDEX evictions_waiting ON evictions (id) WHERE sent_to_server = 0;
CREATE INDEX detection_results_refused ON detection_results (id) WHERE sent_to_server = 2;
CREATE INDEX face_results_refused ON face_results (id) WHERE sent_to_server = 2;
CREATE INDEX health_checks_refused ON health_checks (id) WHERE sent_to_server = 2;
CREATE INDEX evictions_refused ON evictions (id) WHERE sent_to_server = 2;
CREATE INDEX detection_results_timestamp ON detection_results (timestamp);
