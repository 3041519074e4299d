-- What a run has cost, plus what its messages that wait or are in flight are expected to cost, by sms.tariff.
create or replace function sms.run_cost(p_run_id bigint, p_now timestamptz)
    returns numeric
    language plpgsql stable set enable_seqscan = off
as $$
declare
    _run sms.campaign_run;
    _spent numeric;
    _expected numeric;
begin
    select * into _run from sms.campaign_run as r where r.run_id = p_run_id;
    select coalesce(sum(o.cost), 0) into _spent
      from sms.run_message as m
      join sms.outcome as o on o.id = m.message_id
     where m.run_id = p_run_id and o.id between _run.first_id and _run.last_id;
    with open as materialized (
        select p.id, p.lane_id, p.template_version_id from sms.pending as p where p.campaign_id = _run.campaign_id
         union all
        select f.id, f.lane_id, f.template_version_id from sms.inflight as f where f.campaign_id = _run.campaign_id
    ), price as materialized (
        select l.lane_id, l.channel_id, sms.segment_price(l.provider_id, l.operator_id, c.category, p_now) as price
          from (select distinct x.lane_id from open as x) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    )
    select coalesce(sum(sms.segments(sms.sent_text(p.channel_id, sms.render(v.body, o.vars))) * p.price), 0) into _expected
      from open as x
      join sms.run_message as m on m.run_id = p_run_id and m.message_id = x.id
      join sms.outbox as o on o.id = x.id
      join sms.template_version as v on v.template_version_id = x.template_version_id
      left join price as p on p.lane_id = x.lane_id;
    return _spent + _expected;
end
$$;
comment on function sms.run_cost is 'What a run has cost and what its queued messages are expected to cost.';
revoke execute on function sms.run_cost from public;
