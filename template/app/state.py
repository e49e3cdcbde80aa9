"""The resources that the lifespan opens once per process."""

from typing import TypedDict

from app.database import Database
from app.http_client import HttpClient
from app.jobs.feed import JobFeed
from app.settings import Settings


class AppState(TypedDict):
    """Available as `context.state` in tasks."""

    settings: Settings
    database: Database
    http: HttpClient


class ServiceState(AppState):
    """Available as `request.state` in routes."""

    job_feed: JobFeed
