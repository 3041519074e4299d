-- Create or change an account: null leaves a value as it is, settings are merged key by key (a null value removes a key).
-- Returns created, changed or unchanged. A new account needs its adapter. Workers follow at once. Leaves a row in sms.activity,
-- with the names of settings and no values. What fits no account is refused by a trigger.
create or replace function sms.set_provider(
    p_provider text, p_adapter text default null, p_settings jsonb default null, p_secret_env text default null,
    p_tps numeric default null, p_max_batch int default null, p_is_enabled boolean default null
)
    returns text
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _old sms.provider;
    _done text;
begin
    select * into _old from sms.provider as p where p.provider = p_provider for update;
    if not found then
        if p_adapter is null then
            raise exception 'unknown provider "%"', p_provider
                using errcode = 'SM006', hint = 'Give its adapter to create it.';
        end if;
        insert into sms.provider (provider, adapter, settings, secret_env, tps, max_batch, is_enabled)
        values (p_provider, p_adapter, jsonb_strip_nulls(coalesce(p_settings, '{}')), p_secret_env, coalesce(p_tps, 30),
                coalesce(p_max_batch, 500), coalesce(p_is_enabled, true));
        perform sms.log_activity('created', 'provider', p_provider, jsonb_build_object('adapter', p_adapter));
        return 'created';
    end if;
    update sms.provider as p
       set adapter = coalesce(p_adapter, p.adapter),
           settings = jsonb_strip_nulls(p.settings || coalesce(p_settings, '{}')),
           secret_env = coalesce(p_secret_env, p.secret_env),
           tps = coalesce(p_tps, p.tps),
           max_batch = coalesce(p_max_batch, p.max_batch),
           is_enabled = coalesce(p_is_enabled, p.is_enabled)
     where p.provider_id = _old.provider_id
       and (coalesce(p_adapter, p.adapter), jsonb_strip_nulls(p.settings || coalesce(p_settings, '{}')),
            coalesce(p_secret_env, p.secret_env, ''), coalesce(p_tps, p.tps), coalesce(p_max_batch, p.max_batch),
            coalesce(p_is_enabled, p.is_enabled))
           is distinct from (p.adapter, p.settings, coalesce(p.secret_env, ''), p.tps, p.max_batch, p.is_enabled);
    _done := case when found then 'changed' else 'unchanged' end;
    if _done = 'changed' then
        perform sms.log_activity('changed', 'provider', p_provider, jsonb_strip_nulls(jsonb_build_object(
            'adapter', p_adapter,
            'settings', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(p_settings) as k (key)), 'secret_env', p_secret_env, 'tps', p_tps, 'max_batch', p_max_batch,
            'is_enabled', p_is_enabled)));
    end if;
    return _done;
end
$$;
comment on function sms.set_provider is 'Create or change an account; null leaves a value alone, settings are merged.';
revoke execute on function sms.set_provider from public;
