"""What messages will cost: volumes foretold from history, priced by the tariffs to come.

Needs the optional extra `planning`; nothing on the sending path imports this.
"""
