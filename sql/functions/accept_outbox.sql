-- The ERP's INSERT arrives here, once per statement: understand each row, append it to pending (or, when it can
-- never be sent, to outcome with its reason) and wake a sleeping worker. Appends only: it takes no lock that
-- another ERP session could wait for. An unknown channel or template is an error, everything else keeps the row.
-- Pinned to index look-ups: a plan made while sms.client_zone or geo.client_location was empty would go on reading them
-- whole, for every row, in the ERP's transaction (2 ms a row at 50,000 clients).
create or replace function sms.accept_outbox()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _urgent boolean;
    _bulk boolean;
    _is_understood boolean;
begin
    with fact as materialized (
        select r.id, r.client_id, r.campaign_id, r.template, f.*
          from new_rows as r
          cross join lateral sms.interpret_request(
                   r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref,
                   r.priority, r.not_before, r.expires_at, r.time_zone, r.client_id, _now) as f
    ), waiting as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority)
        select f.id, f.msisdn, f.not_before, f.expires_at, f.dedup_key, f.ref_hash, f.client_id, f.campaign_id,
               f.template_version_id, f.lane_id, f.zone_id, f.priority
          from fact as f
         where f.reason is null
    ), refused as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id,
                                 lane_id, zone_id, state, reason)
        select f.id, f.msisdn, _now, _now, f.client_id, f.campaign_id, f.template_version_id,
               f.lane_id, f.zone_id, 'suppressed', f.reason
          from fact as f
         where f.reason is not null
    )
    select bool_or(f.priority = 0) filter (where f.reason is null and f.not_before <= _now),
           bool_or(f.priority > 0) filter (where f.reason is null and f.not_before <= _now),
           count(*) = (select count(*) from new_rows)
               and not coalesce(bool_or(f.template_version_id is null) filter (where f.template is not null), false)
      into _urgent, _bulk, _is_understood
      from fact as f;

    -- A row with an unknown channel or template is missing above: say which, and keep nothing of the statement.
    if not _is_understood then
        perform sms.refuse_unknown_names(array(select distinct r.channel from new_rows as r),
                                         array(select distinct r.template from new_rows as r where r.template is not null));
    end if;

    perform sms.wake(coalesce(_urgent, false), coalesce(_bulk, false));
    return null;
end
$$;
comment on function sms.accept_outbox is
    'Statement trigger on sms.outbox: normalise, choose the lane, append to pending or outcome, wake a sleeping worker.';
revoke execute on function sms.accept_outbox from public;

create or replace trigger accept_outbox
    after insert on sms.outbox
    referencing new table as new_rows
    for each statement execute function sms.accept_outbox();
comment on trigger accept_outbox on sms.outbox is 'Hands new rows to the queue.';
