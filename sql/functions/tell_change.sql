-- A kept change of a row in plain words: what it was made with, or each value old → new. Texts are told by their length,
-- numbers of phones masked, keys and stamps left out.
create or replace function sms.tell_change(p_old jsonb, p_new jsonb)
    returns text
    language sql stable
as $$
    select string_agg(case when p_old is null then k.name || ' ' || k.after
                           when p_new is null then k.name || ' ' || k.before
                           else k.name || ' ' || k.before || ' → ' || k.after end, ', ' order by k.name)
      from (select f.name, sms.tell_value(f.name, p_old ->> f.name) as before, sms.tell_value(f.name, p_new ->> f.name) as after
              from jsonb_object_keys(coalesce(p_old, '{}') || coalesce(p_new, '{}')) as f (name)
             where f.name !~ '^(.*_)?(created|changed|updated|added|since)_(at|by)$|^(template|template_version|event_type|rule|provider|channel|campaign|audience|route|cap|quiet_hours|blacklist|group|member|tariff|consent|auto_rule|budget|goal|fee)_id$|^(collected_until|warned_for|stopped_for|writers|authors)$'
               and (p_old ->> f.name) is distinct from (p_new ->> f.name)) as k
     where (p_old is not null and p_new is not null) or coalesce(p_new, p_old) ->> k.name not in ('', '{}', '[]', '00:00:00')
$$;
comment on function sms.tell_change is 'A kept change of a row in plain words: each value, old → new.';
revoke execute on function sms.tell_change from public;
