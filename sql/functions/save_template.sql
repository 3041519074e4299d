-- Write a new version of a template, making the template where there is none; tells the version. The same body, variables
-- and title again change nothing. p_variables null keeps what is declared; '{}' declares that there are none.
create or replace function sms.save_template(
    p_template text, p_body text, p_variables jsonb default null, p_title text default null, p_note text default ''
)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _template_id int;
    _version int;
begin
    if p_template is null or p_template !~ '^[a-z][a-z0-9_.-]{0,79}$' then
        raise exception '% is no name for a template', quote_literal(coalesce(p_template, '')) using errcode = 'SM038',
            hint = 'Up to 80 small letters, digits, _ . and -, a letter first.';
    end if;
    if char_length(p_body) > 10000 then
        raise exception 'a template''s body has up to 10,000 characters' using errcode = 'SM036';
    end if;
    insert into sms.template as t (template, title) values (p_template, coalesce(p_title, ''))
        on conflict (template) do update set title = coalesce(p_title, t.title)
    returning t.template_id into _template_id;
    select v.version_no into _version
      from sms.template_version as v
     where v.template_id = _template_id
       and v.version_no = (select max(x.version_no) from sms.template_version as x where x.template_id = _template_id)
       and v.body = sms.with_declared_defaults(p_body, coalesce(p_variables, v.variables))
       and (p_variables is null or v.variables is not distinct from p_variables);
    if _version is null then
        insert into sms.template_version as v (template_id, body, variables, note)
        values (_template_id, p_body, p_variables, coalesce(p_note, ''))
        returning v.version_no into _version;
    end if;
    return _version;
end
$$;
comment on function sms.save_template is 'Write a new version of a template, with its declared variables; tells the version.';
revoke execute on function sms.save_template from public;
