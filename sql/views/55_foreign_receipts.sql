-- Delivery reports about messages that another provider has, in words; had_it: the one that reports had it before.
create or replace view sms.foreign_receipts as
select f.receipt_id, sms.id_time(f.receipt_id) as received_at, p.provider, f.message_id, c.provider as carrier,
       exists (select from sms.earlier_carrier as e
                where e.message_id = f.message_id and e.provider_id = f.provider_id) as had_it
  from sms.foreign_receipt as f
  join sms.provider as p on p.provider_id = f.provider_id
  left join sms.provider as c on c.provider_id = f.carrier_id;
comment on view sms.foreign_receipts is
    'Delivery reports about messages that another provider has: kept, counted, and nothing was moved.';
comment on column sms.foreign_receipts.receipt_id is 'sms.receipt.receipt_id.';
comment on column sms.foreign_receipts.received_at is 'When it came.';
comment on column sms.foreign_receipts.provider is 'The account that brought it.';
comment on column sms.foreign_receipts.message_id is 'The message it spoke of.';
comment on column sms.foreign_receipts.carrier is 'Who has the message; null = nobody, it was never sent.';
comment on column sms.foreign_receipts.had_it is 'The one that reports had it before: of those only a delivery counts. False = a mix-up or a forgery.';
