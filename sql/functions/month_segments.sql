-- Segments handed to a provider in the calendar month of a moment, over one operator or category or all (null).
-- As counted by sms.roll_up_statistics, so up to about a minute old.
create or replace function sms.month_segments(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamptz)
    returns bigint
    language sql stable
as $$
    select coalesce(sum(v.segments), 0)::bigint
      from sms.month_volume as v
     where v.month = date_trunc('month', p_as_of at time zone sms.statistics_zone())::date
       and v.provider_id = p_provider_id
       and (p_operator_id is null or v.operator_id = p_operator_id)
       and (p_category is null or v.category = p_category)
$$;
comment on function sms.month_segments is 'Segments of a provider in a month, for the steps of tariffs.';
revoke execute on function sms.month_segments from public;
