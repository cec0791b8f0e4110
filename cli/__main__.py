"""`python -m cli` is `yima`."""

from cli import main

main()
