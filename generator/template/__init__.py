"""The template: its source, its options, and rendering."""
