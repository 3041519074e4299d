-- Queue more recipients of one run, whose row the caller has locked: as many as its share of the queue has room for, its
-- pace and its budget allow, from each zone that is open now, in proportion. Returns how many.
create or replace function sms.feed_run(p_run sms.campaign_run, p_limit int, p_now timestamptz)
    returns int
    language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _room int;
    _pause interval := interval '1 hour' / p_run.per_hour;
    _slot timestamptz := case when p_run.per_hour is not null then greatest(p_run.next_slot, p_now) end;
    _open bigint;
    _zone record;
    _fed int := 0;
    _now_fed int;
begin
    if p_run.waiting = 0 or p_run.ends_at <= p_now then
        return 0;
    end if;
    _room := least(sms.feed_room(p_run.campaign_id, p_now), p_limit);
    if _slot is not null then   -- five seconds ahead, so that a pause has little to hold
        _room := least(_room, floor(extract(epoch from p_now + interval '5 seconds' - _slot) / extract(epoch from _pause))::int + 1);
    end if;
    if _room <= 0 then
        return 0;
    end if;
    perform sms.close_quiet_zones(p_run, p_now);
    select sum(z.waiting) into _open from sms.run_zone as z where z.run_id = p_run.run_id and z.waiting > 0 and z.opens_at <= p_now;
    for _zone in
        select z.zone_id, z.waiting, z.fed_up_to from sms.run_zone as z
         where z.run_id = p_run.run_id and z.waiting > 0 and z.opens_at <= p_now
         order by z.opens_at, z.zone_id
    loop
        exit when _fed >= _room;
        _now_fed := sms.feed_zone(p_run, _zone.zone_id, _zone.fed_up_to,
                                  least(_room - _fed, ceil(_room::numeric * _zone.waiting / _open)::int),
                                  _slot + _fed * _pause, _pause, p_now);
        _fed := _fed + _now_fed;
    end loop;
    if _fed > 0 then
        update sms.campaign_run as r
           set waiting = r.waiting - _fed, fed_at = p_now, next_slot = _slot + _fed * _pause
         where r.run_id = p_run.run_id;
    end if;
    return _fed;
end
$$;
comment on function sms.feed_run is 'Queue more recipients of one run, as far as queue, pace, budget and the clock allow; how many.';
revoke execute on function sms.feed_run from public;
