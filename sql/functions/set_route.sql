-- Make or replace the route of a channel ('*' = of every channel), or of its lane to one operator: the providers in their
-- order, and the policy. Lanes that are not pinned are pointed at once. Returns how many routes were made or changed.
create or replace function sms.set_route(
    p_channel text, p_providers text[], p_policy text default 'ranked', p_operator text default null
)
    returns int
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _lanes smallint[] := sms.lanes_of(p_channel, p_operator);
    _operator_id smallint := (select o.operator_id from sms.operator as o where o.operator = p_operator);
    _providers smallint[] := array(select sms.provider_named(v.name) from unnest(p_providers) with ordinality as v (name, n) order by v.n);
    _channel_id smallint;
    _route_id int;
    _changed int := 0;
begin
    perform sms.refuse_nonsense_route(p_providers, p_policy);
    for _channel_id in select distinct l.channel_id from sms.lane as l where l.lane_id = any (_lanes) order by 1 loop
        _route_id := null;
        select r.route_id into _route_id
          from sms.route as r
         where r.channel_id = _channel_id and r.operator_id is not distinct from _operator_id
           for update;
        if _route_id is null then
            insert into sms.route (channel_id, operator_id, policy) values (_channel_id, _operator_id, p_policy)
            returning route_id into _route_id;
        elsif _providers = array(select v.provider_id from sms.route_provider as v where v.route_id = _route_id order by v.rank)
              and exists (select from sms.route as r where r.route_id = _route_id and r.policy = p_policy) then
            continue;
        else
            update sms.route as r set policy = p_policy where r.route_id = _route_id and r.policy <> p_policy;
            delete from sms.route_provider as v where v.route_id = _route_id;
        end if;
        insert into sms.route_provider (route_id, provider_id, rank)
        select _route_id, v.id, v.n from unnest(_providers) with ordinality as v (id, n);
        _changed := _changed + 1;
    end loop;
    if _changed > 0 then
        perform sms.point_lanes(clock_timestamp(), _lanes);
        perform sms.log_activity('changed', 'route', p_channel, jsonb_strip_nulls(jsonb_build_object(
            'operator', p_operator, 'policy', p_policy, 'providers', to_jsonb(p_providers))));
    end if;
    return _changed;
end
$$;
comment on function sms.set_route is 'Say which providers may serve a channel, in which order, and by which policy; lanes follow at once.';
revoke execute on function sms.set_route from public;
