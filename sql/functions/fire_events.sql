-- Events of one type, as the ERP tells them: kept, and every rule of the type acts on them, in the caller's transaction.
-- One row back for each given, in its order: its id, whether it is new (a type, client and key happen once), the messages it
-- made, how many are planned for later, how many waiting messages it took back, and a note where something is amiss.
-- An unknown type is an error; a missing phone or variable is not. Appends, and skips what others hold: it waits for nobody.
create or replace function sms.fire_events(p_type text, p_client_ids bigint[], p_vars jsonb[] default null, p_event_keys text[] default null)
    returns table (event_id bigint, is_new boolean, message_ids bigint[], planned int, cancelled int, note text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
    _type sms.event_type;
    _now timestamptz := clock_timestamp();
    _ids bigint[];
    _new boolean[];
    _hashes bigint[];
    _noted bigint[];
    _notes text[];
    _rule_ids int[];
    _acted bigint[];
    _messages bigint[];
    _plans int[];
    _causes bigint[];
    _cancels int[];
begin
    select * into _type from sms.event_type as t where t.event_type = p_type;
    if not found or _type.event_type_id <> all (sms.my_event_types()) then
        raise exception 'unknown event type "%"', p_type
            using errcode = 'SM050',
                  hint = 'Event types: ' || coalesce((select string_agg(t.event_type, ', ' order by t.event_type) from sms.event_type as t),
                                                     'none yet') || '.';
    end if;
    if p_client_ids is null and coalesce(cardinality(p_vars), 0) = 0 and coalesce(cardinality(p_event_keys), 0) = 0 then
        return;   -- array_agg over no rows
    end if;
    if p_client_ids is null or cardinality(p_vars) <> cardinality(p_client_ids) or cardinality(p_event_keys) <> cardinality(p_client_ids) then
        raise exception 'the arrays of events differ in length'
            using errcode = 'SM052', hint = 'Give as many variables and keys as clients, null where there is nothing.';
    end if;
    if exists (select from unnest(p_vars) as v where jsonb_typeof(v) <> 'object') then
        raise exception 'the variables of an event are a JSON object'
            using errcode = 'SM052', hint = 'Write them as {"amount": 1500, "due_date": "2026-12-31"}.';
    end if;

    if p_event_keys is null then
        _ids := array(select sms.next_id() from unnest(p_client_ids));
        _new := array_fill(true, array[cardinality(p_client_ids)]);
    else
        select array_agg(k.event_id order by k.n), array_agg(k.is_new order by k.n), array_agg(k.key_hash order by k.n)
          into _ids, _new, _hashes
          from sms.find_event_keys(_type.event_type_id, p_client_ids, p_event_keys) as k;
    end if;
    with given as materialized (
        select i.event_id, i.client_id, i.event_key, coalesce(i.vars, '{}') as vars, i.key_hash,
               sms.event_problem(_type.variables, coalesce(i.vars, '{}')) as problem
          from unnest(_ids, _new, p_client_ids, p_vars, p_event_keys, _hashes) as i (event_id, is_new, client_id, vars, event_key, key_hash)
         where i.is_new
    ), told as (
        insert into sms.event (event_id, fired_at, event_type_id, client_id, event_key, vars, problem)
        select g.event_id, _now, _type.event_type_id, g.client_id, g.event_key, g.vars, g.problem from given as g
    ), keyed as (
        insert into sms.event_key (key_hash, event_id) select g.key_hash, g.event_id from given as g where g.event_key is not null
    )
    select array_agg(g.event_id), array_agg(g.problem) into _noted, _notes from given as g where g.problem is not null;

    _rule_ids := array(select r.rule_id from sms.event_rule as r
                        where r.event_type_id = _type.event_type_id and r.is_enabled and r.removed_at is null);
    if _rule_ids <> '{}' then
        select array_agg(a.event_id), array_agg(a.message_id), array_agg((a.fate = 'planned')::int),
               _noted || array_agg(a.event_id) filter (where a.note is not null), _notes || array_agg(a.note) filter (where a.note is not null)
          into _acted, _messages, _plans, _noted, _notes
          from (select array_agg(i.event_id) as event_ids, array_agg(r.rule_id) as rule_ids
                  from unnest(_ids, _new) as i (event_id, is_new), unnest(_rule_ids) as r (rule_id)
                 where i.is_new) as pair
         cross join lateral sms.act_on_events(pair.event_ids, pair.rule_ids, true, _now) as a
         where a.fate <> 'nothing';
    end if;
    if exists (select from sms.event_rule as r where p_type = any (r.cancelled_by)) then
        select array_agg(c.event_id), array_agg(c.cancelled) into _causes, _cancels
          from sms.cancel_by_events(array(select i.event_id from unnest(_ids, _new) as i (event_id, is_new) where i.is_new), _now) as c;
    end if;

    return query
    select i.event_id, i.is_new, coalesce(a.message_ids, '{}'), coalesce(a.planned, 0), coalesce(c.cancelled, 0),
           case when i.is_new then n.note
                else 'fired before, at ' || to_char(sms.id_time(i.event_id) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') || ': nothing was done' end
      from unnest(_ids, _new) with ordinality as i (event_id, is_new, n)
      left join (select x.event_id, array_agg(x.message_id) filter (where x.message_id is not null) as message_ids,
                        sum(x.planned)::int as planned
                   from unnest(_acted, _messages, _plans) as x (event_id, message_id, planned)
                  group by x.event_id) as a on a.event_id = i.event_id and i.is_new
      left join (select x.event_id, sum(x.cancelled)::int as cancelled from unnest(_causes, _cancels) as x (event_id, cancelled)
                  group by x.event_id) as c on c.event_id = i.event_id and i.is_new
      left join (select x.event_id, string_agg(x.note, '; ') as note from unnest(_noted, _notes) as x (event_id, note)
                  group by x.event_id) as n on n.event_id = i.event_id
     order by i.n;
end
$$;
comment on function sms.fire_events is
    'Contract. Tell that events of one type happened to these clients: rules make, plan and take back messages, in this transaction.';
revoke execute on function sms.fire_events from public;
