"""Requests are counted by the route that answered, whatever the caller asks for."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from telemetry.catalogue import ERRORS, REQUEST_DURATION, REQUESTS
from telemetry.distribution import Spread
from telemetry.request_meter import MOST_ENDPOINTS, OTHER, MeteredRequests, RequestMeter


def application(meter: RequestMeter) -> FastAPI:
    app = FastAPI()

    @app.get("/detection/{row_id}")
    async def detection(row_id: int) -> int:
        return row_id

    @app.get("/away")
    async def away() -> None:
        raise HTTPException(503)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    app.add_middleware(MeteredRequests, meter=meter)
    return app


def counted(meter: RequestMeter) -> dict[tuple[str, ...], object]:
    return {labels: value for metric, value, labels in meter.readings() if metric is REQUESTS}


async def test_requests_are_counted_by_route_method_and_outcome() -> None:
    meter = RequestMeter("web")
    transport = httpx.ASGITransport(application(meter), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as browser:
        for path in ("/detection/1", "/detection/2", "/away", "/broken", "/nowhere", "/else"):
            await browser.get(path)
        await browser.request("BREW", "/detection/1")
    assert counted(meter) == {
        ("web", "/detection/{row_id}", "GET", "success"): 2,
        ("web", "/away", "GET", "error"): 1,
        ("web", "/broken", "GET", "error"): 1,
        ("web", OTHER, "GET", "success"): 2,
        ("web", "/detection/{row_id}", OTHER, "success"): 1,
    }
    readings = list(meter.readings())
    times = {labels: value for metric, value, labels in readings if metric is REQUEST_DURATION}
    spread = times["web", "/detection/{row_id}"]
    assert isinstance(spread, Spread)
    assert spread.count == 3
    assert {labels: value for metric, value, labels in readings if metric is ERRORS} == {
        ("web", "http", "503"): 1,
        ("web", "http", "500"): 1,
    }


def test_endpoints_are_bounded() -> None:
    meter = RequestMeter("web")
    for number in range(MOST_ENDPOINTS + 10):
        meter.answered(f"/{number}", "GET", status_code=200, seconds=0.1)
    assert len({labels[1] for labels in counted(meter)}) == MOST_ENDPOINTS + 1
    assert counted(meter)["web", OTHER, "GET", "success"] == 10


@pytest.mark.parametrize(("seconds", "below"), [(0.0009, 0), (0.001, 0), (30.0, 13)])
def test_time_falls_into_its_range(seconds: float, below: int) -> None:
    meter = RequestMeter("web")
    meter.answered("/", "GET", status_code=200, seconds=seconds)
    spread = next(value for metric, value, _ in meter.readings() if metric is REQUEST_DURATION)
    assert isinstance(spread, Spread)
    assert spread.counts[below] == 1
