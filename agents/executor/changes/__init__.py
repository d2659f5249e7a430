"""One small pure function per kind of Action: from the object before and the arguments to the requests that change it,
and the way back. No I/O; a new kind is a new function and one line in `table.CHANGES`.
"""
