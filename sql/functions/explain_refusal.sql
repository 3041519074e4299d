-- What is wrong with a request that was refused when it came in, without its text; null when it was not refused.
create or replace function sms.explain_refusal(p_id bigint, p_reason text)
    returns jsonb
    language sql stable
as $$
    select case p_reason
               when 'missing_variable' then jsonb_build_object(
                   'template', o.template,
                   'missing', (select jsonb_agg(distinct btrim(m[1]))
                                 from sms.template as t
                                 join sms.template_version as v using (template_id)
                                 cross join lateral regexp_matches(v.body, '\{\{([^}|]*)\}\}', 'g') as m
                                where t.template = split_part(o.template, '@', 1) and o.vars ->> btrim(m[1]) is null
                                  and v.template_version_id = coalesce(r.template_version_id, v.template_version_id)))
               when 'text_too_long' then jsonb_build_object(
                   'characters', char_length(coalesce((select sms.render(v.body, o.vars)
                                                         from sms.template_version as v
                                                        where v.template_version_id = r.template_version_id), o.body)),
                   'most', 1000)
               when 'bad_time_zone' then jsonb_build_object('time_zone', o.time_zone)
               when 'expired' then jsonb_build_object('asked_expires_at', o.expires_at, 'asked_not_before', o.not_before)
               when 'empty_text' then jsonb_build_object('template', o.template)
               else jsonb_build_object('phone_characters', char_length(o.phone),
                                       'phone_digits', char_length(regexp_replace(o.phone, '[^0-9]', '', 'g')))
           end
      from sms.outbox as o
      left join sms.outcome as r on r.id = o.id
     where o.id = p_id and p_reason is not null
$$;
comment on function sms.explain_refusal is 'Part of explain: what is wrong with a refused request.';
revoke execute on function sms.explain_refusal from public;
