-- Every opening of a message's short links, in order; whom they led where is told by host only, as a path may be personal.
create or replace function sms.explain_clicks(p_id bigint)
    returns table (topic text, verdict text, reason text, detail text, at timestamptz, facts jsonb)
    language sql stable
as $$
    select 'click', case when c.is_robot then 'robot' else 'person' end, null,
           'link ' || c.link_no || coalesce(' to ' || sms.link_host(l.url), ''), c.at,
           jsonb_build_object('link_no', c.link_no, 'is_robot', c.is_robot)
      from sms.click as c
      left join sms.short_link as l on l.message_id = c.message_id and l.link_no = c.link_no
     where c.message_id = p_id and c.click_id >= p_id
$$;
comment on function sms.explain_clicks is 'Part of explain: who opened a message''s short links, and when.';
revoke execute on function sms.explain_clicks from public;
