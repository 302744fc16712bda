"""The process's one accelerator, for all who load networks on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vision.backends.backend import Backend
from vision.backends.hailo import HailoDevice, load_platform


class HailoShare:
    """Opens the device with the first network and gives it back with the last. Thread-safe.

    HailoRT refuses a second virtual device while there is one, in the same process too. So whoever
    builds networks anew does it on the same one; where all the old ones are closed first, on a
    fresh one, which helps against a device that answers errors alone.
    """

    def __init__(self, platform: Callable[[], Any] = load_platform) -> None:
        """`platform` gives HailoRT's package, once a network is wanted."""
        self._platform = platform
        self._device: HailoDevice | None = None
        self._networks = 0
        # Entered again by the same thread where a dropped network is collected in the midst.
        self._lock = threading.RLock()

    def load(self, name: str, path: Path) -> Backend:
        """As `HailoDevice.load`."""
        with self._lock:
            self._networks += 1
            try:
                if self._device is None:
                    self._device = HailoDevice(self._platform())
                return self._device.load(name, path, released=self._give_back)
            except BaseException:
                self._give_back()
                raise

    def _give_back(self) -> None:
        with self._lock:
            self._networks -= 1
            if self._networks == 0 and self._device is not None:
                device, self._device = self._device, None
                device.close()
