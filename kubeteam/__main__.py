"""`python -m kubeteam` is `kubeteam`; services are started this way so that they use the same interpreter."""

from kubeteam.main import main

main()
