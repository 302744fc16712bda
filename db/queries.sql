-- Queries that people run, for the sqlite3 shell. The first line above each says whose database
-- it is for and what it answers. Copy the one you need; do not run the whole file, for one of
-- them deletes. Reading is safe while the programs run:
--     sqlite3 -readonly -box db/lpr_data.db            the camera's database (agent)
--     sqlite3 -readonly -box db/websocket_server.db    the server's database (server)

-- Part 1: the camera's database. Times are the camera's local time with offset.
-- sent_to_server: 0 waiting, 1 acknowledged, 2 refused for good (send_error says why).

-- agent: unsent counts
SELECT
    (SELECT count(*) FROM detection_results WHERE sent_to_server = 0) AS unsent_detections,
    (SELECT count(*) FROM face_results WHERE sent_to_server = 0) AS unsent_faces,
    (SELECT count(*) FROM health_checks WHERE sent_to_server = 0) AS unsent_health,
    (SELECT count(*) FROM evictions WHERE sent_to_server = 0) AS unsent_evictions;

-- agent: waiting, acknowledged and refused rows by table
SELECT 'detection_results' AS table_name, sent_to_server, count(*) AS count
    FROM detection_results GROUP BY sent_to_server
UNION ALL SELECT 'face_results', sent_to_server, count(*) FROM face_results GROUP BY 2
UNION ALL SELECT 'health_checks', sent_to_server, count(*) FROM health_checks GROUP BY 2
UNION ALL SELECT 'evictions', sent_to_server, count(*) FROM evictions GROUP BY 2;

-- agent: the books (unaccounted is 0: captured = acknowledged + waiting + refused + evicted)
SELECT device_id, epoch, last_sequence, captured, acknowledged, waiting, refused, evicted,
       captured - acknowledged - waiting - refused - evicted AS unaccounted
FROM store;

-- agent: oldest waiting detection
SELECT id, timestamp, license_plate_text, send_attempts, send_error
FROM detection_results WHERE sent_to_server = 0 ORDER BY id LIMIT 1;

-- agent: waiting rows that a server turned away for now
SELECT 'detection_results' AS table_name, id, send_attempts, retry_since, send_error
    FROM detection_results WHERE sent_to_server = 0 AND send_error IS NOT NULL
UNION ALL SELECT 'face_results', id, send_attempts, retry_since, send_error
    FROM face_results WHERE sent_to_server = 0 AND send_error IS NOT NULL
UNION ALL SELECT 'health_checks', id, send_attempts, retry_since, send_error
    FROM health_checks WHERE sent_to_server = 0 AND send_error IS NOT NULL
UNION ALL SELECT 'evictions', id, send_attempts, retry_since, send_error
    FROM evictions WHERE sent_to_server = 0 AND send_error IS NOT NULL;

-- agent: refused rows and why
SELECT 'detection_results' AS table_name, id, timestamp, message_id, send_error
    FROM detection_results WHERE sent_to_server = 2
UNION ALL SELECT 'face_results', id, timestamp, message_id, send_error
    FROM face_results WHERE sent_to_server = 2
UNION ALL SELECT 'health_checks', id, timestamp, message_id, send_error
    FROM health_checks WHERE sent_to_server = 2
UNION ALL SELECT 'evictions', id, timestamp, message_id, send_error
    FROM evictions WHERE sent_to_server = 2;

-- agent: newest detections
SELECT id, timestamp, license_plate_text, round(lp_confidence, 3) AS lp_confidence, region,
       direction, lp_image_filename, sent_to_server, sent_timestamp
FROM detection_results ORDER BY id DESC LIMIT 20;

-- agent: newest faces
SELECT id, timestamp, confidence, quality, face_image_filename, sent_to_server
FROM face_results ORDER BY id DESC LIMIT 20;

-- agent: detections with the facts of their exposure
SELECT d.id, m.timestamp, d.license_plate_text, m.exposure_time, m.analog_gain, m.lux,
       m.image_filename
FROM detection_results AS d LEFT JOIN camera_metadata AS m ON m.frame_id = d.frame_id
ORDER BY d.id DESC LIMIT 20;

