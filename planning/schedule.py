"""Campaigns to come, as messages by day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from outbox.rows_money import ScheduledCampaign
from planning.plan import Planned

MOST = 5_000  # moments of one campaign that are looked at


def planned(campaigns: Sequence[ScheduledCampaign], until: date) -> list[Planned]:
    """Messages of campaigns that history does not tell of, before `until`."""
    return [
        Planned(day=moment.date(), channel=campaign.channel, messages=float(campaign.recipients))
        for campaign in campaigns
        if campaign.recipients
        for moment in _moments(campaign, until)
    ]


def _moments(campaign: ScheduledCampaign, until: date) -> Iterator[datetime]:
    if campaign.cron is None:
        yield from _before(iter([campaign.starts_at]), campaign, until)
        return
    zone = ZoneInfo(campaign.cron_zone or "UTC")
    moments = CronSim(campaign.cron, campaign.starts_at.astimezone(zone))
    yield from _before(
        (moment for moment, _ in zip(moments, range(MOST), strict=False)), campaign, until
    )


def _before(
    moments: Iterable[datetime], campaign: ScheduledCampaign, until: date
) -> Iterator[datetime]:
    for moment in moments:
        if moment.date() >= until or (campaign.ends_at and moment >= campaign.ends_at):
            return
        yield moment
