"""`python -m agent`."""

from telemetry.starting import settle

if __name__ == "__main__":
    settle()
    from agent.cli import main  # this is what is read in

    main()
