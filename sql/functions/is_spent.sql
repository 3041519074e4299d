-- True when nothing of a run is queued and its budget covers not even the next recipient of any open zone.
create or replace function sms.is_spent(p_run_id bigint, p_now timestamptz)
    returns boolean
    language plpgsql stable
as $$
declare
    _run sms.campaign_run;
    _left numeric;
begin
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id;
    select c.budget - sms.run_cost(p_run_id, p_now) into _left from sms.campaign as c where c.campaign_id = _run.campaign_id;
    return (
    select coalesce(bool_and(k.cost > _left), false)
      from sms.run_zone as z
      cross join lateral sms.price_recipients(_run, z.zone_id, z.fed_up_to, 1, p_now) as k
     where z.run_id = p_run_id and z.waiting > 0 and z.opens_at <= p_now
    );
end
$$;
comment on function sms.is_spent is 'Does the budget of a run cover not even one more recipient?';
revoke execute on function sms.is_spent from public;
