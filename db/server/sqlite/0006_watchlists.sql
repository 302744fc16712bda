-- Lists of plates or persons that are watched for. kind: alert (who is listed raises an alert),
-- unknown (who is not), mute (who is listed raises none). subject: plates, persons. device_ids is a
-- JSON array, [] for all cameras; schedule is text ('' for always). Times are UTC, ISO 8601 with
-- offset. revision is the number of the last change. Those with deleted_at are gone; the server takes
-- them away when it starts.
CREATE TABLE watchlists (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    note TEXT NOT NULL,
    device_ids TEXT NOT NULL,
    schedule TEXT NOT NULL,
    cooldown_s INTEGER NOT NULL,
    least_percent REAL,
    least_likelihood REAL NOT NULL,
    is_enabled INTEGER NOT NULL,
    goes_to_cameras INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    deleted_at TEXT
);
CREATE UNIQUE INDEX watchlists_name ON watchlists (name) WHERE deleted_at IS NULL;

-- plate may have * and ?; matching is likely or exact. identity names what is listed, once in a list:
-- likely:PLATE or exact:PLATE (capitals, without separators), or person:NUMBER.
CREATE TABLE watchlist_entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL REFERENCES watchlists (id),
    identity TEXT NOT NULL,
    plate TEXT NOT NULL,
    matching TEXT NOT NULL,
    class_id INTEGER,
    reason TEXT NOT NULL,
    valid_from TEXT,
    valid_until TEXT,
    schedule TEXT NOT NULL,
    device_ids TEXT NOT NULL,
    cooldown_s INTEGER,
    revision INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    deleted_at TEXT
);
CREATE UNIQUE INDEX watchlist_entries_identity ON watchlist_entries (list_id, identity)
    WHERE deleted_at IS NULL;
CREATE INDEX watchlist_entries_list ON watchlist_entries (list_id, id) WHERE deleted_at IS NULL;
CREATE INDEX watchlist_entries_person ON watchlist_entries (class_id) WHERE class_id IS NOT NULL;
CREATE INDEX watchlist_entries_revision ON watchlist_entries (revision);

-- One row: the number of the last change of any list or entry.
CREATE TABLE watchlist_state (revision INTEGER NOT NULL);
INSERT INTO watchlist_state VALUES (0);

-- A sighting that a list speaks of, once each. entry_id 0: it is in no entry of a list of kind
-- unknown. source is the table of the sighting. key names what was seen, to tell whether it was just
-- seen: a plate as plate_key has it, 'person NUMBER', or 'face'. repeats counts the sightings that
-- came so soon after that they raised none. verdict: none, real, false alarm.
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id INTEGER NOT NULL,
    list_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    entry_id INTEGER NOT NULL,
    listed TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    sighting_id INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    plate TEXT NOT NULL,
    class_id INTEGER,
    key TEXT NOT NULL,
    likelihood REAL NOT NULL,
    captured_at TEXT NOT NULL,
    received_at TEXT NOT NULL,
    raised_at TEXT NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,
    acknowledged_by TEXT,
    acknowledged_at TEXT,
    verdict TEXT NOT NULL DEFAULT 'none',
    note TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alerts_sighting ON alerts (source, sighting_id, list_id, entry_id);
CREATE INDEX alerts_entry ON alerts (list_id, entry_id, key, device_id, captured_at);
CREATE INDEX alerts_open ON alerts (id) WHERE acknowledged_at IS NULL;
CREATE INDEX alerts_raised ON alerts (raised_at);
CREATE INDEX alerts_person ON alerts (class_id) WHERE class_id IS NOT NULL;

-- How far the rows of a table were looked at: last_id is the last one that `name` is through with.
-- Alerts begin with what comes after this migration.
CREATE TABLE row_positions (
    name TEXT PRIMARY KEY,
    last_id INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO row_positions
SELECT 'alerts lpr_detections', coalesce(max(id), 0) FROM lpr_detections;
INSERT INTO row_positions
SELECT 'alerts face_detections', coalesce(max(id), 0) FROM face_detections;

-- Where alerts are told. kind: webhook, email, ntfy, page; target is JSON, list_ids a JSON array
-- ([] for all lists). secret signs or authorises; it is shown once. failures counts those since the
-- last success.
CREATE TABLE alert_channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    secret TEXT NOT NULL,
    list_ids TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    last_success_at TEXT,
    last_failure_at TEXT,
    last_error TEXT,
    changed_by TEXT NOT NULL,
    changed_at TEXT NOT NULL
);

-- What is to be told where. state: waiting, delivered, given up.
CREATE TABLE alert_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    ordered_at TEXT NOT NULL,
    next_attempt_at TEXT NOT NULL,
    ended_at TEXT,
    last_error TEXT,
    UNIQUE (alert_id, channel_id)
);
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (channel_id, next_attempt_at)
    WHERE state = 'waiting';

-- What is forgotten of a sighting or a person is forgotten here too.
CREATE TRIGGER alerts_go_with_their_sighting AFTER DELETE ON lpr_detections BEGIN
    DELETE FROM alerts WHERE source = 'lpr_detections' AND sighting_id = OLD.id;
END;
CREATE TRIGGER alerts_go_with_their_face AFTER DELETE ON face_detections BEGIN
    DELETE FROM alerts WHERE source = 'face_detections' AND sighting_id = OLD.id;
END;
CREATE TRIGGER deliveries_go_with_their_alert AFTER DELETE ON alerts BEGIN
    DELETE FROM alert_deliveries WHERE alert_id = OLD.id;
END;
CREATE TRIGGER deliveries_go_with_their_channel AFTER DELETE ON alert_channels BEGIN
    DELETE FROM alert_deliveries WHERE channel_id = OLD.id;
END;
CREATE TRIGGER watched_persons_are_forgotten AFTER DELETE ON face_persons BEGIN
    DELETE FROM alerts WHERE class_id = OLD.class_id;
    UPDATE watchlist_state SET revision = revision + 1;
    UPDATE watchlist_entries
    SET deleted_at = strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now'), reason = '',
        revision = (SELECT revision FROM watchlist_state)
    WHERE class_id = OLD.class_id AND deleted_at IS NULL;
END;