-- agent: detections per day
SELECT substr(timestamp, 1, 10) AS day, count(*) AS count,
       count(DISTINCT license_plate_text) AS plates
FROM detection_results GROUP BY day ORDER BY day DESC;

-- agent: detections per hour of the last day that has any
SELECT substr(timestamp, 12, 2) AS hour, count(*) AS count FROM detection_results
WHERE substr(timestamp, 1, 10) = (SELECT substr(max(timestamp), 1, 10) FROM detection_results)
GROUP BY hour ORDER BY hour;

-- agent: average confidence
SELECT round(avg(lp_confidence), 3) AS average_confidence, count(lp_confidence) AS count
FROM detection_results;

-- agent: five commonest plates
SELECT license_plate_text, count(*) AS count FROM detection_results
WHERE license_plate_text <> '' GROUP BY license_plate_text
ORDER BY count DESC, license_plate_text LIMIT 5;

-- agent: latest health of each component
SELECT component, status, message, timestamp FROM health_checks
WHERE id IN (SELECT max(id) FROM health_checks GROUP BY component) ORDER BY component;

-- agent: newest health checks that did not pass
SELECT timestamp, component, status, message FROM health_checks
WHERE status <> 'PASS' ORDER BY id DESC LIMIT 20;

-- agent: evictions
SELECT timestamp, kind, reason, evicted_table, count, size_bytes, first_sequence, last_sequence,
       message
FROM evictions ORDER BY id DESC LIMIT 20;

-- agent: gaps in the sequence (rows that are gone: pruned after their acknowledgement, or evicted)
WITH numbered (sequence) AS (
    SELECT sequence FROM detection_results UNION ALL SELECT sequence FROM face_results
    UNION ALL SELECT sequence FROM health_checks UNION ALL SELECT sequence FROM evictions
), steps AS (
    SELECT sequence, lag(sequence, 1, 0) OVER (ORDER BY sequence) AS before
    FROM numbered WHERE sequence IS NOT NULL
)
SELECT before + 1 AS first_missing, sequence - 1 AS last_missing, sequence - before - 1 AS count
FROM steps WHERE sequence > before + 1 ORDER BY sequence;

-- agent: duplicates check (no rows: no message id and no sequence number was given twice)
WITH named (message_id, sequence) AS (
    SELECT message_id, sequence FROM detection_results
    UNION ALL SELECT message_id, sequence FROM face_results
    UNION ALL SELECT message_id, sequence FROM health_checks
    UNION ALL SELECT message_id, sequence FROM evictions
)
SELECT 'message_id ' || message_id AS what, count(*) AS count FROM named
    WHERE message_id IS NOT NULL GROUP BY message_id HAVING count(*) > 1
UNION ALL SELECT 'sequence ' || sequence, count(*) FROM named
    WHERE sequence IS NOT NULL GROUP BY sequence HAVING count(*) > 1;

-- agent: delete detections older than 30 days (writes; as the older documentation has it: waiting
-- rows go too and count as evicted in the books; with AND sent_to_server = 1 only sent ones go)
DELETE FROM detection_results WHERE timestamp < date('now', '-30 days');

-- Part 2: the server's database. received_at and captured_at are UTC, timestamp is the camera's
-- own text, whose first ten characters are the day there.

-- server: newest received
SELECT id, received_at, device_id, checkpoint_id, timestamp, license_plate, confidence_percent,
       region, image_status
FROM lpr_detections ORDER BY id DESC LIMIT 20;

-- server: newest faces received
SELECT id, received_at, device_id, checkpoint_id, timestamp, confidence_percent, quality,
       image_status
FROM face_detections ORDER BY id DESC LIMIT 20;

-- server: detections per checkpoint
SELECT checkpoint_id, count(*) AS count, count(DISTINCT license_plate) AS plates,
       min(captured_at) AS first, max(captured_at) AS last
FROM lpr_detections GROUP BY checkpoint_id ORDER BY count DESC, checkpoint_id;

-- server: detections per day
SELECT substr(timestamp, 1, 10) AS day, count(*) AS count,
       count(DISTINCT license_plate) AS plates
FROM lpr_detections GROUP BY day ORDER BY day DESC;

