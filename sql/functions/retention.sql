-- How long rows of a table are kept, from sms.setting retention_months; a missing or zero setting keeps everything.
-- The contact log is kept at least as long as the longest cap or duplicate window looks back.
create or replace function sms.retention(p_table text)
    returns interval
    language sql stable
as $$
    select case when coalesce(s.months, 0) <= 0 then interval '1000 years'
                else make_interval(months => greatest(s.months, case p_table when 'contact_log' then 13 else 1 end)) end
      from (select max(x.value::int) as months from sms.setting as x where x.setting = 'retention_months') as s
$$;
comment on function sms.retention is 'How long a table''s rows are kept.';
revoke execute on function sms.retention from public;
