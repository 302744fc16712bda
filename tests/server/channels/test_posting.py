"""What one POST makes of receivers that do not answer as they should."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading

import pytest

from server.channels.attempt import Attempt
from server.channels.contract import NotDelivered
from server.channels.posting import Place, Poster, place_of


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "receiver..example"])
def test_a_name_that_cannot_be_one_is_not_delivered_to(host: str) -> None:
    """No channel takes it; one that is kept of an older version may have it."""
    place = Place(is_encrypted=False, host=host, port=80, path="/")
    with pytest.raises(NotDelivered, match="does not answer"):
        Poster([]).post(place, b"{}", {}, Attempt())


def test_a_receiver_that_answers_byte_by_byte_is_waited_for_no_longer_than_another() -> None:
    is_over = threading.Event()

    def drip(server: socket.socket) -> None:
        line, _ = server.accept()
        with line, contextlib.suppress(OSError):
            while not is_over.wait(0.02):
                line.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        try:
            place = place_of(f"http://127.0.0.1:{server.getsockname()[1]}/")
            poster = Poster([ipaddress.ip_network("127.0.0.1")], patience_s=0.2)
            with pytest.raises(NotDelivered, match="does not answer"):
                poster.post(place, b"{}", {}, Attempt())
        finally:
            is_over.set()
            dripping.join()
