-- Blacklist: suppress when a row for the number, a prefix of it, or a group that it or its client is in, holds for this
-- category and channel. Numbers are one index probe a message, groups two while any group is blacklisted; prefixes are
-- hashed while they are few, else one probe per prefix length in use. The answer to an opt-out passes the opt-out itself
-- (channel.ignores_opt_out).
create or replace function sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamptz)
    returns setof sms.finding
    language sql stable
as $$
    with few as materialized (
        select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source, b.created_at, b.expires_at
          from sms.blacklist as b
         where b.prefix is not null
         limit 200
    ), hit as (
        select c.id, c.channel_id, x.blacklist_id, x.prefix, null::int as group_id, x.reason, x.category, x.channel, x.source
          from unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source
                     from sms.blacklist as b
                    where b.msisdn = c.msisdn
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         union all
        select c.id, c.channel_id, f.blacklist_id, f.prefix, null, f.reason, f.category, f.channel, f.source
          from (select distinct length(e.prefix) as length from few as e) as k
          cross join unnest(p_batch) as c
          join few as f on f.prefix = left(c.msisdn::text, k.length)
         where (select count(*) < 200 from few)
           and f.created_at <= p_as_of and (f.expires_at is null or f.expires_at > p_as_of)
         union all
        select c.id, c.channel_id, x.blacklist_id, x.prefix, null, x.reason, x.category, x.channel, x.source
          from (select n as length from generate_series(1, 15) as n
                 where exists (select from sms.blacklist as e where e.prefix is not null and length(e.prefix) = n)) as k
          cross join unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source
                     from sms.blacklist as b
                    where b.prefix is not null and length(b.prefix) = k.length and b.prefix = left(c.msisdn::text, k.length)
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         where (select count(*) = 200 from few)
         union all
        select c.id, c.channel_id, b.blacklist_id, null, b.group_id, b.reason, b.category, b.channel, b.source
          from unnest(p_batch) as c
          cross join lateral (
                   select m.group_id from sms.recipient_group_member as m where m.msisdn = c.msisdn
                    union all
                   select m.group_id from sms.recipient_group_member as m where m.client_id = c.client_id
                   offset 0
               ) as g
          cross join lateral (
                   select x.blacklist_id, x.group_id, x.reason, x.category, x.channel, x.source
                     from sms.blacklist as x
                    where x.group_id = g.group_id
                      and x.created_at <= p_as_of and (x.expires_at is null or x.expires_at > p_as_of)
                   offset 0
               ) as b
         where exists (select from sms.blacklist as e where e.group_id is not null)
    )
    select distinct on (h.id) h.id, 20::smallint, 'suppress', 'blacklist',
           'blacklist row ' || h.blacklist_id || coalesce(' (prefix ' || h.prefix || ')', '')
               || coalesce(' (group ' || (select r.recipient_group from sms.recipient_group as r where r.group_id = h.group_id) || ')', '')
               || ': ' || h.reason, null::timestamptz
      from hit as h
      left join sms.channel as ch on ch.channel_id = h.channel_id
     where (h.category is null or h.category is not distinct from ch.category)
       and (h.channel is null or h.channel is not distinct from ch.channel)
       and not (h.source = 'opt_out' and coalesce(ch.ignores_opt_out, false))
     order by h.id, h.prefix is not null, h.group_id is not null, h.blacklist_id
$$;
comment on function sms.rule_blacklist is 'Rule: suppress numbers and prefixes that are blacklisted for this category and channel.';
revoke execute on function sms.rule_blacklist from public;
