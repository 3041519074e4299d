-- Trigger on rule_change: of a provider's settings the history keeps the names and which of them changed, never the values.
create or replace function sms.hide_setting_values()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _old jsonb := coalesce(new.old -> 'settings', '{}');
    _new jsonb := coalesce(new.new -> 'settings', '{}');
begin
    if new.old is not null then
        new.old := jsonb_set(new.old, '{settings}', (select coalesce(jsonb_object_agg(k.key, '…'), '{}') from jsonb_object_keys(_old) as k (key)));
    end if;
    if new.new is not null then
        new.new := jsonb_set(new.new, '{settings}',
                             (select coalesce(jsonb_object_agg(e.key, case when new.old is null or _old -> e.key = e.value then '…'
                                                                           when _old ? e.key then 'changed' else 'set' end), '{}')
                                from jsonb_each(_new) as e));
    end if;
    return new;
end
$$;
comment on function sms.hide_setting_values is 'Trigger: of a provider''s settings the history keeps names, never values.';
revoke execute on function sms.hide_setting_values from public;

create or replace trigger hide_setting_values before insert or update on sms.rule_change
    for each row when (new.rule_table = 'provider') execute function sms.hide_setting_values();
comment on trigger hide_setting_values on sms.rule_change is 'Values of a provider''s settings stay out of the history.';
