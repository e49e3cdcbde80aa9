"""Images of rendered services: built from their Dockerfile, and run as containers."""
