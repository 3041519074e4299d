-- Conversions of a goal that followed messages of a span within the goal's window. Touch last: each conversion belongs to
-- the latest message before it; any: to every one, so sums over messages count it several times.
-- Later messages take part in the last touch too, so a conversion that another month's message brought is not told twice.
-- A conversion before the message, or after the window, belongs to none.
create or replace function sms.attributions(p_goal_id int, p_from timestamptz, p_until timestamptz, p_touch text)
    returns table (conversion_id bigint, message_id bigint, took interval, amount numeric)
    language plpgsql stable set enable_nestloop = off
as $$
#variable_conflict use_column
declare
    _window interval := (select g.attribution_window from sms.goal as g where g.goal_id = p_goal_id);
begin
    return query
    select f.conversion_id, f.message_id, f.took, f.amount
      from (select c.conversion_id, e.message_id, e.at, c.occurred_at - e.at as took, c.amount,
                   row_number() over (partition by c.conversion_id order by e.at desc, e.message_id desc) as n
              from sms.exposures(p_from, p_until + _window) as e
              join sms.conversion as c on c.goal_id = p_goal_id and c.client_id = e.client_id
               and c.occurred_at >= p_from and c.occurred_at < p_until + _window
               and c.occurred_at > e.at and c.occurred_at <= e.at + _window
             where e.is_handed_over) as f
     where f.at < p_until and (p_touch = 'any' or f.n = 1);
end
$$;
comment on function sms.attributions is 'Which conversions of a goal are owed to which messages, by last touch or any.';
revoke execute on function sms.attributions from public;
