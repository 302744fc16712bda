-- What a person holds the plate to be, where it was put right; license_plate stays what was read.
ALTER TABLE lpr_detections ADD COLUMN corrected_plate TEXT;

-- What plates are searched by: capitals, without spaces, dashes and dots, and of the characters that
-- readers confuse always the same one: O Q D are 0, I L are 1, B is 8, S is 5, Z is 2. Computed, not
-- stored, so it is never out of date, whoever writes; the indexes below hold it.
ALTER TABLE lpr_detections ADD COLUMN plate_key TEXT GENERATED ALWAYS AS (
    replace(replace(replace(replace(replace(replace(replace(replace(
    replace(replace(replace(replace(
        upper(coalesce(corrected_plate, license_plate)),
    ' ', ''), '-', ''), '.', ''), '·', ''),
    'O', '0'), 'Q', '0'), 'D', '0'), 'I', '1'), 'L', '1'), 'B', '8'), 'S', '5'), 'Z', '2')
) VIRTUAL;

-- As many indexes as before, so that rows come in as fast: each has the plate besides. That of
-- corrected rows has only them.
DROP INDEX IF EXISTS lpr_detections_captured_at;
DROP INDEX IF EXISTS lpr_detections_plate;
DROP INDEX IF EXISTS lpr_detections_device;
CREATE INDEX lpr_detections_captured_at ON lpr_detections (captured_at, plate_key);
CREATE INDEX lpr_detections_plate ON lpr_detections (plate_key, captured_at);
CREATE INDEX lpr_detections_device ON lpr_detections (device_id, captured_at, plate_key);
CREATE INDEX lpr_detections_corrected ON lpr_detections (captured_at)
    WHERE corrected_plate IS NOT NULL;
DROP INDEX IF EXISTS health_monitors_device;
CREATE INDEX health_monitors_device ON health_monitors (device_id, component, captured_at, status);
CREATE INDEX face_detections_device ON face_detections (device_id, captured_at);
CREATE INDEX evictions_device ON evictions (device_id, captured_at);
CREATE INDEX server_stats_timestamp ON server_stats (timestamp);

-- The history of corrected_plate. plate NULL: as it was read, after all. undoes: the correction that
-- this one takes back.
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sighting_id INTEGER NOT NULL,
    plate TEXT,
    plate_before TEXT NOT NULL,
    corrected_by TEXT NOT NULL,
    corrected_at TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    undoes INTEGER REFERENCES corrections (id)
);
CREATE INDEX corrections_sighting ON corrections (sighting_id);
CREATE TRIGGER corrections_go_with_their_sighting AFTER DELETE ON lpr_detections BEGIN
    DELETE FROM corrections WHERE sighting_id = OLD.id;
END;
