"""`fastapi-service check`: one project, and many with a table, a policy and a page."""
