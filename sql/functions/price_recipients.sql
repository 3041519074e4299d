-- What messages to the next recipients of a zone of a run are expected to cost: segments of their own text at the price of
-- whoever serves their lane now. Refused ones cost nothing; is_unpriced where no tariff, or no provider, is there.
create or replace function sms.price_recipients(
    p_run sms.campaign_run, p_zone_id smallint, p_fed_up_to bigint, p_count int, p_now timestamptz
)
    returns table (recipient_id bigint, cost numeric, is_unpriced boolean)
    language plpgsql stable set enable_seqscan = off
as $$
#variable_conflict use_column
begin
    return query
    with waits as materialized (
        select x.* from sms.run_recipient as x
         where x.run_id = p_run.run_id and x.zone_id = p_zone_id and x.recipient_id > p_fed_up_to
         order by x.recipient_id
         limit p_count
    ), request as materialized (
        select w.recipient_id, f.lane_id, f.reason, sms.segments(sms.sent_text(f.channel_id, sms.render(v.body, w.vars))) as segments
          from waits as w
          cross join lateral sms.interpret_request(
                   p_run.channel, w.phone, null, p_run.template, w.vars, null, null, null, null, w.time_zone, w.client_id, p_now) as f
          left join sms.template_version as v on v.template_version_id = f.template_version_id
    ), price as materialized (
        select l.lane_id, sms.segment_price(l.provider_id, l.operator_id, c.category, p_now) as price
          from (select distinct q.lane_id from request as q) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    )
    select q.recipient_id, case when q.reason is null then coalesce(q.segments * p.price, 0) else 0 end,
           q.reason is null and p.price is null
      from request as q
      left join price as p on p.lane_id = q.lane_id;
end
$$;
comment on function sms.price_recipients is 'What messages to the next recipients of a run are expected to cost.';
revoke execute on function sms.price_recipients from public;
