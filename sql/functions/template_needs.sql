-- The variables without a default that a template uses: in its newest version, or in the one that name@version pins.
create or replace function sms.template_needs(p_template text)
    returns setof text
    language sql stable
as $$
    select distinct btrim(m[1])
      from sms.template as t
      cross join lateral (
               select x.body
                 from sms.template_version as x
                where x.template_id = t.template_id
                  and (p_template not like '%@%' or x.version_no::text = split_part(p_template, '@', 2))
                order by x.version_no desc
                limit 1
           ) as v
      cross join lateral regexp_matches(v.body, '\{\{([^|}]*)\}\}', 'g') as m
     where t.template = split_part(p_template, '@', 1)
$$;
comment on function sms.template_needs is 'Variables without a default that a template uses.';
revoke execute on function sms.template_needs from public;
