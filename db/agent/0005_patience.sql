-- The books count a row whatever its flag was made or changed to by hand, and how long a row was
-- put off is added up, so that no step of the clock ends the patience with it.
-- retry_waited_s: the delays (seconds) that the row was given after refusals that may pass.
ALTER TABLE detection_results ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;
ALTER TABLE face_results ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;
ALTER TABLE health_checks ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;
ALTER TABLE evictions ADD COLUMN retry_waited_s REAL NOT NULL DEFAULT 0;

DROP TRIGGER detection_results_captured;
CREATE TRIGGER detection_results_captured AFTER INSERT ON detection_results
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
DROP TRIGGER detection_results_moved;
CREATE TRIGGER detection_results_moved AFTER UPDATE OF sent_to_server ON detection_results
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;

DROP TRIGGER face_results_captured;
CREATE TRIGGER face_results_captured AFTER INSERT ON face_results
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
DROP TRIGGER face_results_moved;
CREATE TRIGGER face_results_moved AFTER UPDATE OF sent_to_server ON face_results
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;

DROP TRIGGER health_checks_captured;
CREATE TRIGGER health_checks_captured AFTER INSERT ON health_checks
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
DROP TRIGGER health_checks_moved;
CREATE TRIGGER health_checks_moved AFTER UPDATE OF sent_to_server ON health_checks
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;

DROP TRIGGER evictions_captured;
CREATE TRIGGER evictions_captured AFTER INSERT ON evictions
WHEN NEW.sent_to_server IN (0, 1, 2) BEGIN
    UPDATE store SET
        captured = captured + 1,
        waiting = waiting + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged + (NEW.sent_to_server IS 1),
        refused = refused + (NEW.sent_to_server IS 2);
END;
DROP TRIGGER evictions_moved;
CREATE TRIGGER evictions_moved AFTER UPDATE OF sent_to_server ON evictions
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
        captured = captured + coalesce(NEW.sent_to_server IN (0, 1, 2), 0)
            - coalesce(OLD.sent_to_server IN (0, 1, 2), 0),
        waiting = waiting - (OLD.sent_to_server IS 0) + (NEW.sent_to_server IS 0),
        acknowledged = acknowledged - (OLD.sent_to_server IS 1) + (NEW.sent_to_server IS 1),
        refused = refused - (OLD.sent_to_server IS 2) + (NEW.sent_to_server IS 2);
END;

-- Rows that an older system had sent were not counted at their adoption.
UPDATE store SET acknowledged = max(
        acknowledged,
        (SELECT count(*) FROM detection_results WHERE sent_to_server = 1)
        + (SELECT count(*) FROM face_results WHERE sent_to_server = 1)
        + (SELECT count(*) FROM health_checks WHERE sent_to_server = 1)
        + (SELECT count(*) FROM evictions WHERE sent_to_server = 1)
    );
UPDATE store SET captured = waiting + acknowledged + refused + evicted;
