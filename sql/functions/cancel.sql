-- Cancel messages that still wait; returns how many were. What a worker holds or the provider has cannot be recalled.
-- Three spellings: ids, one id, the ERP's own reference (every waiting row that carries it).
create or replace function sms.cancel(p_ids bigint[])
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
declare
    _now timestamptz := clock_timestamp();
    _cancelled int;
begin
    with gone as materialized (
        delete from sms.pending as p where p.id = any (p_ids) returning p.*
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail)
        select g.id, g.msisdn, _now, _now, g.client_id, g.campaign_id, g.template_version_id, g.lane_id,
               g.zone_id, g.attempt, 'cancelled', 'cancelled', 'by ' || session_user
          from gone as g
    )
    select count(*) into _cancelled from gone;
    return _cancelled;
end
$$;
comment on function sms.cancel(bigint[]) is 'Cancel these messages where they still wait; returns how many were.';
revoke execute on function sms.cancel(bigint[]) from public;

create or replace function sms.cancel(p_id bigint)
    returns int
    language sql volatile
as $$ select sms.cancel(array[p_id]) $$;
comment on function sms.cancel(bigint) is 'Cancel one message if it still waits: 1, else 0.';
revoke execute on function sms.cancel(bigint) from public;

create or replace function sms.cancel(p_erp_ref text)
    returns int
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    select sms.cancel(array(
        select p.id
          from sms.pending as p
          join sms.outbox as o on o.id = p.id
         where p.ref_hash = hashtextextended(p_erp_ref, 0) and o.erp_ref = p_erp_ref))
$$;
comment on function sms.cancel(text) is 'Cancel every waiting message with this erp_ref; returns how many.';
revoke execute on function sms.cancel(text) from public;
