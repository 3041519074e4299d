-- Make an event rule or change it. p_settings holds what is to be set, by the names of the columns of sms.event_rule, and
-- event_type by name; what it does not name stays, null takes a value away. Returns created, changed or unchanged.
-- Messages that are made already stay as they are; for those only planned the change holds.
create or replace function sms.set_event_rule(p_rule text, p_settings jsonb)
    returns text
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _old sms.event_rule;
    _new sms.event_rule;
    _type text := p_settings ->> 'event_type';
    _names text[] := array['event_type', 'template', 'channel', 'condition', 'date_variable', 'shift', 'at_local', 'if_past',
                           'validity', 'cancelled_by', 'cancel_key', 'is_enabled'];
    _done text;
begin
    if jsonb_typeof(p_settings) is distinct from 'object' or exists (select from jsonb_object_keys(p_settings) as k where k <> all (_names)) then
        raise exception 'unknown setting of an event rule: %',
                        coalesce((select string_agg(k, ', ') from jsonb_object_keys(
                                      case jsonb_typeof(p_settings) when 'object' then p_settings else '{}' end) as k where k <> all (_names)), 'no object')
            using errcode = 'SM051', hint = 'Settings: ' || array_to_string(_names, ', ') || '.';
    end if;
    select * into _old from sms.event_rule as r where r.event_rule = p_rule and r.removed_at is null for update;
    if _old.rule_id is null and (_type is null or p_settings ->> 'template' is null) then
        raise exception 'unknown event rule "%"', p_rule
            using errcode = 'SM053', hint = 'To make it, give event_type and template. Rules: '
                      || coalesce((select string_agg(r.event_rule, ', ' order by r.event_rule) from sms.event_rule as r where r.removed_at is null),
                                  'none yet') || '.';
    end if;
    if _type is not null and not exists (select from sms.event_type as t where t.event_type = _type) then
        raise exception 'unknown event type "%"', _type
            using errcode = 'SM050', hint = 'Event types: ' || coalesce((select string_agg(t.event_type, ', ' order by t.event_type)
                                                                          from sms.event_type as t), 'none yet') || '.';
    end if;
    if _old.rule_id is null then
        _old.channel := 'single';
        _old.shift := '0';
        _old.if_past := 'skip';
        _old.cancelled_by := '{}';
        _old.is_enabled := true;
    end if;
    _new := jsonb_populate_record(_old, p_settings - 'event_type');
    _new.cancelled_by := coalesce(_new.cancelled_by, '{}');
    _new.event_type_id := coalesce((select t.event_type_id from sms.event_type as t where t.event_type = _type), _old.event_type_id);

    if _old.rule_id is null then
        insert into sms.event_rule (event_rule, event_type_id, template, channel, condition, date_variable, shift, at_local, if_past,
                                    validity, cancelled_by, cancel_key, is_enabled)
        values (p_rule, _new.event_type_id, _new.template, _new.channel, _new.condition, _new.date_variable, _new.shift, _new.at_local,
                _new.if_past, _new.validity, _new.cancelled_by, _new.cancel_key, _new.is_enabled);
        _done := 'created';
    elsif to_jsonb(_new) is distinct from to_jsonb(_old) then
        update sms.event_rule as r
           set event_type_id = _new.event_type_id, template = _new.template, channel = _new.channel, condition = _new.condition,
               date_variable = _new.date_variable, shift = _new.shift, at_local = _new.at_local, if_past = _new.if_past,
               validity = _new.validity, cancelled_by = _new.cancelled_by, cancel_key = _new.cancel_key, is_enabled = _new.is_enabled
         where r.rule_id = _old.rule_id;
        _done := 'changed';
    else
        return 'unchanged';
    end if;
    perform sms.log_activity(_done, 'event_rule', p_rule, p_settings);
    return _done;
end
$$;
comment on function sms.set_event_rule is 'Make or change an event rule: what is sent when something happens, when, and what takes it back.';
revoke execute on function sms.set_event_rule from public;
