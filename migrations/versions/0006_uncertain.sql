-- Names given to messages before they are sent, asking about doubtful ones, polling, remapping, balances.

-- ---------------------------------------------------------------- keys

alter table sms.submitting add column keys text[];
comment on column sms.submitting.keys is 'The names under which the provider will know the messages, parallel to ids; null where it takes none from us.';
drop function if exists sms.mark_submitting(bigint, bigint[]);

-- Messages are looked up by id too (polling): summarised as pages fill, not only when vacuum comes by.
drop index sms.provider_ref_id;
create index provider_ref_id on sms.provider_ref using brin (id) with (pages_per_range = 16, autosummarize = on);

-- ---------------------------------------------------------------- asking about doubtful messages

alter table sms.doubtful
    add column provider_id smallint,
    add column ref text,
    add column asks smallint not null default 0,
    add column asked_at timestamptz,
    add column next_ask_at timestamptz not null default clock_timestamp(),
    add column absent_since timestamptz;
update sms.doubtful as d set provider_id = o.provider_id from sms.outcome as o where o.id = d.id;
create index doubtful_next_ask_at on sms.doubtful (provider_id, next_ask_at);
comment on column sms.doubtful.provider_id is 'Who was to get it, and is asked where it can be.';
comment on column sms.doubtful.ref is 'The name given to it before it was sent, where the provider takes one from us.';
comment on column sms.doubtful.asks is 'How often the provider was asked.';
comment on column sms.doubtful.asked_at is 'When it was last asked; an answer to an earlier question changes nothing.';
comment on column sms.doubtful.next_ask_at is 'Not asked again before.';
comment on column sms.doubtful.absent_since is 'When the provider first said that it does not have it; it must say so twice.';
drop function if exists sms.resolve_uncertain(bigint[], text, text);

create table sms.provider_asking (
    provider_id smallint primary key references sms.provider,
    asked_at timestamptz not null default '-infinity',
    busy_until timestamptz not null default '-infinity',
    answers_doubts boolean not null default false,
    collected_until timestamptz
);
comment on table sms.provider_asking is 'A provider that can be asked: one question at a time, whichever worker asks it. A row lock takes the turn, a dead worker''s turn ends by the clock.';
comment on column sms.provider_asking.provider_id is 'The provider.';
comment on column sms.provider_asking.asked_at is 'When the last look-up or poll began; also the token with which its answers are recorded.';
comment on column sms.provider_asking.busy_until is 'Until when that call may still be under way.';
comment on column sms.provider_asking.answers_doubts is 'Workers ask it about uncertain messages, so a drain waits for its answers.';
comment on column sms.provider_asking.collected_until is 'Messages accepted before this were looked through for missing receipts; null = the provider is not polled.';

create table sms.overdue (
    id bigint primary key,
    provider_id smallint not null,
    ref text,
    polls smallint not null default 0,
    next_poll_at timestamptz not null
);
create index overdue_next_poll_at on sms.overdue (provider_id, next_poll_at);
comment on table sms.overdue is 'Accepted messages whose final receipt did not come in time: the provider is asked for their status. Empty while callbacks work.';
comment on column sms.overdue.id is 'The message.';
comment on column sms.overdue.provider_id is 'Who has it.';
comment on column sms.overdue.ref is 'Its name or reference there.';
comment on column sms.overdue.polls is 'How often the provider was asked.';
comment on column sms.overdue.next_poll_at is 'Not asked again before.';

drop function if exists sms.work_left(interval, timestamptz);

-- ---------------------------------------------------------------- orphaned receipts

create table sms.orphan_round (
    is_only boolean primary key default true check (is_only),
    receipt_id bigint not null default 0
);
insert into sms.orphan_round default values;
comment on table sms.orphan_round is 'How far match_receipts came on its round through old orphaned receipts. One row.';
comment on column sms.orphan_round.is_only is 'There is one row.';
comment on column sms.orphan_round.receipt_id is 'The last one it looked at; 0 = it begins again.';

