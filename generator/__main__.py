"""The entry of the command: nothing slow is imported before Ctrl-C is handled."""

import os
import sys

# What git tells its hooks and aliases of another repository, and what makes it talk.
_OF_ANOTHER_REPOSITORY = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}


def main() -> None:
    for name in list(os.environ):
        if name in _OF_ANOTHER_REPOSITORY or name.startswith("GIT_TRACE"):
            del os.environ[name]
    try:
        from generator.cli import run  # noqa: PLC0415 - takes a third of a second

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
