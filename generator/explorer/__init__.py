"""The explorer: one page that shows every project which the template can render."""
