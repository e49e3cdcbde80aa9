"""`python -m generator` is `fastapi-service`."""

from generator.cli import run

run()
