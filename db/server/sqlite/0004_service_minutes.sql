-- What each service of the server did in each minute, for the analysis of its performance. minute is
-- its beginning in Unix seconds, seconds how long it was; errors NULL: nobody counted. times holds
-- how many requests took how long, as JSON: {"bounds": [seconds], "counts": [...], "total": seconds};
-- load is the fullest resource, 0..1. Kept for 92 days.
CREATE TABLE service_minutes (
    service TEXT NOT NULL,
    minute INTEGER NOT NULL,
    seconds REAL NOT NULL,
    requests INTEGER NOT NULL,
    errors INTEGER,
    times TEXT,
    load REAL,
    PRIMARY KEY (service, minute)
) WITHOUT ROWID;
CREATE INDEX service_minutes_minute ON service_minutes (minute);
