-- The books, kept by the database itself, whoever writes: this program, an older tool, a person.
-- A row that is deleted before the server has it counts as evicted, so that none goes silently.
CREATE TRIGGER detection_results_captured AFTER INSERT ON detection_results
WHEN NEW.sent_to_server IS 0 BEGIN
    UPDATE store SET captured = captured + 1, waiting = waiting + 1;
END;
CREATE TRIGGER detection_results_moved AFTER UPDATE OF sent_to_server ON detection_results
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
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
WHEN NEW.sent_to_server IS 0 BEGIN
    UPDATE store SET captured = captured + 1, waiting = waiting + 1;
END;
CREATE TRIGGER face_results_moved AFTER UPDATE OF sent_to_server ON face_results
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
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
WHEN NEW.sent_to_server IS 0 BEGIN
    UPDATE store SET captured = captured + 1, waiting = waiting + 1;
END;
CREATE TRIGGER health_checks_moved AFTER UPDATE OF sent_to_server ON health_checks
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
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
WHEN NEW.sent_to_server IS 0 BEGIN
    UPDATE store SET captured = captured + 1, waiting = waiting + 1;
END;
CREATE TRIGGER evictions_moved AFTER UPDATE OF sent_to_server ON evictions
WHEN OLD.sent_to_server IS NOT NEW.sent_to_server BEGIN
    UPDATE store SET
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
