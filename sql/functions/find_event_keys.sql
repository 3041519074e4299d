-- An id for each event that is about to be kept: a new one, or that of the event which has its key already, also of an
-- earlier row of the same call. An event that another open transaction is just firing cannot be seen: then both are kept, and
-- the erp_ref which their messages share lets one of them through.
create or replace function sms.find_event_keys(p_event_type_id int, p_client_ids bigint[], p_event_keys text[])
    returns table (n bigint, event_id bigint, is_new boolean, key_hash bigint)
    language plpgsql volatile   -- keeps its plan
as $$
begin
    return query
    with given as materialized (
        select i.n, i.client_id, i.event_key, sms.next_id() as new_id,
               hashtextextended(p_event_type_id || ' ' || coalesce(i.client_id::text, '') || ' ' || i.event_key, 0) as key_hash
          from unnest(p_client_ids, p_event_keys) with ordinality as i (client_id, event_key, n)
    )
    select g.n, coalesce(k.event_id, first_value(g.new_id) over same),
           k.event_id is null and (g.event_key is null or row_number() over same = 1), g.key_hash
      from given as g
      left join lateral (
               select min(e.event_id) as event_id
                 from sms.event_key as x
                cross join lateral (
                         select y.event_id
                           from sms.event as y
                          where y.event_id = x.event_id and y.event_type_id = p_event_type_id
                            and y.client_id is not distinct from g.client_id and y.event_key = g.event_key
                         offset 0
                      ) as e
                where x.key_hash = g.key_hash
           ) as k on g.event_key is not null
    window same as (partition by case when g.event_key is null then g.n end, g.client_id, g.event_key order by g.n);
end
$$;
comment on function sms.find_event_keys is 'Ids of events about to be kept; those whose key is known get that event''s.';
revoke execute on function sms.find_event_keys from public;
