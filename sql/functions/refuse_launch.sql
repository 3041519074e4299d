-- Raise why a campaign cannot be launched as it is: SM041 without template or audience, SM048 where the text needs what the
-- audience does not select, so that everybody would be suppressed, SM047 when it is over, SM044 where four eyes are asked for
-- and its present contents have no release. Silent otherwise.
create or replace function sms.refuse_launch(p_campaign sms.campaign, p_now timestamptz)
    returns void
    language plpgsql stable
as $$
declare
    _lacking text;
begin
    if p_campaign.template is null or p_campaign.audience is null then
        raise exception 'campaign "%" has no % yet', p_campaign.campaign,
              case when p_campaign.template is null then 'template' else 'audience' end
            using errcode = 'SM041', hint = 'Name both with sms.save_campaign.';
    end if;
    select string_agg(v.name, ', ' order by v.name) into _lacking
      from sms.audience as a
     cross join sms.template_needs(p_campaign.template) as v (name)
     where a.audience = p_campaign.audience
       and v.name not in (select c.name from unnest(a.columns) as c (name) where c.name not in ('client_id', 'phone', 'time_zone'));
    if _lacking is not null then
        raise exception 'audience "%" does not select what template "%" needs: %', p_campaign.audience, p_campaign.template, _lacking
            using errcode = 'SM048', hint = 'Add the columns to its SELECT, or give the variables a default: {{variable|default}}.';
    end if;
    if p_campaign.ends_at <= p_now then
        raise exception 'campaign "%" ended at %', p_campaign.campaign, p_campaign.ends_at
            using errcode = 'SM047', hint = 'Move its ends_at.';
    end if;
    perform sms.refuse_unreleased(p_campaign);
end
$$;
comment on function sms.refuse_launch is 'Error SM041, SM044, SM047 or SM048 where a campaign cannot be launched as it is.';
revoke execute on function sms.refuse_launch from public;
