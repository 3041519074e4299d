-- Blacklist: suppress when a row for the number, or for a prefix of it, holds for this category and channel.
-- Numbers are one index probe a message; prefixes one per prefix length in use. scope is a filter, not an index column.
create or replace function sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    with hit as (
        select c.id, c.channel_id, x.blacklist_id, x.prefix, x.reason, x.category, x.channel
          from unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel
                     from sms.blacklist as b
                    where b.msisdn = c.msisdn
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         union all
        select c.id, c.channel_id, x.blacklist_id, x.prefix, x.reason, x.category, x.channel
          from (select n as length from generate_series(1, 15) as n
                 where exists (select from sms.blacklist as e where e.prefix is not null and length(e.prefix) = n)) as k
          cross join unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel
                     from sms.blacklist as b
                    where b.prefix is not null and length(b.prefix) = k.length and b.prefix = left(c.msisdn::text, k.length)
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
    )
    select distinct on (h.id) h.id, 20::smallint, 'suppress', 'blacklist',
           'blacklist row ' || h.blacklist_id || coalesce(' (prefix ' || h.prefix || ')', '') || ': ' || h.reason, null::timestamptz
      from hit as h
      left join sms.channel as ch on ch.channel_id = h.channel_id
     where (h.category is null or h.category is not distinct from ch.category)
       and (h.channel is null or h.channel is not distinct from ch.channel)
     order by h.id, h.prefix is not null, h.blacklist_id
$$;
comment on function sms.rule_blacklist is 'Rule: suppress numbers and prefixes that are blacklisted for this category and channel.';
revoke execute on function sms.rule_blacklist from public;
