"""`fastapi-service add resource`: writes a feature into an existing project."""
