-- Commit this before the bytes leave: these messages may be at the provider from now on, under the names in p_keys (parallel
-- to p_ids; null where the provider takes none from us). False when the lease is gone: then nothing may be sent.
-- One appended row a call, a tenth of the price of updating rows.
-- The shared lock on the claim keeps expire_leases away until this mark is visible.
create or replace function sms.mark_submitting(p_claim_id bigint, p_ids bigint[], p_keys text[] default null)
    returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $$
begin
    if not pg_try_advisory_xact_lock_shared(p_claim_id) then
        return false;
    end if;
    insert into sms.submitting (claim_id, marked_at, ids, keys)
    select p_claim_id, clock_timestamp(), p_ids, p_keys
      from sms.inflight as f
     where f.id = p_ids[1] and f.claim_id = p_claim_id and f.lease_until > clock_timestamp();
    return found;
end
$$;
comment on function sms.mark_submitting is
    'Worker API. Record durably that these messages of the claim are about to be handed over; false = lease lost, do not send.';
revoke execute on function sms.mark_submitting from public;
