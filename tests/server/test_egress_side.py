"""A stop does not wait for a receiver of the stream."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.channels.posting import Poster, place_of
from server.egress.contract import NotTaken
from server.egress_side import StreamPost
from tests.server.channels.post_office import HERE
from tests.server.storage.history import NOON


def test_a_stop_ends_the_post_that_nobody_answers_and_the_next() -> None:
    with (
        ThreadPoolExecutor(1) as thread,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        place = place_of(f"http://127.0.0.1:{server.getsockname()[1]}/")
        post = StreamPost(Poster(HERE, patience_s=60.0), place, secret="", now=lambda: NOON)
        in_hand = thread.submit(post, b"{}", "key")
        line, _ = server.accept()
        with line:
            assert line.recv(4) == b"POST"
            post.end()
            with pytest.raises(NotTaken, match="does not answer"):
                in_hand.result(30.0)
            with pytest.raises(NotTaken, match="called off"):
                post(b"{}", "next")
