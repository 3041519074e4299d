-- How long rows of a table are kept: its own setting retention_months.<table> where that has a value, else retention_months;
-- zero or missing keeps everything. The contact log is kept at least as long as the longest cap or duplicate window looks
-- back, failed messages as long as automatic blacklisting does; what events made is kept like the events.
create or replace function sms.retention(p_table text)
    returns interval
    language sql stable
as $$
    select case when coalesce(s.months, 0) <= 0 then interval '1000 years'
                else make_interval(months => greatest(s.months, case p_table when 'contact_log' then 13 when 'number_trouble' then 14 else 1 end)) end
      from (select coalesce(max(nullif(x.value, '')::int) filter (where x.setting <> 'retention_months'),
                            max(x.value::int) filter (where x.setting = 'retention_months')) as months
              from sms.setting as x
             where x.setting in ('retention_months',
                                 'retention_months.' || case p_table when 'event_effect' then 'event' else p_table end)) as s
$$;
comment on function sms.retention is 'How long a table''s rows are kept.';
revoke execute on function sms.retention from public;
