-- Declare an event type or change it: null leaves a value as it is. Returns created, changed or unchanged.
-- Variables that rules use cannot be taken away.
create or replace function sms.set_event_type(p_event_type text, p_title text default null, p_variables jsonb default null)
    returns text
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _done text := 'unchanged';
begin
    insert into sms.event_type as t (event_type, title, variables)
    values (p_event_type, coalesce(p_title, ''), coalesce(p_variables, '{}'))
        on conflict (event_type) do update
           set title = coalesce(p_title, t.title), variables = coalesce(p_variables, t.variables)
         where (coalesce(p_title, t.title), coalesce(p_variables, t.variables)) is distinct from (t.title, t.variables)
 returning case when t.xmax = 0 then 'created' else 'changed' end into _done;
    if _done in ('created', 'changed') then
        -- Its rules are checked again, by their own trigger.
        update sms.event_rule as r set event_rule = r.event_rule
          from sms.event_type as t
         where t.event_type = p_event_type and r.removed_at is null
           and (r.event_type_id = t.event_type_id or p_event_type = any (r.cancelled_by));
        perform sms.log_activity(_done, 'event_type', p_event_type, jsonb_build_object('variables', p_variables));
    end if;
    return coalesce(_done, 'unchanged');
end
$$;
comment on function sms.set_event_type is 'Declare or change an event type: its title and the variables that come with it.';
revoke execute on function sms.set_event_type from public;
