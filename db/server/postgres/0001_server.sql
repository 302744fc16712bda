-- The columns of db/server/sqlite, with the same names and content: times are UTC texts, ISO 8601 with
-- offset, so that what was asked of SQLite can be asked here (captured_at::timestamptz where a time is
-- wanted). Texts that are compared are COLLATE "C": they sort by their bytes on every machine.
--
-- What arrives with rows is partitioned by range on message_id, whose first 48 bits are milliseconds
-- since 1970 (UUIDv7, RFC 9562): a partition for each month, made ahead by the server, and *_other for
-- ids that are none of those months' (clocks that were never set, cameras of the older system).
CREATE SEQUENCE lpr_detections_id;
CREATE TABLE lpr_detections (
    id BIGINT NOT NULL DEFAULT nextval('lpr_detections_id'),
    license_plate TEXT COLLATE "C",
    confidence DOUBLE PRECISION,
    checkpoint_id TEXT COLLATE "C",
    timestamp TEXT COLLATE "C",
    hostname TEXT COLLATE "C",
    vehicle_type TEXT,
    vehicle_color TEXT,
    latitude TEXT,
    longitude TEXT,
    image_data TEXT,
    exposure_time DOUBLE PRECISION,
    analog_gain DOUBLE PRECISION,
    lux DOUBLE PRECISION,
    received_at TEXT COLLATE "C",
    processed INTEGER DEFAULT 0,
    message_id UUID,
    device_id TEXT COLLATE "C",
    epoch TEXT COLLATE "C",
    sequence BIGINT,
    captured_at TEXT COLLATE "C",
    confidence_percent DOUBLE PRECISION,
    image_sha256 TEXT COLLATE "C",
    image_status TEXT COLLATE "C",
    evidence TEXT,
    region TEXT COLLATE "C",
    direction TEXT COLLATE "C",
    dwell_s DOUBLE PRECISION,
    clock_state TEXT COLLATE "C",
    corrected_plate TEXT COLLATE "C",
    -- As in SQLite's: capitals, without spaces, dashes and dots, confused characters as one.
    plate_key TEXT COLLATE "C" GENERATED ALWAYS AS (
        translate(upper(coalesce(corrected_plate, license_plate) COLLATE "C"),
                  'OQDILBSZ -.·', '00011852')
    ) STORED
) PARTITION BY RANGE (message_id);
CREATE INDEX lpr_detections_number ON lpr_detections (id);
CREATE INDEX lpr_detections_captured_at ON lpr_detections (captured_at, id, plate_key);
CREATE INDEX lpr_detections_plate ON lpr_detections (plate_key, captured_at);
CREATE INDEX lpr_detections_device ON lpr_detections (device_id, captured_at, plate_key);
CREATE INDEX lpr_detections_corrected ON lpr_detections (captured_at)
    WHERE corrected_plate IS NOT NULL;
CREATE INDEX lpr_detections_arrival ON lpr_detections USING brin (received_at);

CREATE SEQUENCE health_monitors_id;
CREATE TABLE health_monitors (
    id BIGINT NOT NULL DEFAULT nextval('health_monitors_id'),
    checkpoint_id TEXT COLLATE "C",
    hostname TEXT COLLATE "C",
    timestamp TEXT COLLATE "C",
    component TEXT COLLATE "C",
    status TEXT COLLATE "C",
    message TEXT,
    system_info TEXT,
    received_at TEXT COLLATE "C",
    processed INTEGER DEFAULT 0,
    message_id UUID,
    device_id TEXT COLLATE "C",
    epoch TEXT COLLATE "C",
    sequence BIGINT,
    captured_at TEXT COLLATE "C",
    clock_state TEXT COLLATE "C"
) PARTITION BY RANGE (message_id);
CREATE INDEX health_monitors_number ON health_monitors (id);
CREATE INDEX health_monitors_device ON health_monitors (device_id, component, captured_at, status);
CREATE INDEX health_monitors_arrival ON health_monitors USING brin (received_at);

CREATE SEQUENCE face_detections_id;
CREATE TABLE face_detections (
    id BIGINT NOT NULL DEFAULT nextval('face_detections_id'),
    message_id UUID,
    device_id TEXT COLLATE "C",
    epoch TEXT COLLATE "C",
    sequence BIGINT,
    checkpoint_id TEXT COLLATE "C",
    hostname TEXT COLLATE "C",
    timestamp TEXT COLLATE "C",
    captured_at TEXT COLLATE "C",
    confidence_percent DOUBLE PRECISION,
    quality DOUBLE PRECISION,
    box TEXT,
    landmarks TEXT,
    embedding BYTEA,
    embedding_model TEXT,
    dwell_s DOUBLE PRECISION,
    image_sha256 TEXT COLLATE "C",
    image_status TEXT COLLATE "C",
    evidence TEXT,
    clock_state TEXT COLLATE "C",
    received_at TEXT COLLATE "C"
) PARTITION BY RANGE (message_id);
CREATE INDEX face_detections_number ON face_detections (id);
CREATE INDEX face_detections_captured_at ON face_detections (captured_at);
CREATE INDEX face_detections_device ON face_detections (device_id, captured_at);
CREATE INDEX face_detections_arrival ON face_detections USING brin (received_at);

