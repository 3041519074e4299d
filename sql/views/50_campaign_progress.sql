-- How each run of a campaign stands. Counted afresh at each look, but only over the run's own messages: ask for one run, or
-- for those under way, not for all of history.
create or replace view sms.campaign_progress as
    select r.run_id, c.campaign_id, c.campaign, r.state, r.template, r.channel, r.created_by as launched_by, r.begins_at,
           r.frozen_at, r.finished_at, r.recipients, r.repeated, r.waiting,
           q.queued,
           f.inflight, d.decided, r.unsent, r.unsent_reason, d.states, d.suppressed, d.segments, d.cost, c.budget, d.per_s,
           case when r.state = 'running' and d.per_s > 0
                then clock_timestamp() + make_interval(secs => ((r.recipients - r.unsent - d.decided) / d.per_s)::float8) end as eta,
           r.problem
      from sms.campaign_run as r
      join sms.campaign as c on c.campaign_id = r.campaign_id
      cross join lateral (
               with k as materialized (
                   select o.state, o.reason, count(*) as messages, sum(o.segments) as segments, sum(o.cost) as cost,
                          count(*) filter (where o.decided_at > clock_timestamp() - interval '1 minute') as recent
                     from sms.run_message as m
                     join sms.outcome as o on o.id = m.message_id
                    where m.run_id = r.run_id and o.id between r.first_id and r.last_id
                    group by o.state, o.reason
               )
               select coalesce(sum(k.messages), 0)::bigint as decided,
                      (select coalesce(jsonb_object_agg(s.state, s.messages), '{}')
                         from (select x.state, sum(x.messages) as messages from k as x group by x.state) as s) as states,
                      coalesce(jsonb_object_agg(k.reason, k.messages) filter (where k.state = 'suppressed'), '{}') as suppressed,
                      coalesce(sum(k.segments), 0)::bigint as segments, coalesce(sum(k.cost), 0) as cost,
                      round(coalesce(sum(k.recent), 0)
                            / greatest(1, least(60, extract(epoch from clock_timestamp() - r.frozen_at))), 1) as per_s
                 from k
           ) as d
      cross join lateral (
               select count(*) as inflight
                 from sms.inflight as i
                 join sms.run_message as m on m.run_id = r.run_id and m.message_id = i.id
                where i.campaign_id = r.campaign_id
           ) as f
      cross join lateral (
               select count(*) as queued
                 from sms.pending as p
                 join sms.run_message as m on m.run_id = r.run_id and m.message_id = p.id
                where p.campaign_id = r.campaign_id
           ) as q;
comment on view sms.campaign_progress is 'How each run of a campaign stands: people, messages by state, money, pace. recipients = waiting + queued + inflight + decided + unsent.';
comment on column sms.campaign_progress.run_id is 'The run.';
comment on column sms.campaign_progress.campaign_id is 'Its campaign, as in sms.message.campaign_id.';
comment on column sms.campaign_progress.campaign is 'The campaign''s name.';
comment on column sms.campaign_progress.state is 'planned, freezing, running, paused, finished, stopped, failed; see sms.campaign_run.';
comment on column sms.campaign_progress.template is 'The text, as name@version.';
comment on column sms.campaign_progress.channel is 'The channel.';
comment on column sms.campaign_progress.launched_by is 'Who launched it; the worker''s login where the schedule did.';
comment on column sms.campaign_progress.begins_at is 'The moment it is, or was, to begin.';
comment on column sms.campaign_progress.frozen_at is 'When its recipients were frozen.';
comment on column sms.campaign_progress.finished_at is 'When it ended.';
comment on column sms.campaign_progress.recipients is 'People frozen.';
comment on column sms.campaign_progress.repeated is 'Further rows of the audience for the same people, dropped.';
comment on column sms.campaign_progress.waiting is 'People not queued yet.';
comment on column sms.campaign_progress.queued is 'Messages in state pending.';
comment on column sms.campaign_progress.inflight is 'Messages a worker has in hand.';
comment on column sms.campaign_progress.decided is 'Messages that left the queue; states tells them apart.';
comment on column sms.campaign_progress.unsent is 'People never queued, because the run ended before.';
comment on column sms.campaign_progress.unsent_reason is 'Why: campaign_stopped, budget, expired.';
comment on column sms.campaign_progress.states is 'Messages that left the queue, by state: {"delivered": 90, …}.';
comment on column sms.campaign_progress.suppressed is 'Suppressed messages by reason: {"blacklist": 3, …}.';
comment on column sms.campaign_progress.segments is 'Segments submitted.';
comment on column sms.campaign_progress.cost is 'Their expected cost.';
comment on column sms.campaign_progress.budget is 'The campaign''s budget for a run; null = none.';
comment on column sms.campaign_progress.per_s is 'Messages a second that left the queue in the last minute.';
comment on column sms.campaign_progress.eta is 'When it ends at this pace; null while nobody can tell.';
comment on column sms.campaign_progress.problem is 'Why it failed, paused by itself or left people out.';
