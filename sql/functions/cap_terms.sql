-- Which caps apply to the channels and zones of a batch, since when each counts, and over which channels (null = all).
create or replace function sms.cap_terms(p_batch sms.candidate[], p_as_of timestamptz)
    returns table (channel_id smallint, zone_id smallint, cap_id int, max_messages int, period text, per text,
                   since timestamptz, counted smallint[])
    language sql stable
as $$
    select k.channel_id, k.zone_id, p.cap_id, p.max_messages, p.period, p.per, s.since,
           case when p.channel is null and p.category is null then null
                else (select array_agg(o.channel_id) from sms.channel as o
                       where o.channel = coalesce(p.channel, o.channel)
                         and o.category = coalesce(p.category, o.category)) end
      from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
      left join sms.channel as ch on ch.channel_id = k.channel_id
      join sms.cap as p on (p.channel is null or p.channel is not distinct from ch.channel)
                       and (p.category is null or p.category is not distinct from ch.category)
      left join sms.time_zone as z on z.zone_id = k.zone_id
      cross join lateral sms.period_start(p.period, p.span, z.members, p_as_of) as s
$$;
comment on function sms.cap_terms is 'The caps that apply to a batch, with the begin of their periods.';
revoke execute on function sms.cap_terms from public;
