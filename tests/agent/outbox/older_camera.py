"""A database as the older camera made it, with rows and pictures in all the ways it named them."""

from __future__ import annotations

from pathlib import Path

import apsw
import cv2

from tests.agent.outbox.sightings import picture

SCHEMA = """
CREATE TABLE camera_metadata (id INTEGER PRIMARY KEY AUTOINCREMENT, frame_id TEXT UNIQUE NOT NULL,
  timestamp TEXT NOT NULL, exposure_time REAL, analog_gain REAL, digital_gain REAL, lux REAL,
  colour_temperature REAL, lens_position REAL, focus_state INTEGER, image_filename TEXT,
  processed_image_filename TEXT);
CREATE TABLE detection_results (id INTEGER PRIMARY KEY AUTOINCREMENT, frame_id TEXT NOT NULL,
  license_plate_text TEXT, lp_confidence REAL, lp_box_x INTEGER, lp_box_y INTEGER,
  lp_box_w INTEGER, lp_box_h INTEGER, lp_image_filename TEXT,
  sent_to_server INTEGER DEFAULT 0, sent_timestamp TEXT);
CREATE TABLE health_checks (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,
  component TEXT NOT NULL, status TEXT NOT NULL, message TEXT,
  sent_to_server INTEGER DEFAULT 0, sent_timestamp TEXT);
"""


def jpeg(seed: int, width: int = 320) -> bytes:
    done, content = cv2.imencode(".jpg", picture(width, width * 3 // 4, seed=seed))
    assert done
    return content.tobytes()


def make_older_database(path: Path, images: Path) -> None:
    """Six sightings: 1 sent already; 2 to 6 waiting, named plainly, absolutely, below another
    folder, not at all (the metadata names it), and without any metadata.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    images.mkdir(parents=True, exist_ok=True)
    for seed in range(1, 6):
        (images / f"p{seed}.jpg").write_bytes(jpeg(seed, 1280 if seed == 2 else 320))
    names = ["p1.jpg", "p2.jpg", str(images / "p3.jpg"), "/gone/away/p4.jpg", None, None]
    connection = apsw.Connection(str(path))
    connection.execute(SCHEMA)
    for number, name in enumerate(names, start=1):
        if number < 6:
            connection.execute(
                "INSERT INTO camera_metadata (frame_id, timestamp, exposure_time, lux, "
                "image_filename) VALUES (?, ?, 0.01, 120, ?)",
                (f"f{number}", f"2024-08-06T10:30:0{number}.250", f"p{number}.jpg"),
            )
        connection.execute(
            "INSERT INTO detection_results (frame_id, license_plate_text, lp_confidence, "
            "lp_image_filename, sent_to_server) VALUES (?, ?, ?, ?, ?)",
            (f"f{number}", f"OLD{number}", 0.5 if number < 5 else 95.5, name, int(number == 1)),
        )
    connection.execute(
        "INSERT INTO health_checks (timestamp, component, status, message) "
        "VALUES ('2024-08-06T10:31:00', 'camera', 'PASS', 'ok')"
    )
    connection.close()
