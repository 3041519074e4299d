-- Point the lanes of a channel ('*' = all channels), or only its lane to one operator, at a provider; null parks them: their
-- messages wait. Queued messages follow at once, as they never carried a provider. Returns how many lanes changed.
-- Lanes that follow a route, and all lanes where a reason or an end is given, are pinned: routes and breakers leave them alone
-- until p_until, or sms.unpin_channel. Unknown names are errors that list the known.
create or replace function sms.switch_channel(
    p_channel text, p_provider text, p_operator text default null, p_reason text default null, p_until timestamptz default null
)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _provider_id smallint;
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _reason text := nullif(btrim(p_reason), '');
    _changed int;
begin
    if p_provider is not null then
        _provider_id := sms.provider_named(p_provider);
    end if;
    if p_until <= clock_timestamp() then
        raise exception 'a switch cannot end in the past (%)', p_until
            using errcode = 'SM062', hint = 'Give a later end, or none: then it lasts until it is unpinned.';
    end if;
    insert into sms.lane_pin as n (lane_id, reason, pinned_until, return_to)
    select l.lane_id, _reason, p_until, l.provider_id
      from sms.lane as l
     where l.lane_id = any (_lanes)
       and (num_nonnulls(_reason, p_until) > 0
            or exists (select from sms.lane_pin as x where x.lane_id = l.lane_id)
            or exists (select from sms.route as r
                        where r.channel_id = l.channel_id and (r.operator_id = l.operator_id or r.operator_id is null)))
        on conflict (lane_id) do update
       set pinned_at = clock_timestamp(), pinned_by = session_user, reason = excluded.reason, pinned_until = excluded.pinned_until;
    update sms.lane as l
       set provider_id = _provider_id, is_held = false, probed_by = null,
           moved = jsonb_build_object(
               'cause', case when exists (select from sms.lane_pin as n where n.lane_id = l.lane_id) then 'pinned' else 'switched' end,
               'detail', nullif(concat_ws(', ', _reason, 'until ' || p_until), ''), 'is_automatic', false, 'at', clock_timestamp())
     where l.lane_id = any (_lanes) and l.provider_id is distinct from _provider_id;
    get diagnostics _changed = row_count;
    perform sms.log_activity('switched', 'channel', p_channel, jsonb_strip_nulls(jsonb_build_object(
        'provider', p_provider, 'operator', p_operator, 'lanes', _changed, 'reason', _reason, 'until', p_until)));
    return _changed;
end
$$;
comment on function sms.switch_channel is
    'Send a channel (''*'' = all), or one operator''s lane of it, through another provider from now on; null parks it. Returns the lanes changed.';
revoke execute on function sms.switch_channel from public;
