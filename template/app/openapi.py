"""Prints the OpenAPI schema without a server: `python -m app.openapi`."""

import json
import sys

from app.application import create_app
from app.settings import load_settings

if __name__ == "__main__":
    json.dump(create_app(load_settings()).openapi(), sys.stdout, indent=2)
