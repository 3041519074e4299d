-- A fingerprint of what a campaign would send to whom and when: its own columns, the version of its text, its audience's
-- query and those of the audiences that one is built on. A release holds for one fingerprint; whatever changes later needs
-- another.
create or replace function sms.campaign_digest(p_campaign sms.campaign)
    returns text
    language plpgsql stable
as $$
declare
    _version int;
    _query text;
begin
    select max(v.template_version_id) into _version
      from sms.template as t
      join sms.template_version as v on v.template_id = t.template_id
     where t.template = split_part(p_campaign.template, '@', 1)
       and (p_campaign.template not like '%@%' or v.version_no::text = split_part(p_campaign.template, '@', 2));
    select string_agg(a.query, E'\x1e') into _query from sms.audience_texts(p_campaign.audience) as a;
    return md5(concat_ws(E'\x1f', _version, _query,
                         to_jsonb(p_campaign) - array['created_at', 'created_by', 'changed_at', 'changed_by', 'released_at',
                                                      'released_by', 'released_digest', 'writers', 'authors']));
end
$$;
comment on function sms.campaign_digest is 'Fingerprint of what a campaign would send, to whom and when: what a release is for.';
revoke execute on function sms.campaign_digest from public;
