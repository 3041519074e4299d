-- Numbers and clients with overdue messages that a session has kept locked for more than a minute. Numbers are masked.
create or replace view sms.busy_numbers as
select case when b.key > 0 then sms.mask_phones(b.key::text) end as number,
       case when b.key < 0 then -1 - b.key end as client_id,
       b.messages, b.since, b.pid, a.usename::text as login
  from sms.busy_number as b
  left join pg_catalog.pg_stat_activity as a on a.pid = b.pid
 where b.messages > 0 and b.seen_at > clock_timestamp() - interval '2 minutes';
comment on view sms.busy_numbers is
    'Numbers with overdue messages whose lock a session has held for more than a minute, so that no claim takes them.';
comment on column sms.busy_numbers.number is 'The number, masked; null where a client is locked.';
comment on column sms.busy_numbers.client_id is 'The client; null where a number is locked.';
comment on column sms.busy_numbers.messages is 'How many overdue messages wait for it.';
comment on column sms.busy_numbers.since is 'Since when it has been held, at the least.';
comment on column sms.busy_numbers.pid is 'Who holds it: select pg_terminate_backend(pid) ends that.';
comment on column sms.busy_numbers.login is 'The login of that session.';
