-- What sms.preview_template shows, of a body that need not be saved; checked as if it were (SM036, SM037).
create or replace function sms.preview_body(
    p_body text, p_variables jsonb default null, p_vars jsonb default null, p_channel text default 'planned',
    p_as_of timestamptz default now()
)
    returns table (topic text, key text, text text, units int, segments int, cost numeric)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _samples jsonb;
    _text text;
    _problem text;
begin
    perform sms.refuse_unfit_template(p_body, p_variables);
    -- Values win over samples, a null too: it shows what happens where the value is missing. Where no values are given at
    -- all, a variable without a sample shows its name.
    select coalesce(jsonb_object_agg(v.name, coalesce(v.sample, v.default_value, v.name)) filter (where v.is_used), '{}')
      into _samples
      from sms.template_variables(p_body, p_variables) as v
     where p_vars is null or v.sample is not null or v.default_value is not null;
    _samples := _samples || coalesce(p_vars, '{}');
    _text := sms.render(p_body, _samples);
    return query
    select 'variable', v.name,
           case when not v.is_used then '(not in the text)' else coalesce(_samples ->> v.name, '(missing)') end,
           null::int, null::int, null::numeric
      from sms.template_variables(p_body, p_variables) as v;
    _problem := case when _text is null then 'missing_variable' when _text = '' then 'empty_text'
                     when char_length(_text) > 1000 then 'text_too_long' end;
    if _problem is not null then
        return query select 'problem', _problem, r.meaning, char_length(_text), null::int, null::numeric
                       from sms.reason as r where r.reason = _problem;
    end if;
    if _text <> '' then
        return query select p.* from sms.preview_text(_text, p_channel, p_as_of) as p;
    end if;
end
$$;
comment on function sms.preview_body is 'What sms.preview_template shows, of a body that need not be saved.';
revoke execute on function sms.preview_body from public;
