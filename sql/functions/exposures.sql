-- Who was to get, or was held out from, messages in a span: one row a message that the rules let go, and one a message that
-- only holdout kept back. Messages suppressed for other reasons are no exposure: holdout is drawn after those rules, so both
-- sides are people whom every other rule allowed. What no provider took is an exposure that was not handed over: it has no
-- effect to be told, but its person stays on the side of those who were to get it, or numbers that fail would count on the
-- other side only. Without a client there is nobody to watch.
create or replace function sms.exposures(p_from timestamptz, p_until timestamptz)
    returns table (message_id bigint, client_id bigint, campaign_id bigint, template_id int, channel_id smallint,
                   at timestamptz, cost numeric, is_held_out boolean, is_handed_over boolean)
    language sql stable
as $$
    select o.id, o.client_id, o.campaign_id, v.template_id, l.channel_id, coalesce(o.submitted_at, o.decided_at), o.cost,
           o.state = 'suppressed', sms.is_handed_over(o.state, o.reason)
      from sms.outcome as o
      left join sms.template_version as v on v.template_version_id = o.template_version_id
      left join sms.lane as l on l.lane_id = o.lane_id
     where o.id >= sms.id_at(p_from - interval '35 days') and o.id < sms.id_at(p_until)
       and coalesce(o.submitted_at, o.decided_at) >= p_from and coalesce(o.submitted_at, o.decided_at) < p_until
       and o.client_id is not null
       and (sms.is_handed_over(o.state, o.reason) or o.state in ('rejected', 'failed')
            or (o.state = 'suppressed' and o.reason = 'holdout'))
$$;
comment on function sms.exposures is 'Messages of a span let go by the rules, or held out, by client: the two sides of a comparison.';
revoke execute on function sms.exposures from public;