CREATE SEQUENCE evictions_id;
CREATE TABLE evictions (
    id BIGINT NOT NULL DEFAULT nextval('evictions_id'),
    message_id UUID,
    device_id TEXT COLLATE "C",
    epoch TEXT COLLATE "C",
    sequence BIGINT,
    checkpoint_id TEXT COLLATE "C",
    hostname TEXT COLLATE "C",
    timestamp TEXT COLLATE "C",
    captured_at TEXT COLLATE "C",
    kind TEXT COLLATE "C",
    reason TEXT COLLATE "C",
    evicted_table TEXT COLLATE "C",
    count BIGINT,
    size_bytes BIGINT,
    first_sequence BIGINT,
    last_sequence BIGINT,
    message TEXT,
    clock_state TEXT COLLATE "C",
    received_at TEXT COLLATE "C"
) PARTITION BY RANGE (message_id);
CREATE INDEX evictions_number ON evictions (id);
CREATE INDEX evictions_device ON evictions (device_id, captured_at);
CREATE INDEX evictions_arrival ON evictions USING brin (received_at);

-- Each process of the server counts for itself; run is which one.
CREATE TABLE server_stats (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    run TEXT COLLATE "C",
    timestamp TEXT COLLATE "C",
    total_connections BIGINT,
    active_connections BIGINT,
    messages_received BIGINT,
    messages_processed BIGINT,
    errors BIGINT
);
CREATE INDEX server_stats_timestamp ON server_stats (timestamp);

CREATE TABLE cameras (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    device_id TEXT COLLATE "C" NOT NULL UNIQUE,
    hostname TEXT COLLATE "C",
    checkpoint_id TEXT COLLATE "C",
    agent_version TEXT COLLATE "C",
    first_seen TEXT COLLATE "C" NOT NULL,
    last_seen TEXT COLLATE "C" NOT NULL,
    epoch TEXT COLLATE "C",
    clock_offset_s DOUBLE PRECISION,
    clock_state TEXT COLLATE "C",
    waiting_rows BIGINT
) WITH (fillfactor = 70);

CREATE TABLE camera_epochs (
    camera BIGINT NOT NULL REFERENCES cameras (id),
    epoch TEXT COLLATE "C" NOT NULL,
    last_sequence BIGINT NOT NULL,
    rows_stored BIGINT NOT NULL,
    first_received_at TEXT COLLATE "C" NOT NULL,
    last_received_at TEXT COLLATE "C" NOT NULL,
    begins_after BIGINT,
    rows_before BIGINT NOT NULL DEFAULT 0,
    rows_later BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (camera, epoch)
) WITH (fillfactor = 70);

CREATE TABLE server_runs (
    number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    first_greeting_at TEXT COLLATE "C" NOT NULL
);

-- The one place that decides whether a row is new: its key is that of the partitions too, which a
-- unique key of a partitioned table must hold. camera is that of cameras; received_at is in Unix
-- seconds; table_number is 1 lpr_detections, 2 health_monitors, 3 face_detections, 4 evictions.
CREATE TABLE message_ledger (
    message_id UUID NOT NULL,
    camera BIGINT NOT NULL,
    table_number SMALLINT NOT NULL,
    record_id BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (message_id)
) PARTITION BY RANGE (message_id);
CREATE INDEX message_ledger_arrival ON message_ledger USING brin (received_at);

CREATE TABLE lpr_detections_other PARTITION OF lpr_detections DEFAULT;
CREATE TABLE health_monitors_other PARTITION OF health_monitors DEFAULT;
CREATE TABLE face_detections_other PARTITION OF face_detections DEFAULT;
CREATE TABLE evictions_other PARTITION OF evictions DEFAULT;
CREATE TABLE message_ledger_other PARTITION OF message_ledger DEFAULT;

CREATE TABLE device_tokens (
    name TEXT COLLATE "C" PRIMARY KEY,
    token_sha256 BYTEA NOT NULL UNIQUE,
    created_at TEXT COLLATE "C" NOT NULL,
    revoked_at TEXT COLLATE "C",
    last_used_at TEXT COLLATE "C"
);

CREATE TABLE corrections (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    sighting_id BIGINT NOT NULL,
    plate TEXT COLLATE "C",
    plate_before TEXT COLLATE "C" NOT NULL,
    corrected_by TEXT COLLATE "C" NOT NULL,
    corrected_at TEXT COLLATE "C" NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    undoes BIGINT REFERENCES corrections (id)
);
CREATE INDEX corrections_sighting ON corrections (sighting_id);

-- One row: what arrived before this day (UTC) was given up.
CREATE TABLE given_up (
    rows_before TEXT COLLATE "C" NOT NULL
);

-- As in SQLite's, of each process (run) by itself.
CREATE TABLE service_minutes (
    service TEXT COLLATE "C" NOT NULL,
    minute BIGINT NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT,
    times TEXT,
    load DOUBLE PRECISION,
    PRIMARY KEY (service, minute, run)
);
CREATE INDEX service_minutes_minute ON service_minutes (minute);
