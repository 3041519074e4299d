"""The adapter `smpp`: an ESME of our own for SMPP 3.4."""

from providers.smpp.provider import SmppProvider

__all__ = ["SmppProvider"]
