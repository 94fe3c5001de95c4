"""``python -m symgrad``: the command."""

from symgrad.cli import main

if __name__ == "__main__":
    main(prog_name="python -m symgrad")
