"""Projects that live: what they recorded, what an update makes of them, what stands in its way.

Whatever copier does here, it does in a throw-away worktree; a project takes the result as a
whole, or nothing of it.
"""
