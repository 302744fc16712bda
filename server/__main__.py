"""`python -m server`."""

from telemetry.collecting import look_seldom

if __name__ == "__main__":
    look_seldom()
    from server.cli import main  # this is what is read in

    main()
