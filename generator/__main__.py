"""The entry of the command: nothing slow is imported before Ctrl-C is handled."""

import sys


def main() -> None:
    try:
        from generator.cli import run  # noqa: PLC0415 - takes a third of a second

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