-- server: detections per checkpoint and day
SELECT checkpoint_id, substr(timestamp, 1, 10) AS day, count(*) AS count
FROM lpr_detections GROUP BY checkpoint_id, day ORDER BY day DESC, checkpoint_id;

-- server: passages of one plate (quick by plate_key: capitals, no spaces, dashes and dots, and of what
-- readers confuse always one: O Q D are 0, I L are 1, B is 8, S is 5, Z is 2; so ABC1234 is A8C1234)
SELECT captured_at, checkpoint_id, coalesce(corrected_plate, license_plate) AS plate, direction,
       confidence_percent, id
FROM lpr_detections WHERE plate_key = 'A8C1234' ORDER BY captured_at DESC LIMIT 100;

-- server: plates that begin so
SELECT captured_at, checkpoint_id, coalesce(corrected_plate, license_plate) AS plate, id
FROM lpr_detections WHERE plate_key >= 'A8C' AND plate_key < 'A8D'
ORDER BY captured_at DESC LIMIT 100;

-- server: readings that people corrected
SELECT c.corrected_at, c.corrected_by, c.sighting_id, l.license_plate AS was_read, c.plate_before,
       coalesce(c.plate, l.license_plate) AS plate, c.note, c.undoes
FROM corrections AS c JOIN lpr_detections AS l ON l.id = c.sighting_id
ORDER BY c.id DESC LIMIT 100;

-- server: detections between two moments
SELECT captured_at, checkpoint_id, license_plate, confidence_percent FROM lpr_detections
WHERE captured_at >= '2026-08-06T00:00' AND captured_at < '2026-08-07T00:00'
ORDER BY captured_at;

-- server: average confidence per checkpoint
SELECT checkpoint_id, round(avg(confidence_percent), 1) AS average_percent,
       count(confidence_percent) AS count
FROM lpr_detections GROUP BY checkpoint_id ORDER BY checkpoint_id;

-- server: five commonest plates
SELECT license_plate, count(*) AS count FROM lpr_detections
WHERE license_plate <> '' GROUP BY license_plate ORDER BY count DESC, license_plate LIMIT 5;

-- server: cameras last seen
SELECT device_id, hostname, checkpoint_id, agent_version, last_seen,
       round((julianday('now') - julianday(last_seen)) * 1440, 1) AS minutes_ago,
       waiting_rows, clock_state, clock_offset_s
FROM cameras ORDER BY last_seen DESC;

-- server: the books of each camera's store (missing: still on the camera, refused or evicted there)
SELECT c.device_id, e.epoch, e.last_sequence, e.rows_stored,
       max(0, e.last_sequence - coalesce(e.begins_after, 0) - (e.rows_stored - e.rows_before)
              - e.rows_later) AS missing,
       e.first_received_at, e.last_received_at
FROM camera_epochs AS e JOIN cameras AS c ON c.id = e.camera
WHERE e.epoch <> '' AND e.rows_stored > 0 ORDER BY c.device_id, e.first_received_at;

-- server: what each camera last said of its rows (unaccounted is 0; wire/README.md names the keys)
WITH latest AS (
    SELECT device_id, captured_at, system_info FROM health_monitors
    WHERE id IN (SELECT max(id) FROM health_monitors WHERE component = 'agent' GROUP BY device_id)
      AND json_valid(system_info)
), said AS (
    SELECT device_id, captured_at,
           CAST(system_info ->> 'rows_captured' AS INTEGER) AS captured,
           CAST(system_info ->> 'rows_acknowledged' AS INTEGER) AS acknowledged,
           CAST(system_info ->> 'rows_waiting' AS INTEGER) AS waiting,
           CAST(system_info ->> 'rows_refused' AS INTEGER) AS refused,
           CAST(system_info ->> 'rows_evicted' AS INTEGER) AS evicted,
           system_info ->> 'oldest_waiting_at' AS oldest_waiting_at
    FROM latest
)
SELECT *, captured - acknowledged - waiting - refused - evicted AS unaccounted
FROM said ORDER BY device_id;

