-- Say which settings an adapter has: its names, with a dot before what stands inside another, and * behind those below which
-- anything may stand (send.headers.*). Every migration calls it for the installed adapters. Returns how many names there are.
create or replace function sms.declare_adapter(p_adapter text, p_settings text[])
    returns int
    language plpgsql volatile
as $$
begin
    delete from sms.adapter_setting as a
     where a.adapter = p_adapter and a.setting <> all (select regexp_replace(s, '\.\*$', '') from unnest(p_settings) as s);
    insert into sms.adapter_setting (adapter, setting, is_open)
    select p_adapter, regexp_replace(s, '\.\*$', ''), s like '%.*' from unnest(p_settings) as s
        on conflict (adapter, setting) do update set is_open = excluded.is_open;
    return cardinality(p_settings);
end
$$;
comment on function sms.declare_adapter is 'Say which settings an adapter has; the owner''s, called by every migration.';
revoke execute on function sms.declare_adapter from public;
