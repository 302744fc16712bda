-- What keeping within the disk, and filling a restored server again, need.
-- epoch_after_sequence: numbers up to this were given in epochs before the present one.
-- v1_after_sequence: numbers up to this may have been acknowledged by a server that knows no
-- numbers (classic exchange); NULL until a server has said what it holds of this epoch.
ALTER TABLE store ADD COLUMN epoch_after_sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store ADD COLUMN v1_after_sequence INTEGER;

-- Older rows may share a frame; ours have one each, named as the row, and cost nothing here.
CREATE INDEX detection_results_shared_frames ON detection_results (frame_id)
    WHERE frame_id IS NOT message_id;
