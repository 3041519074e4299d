-- Drop one month of one table, unless a waiting or leased message still has its request there, or a planned one its event;
-- returns 1 when dropped.
create or replace function sms.drop_partition(p_table text, p_month timestamptz)
    returns int
    language plpgsql volatile set timezone = 'UTC'
as $$
declare
    _lo bigint := sms.id_at(p_month);
    _hi bigint := sms.id_at(p_month + interval '1 month');
begin
    if p_table in ('event', 'event_effect') then
        if exists (select from sms.event_plan as p where p.event_id >= _lo and p.event_id < _hi) then
            return 0;
        end if;
    elsif p_table <> 'contact_log'
       and (exists (select from sms.pending as p where p.id >= _lo and p.id < _hi)
            or exists (select from sms.inflight as f where f.id >= _lo and f.id < _hi)) then
        return 0;
    end if;
    execute format('drop table sms.%I', p_table || to_char(p_month at time zone 'UTC', '"_y"YYYY"m"MM'));
    if p_table = 'receipt' then
        delete from sms.receipt_match as m where m.receipt_id >= _lo and m.receipt_id < _hi;
    end if;
    return 1;
end
$$;
comment on function sms.drop_partition is 'Drop a month of a table that nothing waiting points into.';
revoke execute on function sms.drop_partition from public;
