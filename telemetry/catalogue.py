"""Every metric that the programs show, by name, kind, labels and meaning; docs/monitoring.md lists
the same, and a test holds the two together.

The first part bears the names that the dashboards of the older services use.
"""

from __future__ import annotations

from typing import Final

from telemetry.metrics import Kind, Metric


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, meaning=meaning, labels=labels)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, meaning=meaning, labels=labels)


def _histogram(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, meaning=meaning, labels=labels)


REQUESTS: Final = _counter(
    "ai_service_requests_total",
    "what was asked of a service: HTTP requests by route, rows by table, pictures looked at",
    *("service", "endpoint", "method", "status"),
)
REQUEST_DURATION: Final = _histogram(
    "ai_service_request_duration_seconds",
    "how long that took; of rows, from being read to being on disk",
    *("service", "endpoint"),
)
ERRORS: Final = _counter(
    "ai_service_errors_total",
    "what went wrong, by kind and code",
    *("service", "error_type", "error_code"),
)
MEMORY: Final = _gauge(
    "ai_service_memory_usage_bytes", "memory of the process (its resident set)", "service"
)
ACCELERATOR: Final = _gauge(
    "ai_service_gpu_utilization_percent",
    "0..100: share of the last seconds in which the accelerator ran a network",
    *("service", "gpu_id"),
)
INFERENCE: Final = _histogram(
    "ai_model_inference_duration_seconds",
    "runs of a network; the version is the beginning of its file's SHA-256",
    *("service", "model_name", "model_version"),
)
ACCURACY: Final = _gauge(
    "ai_model_accuracy_score",
    "0..1: of the latest ten thousand readings, those that people let stand; absent while nobody "
    "has corrected one",
    *("service", "model_name", "metric_type"),
)
FACES: Final = _counter(
    "faces_detected_total",
    "faces, by detector's confidence: high above 0.8, medium above 0.5, else low",
    *("service", "confidence_level"),
)

FACE_TOTAL: Final = _gauge("face_database_total_faces", "faces enrolled, one of each picture")
VECTOR_SEARCH: Final = _histogram(
    "vector_search_duration_seconds", "searches of the face index for the nearest"
)

BUILD: Final = _gauge("sightpost_build_info", "always 1", "program", "version")

INGEST_CONNECTIONS: Final = _gauge("sightpost_ingest_connections", "cameras connected now")
INGEST_CONNECTED: Final = _counter(
    "sightpost_ingest_connections_total", "connections that were let in"
)
INGEST_FRAMES: Final = _counter("sightpost_ingest_frames_total", "messages that came in")
INGEST_ROWS: Final = _counter(
    "sightpost_ingest_rows_total", "rows stored and acknowledged, each once", "table"
)
INGEST_DUPLICATES: Final = _counter(
    "sightpost_ingest_duplicates_total", "rows that came again and were absorbed"
)
INGEST_REFUSED: Final = _counter(
    "sightpost_ingest_refused_total",
    "rows, frames and connections that were refused, and rows not stored, by code",
    "code",
)
INGEST_EVICTED: Final = _counter(
    "sightpost_ingest_evicted_total",
    "what cameras reported to have given up: pictures, and rows that are lost",
    "kind",
)
INGEST_GROUP_ROWS: Final = _histogram("sightpost_ingest_group_rows", "rows of one transaction")
INGEST_COMMIT: Final = _histogram(
    "sightpost_ingest_commit_duration_seconds", "transactions, their fsync included"
)
INGEST_LATENCY: Final = _histogram(
    "sightpost_ingest_latency_seconds", "rows, from being read to being on disk"
)
INGEST_WAITING: Final = _gauge(
    "sightpost_ingest_waiting_rows", "rows that were read and are not on disk yet"
)
INGEST_MEMORY: Final = _gauge(
    "sightpost_ingest_memory_bytes", "what messages and rows in flight take of the budget"
)
INGEST_BUDGET: Final = _gauge("sightpost_ingest_memory_budget_bytes", "that budget")
INGEST_HELD_BACK: Final = _gauge(
    "sightpost_ingest_held_back", "1 while the budget is used up and no camera is read, else 0"
)
INGEST_CREDIT_ROWS: Final = _gauge(
    "sightpost_ingest_credit_rows", "rows that a camera may have unanswered now"
)
INGEST_CREDIT_BYTES: Final = _gauge(
    "sightpost_ingest_credit_bytes", "bytes that a camera may have unanswered now"
)
INGEST_CONFIDENCE: Final = _histogram(
    "sightpost_ingest_confidence_ratio", "0..1: confidence of the plates that were stored"
)

