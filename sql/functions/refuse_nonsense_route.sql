-- SM061 with a sentence where a route would mean nothing: no provider, the same one twice, an unknown policy.
create or replace function sms.refuse_nonsense_route(p_providers text[], p_policy text)
    returns void
    language plpgsql immutable
as $$
begin
    if coalesce(cardinality(p_providers), 0) = 0 then
        raise exception 'a route needs at least one provider'
            using errcode = 'SM061', hint = 'Name them in their order, or remove the route: then lanes stay where they are.';
    end if;
    if cardinality(p_providers) > 100 then
        raise exception 'a route has at most 100 providers' using errcode = 'SM061', hint = 'Name fewer.';
    end if;
    if exists (select from unnest(p_providers) as v (name) group by v.name having count(*) > 1) then
        raise exception 'a provider stands twice in the route' using errcode = 'SM061', hint = 'Name each provider once.';
    end if;
    if p_policy is null or p_policy not in ('ranked', 'cheapest', 'best_delivered') then
        raise exception 'unknown policy "%"', coalesce(p_policy, 'null')
            using errcode = 'SM061', hint = 'Policies: ranked, cheapest, best_delivered.';
    end if;
end
$$;
comment on function sms.refuse_nonsense_route is 'Raise SM061 for a route that means nothing.';
revoke execute on function sms.refuse_nonsense_route from public;
