-- The wording of a template and what is wrong with the values given for it: 'name' is its newest version, 'name@3' its third.
-- problem is missing_variable, empty_text, text_too_long or null; no row for an unknown template or version.
create or replace function sms.check_template(p_template text, p_vars jsonb)
    returns table (template_version_id int, problem text)
    language sql stable rows 1
as $$
    select v.template_version_id,
           case when r.body is null then 'missing_variable'
                when r.body = '' then 'empty_text'
                when char_length(r.body) > 1000 then 'text_too_long' end
      from (select case when strpos(p_template, '@') = 0 then p_template else split_part(p_template, '@', 1) end as template,
                   case when strpos(p_template, '@') = 0 then null
                        when p_template ~ '^[^@]+@[1-9][0-9]{0,8}$' then split_part(p_template, '@', 2)::int
                        else 0 end as version_no) as n
      cross join lateral (select x.template_id from sms.template as x where x.template = n.template limit 1) as t
      cross join lateral (
               select x.template_version_id, x.body
                 from sms.template_version as x
                where x.template_id = t.template_id and (n.version_no is null or x.version_no = n.version_no)
                order by x.version_no desc
                limit 1
           ) as v
      cross join lateral (select sms.render(v.body, p_vars) as body offset 0) as r
$$;
comment on function sms.check_template is
    'A version of a template (name, or name@3), and missing_variable or text_too_long when these values do not make a message.';
revoke execute on function sms.check_template from public;
