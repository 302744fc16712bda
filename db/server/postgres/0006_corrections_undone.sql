-- Whoever deletes a correction looks for those that take it back.
CREATE INDEX corrections_undoes ON corrections (undoes) WHERE undoes IS NOT NULL;
