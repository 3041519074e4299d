-- How each provider is, for people and monitoring: its breaker and what workers met there within its watch_window.
create or replace view sms.provider_health as
    select p.provider, p.is_enabled, b.state, b.since, b.cause, b.figures, b.openings, b.retry_at,
           w.workers, w.ill_votes, w.sent, w.accepted, w.rejected, w.failed, w.throttled, w.unanswered, w.slow, w.troubles,
           w.outstanding, w.error_share, w.throttled_share, extract(epoch from w.silence)::float8 as silence_s,
           case when cardinality(w.times) > 0 then least(sms.answer_percentile(w.times, 0.95), w.max_ms) end as p95_ms, w.max_ms,
           (select count(*) from sms.lane as l where l.provider_id = p.provider_id) as lanes,
           (select count(*) from sms.lane as l where l.provider_id = p.provider_id and l.is_held) as held,
           (select count(*) from sms.lane_pin as n join sms.lane as l on l.lane_id = n.lane_id where l.provider_id = p.provider_id) as pinned
      from sms.provider as p
      join sms.breaker as b on b.provider_id = p.provider_id
      join sms.provider_window(clock_timestamp(), true) as w on w.provider_id = p.provider_id
     order by p.provider;
comment on view sms.provider_health is 'How each provider is: breaker, errors, answer times, lanes. One row a provider, always.';
comment on column sms.provider_health.provider is 'The provider.';
comment on column sms.provider_health.is_enabled is 'False: workers claim nothing for it.';
comment on column sms.provider_health.state is 'Its breaker: closed = used, open = left alone, half_open = being tried.';
comment on column sms.provider_health.since is 'Since when.';
comment on column sms.provider_health.cause is 'Why it is so.';
comment on column sms.provider_health.figures is 'What it was judged by.';
comment on column sms.provider_health.openings is 'Times it opened without a calm between.';
comment on column sms.provider_health.retry_at is 'When an open one is tried again.';
comment on column sms.provider_health.workers is 'Workers that met it of late.';
comment on column sms.provider_health.ill_votes is 'Of these, those it treated badly.';
comment on column sms.provider_health.sent is 'Messages with a result.';
comment on column sms.provider_health.accepted is 'Messages taken.';
comment on column sms.provider_health.rejected is 'Messages refused for good.';
comment on column sms.provider_health.failed is 'Messages refused for now.';
comment on column sms.provider_health.throttled is 'Messages turned away through no fault of theirs.';
comment on column sms.provider_health.unanswered is 'Messages without a readable answer.';
comment on column sms.provider_health.slow is 'Messages answered later than slow_answer.';
comment on column sms.provider_health.troubles is 'Times it could not be opened or asked.';
comment on column sms.provider_health.outstanding is 'Messages with it right now.';
comment on column sms.provider_health.error_share is 'Share of errors, lost and slow answers, 0 to 1.';
comment on column sms.provider_health.throttled_share is 'Share turned away, 0 to 1.';
comment on column sms.provider_health.silence_s is 'Seconds since anything was heard while something waits.';
comment on column sms.provider_health.p95_ms is 'Within so many ms 95 % of the answers came; null: none came.';
comment on column sms.provider_health.max_ms is 'The slowest answer, ms.';
comment on column sms.provider_health.lanes is 'Lanes it serves now.';
comment on column sms.provider_health.held is 'Of these, those on hold: nobody of their route is well.';
comment on column sms.provider_health.pinned is 'Of these, those pinned by hand.';
