-- Re-point the lanes of a channel ('*' = all channels), or only its lane to one operator, to a provider; null parks them:
-- their messages wait. Queued messages follow at once, as they never carried a provider. Returns how many lanes changed.
-- Unknown names are errors that list the known.
create or replace function sms.switch_channel(p_channel text, p_provider text, p_operator text default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _provider_id smallint;
    _changed int;
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found and p_provider is not null then
        raise exception 'unknown provider "%"', p_provider
            using errcode = 'SM006',
                  hint = 'Providers: ' || coalesce((select string_agg(p.provider, ', ' order by p.provider)
                                                      from sms.provider as p), 'none yet') || '.';
    end if;
    if p_channel is distinct from '*' then
        perform sms.refuse_unknown_names(array[p_channel], null);
    end if;
    if p_operator is not null and not exists (select from sms.operator as o where o.operator = p_operator) then
        raise exception 'unknown operator "%"', p_operator
            using errcode = 'SM009',
                  hint = 'Operators: ' || (select string_agg(o.operator, ', ' order by o.operator) from sms.operator as o) || '.';
    end if;
    update sms.lane as l
       set provider_id = _provider_id
      from sms.channel as c, sms.operator as o
     where c.channel_id = l.channel_id and o.operator_id = l.operator_id
       and (p_channel = '*' or c.channel = p_channel)
       and (p_operator is null or o.operator = p_operator)
       and l.provider_id is distinct from _provider_id;
    get diagnostics _changed = row_count;
    return _changed;
end
$$;
comment on function sms.switch_channel is
    'Send a channel (''*'' = all), or one operator''s lane of it, through another provider from now on; null parks it. Returns the lanes changed.';
revoke execute on function sms.switch_channel from public;
