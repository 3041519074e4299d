"""`python -m cli.receiver_main FD PARENT`: the receipt server beside a sender (`cli.receiver`)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve; but first of all see to it that the port is free again when the sender is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(sys.argv[2]):
        sys.exit(0)
    # A second of imports, in which the sender may end.
    from cli.receiver_child import hear_beside

    sys.exit(hear_beside(int(sys.argv[1])))


if __name__ == "__main__":
    main()
