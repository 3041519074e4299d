"""How much money is left at smsc.ru: told with the answer to a request, or by a page of its own."""

from __future__ import annotations

import math
import time
from decimal import Decimal

from providers.base import Balance, ProviderError
from providers.smsc_ru_answers import money, say
from providers.smsc_ru_api import Answer, Api, Refusal

FRESH_S = 60.0  # a balance that came with an answer is as good as one asked for


class Purse:
    """What is known of the account's money."""

    def __init__(self) -> None:
        self._amount: Decimal | None = None
        self._known_at = -math.inf
        self._credit = Decimal(0)
        self._currency: str | None = None  # None: the page was never asked

    def note(self, answer: Answer) -> None:
        """Take the balance from an answer, where it tells one."""
        amount = money(answer.get("balance")) if isinstance(answer, dict) else None
        if amount is not None:
            self._amount, self._known_at = amount, time.monotonic()

    async def balance(self, api: Api) -> Balance:
        """What may be spent, a credit included; the page is asked where answers do not tell."""
        if self._currency is None or time.monotonic() - self._known_at > FRESH_S:
            await self._ask(api)
        if self._amount is None:
            raise ProviderError("smsc.ru answered without a balance.")
        return Balance(amount=self._amount + self._credit, currency=self._currency or "RUB")

    async def _ask(self, api: Api) -> None:
        async with api.places, api.alone_at_first():
            answer = await api.ask("balance.php", {"cur": "1"})
        if isinstance(answer, Refusal):
            raise ProviderError(f"The balance was not told: {say(answer.code)}.")
        self._amount = None
        self.note(answer)
        if isinstance(answer, dict):
            self._credit = money(answer.get("credit")) or Decimal(0)
            currency = str(answer.get("currency") or "RUB")
            self._currency = "RUB" if currency == "RUR" else currency
