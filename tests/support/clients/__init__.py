"""Programs and settings for the clients that are generated from the OpenAPI schema."""
