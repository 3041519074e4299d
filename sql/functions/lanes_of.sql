-- The lanes of a channel ('*' = all channels), or only those to one operator. Unknown names are errors that list the known.
create or replace function sms.lanes_of(p_channel text, p_operator text default null)
    returns smallint[]
    language plpgsql stable
as $$
begin
    if p_channel is distinct from '*' then
        perform sms.refuse_unknown_names(array[p_channel], null);
    end if;
    if p_operator is not null and not exists (select from sms.operator as o where o.operator = p_operator) then
        raise exception 'unknown operator "%"', p_operator
            using errcode = 'SM009',
                  hint = 'Operators: ' || (select string_agg(o.operator, ', ' order by o.operator) from sms.operator as o) || '.';
    end if;
    return array(select l.lane_id
                   from sms.lane as l
                   join sms.channel as c on c.channel_id = l.channel_id
                   join sms.operator as o on o.operator_id = l.operator_id
                  where (p_channel = '*' or c.channel = p_channel) and (p_operator is null or o.operator = p_operator)
                  order by l.lane_id);
end
$$;
comment on function sms.lanes_of is 'The lanes of a channel, or of all; unknown names are errors.';
revoke execute on function sms.lanes_of from public;
