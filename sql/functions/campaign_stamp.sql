-- Which version of a campaign, and of the audiences it reads, stands there now. Unlike its fingerprint it never comes back:
-- what was changed and changed back is told by it.
create or replace function sms.campaign_stamp(p_campaign_id bigint)
    returns text
    language sql stable
as $$
    select concat_ws(' ', c.changed_at, (select string_agg(q.audience || '@' || a.version_no, ' ' order by q.audience)
                                           from sms.audience_texts(c.audience) as q
                                           join sms.audience as a on a.audience = q.audience))
      from sms.campaign as c where c.campaign_id = p_campaign_id
$$;
comment on function sms.campaign_stamp is 'Which version of a campaign and its audiences stands there; never the same again after a change.';
revoke execute on function sms.campaign_stamp from public;
