"""`python -m agent`."""

from telemetry.collecting import look_seldom
from telemetry.products import multiply_on_one_thread

if __name__ == "__main__":
    look_seldom()
    multiply_on_one_thread()
    from agent.cli import main  # this is what is read in

    main()
