"""Entry point of the command. Imports nothing slow before Ctrl-C is handled."""

import os
import sys

# Set by git for its hooks and aliases; they would point our git at another repository.
_GIT_REPOSITORY_VARIABLES = {
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
        if name in _GIT_REPOSITORY_VARIABLES or name.startswith("GIT_TRACE"):
            del os.environ[name]
    try:
        from generator.cli import run  # noqa: PLC0415 - takes a third of a second

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
