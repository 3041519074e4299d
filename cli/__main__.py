"""`python -m cli` is `outbox`."""

from cli import main

main()
