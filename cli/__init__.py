"""The command `outbox`: starts the programs and shows people what the database knows."""

import sys


def main() -> None:
    """Run the command line of this process and exit."""
    try:
        # Half a second of imports, in which Ctrl-C is as good a word as later.
        from cli.program import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        print("outbox: interrupted.", file=sys.stderr)
        sys.exit(130)
