"""What listens on the network: HTTP behind limits that hold without a proxy in front.

`listener` accepts, `hall` decides who may stay, a `door` is one connection, `limits` says how much.
"""
