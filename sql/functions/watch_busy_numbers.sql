-- Chore, a few times a minute: which numbers (and clients, while a cap counts per client) does somebody keep locked? A claim
-- locks for milliseconds; what is locked at every look for a minute, while its messages are overdue, is held back by a
-- session that does something else. Claims pass such numbers over in silence; this tells. Returns how many there are, and the oldest.
-- Looks at no more than a thousand locks, and reads the queue only where there is one that old.
create or replace function sms.watch_busy_numbers()
    returns table (numbers int, messages int, oldest text, held_for interval, pid int, login text)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
begin
    insert into sms.busy_number as b (key, pid, since, seen_at)
    select k.key, min(k.pid), _now, _now
      from (select (l.classid::bigint << 32) | l.objid::bigint as key, l.pid
              from pg_locks as l
             where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
               and l.database = (select d.oid from pg_database as d where d.datname = current_database())) as k
     where k.key between 70000000000 and 79999999999
        or (k.key < 0 and exists (select from sms.cap as c where c.per = 'client'))
     group by k.key
     order by k.key
     limit 1000
        on conflict (key) do update set pid = excluded.pid, seen_at = excluded.seen_at;
    delete from sms.busy_number as b where b.seen_at < _now;
    if exists (select from sms.busy_number as b where b.since <= _now - interval '1 minute') then
        update sms.busy_number as b
           set messages = (select count(*)
                             from sms.pending as p
                             join sms.lane as l on l.lane_id = p.lane_id and not l.is_held
                             join sms.provider as v on v.provider_id = l.provider_id and v.is_enabled
                            where p.not_before <= _now - interval '1 minute'
                              and case when b.key > 0 then p.msisdn = b.key else p.client_id = -1 - b.key end)
         where b.since <= _now - interval '1 minute';
    end if;
    return query
    select count(*)::int, coalesce(sum(b.messages), 0)::int, (array_agg(coalesce(b.number, 'client ' || b.client_id) order by b.since))[1],
           _now - min(b.since), (array_agg(b.pid order by b.since))[1], (array_agg(b.login order by b.since))[1]
      from sms.busy_numbers as b;
end
$$;
comment on function sms.watch_busy_numbers is 'Chore. Numbers that somebody keeps locked while their messages are overdue: how many, and the oldest.';
revoke execute on function sms.watch_busy_numbers from public;
