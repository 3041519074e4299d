-- Zones of a run where it is quiet time, or will be within a minute, are looked at again in a minute: their people wait as
-- recipients, and the queue stays free for those who may be written to. Quiet hours changed meanwhile are followed.
create or replace function sms.close_quiet_zones(p_run sms.campaign_run, p_now timestamptz)
    returns void
    language sql volatile
as $$
    update sms.run_zone as z
       set opens_at = p_now + interval '1 minute'
      from sms.time_zone as t, sms.channel as c
     where z.run_id = p_run.run_id and z.waiting > 0 and z.opens_at <= p_now and t.zone_id = z.zone_id
       and c.channel = p_run.channel and exists (select from sms.quiet_hours as q where q.category = c.category)
       and sms.quiet_until(c.category, t.members, p_now + interval '1 minute') is not null
$$;
comment on function sms.close_quiet_zones is 'Zones of a run where it is quiet time are looked at again in a minute.';
revoke execute on function sms.close_quiet_zones from public;
