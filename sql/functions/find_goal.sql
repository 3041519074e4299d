-- The key of a goal by name. Error SM071 lists those there are.
create or replace function sms.find_goal(p_goal text)
    returns int
    language plpgsql stable
as $$
declare
    _goal_id int;
begin
    select g.goal_id into _goal_id from sms.goal as g where g.goal = p_goal;
    if not found then
        raise exception 'unknown goal "%"', p_goal using errcode = 'SM071',
            hint = 'Goals: ' || coalesce((select string_agg(g.goal, ', ' order by g.goal) from sms.goal as g), 'none yet') || '.';
    end if;
    return _goal_id;
end
$$;
comment on function sms.find_goal is 'Key of a goal; an error that lists the known.';
revoke execute on function sms.find_goal from public;
