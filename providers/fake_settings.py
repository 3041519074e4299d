"""The settings of the in-process provider: what it does, and what it can be asked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from providers.base import AdapterSettings, AskingLimits


class FakeSettings(AdapterSettings):
    """Shares are 0 to 1 and exclude each other in the order error, reject, uncertain, lost."""

    latency_ms: float = Field(0, ge=0)  # from a batch's submission to its answers
    error_rate: float = Field(0, ge=0, le=1)  # refused for now, to be sent again
    reject_rate: float = Field(0, ge=0, le=1)  # refused for good
    uncertain_rate: float = Field(0, ge=0, le=1)  # taken, but the answer gets lost
    receipt_delay_ms: float | None = Field(None, ge=0)  # null: no receipts
    undelivered_rate: float = Field(0, ge=0, le=1)  # of those taken
    receipts_by_ref: bool = False  # one reference a segment, and our id not echoed, as over SMPP
    log: str | None = None  # file that gets one JSON line for each message taken
    max_batch: int = Field(1000, ge=1)
    way_ms: float = Field(0, ge=0)  # on its way before it is taken: who is killed now loses it
    lost_rate: float = Field(0, ge=0, le=1)  # lost on the way: no answer, and never taken
    names_messages: bool = False  # takes names of our making; receipts and the log carry them
    answers_lookups: bool = False  # can be asked about doubtful messages; the log is its memory
    answers_polls: bool = False  # can be asked for the status of accepted messages
    answer_ms: float = Field(0, ge=0)  # of a look-up or poll
    mute_rate: float = Field(0, ge=0, le=1)  # of look-ups and polls that fail
    balance: Decimal | None = None  # null: does not tell
    ask_batch: int = Field(100, ge=1)
    ask_every_ms: float = Field(1000, ge=0)
    ask_after_ms: float = Field(10_000, ge=0)
    ask_again_ms: float = Field(60_000, ge=0)
    absent_after_ms: float = Field(60_000, ge=0)
    poll_after_ms: float = Field(600_000, ge=0)
    seed: int | None = None  # makes the shares repeatable

    @property
    def asking(self) -> AskingLimits:
        """How it may be asked."""
        return AskingLimits(
            max_batch=self.ask_batch,
            every=timedelta(milliseconds=self.ask_every_ms),
            answer_s=5 + self.answer_ms / 1000,
            after=timedelta(milliseconds=self.ask_after_ms),
            pauses=(timedelta(milliseconds=self.ask_again_ms),),
            absent_after=timedelta(milliseconds=self.absent_after_ms),
            poll_after=timedelta(milliseconds=self.poll_after_ms),
        )
