-- Who wrote what a campaign would send: each of its columns, its text, its audience and those that one is built on; and
-- whoever changed any of these since its last release, or since it was made, even where somebody else wrote over it. None
-- of them may release it.
create or replace function sms.campaign_authors(p_campaign sms.campaign)
    returns text[]
    language sql stable
as $$
    select coalesce(array_agg(distinct w.login), '{}')
      from (select unnest(p_campaign.writers) as login
            union all select a.value from jsonb_each_text(p_campaign.authors) as a
            union all select v.created_by
                        from sms.template as t
                        join sms.template_version as v on v.template_id = t.template_id
                       where t.template = split_part(p_campaign.template, '@', 1)
                         and case when p_campaign.template like '%@%'
                                  then v.version_no::text = split_part(p_campaign.template, '@', 2)
                                  else v.created_at > coalesce(p_campaign.released_at, p_campaign.created_at)
                                       or v.version_no = (select max(x.version_no) from sms.template_version as x
                                                           where x.template_id = t.template_id) end
            union all select v.changed_by
                        from sms.audience_texts(p_campaign.audience) as q
                        join sms.audience as a on a.audience = q.audience
                        join sms.audience_version as v on v.audience_id = a.audience_id
                       where v.version_no = a.version_no
                          or v.changed_at > coalesce(p_campaign.released_at, p_campaign.created_at)) as w
$$;
comment on function sms.campaign_authors is 'Who wrote a campaign, its text or its audience: who may not release it.';
revoke execute on function sms.campaign_authors from public;