-- server: detections of the last hour that has any, by minute
SELECT substr(captured_at, 1, 16) AS minute, count(*) AS count FROM lpr_detections
WHERE captured_at > (SELECT substr(max(captured_at), 1, 13) FROM lpr_detections)
GROUP BY minute ORDER BY minute;

-- server: plates that were read in more than one way (look-alike characters)
SELECT plate_key, count(DISTINCT license_plate) AS ways, group_concat(DISTINCT license_plate) AS plates
FROM lpr_detections WHERE plate_key <> '' GROUP BY plate_key HAVING ways > 1
ORDER BY ways DESC, plate_key LIMIT 20;

-- server: gaps in the sequence per device and epoch (also of records that were pruned here)
WITH numbered (device_id, epoch, sequence) AS (
    SELECT device_id, epoch, sequence FROM lpr_detections
    UNION ALL SELECT device_id, epoch, sequence FROM face_detections
    UNION ALL SELECT device_id, epoch, sequence FROM health_monitors
    UNION ALL SELECT device_id, epoch, sequence FROM evictions
), steps AS (
    SELECT device_id, epoch, sequence,
           lag(sequence, 1, 0) OVER (PARTITION BY device_id, epoch ORDER BY sequence) AS before
    FROM numbered WHERE sequence IS NOT NULL
)
SELECT device_id, epoch, before + 1 AS first_missing, sequence - 1 AS last_missing,
       sequence - before - 1 AS count
FROM steps WHERE sequence > before + 1 ORDER BY device_id, epoch, sequence;

-- server: evictions
SELECT device_id, captured_at, kind, reason, evicted_table, count, size_bytes, first_sequence,
       last_sequence, message
FROM evictions ORDER BY id DESC LIMIT 20;

-- server: duplicates check (no rows: no message is stored twice)
WITH named (table_name, message_id) AS (
    SELECT 'lpr_detections', message_id FROM lpr_detections
    UNION ALL SELECT 'face_detections', message_id FROM face_detections
    UNION ALL SELECT 'health_monitors', message_id FROM health_monitors
    UNION ALL SELECT 'evictions', message_id FROM evictions
)
SELECT message_id, count(*) AS count, group_concat(table_name) AS tables FROM named
WHERE message_id IS NOT NULL GROUP BY message_id HAVING count(*) > 1;

-- server: records that the ledger does not know (no rows, but those of an adopted older server)
SELECT l.id, l.message_id, l.received_at FROM lpr_detections AS l
WHERE l.message_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM message_ledger AS m
    WHERE m.table_number = 1 AND m.record_id = l.id
      AND lower(hex(m.message_id)) = replace(l.message_id, '-', '')
);

-- server: latest health of each camera and component
SELECT device_id, component, status, message, captured_at FROM health_monitors
WHERE id IN (SELECT max(id) FROM health_monitors GROUP BY device_id, component)
ORDER BY device_id, component;

-- server: pictures by status
SELECT image_status, count(*) AS count FROM lpr_detections GROUP BY image_status;

-- server: pictures of a day (received on that day, UTC; the folder pictures/ lies beside the database)
ATTACH 'db/pictures/2026-08-06.db' AS day;
SELECT l.id, l.license_plate, l.timestamp, p.sha256, p.size_bytes
FROM lpr_detections AS l JOIN day.pictures AS p ON p.sha256 = l.image_sha256
WHERE substr(l.received_at, 1, 10) = '2026-08-06' ORDER BY l.id;
DETACH day;

-- server: save the pictures of a day as files (writefile is a function of the sqlite3 shell)
ATTACH 'db/pictures/2026-08-06.db' AS day;
SELECT l.id, writefile('plate-' || l.id || '.jpg', p.content) AS size_bytes
FROM lpr_detections AS l JOIN day.pictures AS p ON p.sha256 = l.image_sha256
WHERE substr(l.received_at, 1, 10) = '2026-08-06' ORDER BY l.id;
DETACH day;

-- server: what the server counted of itself
SELECT timestamp, total_connections, active_connections, messages_received, messages_processed,
       errors
FROM server_stats ORDER BY id DESC LIMIT 20;

-- server: device tokens
SELECT name, created_at, last_used_at, revoked_at FROM device_tokens ORDER BY name;
