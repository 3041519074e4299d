-- Make the monthly partitions from last month to three months ahead, drop those past their retention, and prune histories.
-- A partition that messages in pending or inflight still point into is kept. There is no DEFAULT partition on purpose.
-- Gives up after two seconds of waiting for a lock, as every insert would queue up behind it; the next try is an hour away.
create or replace function sms.maintain_partitions(p_as_of timestamptz default null)
    returns table (created int, dropped int)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '2s'
as $$
declare
    _now timestamptz := coalesce(sms.named_moment(p_as_of), clock_timestamp());
    _this_month timestamptz := date_trunc('month', _now, 'UTC');
    _table text;
    _month timestamptz;
begin
    created := 0;
    dropped := 0;
    for _table in select t.name from sms.monthly_tables() as t (name) loop
        for _ahead in -1..3 loop
            _month := _this_month + make_interval(months => _ahead);
            if _month < '2089-01-01 00:00Z' then   -- where ids end
                created := created + sms.create_partition(_table, _month);
            end if;
        end loop;
        for _month in select m.month from sms.partition_months(_table) as m
                       where m.month < _this_month - sms.retention(_table) loop
            dropped := dropped + sms.drop_partition(_table, _month);
        end loop;
    end loop;
    -- A message that waited for months gets its links when it goes.
    for _month in select m.month from sms.partition_months('outbox') as m loop
        created := created + sms.create_partition('short_link', _month);
    end loop;
    if dropped > 0 then
        -- A key whose owner's request is gone would protect nothing and could never be owned again.
        delete from sms.erp_ref as r
         where r.id < (select min(sms.id_at(m.month)) from sms.partition_months('outbox') as m);
        delete from sms.event_key as k
         where k.event_id < (select min(sms.id_at(m.month)) from sms.partition_months('event') as m);
        delete from sms.earlier_carrier as c
         where c.message_id < (select min(sms.id_at(m.month)) from sms.partition_months('outcome') as m);
        delete from sms.foreign_receipt as f
         where f.receipt_id < (select min(sms.id_at(m.month)) from sms.partition_months('receipt') as m);
    end if;
    perform sms.prune_history(_now);
    -- What waited to be polled at a provider that nobody polls any more.
    delete from sms.overdue as v where v.next_poll_at < _now - interval '3 days';
    return next;
end
$$;
comment on function sms.maintain_partitions is 'Chore. Partitions three months ahead; those past retention_months dropped.';
revoke execute on function sms.maintain_partitions from public;
