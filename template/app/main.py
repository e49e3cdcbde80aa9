"""The application that a server imports: `app.main:app`."""

from app.application import create_app
from app.logs import configure_logging
from app.settings import load_settings

configure_logging()
app = create_app(load_settings())
