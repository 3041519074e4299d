-- What went to providers by day, channel and operator: what a forecast is made from. Messages that the rules held back, or
-- that never reached a provider, are no traffic.
create or replace function sms.daily_volumes(p_from date, p_until date)
    returns table (day date, channel text, category text, priority smallint, operator text, provider text,
                   messages bigint, segments bigint, cost numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select s.day, c.channel, c.category, c.priority, coalesce(o.operator, 'other'), p.provider,
           sum(s.messages)::bigint, sum(s.segments)::bigint, sum(s.cost)
      from sms.stat_day as s
      join sms.channel as c using (channel_id)
      join sms.provider as p using (provider_id)
      left join sms.operator as o using (operator_id)
     where s.day >= p_from and s.day < p_until
       and sms.is_handed_over(s.state, s.reason)
     group by s.day, c.channel, c.category, c.priority, o.operator, p.provider
     order by s.day, c.channel, o.operator, p.provider
$$;
comment on function sms.daily_volumes is 'Messages, segments and money handed to providers, by day, channel and operator.';
revoke execute on function sms.daily_volumes from public;
