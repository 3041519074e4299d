-- Statement trigger on every table that is cut into months: without a partition for this month PostgreSQL would say only that
-- it found none. Names the month and what to do. A row that names another month itself is left to PostgreSQL.
create or replace function sms.refuse_missing_month()
    returns trigger
    language plpgsql
as $$
begin
    if to_regclass('sms.' || tg_table_name || to_char(clock_timestamp() at time zone 'UTC', '"_y"YYYY"m"MM')) is not null then
        return null;
    end if;
    if clock_timestamp() >= '2089-01-01 00:00Z' then
        perform sms.refuse_id();
    end if;
    raise exception 'sms.% has no partition for %, so nothing can be stored', tg_table_name, to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM')
        using errcode = 'SM080',
              hint = 'A running worker makes the months ahead, every hour. Start one, or let the database''s owner run: '
                     'select * from sms.maintain_partitions();';
end
$$;
comment on function sms.refuse_missing_month is 'Trigger: a month without a partition is told with a sentence (SM080).';
revoke execute on function sms.refuse_missing_month from public;

create or replace trigger needs_a_month before insert on sms.outbox
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.outbox is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.outcome
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.outcome is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.receipt
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.receipt is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.provider_ref
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.provider_ref is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.contact_log
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.contact_log is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.event
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.event is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.event_effect
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.event_effect is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.short_link
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.short_link is 'Says which month has no partition, and what to do.';

create or replace trigger needs_a_month before insert on sms.click
    for each statement execute function sms.refuse_missing_month();
comment on trigger needs_a_month on sms.click is 'Says which month has no partition, and what to do.';
