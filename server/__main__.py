"""`python -m server`."""

import sys

from telemetry.starting import settle

if __name__ == "__main__":
    settle()
    from server import cli_settings

    if cli_settings.asks_alone(sys.argv[1:]):
        cli_settings.main(sys.argv[1:])
    else:
        from server.cli import main  # this is what is read in

        main()
