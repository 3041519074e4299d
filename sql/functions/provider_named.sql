-- The key of the provider with this name; an unknown name is an error that lists the known.
create or replace function sms.provider_named(p_provider text)
    returns smallint
    language plpgsql stable
as $$
declare
    _provider_id smallint;
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider
            using errcode = 'SM006',
                  hint = 'Providers: ' || coalesce((select string_agg(p.provider, ', ' order by p.provider)
                                                      from sms.provider as p), 'none yet') || '.';
    end if;
    return _provider_id;
end
$$;
comment on function sms.provider_named is 'The key of a provider; an unknown name is an error that lists the known.';
revoke execute on function sms.provider_named from public;
