"""`python -m agent`."""

from telemetry.process_memory import keep_one_heap
from telemetry.starting import settle

if __name__ == "__main__":
    settle()
    keep_one_heap()
    from agent.cli import main  # this is what is read in

    main()
