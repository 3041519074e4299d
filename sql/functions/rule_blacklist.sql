-- Blacklist: suppress when a row for the number, or for a prefix of it, holds for this category and channel.
-- Numbers are one index probe a message; prefixes one per prefix length in use. scope is a filter, not an index column.
create or replace function sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    select c.id, 20::smallint, 'suppress', 'blacklist',
           'blacklist row ' || b.blacklist_id || coalesce(' (prefix ' || b.prefix || ')', '') || ': ' || b.reason, null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
      cross join lateral (
               select h.blacklist_id, h.prefix, h.reason
                 from (select x.blacklist_id, x.prefix, x.reason, x.category, x.channel, x.created_at, x.expires_at
                         from sms.blacklist as x
                        where x.msisdn = c.msisdn
                        union all
                       select x.blacklist_id, x.prefix, x.reason, x.category, x.channel, x.created_at, x.expires_at
                         from unnest((select array_agg(n) from generate_series(1, 15) as n
                                       where exists (select from sms.blacklist as e
                                                      where e.prefix is not null and length(e.prefix) = n))) as k (length)
                         join sms.blacklist as x
                           on x.prefix is not null and length(x.prefix) = k.length and x.prefix = left(c.msisdn::text, k.length)
                      ) as h
                where (h.category is null or h.category is not distinct from ch.category)
                  and (h.channel is null or h.channel is not distinct from ch.channel)
                  and h.created_at <= p_as_of
                  and (h.expires_at is null or h.expires_at > p_as_of)
                limit 1
           ) as b
$$;
comment on function sms.rule_blacklist is 'Rule: suppress numbers and prefixes that are blacklisted for this category and channel.';
revoke execute on function sms.rule_blacklist from public;