FLEET_CAMERAS: Final = _gauge("sightpost_fleet_cameras", "cameras that ever sent anything")
FLEET_SILENT: Final = _gauge(
    "sightpost_fleet_silent_cameras", "of these, not heard for a quarter of an hour"
)
FLEET_LAST_SEEN: Final = _gauge(
    "sightpost_fleet_last_seen_timestamp_seconds", "when a camera was heard last", "camera"
)
FLEET_ROWS: Final = _counter(
    "sightpost_fleet_rows_total", "rows ever stored of a camera's present database", "camera"
)
FLEET_WAITING: Final = _gauge(
    "sightpost_fleet_waiting_rows", "rows that waited in a camera when it connected", "camera"
)
FLEET_CLOCK: Final = _gauge(
    "sightpost_fleet_clock_offset_seconds",
    "a camera's clock less the server's when it connected",
    "camera",
)

ALERTS_RAISED: Final = _counter("sightpost_alerts_raised_total", "alerts that lists raised")
ALERTS_DOUBTED: Final = _counter(
    "sightpost_alerts_doubted_total",
    "matches that raised none, after what people said of others like them",
)
ALERT_DELIVERIES: Final = _counter(
    "sightpost_alert_deliveries_total",
    "attempts to tell a channel of an alert: delivered, failed and to be tried again, or given up",
    "outcome",
)
PART_WORKING: Final = _gauge(
    "sightpost_part_working",
    "1 while a part beside the rows works, 0 while it waits: alerts, MQTT, the stream",
    "part",
)

STORAGE_AVAILABLE: Final = _gauge(
    "sightpost_storage_available", "1 where the database can be read and written, else 0"
)
DATABASE_CONNECTIONS: Final = _gauge(
    "sightpost_database_connections",
    "connections to PostgreSQL for rows (sign-in and alerts too) or pages: busy ones, and the most "
    "that there may be",
    *("pool", "state"),
)
DATABASE_REFUSED: Final = _counter(
    "sightpost_database_refused_total",
    "who waited for a connection to PostgreSQL until it was too late",
    "pool",
)
DATABASE_SIZE: Final = _gauge("sightpost_database_bytes", "the database with its log")
PICTURES_SIZE: Final = _gauge("sightpost_pictures_bytes", "all pictures")
PICTURES_QUOTA: Final = _gauge(
    "sightpost_pictures_quota_bytes", "what pictures may take; absent: no limit"
)
DISK_FREE: Final = _gauge("sightpost_disk_free_bytes", "free on the disk that holds the database")
DISK_SIZE: Final = _gauge("sightpost_disk_size_bytes", "that disk")
CERTIFICATE: Final = _gauge(
    "sightpost_certificate_expiry_timestamp_seconds", "when a certificate expires", "certificate"
)

