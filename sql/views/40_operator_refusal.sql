-- Numbers that are alive but refuse every alphanumeric sender: most likely the subscriber switched mailings off at the
-- operator (possible since August 2025). Advertising to them has stopped; reach them by another way.
create or replace view sms.operator_refusal_suspected as
    select b.msisdn, b.created_at as since, b.expires_at
      from sms.blacklist as b
     where b.source = 'auto' and b.reason = 'operator refusal suspected'
       and (b.expires_at is null or b.expires_at > clock_timestamp());
comment on view sms.operator_refusal_suspected is 'Numbers whose subscribers probably refused mailings at the operator.';
comment on column sms.operator_refusal_suspected.msisdn is 'The number.';
comment on column sms.operator_refusal_suspected.since is 'Since when it is suspected.';
comment on column sms.operator_refusal_suspected.expires_at is 'Until when advertising stays stopped.';
