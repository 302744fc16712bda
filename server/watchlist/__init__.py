"""Who and what is watched for: rules as plain data, what they say of a sighting, and the alerts."""
