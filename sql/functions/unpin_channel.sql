-- End the pins of a channel's lanes ('*' = all channels), or of its lane to one operator; returns how many there were.
-- Lanes with a route are pointed at once at who should serve them; lanes without go back to who served them before.
create or replace function sms.unpin_channel(p_channel text, p_operator text default null)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _pins int := (select count(*) from sms.lane_pin as n where n.lane_id = any (_lanes));
begin
    if _pins > 0 then
        perform sms.expire_pins('-infinity', _lanes);
        perform sms.point_lanes(clock_timestamp(), _lanes);
        perform sms.log_activity('unpinned', 'channel', p_channel,
                                 jsonb_strip_nulls(jsonb_build_object('operator', p_operator, 'lanes', _pins)));
    end if;
    return _pins;
end
$$;
comment on function sms.unpin_channel is 'End the pins of a channel''s lanes; routes decide again.';
revoke execute on function sms.unpin_channel from public;
