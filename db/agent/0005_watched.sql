-- watched: 1 where the plate was on this camera's watchlist when it passed; such rows go first.
ALTER TABLE detection_results ADD COLUMN watched INTEGER NOT NULL DEFAULT 0;
CREATE INDEX detection_results_watched ON detection_results (id)
    WHERE sent_to_server = 0 AND watched = 1;

-- One row: the plates that the server has this camera watch for, a JSON array as the wire says them,
-- and their version ('' before it said any).
CREATE TABLE watchlist (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version TEXT NOT NULL,
    plates TEXT NOT NULL
);
INSERT INTO watchlist (only, version, plates) VALUES (1, '', '[]');
