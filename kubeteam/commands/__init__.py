"""One file per command or per family of commands. A command parses, calls, prints; deciding lives in other rooms."""
