"""What listens on the network: HTTP behind limits that hold without a proxy in front.

`Listener` accepts, `Hall` decides who may stay, a `Door` is one connection, `Limits` says how much.
"""

from outbox.doors.hall import Hall
from outbox.doors.limits import LOOPBACK, Limits, networks
from outbox.doors.listener import Listener, listening_socket

__all__ = ["LOOPBACK", "Hall", "Limits", "Listener", "listening_socket", "networks"]
