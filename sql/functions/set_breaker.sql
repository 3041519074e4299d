-- Change when a provider counts as ill and how it comes back: {"error_share": 0.3, "cool_down": "1 minute"}; what is not
-- named, or null, stays. '*' = every provider. Returns how many changed. Unknown settings are errors.
create or replace function sms.set_breaker(p_provider text, p_settings jsonb)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _known text[] := array(select a.attname::text from pg_attribute as a
                            where a.attrelid = 'sms.breaker_policy'::regclass and a.attnum > 1 and not a.attisdropped order by a.attnum);
    _unknown text := (select k from jsonb_object_keys(p_settings) as k where k <> all (_known) order by k limit 1);
    _changed int;
begin
    if p_provider is distinct from '*' then
        perform sms.provider_named(p_provider);
    end if;
    if _unknown is not null then
        raise exception 'unknown breaker setting "%"', _unknown
            using errcode = 'SM063', hint = 'Settings: ' || array_to_string(_known, ', ') || '.';
    end if;
    update sms.breaker_policy as k
       set watch_window = n.watch_window, min_samples = n.min_samples, error_share = n.error_share, slow_answer = n.slow_answer,
           refuse_for = n.refuse_for, throttle_share = n.throttle_share, throttle_for = n.throttle_for, cool_down = n.cool_down,
           max_cool_down = n.max_cool_down, calm = n.calm, probes = n.probes, recover_share = n.recover_share,
           ramp_lanes = n.ramp_lanes, ramp_every = n.ramp_every
      from sms.provider as p, sms.breaker_policy as o
      cross join lateral jsonb_populate_record(o, jsonb_strip_nulls(p_settings)) as n
     where p.provider_id = k.provider_id and o.provider_id = k.provider_id and (p_provider = '*' or p.provider = p_provider)
       and k is distinct from n;
    get diagnostics _changed = row_count;
    if _changed > 0 then
        perform pg_notify('sms_config', '');
        perform sms.log_activity('changed', 'breaker', p_provider, p_settings);
    end if;
    return _changed;
exception
    when check_violation then
        raise exception 'refused: %', (select replace(sqlerrm, 'new row for relation "breaker_policy" violates check constraint ', ''))
            using errcode = 'SM063', hint = 'docs/failover.md explains each setting.';
    when invalid_text_representation or invalid_datetime_format or numeric_value_out_of_range or datetime_field_overflow then
        raise exception 'refused: %', sqlerrm
            using errcode = 'SM063', hint = 'Shares are numbers from 0 to 1, times are like "15 seconds".';
end
$$;
comment on function sms.set_breaker is 'Change a provider''s breaker policy; what is not named stays.';
revoke execute on function sms.set_breaker from public;
