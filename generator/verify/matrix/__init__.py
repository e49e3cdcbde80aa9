"""The combinations of options that prove a template."""
