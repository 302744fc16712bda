"""`python -m server`."""

import sys

from telemetry.collecting import look_seldom
from telemetry.library_warnings import keep_quiet
from telemetry.products import multiply_on_one_thread

if __name__ == "__main__":
    look_seldom()
    keep_quiet()
    multiply_on_one_thread()
    from server import cli_settings

    if cli_settings.asks_alone(sys.argv[1:]):
        cli_settings.main(sys.argv[1:])
    else:
        from server.cli import main  # this is what is read in

        main()
