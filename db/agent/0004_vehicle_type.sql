-- What a vehicle detector calls the vehicle that carries the plate; NULL where none looked.
ALTER TABLE detection_results ADD COLUMN vehicle_type TEXT;
