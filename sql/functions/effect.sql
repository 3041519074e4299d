-- What messages of a span brought about, by any of campaign, audience, template, channel (null columns were not asked for).
-- clients = people reached; converted = those of them with a conversion owed to these messages; revenue_per_unit = revenue
-- for one unit of money spent. By touch last every conversion counts once; by any, once for each message in its window.
-- This counts what followed, which is not what was caused: for that there is sms.uplift. Errors: SM071 an unknown goal,
-- SM072 an unknown word.
create or replace function sms.effect(
    p_goal text, p_from timestamptz, p_until timestamptz, p_by text[] default '{campaign}', p_touch text default 'last'
)
    returns table (campaign text, audience text, template text, channel text, clients bigint, messages bigint, converted bigint,
                   conversion_rate numeric, conversions bigint, revenue numeric, cost numeric, revenue_per_unit numeric,
                   took_p50 interval)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    _goal_id int := sms.find_goal(p_goal);
begin
    if not p_by <@ '{campaign,audience,template,channel}' or p_touch not in ('last', 'any') then
        raise exception 'effect cannot be asked so' using errcode = 'SM072',
            hint = 'By: campaign, audience, template, channel. Touch: last, any.';
    end if;
    return query
    with exposure as materialized (
        select e.message_id, e.client_id, e.cost,
               case when 'campaign' = any (p_by) then e.campaign_id end as campaign_id,
               case when 'audience' = any (p_by) then k.audience end as audience,
               case when 'template' = any (p_by) then e.template_id end as template_id,
               case when 'channel' = any (p_by) then e.channel_id end as channel_id
          from sms.exposures(p_from, p_until) as e
          left join sms.campaign as k on k.campaign_id = e.campaign_id
         where e.is_handed_over
    ), owed as materialized (
        select a.message_id, count(*) as conversions, sum(a.amount) as amount, min(a.took) as took
          from sms.attributions(_goal_id, p_from, p_until, p_touch) as a
         group by a.message_id
    )
    select k.campaign, s.audience, t.template, h.channel, s.clients, s.messages, s.converted,
           round(s.converted::numeric / s.clients, 6), s.conversions, s.revenue, s.cost,
           round(s.revenue / nullif(s.cost, 0), 4), s.took_p50
      from (select e.campaign_id, e.audience, e.template_id, e.channel_id, count(distinct e.client_id) as clients, count(*) as messages,
                   count(distinct e.client_id) filter (where w.message_id is not null) as converted,
                   coalesce(sum(w.conversions), 0)::bigint as conversions, coalesce(sum(w.amount), 0) as revenue,
                   coalesce(sum(e.cost), 0) as cost, percentile_cont(0.5) within group (order by w.took) as took_p50
              from exposure as e
              left join owed as w on w.message_id = e.message_id
             group by e.campaign_id, e.audience, e.template_id, e.channel_id) as s
      left join sms.campaign as k on k.campaign_id = s.campaign_id
      left join sms.template as t on t.template_id = s.template_id
      left join sms.channel as h on h.channel_id = s.channel_id
     order by s.messages desc, k.campaign, s.audience, t.template, h.channel;
end
$$;
comment on function sms.effect is 'What followed the messages of a span: conversions, revenue per unit of money spent, time taken.';
revoke execute on function sms.effect from public;
