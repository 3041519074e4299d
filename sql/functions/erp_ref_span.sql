-- For how long an erp_ref protects against a second message; setting erp_ref_days, 0 or missing = for ever.
create or replace function sms.erp_ref_span()
    returns interval
    language sql stable
as $$
    select case when coalesce(max(s.value::int), 0) <= 0 then interval '50 years' else make_interval(days => max(s.value::int)) end
      from sms.setting as s
     where s.setting = 'erp_ref_days'
$$;
comment on function sms.erp_ref_span is 'How long an idempotency key protects.';
revoke execute on function sms.erp_ref_span from public;
