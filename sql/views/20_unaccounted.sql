-- The invariant a DBA can run at any time: every request is in exactly one of pending, inflight, outcome. Empty = well.
create or replace view sms.unaccounted as
    select o.id, o.created_at,
           (select count(*) from sms.pending as p where p.id = o.id)
         + (select count(*) from sms.inflight as f where f.id = o.id)
         + (select count(*) from sms.outcome as r where r.id = o.id) as places
      from sms.outbox as o
     where (select count(*) from sms.pending as p where p.id = o.id)
         + (select count(*) from sms.inflight as f where f.id = o.id)
         + (select count(*) from sms.outcome as r where r.id = o.id) <> 1;
comment on view sms.unaccounted is 'Requests that are not in exactly one of pending, inflight, outcome. Must be empty.';
comment on column sms.unaccounted.id is 'sms.outbox.id.';
comment on column sms.unaccounted.created_at is 'When it came in.';
comment on column sms.unaccounted.places is 'In how many places it is.';
