from typing import Any

from app.settings import Settings


def replace(settings: Settings, **changes: Any) -> Settings:
    """Return validated settings with some changed values."""
    return Settings.model_validate(settings.model_dump() | changes)
