-- Segments handed over in a month by provider, operator and category, made anew from the sums of its days.
create or replace function sms.count_volume(p_month date)
    returns void
    language plpgsql volatile
as $$
begin
    delete from sms.month_volume as v where v.month = p_month;
    insert into sms.month_volume (month, provider_id, operator_id, category, segments, counted_at)
    select p_month, s.provider_id, s.operator_id, c.category, sum(s.segments), clock_timestamp()
      from sms.stat_day as s
      join sms.channel as c using (channel_id)
     where s.day >= p_month and s.day < p_month + interval '1 month' and s.provider_id <> 0 and s.segments > 0
     group by s.provider_id, s.operator_id, c.category;
end
$$;
comment on function sms.count_volume is 'Make the volumes of a month anew.';
revoke execute on function sms.count_volume from public;