CAPTURE_FRAMES: Final = _counter("sightpost_capture_frames_total", "frames that the source gave")
CAPTURE_DROPPED: Final = _counter(
    "sightpost_capture_dropped_frames_total", "frames not looked at: a newer one came first"
)
CAPTURE_REOPENED: Final = _counter(
    "sightpost_capture_restarts_total", "how often the source was opened again"
)
CAPTURE_AGE: Final = _gauge(
    "sightpost_capture_frame_age_seconds",
    "age of the newest frame, or how long the first is awaited; absent once a clip has ended",
)
PIPELINE_FRAMES: Final = _counter("sightpost_pipeline_frames_total", "frames looked at")
PIPELINE_STILL: Final = _counter(
    "sightpost_pipeline_still_frames_total", "of these, in which nothing moved"
)
PIPELINE_RATE: Final = _gauge(
    "sightpost_pipeline_frames_per_second", "frames looked at, over the last seconds"
)
PIPELINE_FAILED: Final = _counter(
    "sightpost_pipeline_failed_frames_total", "frames that could not be read"
)
PIPELINE_STAGE: Final = _histogram(
    "sightpost_pipeline_stage_duration_seconds", "parts of looking at a frame", "stage"
)
PIPELINE_REFUSED: Final = _counter(
    "sightpost_pipeline_refused_total", "plates and faces that became no sighting", "reason"
)
SIGHTINGS: Final = _counter("sightpost_sightings_total", "sightings stored", "kind")
SIGHTINGS_LOST: Final = _counter(
    "sightpost_sightings_lost_total", "sightings that could not be stored"
)
CONFIDENCE: Final = _histogram(
    "sightpost_sighting_confidence_ratio", "0..1: confidence of stored sightings", "kind"
)
MODEL_SIZE: Final = _gauge(
    "sightpost_model_size_bytes", "memory of a loaded network", "model", "device"
)

OUTBOX_CAPTURED: Final = _counter("sightpost_outbox_captured_rows_total", "rows ever committed")
OUTBOX_ROWS: Final = _gauge(
    "sightpost_outbox_rows",
    "these rows by state: waiting, acknowledged, refused or evicted",
    "state",
)
OUTBOX_OLDEST: Final = _gauge(
    "sightpost_outbox_oldest_waiting_seconds", "age of the oldest row that waits; 0: none waits"
)
UPLINK_STATE: Final = _gauge(
    "sightpost_uplink_state", "1 for the state that the link is in, 0 for the others", "state"
)
UPLINK_IN_FLIGHT: Final = _gauge("sightpost_uplink_in_flight_rows", "rows sent and not answered")
UPLINK_CREDIT_ROWS: Final = _gauge(
    "sightpost_uplink_credit_rows", "rows that the server lets be unanswered"
)
UPLINK_CREDIT_BYTES: Final = _gauge(
    "sightpost_uplink_credit_bytes", "bytes that the server lets be unanswered"
)
UPLINK_DUPLICATES: Final = _counter(
    "sightpost_uplink_duplicates_total", "acknowledged rows that the server had already"
)
UPLINK_FAILURES: Final = _counter(
    "sightpost_uplink_failures_total", "connections that failed or broke, by cause", "failure"
)
UPLINK_CLOCK: Final = _gauge(
    "sightpost_uplink_clock_offset_seconds", "the server's clock less ours when last connected"
)

HEALTH: Final = _gauge(
    "sightpost_health_status", "0 PASS, 1 WARN, 2 FAIL, as the health checks say", "component"
)
TEMPERATURE: Final = _gauge(
    "sightpost_machine_temperature_celsius", "the hottest sensor of the machine"
)
THROTTLED: Final = _gauge(
    "sightpost_machine_throttled",
    "1 while the Raspberry Pi's firmware holds the processor back, by cause, else 0",
    "cause",
)
CPU_USED: Final = _gauge("sightpost_machine_cpu_used_ratio", "0..1, since the look before")
MEMORY_AVAILABLE: Final = _gauge(
    "sightpost_machine_memory_available_bytes", "memory that programs can have"
)
MEMORY_SIZE: Final = _gauge("sightpost_machine_memory_size_bytes", "the machine's memory")
MEMORY_LIMIT: Final = _gauge(
    "sightpost_memory_limit_bytes", "memory near which the agent leaves work out"
)
MEMORY_SHED: Final = _gauge(
    "sightpost_memory_shed_level", "0: nothing is left out to save memory; each step more is one"
)

CATALOGUE: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of them, in their order here."""
