-- The tables of the older camera, as it made them. An older database has them already.
CREATE TABLE IF NOT EXISTS camera_metadata (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame_id TEXT UNIQUE NOT NULL,
    timestamp TEXT NOT NULL,
    exposure_time REAL,
    analog_gain REAL,
    digital_gain REAL,
    lux REAL,
    colour_temperature REAL,
    lens_position REAL,
    focus_state INTEGER,
    image_filename TEXT,
    processed_image_filename TEXT
);
CREATE TABLE IF NOT EXISTS detection_results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame_id TEXT NOT NULL,
    license_plate_text TEXT,
    lp_confidence REAL,
    lp_box_x INTEGER,
    lp_box_y INTEGER,
    lp_box_w INTEGER,
    lp_box_h INTEGER,
    lp_image_filename TEXT,
    sent_to_server INTEGER DEFAULT 0,
    sent_timestamp TEXT
);
CREATE TABLE IF NOT EXISTS health_checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    component TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    sent_to_server INTEGER DEFAULT 0,
    sent_timestamp TEXT
);
