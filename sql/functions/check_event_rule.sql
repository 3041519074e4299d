-- Trigger before an event rule is saved: it must be able to work. Type, template, channel and cancelling types exist, every
-- variable it reads is declared by the type, the condition is a yes-or-no question. Refuses with one sentence (SM051).
create or replace function sms.check_event_rule()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _type sms.event_type;
    _known text;
    _what text;
begin
    if new.removed_at is not null then
        return new;
    end if;
    select * into _type from sms.event_type as t where t.event_type_id = new.event_type_id;
    _known := coalesce((select string_agg(k, ', ' order by k) from jsonb_object_keys(_type.variables) as k), 'none');
    if not exists (select from sms.channel as c where c.channel = new.channel) then
        perform sms.refuse_unknown_names(array[new.channel], null);
    end if;
    perform sms.refuse_unknown_names(null, array[new.template]);

    if new.condition is not null then
        begin
            perform jsonb_path_match('{}', new.condition);
        exception when others then
            raise exception 'the condition of rule "%" is no yes-or-no question: %', new.event_rule, new.condition
                using errcode = 'SM051', hint = 'Compare something, as in $.amount > 1000 or $.is_vip == true.';
        end;
    end if;
    select 'rule "' || new.event_rule || '" uses ' || string_agg(u.name, ', ' order by u.name) || ', which event type "'
               || _type.event_type || '" does not declare'
      into _what
      from (select m[1] as name from regexp_matches(new.condition::text, '\$\."((?:[^"\\]|\\.)*)"', 'g') as m
            union select new.date_variable
            union select new.cancel_key
            union select v.name from sms.template_needs(new.template) as v (name)) as u
     where u.name is not null and not _type.variables ? u.name;
    if _what is not null then
        raise exception '%', _what using errcode = 'SM051', hint = 'Declared: ' || _known || '.';
    end if;
    if new.date_variable is not null and rtrim(_type.variables ->> new.date_variable, '?') not in ('date', 'moment') then
        raise exception 'rule "%" counts from %, which is no date but %', new.event_rule, new.date_variable, _type.variables ->> new.date_variable
            using errcode = 'SM051', hint = 'Declare it as date or moment.';
    end if;
    if new.at_local is null and rtrim(_type.variables ->> new.date_variable, '?') = 'date' then
        raise exception 'rule "%" counts from %, a date without a time of day', new.event_rule, new.date_variable
            using errcode = 'SM051', hint = 'Say at which time where the client lives: at_local.';
    end if;
    if new.at_local = '24:00' then
        raise exception 'rule "%": at_local is 00:00 to 23:59', new.event_rule using errcode = 'SM051',
            hint = 'Midnight is 00:00.';
    end if;
    select string_agg(c.name, ', ') into _what
      from unnest(new.cancelled_by) as c (name)
     where not exists (select from sms.event_type as t where t.event_type = c.name);
    if _what is not null then
        raise exception 'rule "%" is cancelled by unknown event type "%"', new.event_rule, _what
            using errcode = 'SM051',
                  hint = 'Event types: ' || (select string_agg(t.event_type, ', ' order by t.event_type) from sms.event_type as t) || '.';
    end if;
    select string_agg(t.event_type, ', ') into _what
      from sms.event_type as t
     where t.event_type = any (new.cancelled_by) and new.cancel_key is not null and not t.variables ? new.cancel_key;
    if _what is not null then
        raise exception 'rule "%" compares %, which event type "%" does not declare', new.event_rule, new.cancel_key, _what
            using errcode = 'SM051', hint = 'Both events must declare it.';
    end if;
    return new;
end
$$;
comment on function sms.check_event_rule is 'Trigger: an event rule that could not work is refused with a sentence.';
revoke execute on function sms.check_event_rule from public;

create or replace trigger check_event_rule before insert or update on sms.event_rule
    for each row execute function sms.check_event_rule();
comment on trigger check_event_rule on sms.event_rule is 'Refuses rules that could not work.';
