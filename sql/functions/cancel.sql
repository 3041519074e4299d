-- Cancel messages that still wait; returns how many were. What a worker holds or the provider has cannot be recalled.
-- A login that is confined to channels takes back messages of these only. Three spellings: ids, one id, the ERP's own reference (every waiting row that carries it). Leaves a row in sms.activity.
create or replace function sms.cancel(p_ids bigint[])
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _cancelled bigint[] := sms.cancel_waiting(sms.my_messages(p_ids), 'cancelled', 'by ' || session_user);
begin
    if _cancelled <> '{}' then
        perform sms.log_activity('cancelled', 'message',
                                 case cardinality(_cancelled) when 1 then _cancelled[1]::text else cardinality(_cancelled) || ' messages' end,
                                 jsonb_build_object('messages', cardinality(_cancelled), 'ids', to_jsonb(_cancelled[1:20])));
    end if;
    return cardinality(_cancelled);
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
