"""Makes projects and changes existing ones.

Copier works in a throw-away worktree; a project takes the whole result, or nothing.
"""
