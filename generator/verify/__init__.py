"""The proof of the template: every combination of options, taken through every stage.

Needs the extra `verify`; nothing outside this package imports it.
"""
