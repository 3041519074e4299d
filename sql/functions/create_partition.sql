-- One monthly partition (UTC month) of one table, unless it exists; returns 1 when it was made.
-- contact_log is cut by time, the others by the id of that moment. Names end in _yYYYYmMM.
-- Made beside the table and then attached: that needs no lock which inserts or readers would wait for.
create or replace function sms.create_partition(p_table text, p_month timestamptz)
    returns int
    language plpgsql volatile set timezone = 'UTC'
as $$
declare
    _from timestamptz := date_trunc('month', p_month, 'UTC');
    _until timestamptz := date_trunc('month', p_month, 'UTC') + interval '1 month';
    _name text := p_table || to_char(p_month at time zone 'UTC', '"_y"YYYY"m"MM');
begin
    if to_regclass('sms.' || _name) is not null then
        return 0;
    end if;
    if _from < '1960-01-01 00:00Z' or _until > '2089-01-01 00:00Z' then
        raise exception 'there are no ids of %, so there is no such month', to_char(_from, 'YYYY-MM') using errcode = 'SM081',
            hint = 'Ids tell moments from 1960 to the end of 2088.';
    end if;
    execute format('create table sms.%I (like sms.%I including all) %s', _name, p_table,
                   -- the receipt's update stays on its page (HOT) when there is room
                   case p_table when 'outcome' then 'with (fillfactor = 60)' else '' end);
    if p_table = 'short_link' then   -- which cannot be said of the whole table: unique in one month is enough
        execute format('create unique index %I on sms.%I (code)', _name || '_code', _name);
    end if;
    execute format('alter table sms.%I attach partition sms.%I for values from (%L) to (%L)', p_table, _name,
                   case p_table when 'contact_log' then _from::text else sms.id_at(_from)::text end,
                   case p_table when 'contact_log' then _until::text else sms.id_at(_until)::text end);
    execute format('comment on table sms.%I is %L', _name, 'One month of sms.' || p_table || ', UTC.');
    return 1;
end
$$;
comment on function sms.create_partition is 'Make one monthly partition of one table; 0 when it is there already.';
revoke execute on function sms.create_partition from public;
