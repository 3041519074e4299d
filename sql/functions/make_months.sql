-- Make the months from one moment to another (now) in these tables, or in all that are cut into months, so that rows of the
-- past can be brought: a history of another system, a restore of data alone. Returns how many partitions were made. What is
-- past its retention is dropped again by the next maintain_partitions, so lengthen that first.
create or replace function sms.make_months(p_from timestamptz, p_until timestamptz default null, p_tables text[] default null)
    returns int
    language plpgsql volatile set timezone = 'UTC' set lock_timeout = '2s'
as $$
declare
    _made int := 0;
    _table text;
    _month timestamptz;
begin
    for _table in select t.name from sms.monthly_tables() as t (name)
                   where p_tables is null or t.name = any (p_tables) loop
        for _month in select m.month from generate_series(date_trunc('month', p_from), coalesce(p_until, clock_timestamp()),
                                                          interval '1 month') as m (month) loop
            _made := _made + sms.create_partition(_table, _month);
        end loop;
    end loop;
    return _made;
end
$$;
comment on function sms.make_months is 'Make months of the past, for rows that are brought; returns how many partitions.';
revoke execute on function sms.make_months from public;
