-- Queue the next p_count recipients of one zone of a run: their rows leave, messages come, in one statement. With a pace,
-- message n is due at p_slot + n pauses. With a budget, only as many as it still covers. Returns how many.
create or replace function sms.feed_zone(
    p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count int, p_slot timestamptz, p_pause interval,
    p_now timestamptz
)
    returns int
    language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _count int := sms.affordable(p_run, p_zone_id, p_fed_up_to, p_count, p_now);
    _validity interval := (select c.validity from sms.channel as c where c.channel = p_run.channel);
    _fed int;
    _last bigint;
    _first_id bigint;
    _last_id bigint;
begin
    with taken as materialized (
        delete from sms.run_recipient as r
         where r.ctid = any (array(select x.ctid from sms.run_recipient as x
                                    where x.run_id = p_run.run_id and x.zone_id = p_zone_id and x.recipient_id > p_fed_up_to
                                    order by x.recipient_id
                                    limit _count))
     returning r.*
    ), request as materialized (
        select sms.next_id() as id, t.*, p_slot + (t.n - 1) * p_pause as due_at
          from (select x.*, row_number() over (order by x.recipient_id) as n from taken as x) as t
    ), noted as (
        insert into sms.run_message (run_id, message_id) select p_run.run_id, q.id from request as q
    ), asked as (
        insert into sms.outbox (id, channel, phone, template, vars, client_id, not_before, expires_at, time_zone, campaign_id)
        select q.id, p_run.channel, q.phone, p_run.template, q.vars, q.client_id, q.due_at,
               case when p_run.ends_at < coalesce(q.due_at, p_now) + _validity then p_run.ends_at end,
               q.time_zone, p_run.campaign_id
          from request as q
         order by q.id
    )
    select count(*), max(q.recipient_id), min(q.id), max(q.id) into _fed, _last, _first_id, _last_id from request as q;
    if _fed > 0 then
        update sms.run_zone as z
           set waiting = z.waiting - _fed, fed_up_to = _last
         where z.run_id = p_run.run_id and z.zone_id = p_zone_id;
        update sms.campaign_run as r
           set first_id = least(r.first_id, _first_id), last_id = greatest(r.last_id, _last_id)
         where r.run_id = p_run.run_id;
    end if;
    return _fed;
end
$$;
comment on function sms.feed_zone is 'Queue the next recipients of one zone of a run: rows leave, messages come; how many.';
revoke execute on function sms.feed_zone from public;
