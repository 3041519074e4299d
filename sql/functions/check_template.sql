-- The current wording of a template and what is wrong with the values given for it.
-- problem is missing_variable, text_too_long or null; no row for an unknown template.
create or replace function sms.check_template(p_template text, p_vars jsonb)
    returns table (template_version_id int, problem text)
    language sql stable rows 1
as $$
    select v.template_version_id,
           case when r.body is null then 'missing_variable'
                when r.body = '' then 'empty_text'
                when char_length(r.body) > 1000 then 'text_too_long' end
      from sms.template as t
      cross join lateral (
               select x.template_version_id, x.body
                 from sms.template_version as x
                where x.template_id = t.template_id
                order by x.template_version_id desc
                limit 1
           ) as v
      cross join lateral (select sms.render(v.body, p_vars) as body offset 0) as r
     where t.template = p_template
$$;
comment on function sms.check_template is
    'The current version of a template, and missing_variable or text_too_long when these values do not make a message.';
revoke execute on function sms.check_template from public;
