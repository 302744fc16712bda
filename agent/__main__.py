"""`python -m agent`."""

from telemetry.collecting import look_seldom

if __name__ == "__main__":
    look_seldom()
    from agent.cli import main  # this is what is read in

    main()