-- ---------------------------------------------------------------- remapping

alter table sms.unmatched_receipt add column code text;
comment on column sms.unmatched_receipt.code is 'The provider''s status code, so that a corrected map holds for those that wait; null = from before there was this column.';

create table sms.receipt_match (
    message_id bigint not null,
    receipt_id bigint not null,
    provider_id smallint not null,
    part smallint,
    code text,
    error text,
    primary key (message_id, receipt_id)
);
create index receipt_match_receipt_id on sms.receipt_match (receipt_id);
comment on table sms.receipt_match is 'Which message a receipt was about that did not find it at arrival. Beside sms.receipt, which is never searched by reference.';
comment on column sms.receipt_match.message_id is 'The message.';
comment on column sms.receipt_match.receipt_id is 'sms.receipt.receipt_id.';
comment on column sms.receipt_match.provider_id is 'Who reported.';
comment on column sms.receipt_match.part is 'The segment it speaks of, where it speaks of one of several; null = of the whole message.';
comment on column sms.receipt_match.code is 'The provider''s status code.';
comment on column sms.receipt_match.error is 'The provider''s error.';

-- Batches of a remapping are spans of receipt_id.
create index receipt_receipt_id on sms.receipt using brin (receipt_id) with (pages_per_range = 32, autosummarize = on);
comment on column sms.receipt.state is 'Our state by sms.receipt_code, as it was at arrival or at the last sms.remap_receipts; null = progress or unmapped.';

create table sms.receipt_remap (
    remap_id bigint not null default sms.next_id() primary key,
    at timestamptz not null,
    done_by text not null,
    message_id bigint not null,
    old_state text not null references sms.state,
    new_state text not null references sms.state,
    transaction_id xid8 not null default pg_current_xact_id()
);
create index receipt_remap_message_id on sms.receipt_remap (message_id);
create index receipt_remap_transaction_id on sms.receipt_remap (transaction_id);
comment on table sms.receipt_remap is 'Messages that sms.remap_receipts moved after the meaning of a code was corrected. The only way in which a state may go back.';
comment on column sms.receipt_remap.remap_id is 'Time-ordered key.';
comment on column sms.receipt_remap.at is 'When.';
comment on column sms.receipt_remap.done_by is 'Who was logged in.';
comment on column sms.receipt_remap.message_id is 'The message.';
comment on column sms.receipt_remap.old_state is 'What the old map had made of its receipts.';
comment on column sms.receipt_remap.new_state is 'What they mean now.';
comment on column sms.receipt_remap.transaction_id is 'The transaction: the trigger on outcome allows exactly the moves logged in it.';

-- ---------------------------------------------------------------- balances

create table sms.provider_balance (
    provider_id smallint primary key references sms.provider,
    asked_at timestamptz not null default '-infinity',
    at timestamptz,
    amount numeric(14, 2),
    currency text check (currency ~ '^[A-Z]{3}$'),
    warn_below numeric(14, 2),
    is_low boolean not null default false,
    low_since timestamptz
);
comment on table sms.provider_balance is 'Money left at a provider, as it last said, and when people want to be warned.';
comment on column sms.provider_balance.provider_id is 'The provider.';
comment on column sms.provider_balance.asked_at is 'When a worker last asked.';
comment on column sms.provider_balance.at is 'When it said so; null = not asked yet.';
comment on column sms.provider_balance.amount is 'What is left.';
comment on column sms.provider_balance.currency is 'ISO 4217.';
comment on column sms.provider_balance.warn_below is 'Warn when less is left; null = never.';
comment on column sms.provider_balance.is_low is 'Less than warn_below was left.';
comment on column sms.provider_balance.low_since is 'Since when; null while it is not low.';

-- ---------------------------------------------------------------- corrected codes

alter table sms.receipt_code add column is_corrected boolean not null default false;
comment on column sms.receipt_code.is_corrected is 'People wrote or changed it: migrations leave it alone. Set to false, the next one brings ours back.';
