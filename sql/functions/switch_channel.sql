-- Re-point every lane of a channel ('*' = all channels) to a provider; queued messages follow at once, as they never
-- carried one. Returns how many lanes changed. Unknown names are errors that list the known.
create or replace function sms.switch_channel(p_channel text, p_provider text)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _provider_id smallint;
    _changed int;
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider
            using errcode = 'SM006',
                  hint = 'Providers: ' || coalesce((select string_agg(p.provider, ', ' order by p.provider)
                                                      from sms.provider as p), 'none yet') || '.';
    end if;
    if p_channel <> '*' then
        perform sms.refuse_unknown_names(array[p_channel], null);
    end if;
    update sms.lane as l
       set provider_id = _provider_id
      from sms.channel as c
     where c.channel_id = l.channel_id and (p_channel = '*' or c.channel = p_channel)
       and l.provider_id is distinct from _provider_id;
    get diagnostics _changed = row_count;
    return _changed;
end
$$;
comment on function sms.switch_channel is 'Send a channel (''*'' = all) through another provider from now on; returns the lanes changed.';
revoke execute on function sms.switch_channel from public;
