-- Where the numbers of a camera's epoch begin, as its hello says; NULL: it does not say, and they are
-- taken to begin with 1. Rows with lower numbers were given them in an epoch before and came late:
-- rows_before counts those stored under this epoch, rows_later those of this epoch that came under a
-- later one. So of an epoch are missing
--   (last_sequence - begins_after) - (rows_stored - rows_before) - rows_later.
ALTER TABLE camera_epochs ADD COLUMN begins_after INTEGER;
ALTER TABLE camera_epochs ADD COLUMN rows_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE camera_epochs ADD COLUMN rows_later INTEGER NOT NULL DEFAULT 0;

-- Rows of which the clock was far off: captured, as it seems, on another day than their neighbours.
-- They are few, and looked up by number.
CREATE INDEX lpr_detections_strays ON lpr_detections (device_id, epoch, sequence)
    WHERE clock_state = 'unsynchronised' AND substr(captured_at, 1, 10) <> substr(received_at, 1, 10);
CREATE INDEX face_detections_strays ON face_detections (device_id, epoch, sequence)
    WHERE clock_state = 'unsynchronised' AND substr(captured_at, 1, 10) <> substr(received_at, 1, 10);
CREATE INDEX health_monitors_strays ON health_monitors (device_id, epoch, sequence)
    WHERE clock_state = 'unsynchronised' AND substr(captured_at, 1, 10) <> substr(received_at, 1, 10);
CREATE INDEX evictions_strays ON evictions (device_id, epoch, sequence)
    WHERE clock_state = 'unsynchronised' AND substr(captured_at, 1, 10) <> substr(received_at, 1, 10);
