-- Every budget that counts at a moment, with what is spent of it: the folded ledger and what came since.
create or replace function sms.budget_status(p_as_of timestamptz default clock_timestamp())
    returns table (budget_id int, budget text, channel text, campaign_id bigint, span daterange, amount numeric, spent numeric,
                   share numeric, warn_at numeric, stops boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select b.budget_id, b.budget, b.channel, b.campaign_id, p.span, b.amount, s.spent,
           case when b.amount = 0 then 1 else round(s.spent / b.amount, 4) end, b.warn_at, b.stops
      from sms.budget as b
      left join sms.channel as c on c.channel = b.channel
     cross join lateral sms.budget_span(b, p_as_of) as p (span)
     cross join lateral (
               select coalesce(sum(x.amount), 0) as spent
                 from (select d.amount, d.day, d.channel_id, nullif(d.campaign_id, 0) as campaign_id from sms.spend_day as d
                        where d.day >= coalesce(nullif(lower(p.span), '-infinity'), date '2020-01-01') and d.day < upper(p.span)
                        union all
                       select f.amount, f.day, f.channel_id, f.campaign_id from sms.spend as f) as x
                where x.day <@ p.span
                  and (b.channel is null or x.channel_id = c.channel_id)
                  and (b.campaign_id is null or x.campaign_id = b.campaign_id)
           ) as s
     where p.span @> (p_as_of at time zone sms.statistics_zone())::date
$$;
comment on function sms.budget_status is 'Every budget that counts now, with what is spent of it.';
revoke execute on function sms.budget_status from public;
