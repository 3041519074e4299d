-- Receipts say something of messages that their provider carried, and of no others.
create table sms.earlier_carrier (
    message_id bigint not null,
    provider_id smallint not null,
    at timestamptz not null default clock_timestamp(),
    primary key (message_id, provider_id)
);
comment on table sms.earlier_carrier is
    'Providers that had a message before the one that has it now: an attempt of theirs was repeated. Their word that it was delivered counts.';
comment on column sms.earlier_carrier.message_id is 'The message.';
comment on column sms.earlier_carrier.provider_id is 'Who had it.';
comment on column sms.earlier_carrier.at is 'When it went back to the queue.';

-- Those that are still to be known of: a reference is given only by who had the message.
insert into sms.earlier_carrier (message_id, provider_id)
select distinct r.id, r.provider_id
  from sms.provider_ref as r
  join sms.outcome as o on o.id = r.id
 where r.id >= sms.id_at(clock_timestamp() - interval '7 days') and o.id >= sms.id_at(clock_timestamp() - interval '7 days')
   and o.provider_id is distinct from r.provider_id;

create table sms.foreign_receipt (
    receipt_id bigint primary key,
    message_id bigint not null,
    provider_id smallint not null,
    carrier_id smallint
);
comment on table sms.foreign_receipt is
    'Delivery reports about messages that another provider has. They are kept in sms.receipt, counted here, and moved nothing. From one in sms.earlier_carrier it is a late word; from others a mix-up or a forgery.';
comment on column sms.foreign_receipt.receipt_id is 'sms.receipt.receipt_id; tells when.';
comment on column sms.foreign_receipt.message_id is 'The message it spoke of.';
comment on column sms.foreign_receipt.provider_id is 'The account that brought it.';
comment on column sms.foreign_receipt.carrier_id is 'Who has the message; null = nobody, it was never sent.';

-- Numbers that no claim can lock.
create table sms.busy_number (
    key bigint primary key,
    pid int not null,
    since timestamptz not null,
    seen_at timestamptz not null,
    messages int
);
comment on table sms.busy_number is
    'Locks on numbers and clients that were held each time sms.watch_busy_numbers looked: claims leave those out.';
comment on column sms.busy_number.key is 'The number, or -1 - client_id: what claims lock.';
comment on column sms.busy_number.pid is 'The session that holds it: pg_stat_activity.pid.';
comment on column sms.busy_number.since is 'When it was first seen so; the lock is at least as old.';
comment on column sms.busy_number.seen_at is 'When it was last seen so.';
comment on column sms.busy_number.messages is 'How many overdue messages of live lanes it holds up; null while it is younger than a minute.';

-- Functions whose arguments or columns change; they are made anew with the others.
drop function if exists sms.advance(bigint[], text[], text[], timestamptz);
drop function if exists sms.fold_parts(bigint[], smallint[], text[], text[], timestamptz);
drop function if exists sms.record_receipts(text, bigint[], text[], text[], text[], timestamptz[], text[]);
