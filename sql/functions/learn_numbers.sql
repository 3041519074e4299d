-- Automatic blacklisting. Looks at numbers with new trouble, applies sms.auto_blacklist_rule, and lifts automatic rows
-- of numbers that took a message since. Temporary errors never count. Returns how many rows were made and lifted.
create or replace function sms.learn_numbers(p_limit int default 1000, p_as_of timestamptz default null)
    returns table (blacklisted int, lifted int)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _numbers bigint[];
begin
    with fresh as (
        select t.message_id from sms.number_trouble as t
         where t.learned_at is null order by t.at limit p_limit for update skip locked
    ), seen as (
        update sms.number_trouble as t set learned_at = _now from fresh as f where t.message_id = f.message_id returning t.msisdn
    )
    select array_agg(distinct s.msisdn) into _numbers from seen as s;

    insert into sms.blacklist (msisdn, category, channel, reason, source, expires_at, created_at, created_by)
    select f.msisdn, f.category, f.channel, f.reason, 'auto', _now + f.lasts, _now, 'auto rule ' || f.auto_rule_id
      from sms.find_failing(_numbers, _now) as f
     where not exists (select from sms.blacklist as b
                        where b.msisdn = f.msisdn and b.category is not distinct from f.category
                          and b.channel is not distinct from f.channel
                          and (b.expires_at is null or b.expires_at > _now));
    get diagnostics blacklisted = row_count;

    delete from sms.blacklist as b
     where b.source = 'auto' and b.msisdn is not null
       and exists (select from sms.contact_log as l
                     join sms.outcome as o on o.id = l.message_id
                    where l.msisdn = b.msisdn and l.at > b.created_at - interval '3 days' and l.at < _now + interval '1 hour'
                      and o.state = 'delivered' and o.final_at > b.created_at
                      and (b.category is null
                           or b.category = (select c.category from sms.channel as c where c.channel_id = l.channel_id)));
    get diagnostics lifted = row_count;
    return next;
end
$$;
comment on function sms.learn_numbers is 'Chore. Blacklist numbers that keep failing by sms.auto_blacklist_rule; lift what was delivered to since.';
revoke execute on function sms.learn_numbers from public;
