-- Every value in a provider's settings: the path to it, its own name, and itself. Items of lists have the path of their list.
create or replace function sms.setting_paths(p_settings jsonb)
    returns table (path text, name text, value jsonb)
    language sql immutable
as $$
    with recursive step as (
        select e.key as path, e.key as name, e.value from jsonb_each(p_settings) as e
         union all
        select s.path || coalesce('.' || x.key, ''), coalesce(x.key, s.name), x.value
          from step as s
          cross join lateral (
                   select e.key, e.value from jsonb_each(case when jsonb_typeof(s.value) = 'object' then s.value end) as e
                    union all
                   select null, e from jsonb_array_elements(case when jsonb_typeof(s.value) = 'array' then s.value end) as e
               ) as x
    )
    select s.path, s.name, s.value from step as s
$$;
comment on function sms.setting_paths is 'Every value in a provider''s settings with the path to it.';
revoke execute on function sms.setting_paths from public;
