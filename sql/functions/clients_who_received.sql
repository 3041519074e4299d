-- Clients who got a message of a campaign or template (null: any) within the last days, and when they last did: taken by the
-- provider and not known to have failed. SM039 where there is no campaign or template of this name.
create or replace function sms.clients_who_received(p_what text, p_days numeric default 30)
    returns table (client_id bigint, last_at timestamptz)
    language plpgsql stable security definer rows 10000 set search_path = pg_catalog, pg_temp
as $$
declare
    _campaign_id bigint := (select c.campaign_id from sms.campaign as c where c.campaign = p_what);
    _versions int[] := array(select v.template_version_id from sms.template as t join sms.template_version as v using (template_id)
                              where t.template = p_what);
    _since timestamptz := now() - make_interval(secs => (p_days * 86400)::double precision);
begin
    if p_what is not null and _campaign_id is null and cardinality(_versions) = 0 then
        raise exception 'there is no campaign or template %', quote_literal(p_what) using errcode = 'SM039';
    end if;
    return query
    select r.client_id, max(coalesce(r.submitted_at, r.decided_at))
      from sms.outcome as r
     where r.decided_at >= _since and r.client_id is not null and r.state in ('accepted', 'delivered')
       and (p_what is null or r.campaign_id = _campaign_id or r.template_version_id = any (_versions))
     group by r.client_id;
end
$$;
comment on function sms.clients_who_received is 'Clients who got a message of a campaign or template within the last days.';
revoke execute on function sms.clients_who_received from public;
