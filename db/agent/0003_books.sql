-- The books, kept by the database itself, whoever writes: this program, an older tool, a person.
-- A row counts whatever its flag was made or changed to, and one that is deleted before the server
-- has it counts as evicted, so that none goes silently.
CREATE TRIGGER detection_results_captured AFTER INSERT ON detection_results
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER detection_results_moved AFTER UPDATE OF sent_to_server ON detection_results
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER detection_results_given_up AFTER DELETE ON detection_results
WHEN OLD.sent_to_server IS 0 OR OLD.sent_to_server IS 2 BEGIN
    UPDATE store SET
        waiting = waiting - (OLD.sent_to_server IS 0),
        refused = refused - (OLD.sent_to_server IS 2),
        evicted = evicted + 1;
END;
CREATE TRIGGER face_results_captured AFTER INSERT ON face_results
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER face_results_moved AFTER UPDATE OF sent_to_server ON face_results
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER face_results_given_up AFTER DELETE ON face_results
WHEN OLD.sent_to_server IS 0 OR OLD.sent_to_server IS 2 BEGIN
    UPDATE store SET
        waiting = waiting - (OLD.sent_to_server IS 0),
        refused = refused - (OLD.sent_to_server IS 2),
        evicted = evicted + 1;
END;
CREATE TRIGGER health_checks_captured AFTER INSERT ON health_checks
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER health_checks_moved AFTER UPDATE OF sent_to_server ON health_checks
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER health_checks_given_up AFTER DELETE ON health_checks
WHEN OLD.sent_to_server IS 0 OR OLD.sent_to_server IS 2 BEGIN
    UPDATE store SET
        waiting = waiting - (OLD.sent_to_server IS 0),
        refused = refused - (OLD.sent_to_server IS 2),
        evicted = evicted + 1;
END;
CREATE TRIGGER evictions_captured AFTER INSERT ON evictions
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER evictions_moved AFTER UPDATE OF sent_to_server ON evictions
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;
CREATE TRIGGER evictions_given_up AFTER DELETE ON evictions
WHEN OLD.sent_to_server IS 0 OR OLD.sent_to_server IS 2 BEGIN
    UPDATE store SET
        waiting = waiting - (OLD.sent_to_server IS 0),
        refused = refused - (OLD.sent_to_server IS 2),
        evicted = evicted + 1;
END;

-- epoch_after_sequence: numbers up to this were given in epochs before the present one.
ALTER TABLE store ADD COLUMN epoch_after_sequence INTEGER NOT NULL DEFAULT 0;

-- How long a row was put off after refusals that may pass is added up (seconds), so that no step of
-- the clock ends the patience with it.
ALTER TABLE detection_results ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;
ALTER TABLE face_results ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;
ALTER TABLE health_checks ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;
ALTER TABLE evictions ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;

-- What tells which rows a server lacks that was put back to an older backup.
-- server_rows: how many rows of this epoch the server held when it acknowledged this one; NULL of
-- one that was acknowledged by a server that does not count, or in an epoch before.
-- store.server_rows: the highest of them.
-- server_runs: the runs of the server that were spoken to, and how many rows of this epoch it held
-- when each was spoken to for the first time.
ALTER TABLE detection_results ADD COLUMN server_rows INTEGER;
ALTER TABLE face_results ADD COLUMN server_rows INTEGER;
ALTER TABLE health_checks ADD COLUMN server_rows INTEGER;
ALTER TABLE evictions ADD COLUMN server_rows INTEGER;
ALTER TABLE store ADD COLUMN server_rows INTEGER NOT NULL DEFAULT 0;
CREATE TABLE server_runs (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    server_rows INTEGER NOT NULL
);

-- Older rows may share a frame; ours have one each, named as the row, and cost nothing here.
CREATE INDEX detection_results_shared_frames ON detection_results (frame_id)
    WHERE frame_id IS NOT message_id;
