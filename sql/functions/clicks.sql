-- Who opened the links of messages handed over in a span, by any of campaign, template, channel, link (null columns were not
-- asked for). messages = those that went with short links; clicked = those of them that a person opened, which happens once
-- or more; took_p50 = median time to the first. Robots are counted apart. Error SM072: an unknown word.
create or replace function sms.clicks(p_from timestamptz, p_until timestamptz, p_by text[] default '{campaign}')
    returns table (campaign text, template text, channel text, link smallint, messages bigint, clicked bigint, click_rate numeric,
                   clicks bigint, robots bigint, took_p50 interval)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set jit = off
as $$
#variable_conflict use_column
begin
    if not p_by <@ '{campaign,template,channel,link}' then
        raise exception 'clicks cannot be asked so' using errcode = 'SM072', hint = 'By: campaign, template, channel, link.';
    end if;
    return query
    with sent as materialized (
        select o.id, coalesce(o.submitted_at, o.decided_at) as at,
               case when 'link' = any (p_by) then s.link_no end as link_no,
               case when 'campaign' = any (p_by) then o.campaign_id end as campaign_id,
               case when 'template' = any (p_by) then v.template_id end as template_id,
               case when 'channel' = any (p_by) then l.channel_id end as channel_id
          from sms.short_link as s
          join sms.outcome as o on o.id = s.message_id
          left join sms.template_version as v on v.template_version_id = o.template_version_id
          left join sms.lane as l on l.lane_id = o.lane_id
         where s.message_id >= sms.id_at(p_from - interval '35 days') and s.message_id < sms.id_at(p_until)
           and o.id >= sms.id_at(p_from - interval '35 days') and o.id < sms.id_at(p_until)
           and coalesce(o.submitted_at, o.decided_at) >= p_from and coalesce(o.submitted_at, o.decided_at) < p_until
           and sms.is_handed_over(o.state, o.reason)
           and (s.link_no = 1 or 'link' = any (p_by))
    ), opened as materialized (
        select c.message_id, case when 'link' = any (p_by) then c.link_no end as link_no,
               count(*) filter (where not c.is_robot) as clicks, count(*) filter (where c.is_robot) as robots,
               min(c.at) filter (where not c.is_robot) as first_at
          from sms.click as c
         where c.click_id >= sms.id_at(p_from - interval '1 day')
         group by 1, 2
    )
    select k.campaign, t.template, h.channel, g.link_no, g.messages, g.clicked, round(g.clicked::numeric / g.messages, 6),
           g.clicks, g.robots, g.took_p50
      from (select s.campaign_id, s.template_id, s.channel_id, s.link_no, count(*) as messages,
                   count(*) filter (where p.clicks > 0) as clicked, coalesce(sum(p.clicks), 0)::bigint as clicks,
                   coalesce(sum(p.robots), 0)::bigint as robots,
                   percentile_cont(0.5) within group (order by p.first_at - s.at) as took_p50
              from sent as s
              left join opened as p on p.message_id = s.id and p.link_no is not distinct from s.link_no
             group by s.campaign_id, s.template_id, s.channel_id, s.link_no) as g
      left join sms.campaign as k on k.campaign_id = g.campaign_id
      left join sms.template as t on t.template_id = g.template_id
      left join sms.channel as h on h.channel_id = g.channel_id
     order by g.messages desc, k.campaign, t.template, h.channel, g.link_no;
end
$$;
comment on function sms.clicks is 'Who opened the links of messages of a span: messages, clicked, rate, median time.';
revoke execute on function sms.clicks from public;
