"""Databases for the tests: the older system's as it made them, and what it promises by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

OLDER_AGENT = """
CREATE TABLE camera_metadata (id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame_id TEXT UNIQUE NOT NULL, timestamp TEXT NOT NULL, exposure_time REAL, analog_gain REAL,
    digital_gain REAL, lux REAL, colour_temperature REAL, lens_position REAL, focus_state INTEGER,
    image_filename TEXT, processed_image_filename TEXT);
CREATE TABLE detection_results (id INTEGER PRIMARY KEY AUTOINCREMENT, frame_id TEXT NOT NULL,
    license_plate_text TEXT, lp_confidence REAL, lp_box_x INTEGER, lp_box_y INTEGER,
    lp_box_w INTEGER, lp_box_h INTEGER, lp_image_filename TEXT, sent_to_server INTEGER DEFAULT 0,
    sent_timestamp TEXT);
CREATE TABLE health_checks (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,
    component TEXT NOT NULL, status TEXT NOT NULL, message TEXT,
    sent_to_server INTEGER DEFAULT 0, sent_timestamp TEXT);
"""
OLDER_SERVER = """
CREATE TABLE lpr_detections (id INTEGER PRIMARY KEY AUTOINCREMENT, license_plate TEXT,
    confidence REAL, checkpoint_id TEXT, timestamp TEXT, hostname TEXT, vehicle_type TEXT,
    vehicle_color TEXT, latitude TEXT, longitude TEXT, image_data TEXT, exposure_time REAL,
    analog_gain REAL, lux REAL, received_at TEXT, processed INTEGER DEFAULT 0);
CREATE TABLE health_monitors (id INTEGER PRIMARY KEY AUTOINCREMENT, checkpoint_id TEXT,
    hostname TEXT, timestamp TEXT, component TEXT, status TEXT, message TEXT, system_info TEXT,
    received_at TEXT, processed INTEGER DEFAULT 0);
CREATE TABLE server_stats (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT,
    total_connections INTEGER, active_connections INTEGER, messages_received INTEGER,
    messages_processed INTEGER, errors INTEGER);
"""
AGENT_PROMISES: dict[str, str] = {
    "camera_metadata": "id frame_id timestamp exposure_time analog_gain digital_gain lux "
    "colour_temperature lens_position focus_state image_filename processed_image_filename",
    "detection_results": "id frame_id license_plate_text lp_confidence lp_box_x lp_box_y lp_box_w "
    "lp_box_h lp_image_filename sent_to_server sent_timestamp timestamp",
    "health_checks": "id timestamp component status message sent_to_server sent_timestamp",
}
SERVER_PROMISES: dict[str, str] = {
    "lpr_detections": "id license_plate confidence checkpoint_id timestamp hostname vehicle_type "
    "vehicle_color latitude longitude image_data exposure_time analog_gain lux received_at "
    "processed",
    "health_monitors": "id checkpoint_id hostname timestamp component status message system_info "
    "received_at processed",
    "server_stats": "id timestamp total_connections active_connections messages_received "
    "messages_processed errors",
}


def database(path: Path, sql: str = "") -> apsw.Connection:
    """An open SQLite file on which `sql` was run."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(20_000)
    connection.execute(sql)
    return connection


def columns(connection: apsw.Connection, table: str) -> dict[str, str]:
    """The names and declared types of a table's columns."""
    found = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {str(name): str(kind) for name, kind in found}


def rows(connection: apsw.Connection, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
    """All rows of a query."""
    return list(connection.execute(sql, values))


def schema(connection: apsw.Connection) -> list[Any]:
    """Everything that a database is made of, its version included."""
    made = rows(connection, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2")
    return [*made, connection.pragma("user_version")]
