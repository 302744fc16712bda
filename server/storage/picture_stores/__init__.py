"""Where pictures are kept beside a database that several processes share."""
