-- Written by 'python -m migrations.dump' with PostgreSQL 15; do not edit.

-- SCHEMA erp

CREATE SCHEMA erp;

COMMENT ON SCHEMA erp IS 'What the outbox may see of the ERP.';

-- SCHEMA geo

CREATE SCHEMA geo;

COMMENT ON SCHEMA geo IS 'Points on the map: metro stations and where clients live.';

-- SCHEMA sms

CREATE SCHEMA sms;

COMMENT ON SCHEMA sms IS 'The SMS outbox: what was asked, what waits, what happened, and the rules in between.';

-- TYPE candidate

CREATE TYPE sms.candidate AS (
	id bigint,
	msisdn bigint,
	not_before timestamp with time zone,
	expires_at timestamp with time zone,
	dedup_key bigint,
	ref_hash bigint,
	client_id bigint,
	campaign_id bigint,
	template_version_id integer,
	lane_id smallint,
	channel_id smallint,
	zone_id smallint,
	priority smallint,
	attempt smallint,
	nth integer,
	nth_key integer,
	tid tid,
	nth_client integer
);

COMMENT ON TYPE sms.candidate IS 'The facts of one message, as rules take them: arrays of these, half the price of fetching by id. nth, nth_key, nth_client: earlier rows of the same number, number and text, client in this batch.';

-- TYPE finding

CREATE TYPE sms.finding AS (
	id bigint,
	rank smallint,
	verdict text,
	reason text,
	detail text,
	not_before timestamp with time zone
);

COMMENT ON TYPE sms.finding IS 'A rule''s objection to one message; no row = no objection. verdict: suppress, defer (until not_before) or wait (ask again at the next claim).';

-- FUNCTION clients_near(text, double precision)

CREATE FUNCTION geo.clients_near(p_station text, p_radius_m double precision DEFAULT 1000) RETURNS TABLE(client_id bigint, distance_m double precision)
    LANGUAGE plpgsql STABLE ROWS 5000
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
    _place public.geography := geo.find_station(p_station);
begin
    -- Written so that null and NaN are refused too: NaN is greater than any number here.
    if (p_radius_m > 0 and p_radius_m <= 50000) is not true then
        raise exception 'radius % m is not between 0 and 50,000 m', coalesce(p_radius_m::text, 'null') using errcode = 'SM012';
    end if;
    -- One place of several points: a third of the time of joining with each point and taking the least distance.
    return query
    select l.client_id, st_distance(l.location, _place)
      from geo.client_location as l
     where st_dwithin(l.location, _place, p_radius_m)
     order by 2, 1;
end
$$;

COMMENT ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) IS 'Clients within a radius (metres) of a metro station: client_id, distance_m, nearest first.';

-- FUNCTION closest_stations(text, integer)

CREATE FUNCTION geo.closest_stations(p_name text, p_limit integer DEFAULT 5) RETURNS TABLE(station text)
    LANGUAGE sql STABLE
    AS $$
    with pairs as (
        select n.name, n.folded, array(select distinct substr(' ' || n.folded || ' ', i, 2)
                                         from generate_series(1, length(n.folded) + 1) as i) as pair
          from (select null as name, geo.fold_name(regexp_replace(p_name, '^.*:', '')) as folded
                 union
                select s.city || ': ' || s.name, geo.fold_name(s.name) from geo.metro_station as s) as n
    )
    select s.name
      from pairs as s
      join pairs as q on q.name is null
     cross join lateral (
               select 2.0 * count(*) / (cardinality(s.pair) + cardinality(q.pair)) as score
                 from unnest(s.pair) as p
                where p = any (q.pair)
           ) as l
     where s.name is not null and l.score > 0.4
     order by l.score desc, s.name
     limit p_limit
$$;

COMMENT ON FUNCTION geo.closest_stations(p_name text, p_limit integer) IS 'Stations with names most like this one, as ''City: Name''.';

-- FUNCTION find_station(text)

CREATE FUNCTION geo.find_station(p_station text) RETURNS public.geography
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
declare
    _city text := geo.fold_name(substring(p_station from '^(.*?):'));
    _name text := geo.fold_name(regexp_replace(p_station, '^.*?:', ''));
    _points public.geography[];
    _cities text[];
    _closed_at date;
    _span_m double precision;
begin
    select array_agg(s.location) filter (where s.is_open), array_agg(distinct s.city || ': ' || s.name) filter (where s.is_open),
           max(s.closed_at)
      into _points, _cities, _closed_at
      from (select s.*, coalesce(s.closed_at > current_date, true) as is_open from geo.metro_station as s) as s
     where (geo.fold_name(s.name) = _name
            or p_station like '%(%' and geo.fold_name(s.name || ' (' || s.line || ')') = _name)
       and (_city is null or _city = geo.fold_name(s.city));

    if _points is null then
        raise exception 'there is no open metro station %', quote_literal(coalesce(p_station, '')) using errcode = 'SM010',
            hint = case
                when _closed_at is not null then 'It is closed since ' || _closed_at || '.'
                when not exists (select from geo.metro_station) then '"outbox import stations FILE" brings them.'
                else coalesce('Do you mean ' || (select string_agg(c.station, ', ') from geo.closest_stations(p_station) as c) || '?',
                              'Names are written as in geo.metro_station.') end;
    end if;
    if cardinality(_cities) > 1 then
        raise exception 'metro station % is in several cities', quote_literal(p_station) using errcode = 'SM011',
            hint = 'Write one of: ' || array_to_string(_cities, ', ') || '.';
    end if;
    -- Lines of one interchange stop at most some 600 m apart.
    select max(st_distance(a, b)) into _span_m from unnest(_points) as a, unnest(_points) as b;
    if _span_m > 2000 then
        raise exception 'metro stations called % lie up to % m apart', quote_literal(p_station), round(_span_m) using errcode = 'SM011',
            hint = 'Name the line: ' || (select string_agg(s.city || ': ' || s.name || ' (' || s.line || ')', ', ' order by s.line)
                                           from geo.metro_station as s where s.city || ': ' || s.name = _cities[1]) || '.';
    end if;
    if cardinality(_points) = 1 then
        return _points[1];
    end if;
    return st_collect(_points::public.geometry[])::public.geography;
end
$$;

COMMENT ON FUNCTION geo.find_station(p_station text) IS 'The point or points of a metro station by name; ''City: Name'' and ''Name (Line)'' are understood.';

-- FUNCTION fold_name(text)

CREATE FUNCTION geo.fold_name(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select trim(regexp_replace(regexp_replace(regexp_replace(
               translate(lower(p_name),
                   'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯё–—‑«»"',
                   'абвгдеежзийклмнопрстуфхцчшщъыьэюяе---'),
               '^\s*(станция метро\s|станция\s|ст\.\s*м\.|метро\s|м\.|город\s|г\.)', ''),
               '\sим\.\s*', ' имени '),
               '\s+', ' ', 'g'))
$$;

COMMENT ON FUNCTION geo.fold_name(p_name text) IS 'A place name folded for comparison: case, ё, quotes, dashes, «метро», «им.».';

-- FUNCTION accept_outbox()

CREATE FUNCTION sms.accept_outbox() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _urgent boolean;
    _bulk boolean;
    _is_understood boolean;
begin
    with fact as materialized (
        select r.id, r.client_id, r.campaign_id, r.template, f.*
          from new_rows as r
          cross join lateral sms.interpret_request(
                   r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref,
                   r.priority, r.not_before, r.expires_at, r.time_zone, r.client_id, _now) as f
    ), waiting as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority)
        select f.id, f.msisdn, f.not_before, f.expires_at, f.dedup_key, f.ref_hash, f.client_id, f.campaign_id,
               f.template_version_id, f.lane_id, f.zone_id, f.priority
          from fact as f
         where f.reason is null
    ), refused as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id,
                                 lane_id, zone_id, state, reason)
        select f.id, f.msisdn, _now, _now, f.client_id, f.campaign_id, f.template_version_id,
               f.lane_id, f.zone_id, 'suppressed', f.reason
          from fact as f
         where f.reason is not null
    )
    select bool_or(f.priority = 0) filter (where f.reason is null and f.not_before <= _now),
           bool_or(f.priority > 0) filter (where f.reason is null and f.not_before <= _now),
           count(*) = (select count(*) from new_rows)
               and not coalesce(bool_or(f.template_version_id is null) filter (where f.template is not null), false)
      into _urgent, _bulk, _is_understood
      from fact as f;

    -- A row with an unknown channel or template is missing above: say which, and keep nothing of the statement.
    if not _is_understood then
        perform sms.refuse_unknown_names(array(select distinct r.channel from new_rows as r),
                                         array(select distinct r.template from new_rows as r where r.template is not null));
    end if;

    perform sms.wake(coalesce(_urgent, false), coalesce(_bulk, false));
    return null;
end
$$;

COMMENT ON FUNCTION sms.accept_outbox() IS 'Statement trigger on sms.outbox: normalise, choose the lane, append to pending or outcome, wake a sleeping worker.';

-- FUNCTION acting_role()

CREATE FUNCTION sms.acting_role() RETURNS text
    LANGUAGE sql STABLE
    AS $$
    select case current_setting('role') when 'none' then session_user::text else current_setting('role') end
$$;

COMMENT ON FUNCTION sms.acting_role() IS 'The role the session acts as, also inside security definer functions.';

-- FUNCTION advance(bigint[], text[], text[], timestamp with time zone)

CREATE FUNCTION sms.advance(p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
declare
    _moved bigint[];
    _failed bigint[];
begin
    with best as materialized (
        select distinct on (g.id) g.id, g.state, g.error
          from unnest(p_ids, p_states, p_errors) as g (id, state, error)
         order by g.id, sms.state_rank(g.state) desc
    ), legal as materialized (
        select t.to_state, array_agg(t.from_state) as from_states
          from sms.state_transition as t
         where sms.state_rank(t.from_state) < sms.state_rank(t.to_state)
         group by t.to_state
    ), move as materialized (
        -- in order of id, so that overlapping batches lock rows in one order and cannot deadlock
        select b.id, b.state, b.error, l.from_states
          from best as b
          join legal as l on l.to_state = b.state
         order by b.id
    ), moved as (
        update sms.outcome as o
           set state = b.state,
               submitted_at = coalesce(o.submitted_at, p_now),
               final_at = case when b.state <> 'accepted' then p_now end,
               reason = null,
               detail = case when b.state = 'delivered' then null else b.error end
          from move as b
         where o.id = b.id and o.attempts > 0 and o.state = any (b.from_states)
     returning o.id, o.state
    )
    select coalesce(array_agg(m.id), '{}'), array_agg(m.id) filter (where m.state in ('undelivered', 'expired', 'rejected'))
      into _moved, _failed
      from moved as m;
    if _failed is not null then
        perform sms.note_troubles(_failed, p_now);
    end if;
    return _moved;
end
$$;

COMMENT ON FUNCTION sms.advance(p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) IS 'Move messages forward to what their receipts say; never back.';

-- FUNCTION announce_config()

CREATE FUNCTION sms.announce_config() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform pg_notify('sms_config', '');
    return null;
end
$$;

COMMENT ON FUNCTION sms.announce_config() IS 'Trigger: NOTIFY sms_config, workers read providers and lanes again.';

-- FUNCTION apply_uncertain_policy(integer, timestamp with time zone)

CREATE FUNCTION sms.apply_uncertain_policy(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(resent integer, given_up integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(p_as_of, clock_timestamp());
    _resend bigint[];
    _give_up bigint[];
begin
    -- Not the youngest: a settle under way may be doubting the message again, unseen by the look-up in this snapshot.
    delete from sms.doubtful as d
     where d.since < _now - interval '10 minutes'
       and not exists (select from sms.outcome as o where o.id = d.id and o.state = 'uncertain');
    select array_agg(d.id) filter (where d.on_uncertain = 'resend'), array_agg(d.id) filter (where d.on_uncertain = 'give_up')
      into _resend, _give_up
      from (select x.id, c.on_uncertain
              from sms.doubtful as x
              join sms.outcome as o on o.id = x.id
              join sms.lane as l using (lane_id)
              join sms.channel as c using (channel_id)
             where o.state = 'uncertain' and c.on_uncertain <> 'hold' and o.decided_at < _now - c.uncertain_after
             limit p_limit) as d;
    return query select coalesce(sms.resolve_uncertain(_resend, 'resend'), 0),
                        coalesce(sms.resolve_uncertain(_give_up, 'give_up', 'no answer within the channel''s uncertain_after'), 0);
end
$$;

COMMENT ON FUNCTION sms.apply_uncertain_policy(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Apply each channel''s on_uncertain to messages that stayed uncertain too long.';

-- FUNCTION audit_rule()

CREATE FUNCTION sms.audit_rule() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, new)
        select sms.acting_role(), tg_table_name, sms.rule_key(to_jsonb(n), tg_argv), 'insert', to_jsonb(n) from new_rows as n;
    elsif tg_op = 'DELETE' then
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, old)
        select sms.acting_role(), tg_table_name, sms.rule_key(to_jsonb(o), tg_argv), 'delete', to_jsonb(o) from old_rows as o;
    else
        -- A changed key reads as a row that went and a row that came.
        insert into sms.rule_change (acted_as, rule_table, rule_key, action, old, new)
        select sms.acting_role(), tg_table_name, coalesce(n.key, o.key),
               case when o.key is null then 'insert' when n.key is null then 'delete' else 'update' end, o.line, n.line
          from (select to_jsonb(x) as line, sms.rule_key(to_jsonb(x), tg_argv) as key from old_rows as x) as o
          full join (select to_jsonb(x) as line, sms.rule_key(to_jsonb(x), tg_argv) as key from new_rows as x) as n on n.key = o.key
         where o.line is distinct from n.line;
    end if;
    return null;
end
$$;

COMMENT ON FUNCTION sms.audit_rule() IS 'Trigger: every change of a rule goes to sms.rule_change.';

-- FUNCTION cancel(bigint[])

CREATE FUNCTION sms.cancel(p_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _cancelled int;
begin
    with gone as materialized (
        delete from sms.pending as p where p.id = any (p_ids) returning p.*
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail)
        select g.id, g.msisdn, _now, _now, g.client_id, g.campaign_id, g.template_version_id, g.lane_id,
               g.zone_id, g.attempt, 'cancelled', 'cancelled', 'by ' || session_user
          from gone as g
    )
    select count(*) into _cancelled from gone;
    return _cancelled;
end
$$;

COMMENT ON FUNCTION sms.cancel(p_ids bigint[]) IS 'Cancel these messages where they still wait; returns how many were.';

-- FUNCTION cancel(bigint)

CREATE FUNCTION sms.cancel(p_id bigint) RETURNS integer
    LANGUAGE sql
    AS $$ select sms.cancel(array[p_id]) $$;

COMMENT ON FUNCTION sms.cancel(p_id bigint) IS 'Cancel one message if it still waits: 1, else 0.';

-- FUNCTION cancel(text)

CREATE FUNCTION sms.cancel(p_erp_ref text) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select sms.cancel(array(
        select p.id
          from sms.pending as p
          join sms.outbox as o on o.id = p.id
         where p.ref_hash = hashtextextended(p_erp_ref, 0) and o.erp_ref = p_erp_ref))
$$;

COMMENT ON FUNCTION sms.cancel(p_erp_ref text) IS 'Cancel every waiting message with this erp_ref; returns how many.';

-- FUNCTION candidates(bigint[])

CREATE FUNCTION sms.candidates(p_ids bigint[]) RETURNS sms.candidate[]
    LANGUAGE sql STABLE
    AS $$
    select array_agg((o.id, coalesce(p.msisdn, i.msisdn, r.msisdn, f.msisdn), coalesce(p.not_before, f.not_before),
                      coalesce(p.expires_at, i.expires_at, f.expires_at),
                      f.dedup_key, f.ref_hash, o.client_id, o.campaign_id,
                      coalesce(p.template_version_id, i.template_version_id, r.template_version_id, f.template_version_id),
                      coalesce(p.lane_id, i.lane_id, r.lane_id, f.lane_id), ch.channel_id,
                      coalesce(p.zone_id, i.zone_id, r.zone_id, f.zone_id), f.priority,
                      coalesce(p.attempt, i.attempt, r.attempts), 0, 0, null::tid, 0)::sms.candidate)
      from sms.outbox as o
      join sms.channel as ch on ch.channel = o.channel
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.pending as p on p.id = o.id
      left join sms.inflight as i on i.id = o.id
      left join sms.outcome as r on r.id = o.id
     where o.id = any (p_ids) and coalesce(p.msisdn, i.msisdn, r.msisdn, f.msisdn) is not null
$$;

COMMENT ON FUNCTION sms.candidates(p_ids bigint[]) IS 'The facts rules ask for, of these messages, in any state.';

-- FUNCTION cap_terms(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.cap_terms(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS TABLE(channel_id smallint, zone_id smallint, cap_id integer, max_messages integer, period text, per text, since timestamp with time zone, counted smallint[])
    LANGUAGE sql STABLE
    AS $$
    select k.channel_id, k.zone_id, p.cap_id, p.max_messages, p.period, p.per, s.since,
           case when p.channel is null and p.category is null then null
                else (select array_agg(o.channel_id) from sms.channel as o
                       where o.channel = coalesce(p.channel, o.channel)
                         and o.category = coalesce(p.category, o.category)) end
      from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
      left join sms.channel as ch on ch.channel_id = k.channel_id
      join sms.cap as p on (p.channel is null or p.channel is not distinct from ch.channel)
                       and (p.category is null or p.category is not distinct from ch.category)
      left join sms.time_zone as z on z.zone_id = k.zone_id
      cross join lateral sms.period_start(p.period, p.span, z.members, p_as_of) as s
$$;

COMMENT ON FUNCTION sms.cap_terms(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'The caps that apply to a batch, with the begin of their periods.';

-- FUNCTION check_template(text, jsonb)

CREATE FUNCTION sms.check_template(p_template text, p_vars jsonb) RETURNS TABLE(template_version_id integer, problem text)
    LANGUAGE sql STABLE ROWS 1
    AS $$
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

COMMENT ON FUNCTION sms.check_template(p_template text, p_vars jsonb) IS 'The current version of a template, and missing_variable or text_too_long when these values do not make a message.';

-- FUNCTION choose_due(smallint, integer, integer, integer, timestamp with time zone, boolean)

CREATE FUNCTION sms.choose_due(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone, p_caps_clients boolean) RETURNS sms.candidate[]
    LANGUAGE plpgsql
    AS $$
begin
    return (
    with probe as materialized (
        select l.lane_id, l.channel_id, q.priority::smallint as priority
          from sms.lane as l
          cross join generate_series(p_from_priority, p_to_priority) as q (priority)
         where l.provider_id = p_provider_id
         order by q.priority, random()
    ), due as materialized (
        select d.*, p.channel_id
          from probe as p
          cross join lateral (
                   select w.ctid as tid, w.*
                     from sms.pending as w
                    where w.lane_id = p.lane_id and w.priority = p.priority and w.not_before <= p_as_of
                    order by w.not_before, w.id
                    limit p_limit
                      for update skip locked
               ) as d
         limit p_limit
    ), mine as materialized (
        select d.*
          from due as d
         where pg_try_advisory_xact_lock(d.msisdn)
           and case when p_caps_clients and d.client_id is not null then pg_try_advisory_xact_lock(-1 - d.client_id) else true end
    )
    select array_agg((m.id, m.msisdn, m.not_before, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
                      m.template_version_id, m.lane_id, m.channel_id, m.zone_id, m.priority, m.attempt + 1,
                      m.nth, m.nth_key, m.tid, m.nth_client)::sms.candidate)
      from (select x.*,
                   row_number() over (partition by x.msisdn order by x.priority, x.not_before, x.id) - 1 as nth,
                   row_number() over (partition by x.msisdn, x.dedup_key order by x.priority, x.not_before, x.id) - 1 as nth_key,
                   row_number() over (partition by x.client_id order by x.priority, x.not_before, x.id) - 1 as nth_client
              from mine as x) as m
    );
end
$$;

COMMENT ON FUNCTION sms.choose_due(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone, p_caps_clients boolean) IS 'Lock the due rows of a provider, most urgent first, and their numbers; the candidates of one claim.';

-- FUNCTION claim_batch(text, text, integer, integer, integer, interval, timestamp with time zone)

CREATE FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer DEFAULT 500, p_from_priority integer DEFAULT 0, p_to_priority integer DEFAULT 3, p_lease interval DEFAULT '00:01:00'::interval, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(claim_id bigint, judged integer, lease_until timestamp with time zone, ids bigint[], msisdns bigint[], sender_ids text[], bodies text[], priorities smallint[], attempts smallint[], expires_ats timestamp with time zone[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    _provider sms.provider;
    _batch sms.candidate[];
    _now timestamptz;
    _claim_id bigint := sms.next_id();
    _lease_until timestamptz;
begin
    select * into _provider from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    if _provider.is_enabled then
        _batch := sms.choose_due(_provider.provider_id, least(greatest(p_limit, 1), _provider.max_batch), p_from_priority,
                                 p_to_priority, coalesce(p_as_of, clock_timestamp()),
                                 exists (select from sms.cap as k where k.per = 'client'));
    end if;
    _now := coalesce(p_as_of, clock_timestamp());
    _lease_until := _now + p_lease;
    if _batch is null then
        return query select _claim_id, 0, _lease_until, null::bigint[], null::bigint[], null::text[], null::text[],
                            null::smallint[], null::smallint[], null::timestamptz[];
        return;
    end if;
    perform sms.claim_refs(_batch);

    return query
    with verdict as materialized (
        select c.*, j.verdict, j.reason, j.detail, j.not_before as again_at, j.reasons
          from unnest(_batch) as c
          join sms.judge_batch(_batch, _now) as j on j.id = c.id
    ), gone as (
        delete from sms.pending as p
         where p.ctid = any (array(select v.tid from verdict as v where v.verdict in ('send', 'suppress')))
    ), deferred as (
        update sms.pending as p
           set not_before = v.again_at
          from verdict as v
         where v.verdict = 'defer' and p.id = v.id
    ), leased as (
        insert into sms.inflight (id, claim_id, msisdn, claimed_at, lease_until, expires_at, dedup_key, ref_hash, client_id,
                                  campaign_id, template_version_id, provider_id, lane_id, zone_id, priority, attempt)
        select v.id, _claim_id, v.msisdn, _now, _lease_until, v.expires_at, v.dedup_key, v.ref_hash, v.client_id,
               v.campaign_id, v.template_version_id, _provider.provider_id, v.lane_id, v.zone_id, v.priority, v.attempt
          from verdict as v
         where v.verdict = 'send'
    ), taken as (
        insert into sms.claim (claim_id, worker, provider_id, claimed_at)
        select _claim_id, p_worker, _provider.provider_id, _now
         where exists (select from verdict as v where v.verdict = 'send')
    ), logged as (
        insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
        select v.msisdn, _now, v.dedup_key, v.id, v.client_id, v.channel_id
          from verdict as v
         where v.verdict = 'send'
    ), suppressed as (
        insert into sms.outcome (id, msisdn, decided_at, final_at, client_id, campaign_id, template_version_id, lane_id,
                                 zone_id, attempts, state, reason, detail, reasons)
        select v.id, v.msisdn, _now, _now, v.client_id, v.campaign_id, v.template_version_id, v.lane_id,
               v.zone_id, v.attempt - 1, 'suppressed', v.reason, v.detail, v.reasons
          from verdict as v
         where v.verdict = 'suppress'
    ), payload as (
        select v.id, v.msisdn, coalesce(o.sender_id, ch.sender_id) as sender_id,
               case when v.template_version_id is null then o.body else sms.render(t.body, o.vars) end as body,
               v.priority, v.attempt, v.expires_at
          from verdict as v
          cross join lateral (select x.sender_id, x.body, x.vars from sms.outbox as x where x.id = v.id offset 0) as o
          left join sms.channel as ch on ch.channel_id = v.channel_id
          left join sms.template_version as t on t.template_version_id = v.template_version_id
         where v.verdict = 'send'
         order by v.priority, v.not_before, v.id
    )
    select _claim_id, (select count(*) filter (where v.verdict <> 'wait') from verdict as v)::int, _lease_until,
           array_agg(p.id), array_agg(p.msisdn), array_agg(p.sender_id), array_agg(p.body),
           array_agg(p.priority), array_agg(p.attempt), array_agg(p.expires_at)
      from payload as p;
end
$$;

COMMENT ON FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer, p_from_priority integer, p_to_priority integer, p_lease interval, p_as_of timestamp with time zone) IS 'Worker API. Lease due messages of a provider, most urgent first, after judging every rule; settle each with its claim_id.';

-- FUNCTION claim_refs(sms.candidate[])

CREATE FUNCTION sms.claim_refs(p_batch sms.candidate[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into sms.erp_ref as r (ref_hash, id)
    select c.ref_hash, min(c.id)
      from unnest(p_batch) as c
     where c.ref_hash is not null
     group by c.ref_hash
     order by c.ref_hash
        on conflict (ref_hash) do update set id = excluded.id where r.id < sms.id_at(sms.id_time(excluded.id) - sms.erp_ref_span());
end
$$;

COMMENT ON FUNCTION sms.claim_refs(p_batch sms.candidate[]) IS 'Own the erp_ref keys of a batch where they are free.';

-- FUNCTION complete_lanes()

CREATE FUNCTION sms.complete_lanes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into sms.lane (channel_id, operator_id, provider_id)
    select c.channel_id, o.operator_id,
           (select l.provider_id from sms.lane as l where l.channel_id = c.channel_id and l.operator_id = 0)
      from sms.channel as c
      cross join sms.operator as o
        on conflict (channel_id, operator_id) do nothing;
    return null;
end
$$;

COMMENT ON FUNCTION sms.complete_lanes() IS 'Trigger: a lane for every channel × operator.';

-- FUNCTION count_unaccounted()

CREATE FUNCTION sms.count_unaccounted() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select count(*) from sms.unaccounted $$;

COMMENT ON FUNCTION sms.count_unaccounted() IS 'Requests that are not in exactly one place; must be 0.';

-- FUNCTION create_partition(text, timestamp with time zone)

CREATE FUNCTION sms.create_partition(p_table text, p_month timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    _from timestamptz := date_trunc('month', p_month, 'UTC');
    _until timestamptz := date_trunc('month', p_month, 'UTC') + interval '1 month';
    _name text := p_table || to_char(p_month at time zone 'UTC', '"_y"YYYY"m"MM');
begin
    if to_regclass('sms.' || _name) is not null then
        return 0;
    end if;
    execute format('create table sms.%I (like sms.%I including all) %s', _name, p_table,
                   -- the receipt's update stays on its page (HOT) when there is room
                   case p_table when 'outcome' then 'with (fillfactor = 60)' else '' end);
    execute format('alter table sms.%I attach partition sms.%I for values from (%L) to (%L)', p_table, _name,
                   case p_table when 'contact_log' then _from::text else sms.id_at(_from)::text end,
                   case p_table when 'contact_log' then _until::text else sms.id_at(_until)::text end);
    execute format('comment on table sms.%I is %L', _name, 'One month of sms.' || p_table || ', UTC.');
    return 1;
end
$$;

COMMENT ON FUNCTION sms.create_partition(p_table text, p_month timestamp with time zone) IS 'Make one monthly partition of one table; 0 when it is there already.';

-- FUNCTION drop_partition(text, timestamp with time zone)

CREATE FUNCTION sms.drop_partition(p_table text, p_month timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    AS $$
declare
    _lo bigint := sms.id_at(p_month);
    _hi bigint := sms.id_at(p_month + interval '1 month');
begin
    if p_table <> 'contact_log'
       and (exists (select from sms.pending as p where p.id >= _lo and p.id < _hi)
            or exists (select from sms.inflight as f where f.id >= _lo and f.id < _hi)) then
        return 0;
    end if;
    execute format('drop table sms.%I', p_table || to_char(p_month at time zone 'UTC', '"_y"YYYY"m"MM'));
    return 1;
end
$$;

COMMENT ON FUNCTION sms.drop_partition(p_table text, p_month timestamp with time zone) IS 'Drop a month of a table that nothing waiting points into.';

-- FUNCTION dry_run(bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET transaction_read_only TO 'on'
    AS $$
begin
    return query select r.* from sms.dry_run_report(null, p_campaign_id, coalesce(p_as_of, clock_timestamp())) as r;
end
$$;

COMMENT ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Preview of what is left of a campaign: kept, suppressed by reason, deferred by hour, segments, cost, end. Writes nothing.';

-- FUNCTION dry_run(text, text, text, bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run(p_select text, p_channel text DEFAULT 'planned'::text, p_body text DEFAULT NULL::text, p_campaign_id bigint DEFAULT NULL::bigint, p_as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET transaction_read_only TO 'on'
    AS $$
declare
    _as_of timestamptz := coalesce(p_as_of, clock_timestamp());
begin
    return query
    select r.*
      from sms.dry_run_report(sms.dry_run_audience(p_select, p_channel, p_body, p_campaign_id, _as_of), null, _as_of) as r;
end
$$;

COMMENT ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Preview of sending to a SELECT of (phone, …): kept, suppressed by reason, deferred by hour, segments, cost, end. Writes nothing.';

-- FUNCTION dry_run_again(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.dry_run_again(p_fact sms.candidate, p_moment timestamp with time zone) RETURNS sms.candidate
    LANGUAGE sql IMMUTABLE
    AS $$
    select (p_fact.id, p_fact.msisdn, p_moment, p_fact.expires_at, p_fact.dedup_key, null, p_fact.client_id,
            p_fact.campaign_id, p_fact.template_version_id, p_fact.lane_id, p_fact.channel_id, p_fact.zone_id,
            p_fact.priority, p_fact.attempt, 0, 0, null, 0)::sms.candidate
$$;

COMMENT ON FUNCTION sms.dry_run_again(p_fact sms.candidate, p_moment timestamp with time zone) IS 'Part of dry_run: a candidate, due at another moment.';

-- FUNCTION next_id()

CREATE FUNCTION sms.next_id() RETURNS bigint
    LANGUAGE sql
    AS $$ select (((date_part('epoch', clock_timestamp()) * 1000)::bigint - 1577836800000) << 22) | nextval('sms.id_seq') $$;

COMMENT ON FUNCTION sms.next_id() IS 'A new time-ordered id. Exceeds 2^53: in JSON and HTML it is a string.';

-- TABLE outbox

CREATE TABLE sms.outbox (
    id bigint DEFAULT sms.next_id() NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    channel text DEFAULT 'single'::text NOT NULL,
    phone text,
    body text,
    template text,
    vars jsonb,
    erp_ref text,
    client_id bigint,
    priority smallint,
    not_before timestamp with time zone,
    expires_at timestamp with time zone,
    time_zone text,
    sender_id text,
    campaign_id bigint,
    CONSTRAINT outbox_erp_ref_check CHECK (((char_length(erp_ref) >= 1) AND (char_length(erp_ref) <= 200))),
    CONSTRAINT outbox_priority_check CHECK (((priority >= 0) AND (priority <= 3))),
    CONSTRAINT outbox_sender_id_check CHECK (((char_length(sender_id) >= 1) AND (char_length(sender_id) <= 15)))
)
PARTITION BY RANGE (id);

COMMENT ON TABLE sms.outbox IS 'One row is one request by the ERP. INSERT is the hand-over: committed = sent once, or suppressed with a reason in sms.message. Never updated.';

COMMENT ON COLUMN sms.outbox.id IS 'Time-ordered id, given by default.';

COMMENT ON COLUMN sms.outbox.created_at IS 'When the row was inserted.';

COMMENT ON COLUMN sms.outbox.channel IS 'Traffic class, see sms.channel. An unknown one is an error that lists the known.';

COMMENT ON COLUMN sms.outbox.phone IS 'The phone as the ERP has it; dirty spellings are understood, unusable ones end suppressed with a reason.';

COMMENT ON COLUMN sms.outbox.body IS 'The text, up to 1,000 characters. Or give template and vars.';

COMMENT ON COLUMN sms.outbox.template IS 'Name of a template; its current version is used.';

COMMENT ON COLUMN sms.outbox.vars IS 'Values for the template''s {{variables}}, a flat JSON object.';

COMMENT ON COLUMN sms.outbox.erp_ref IS 'Idempotency key: of several rows with one key at most one is sent, the others end suppressed(duplicate_ref).';

COMMENT ON COLUMN sms.outbox.client_id IS 'The ERP''s client, for caps, campaigns and reports.';

COMMENT ON COLUMN sms.outbox.priority IS 'Lowers the channel''s priority for this row (larger = later); cannot raise it.';

COMMENT ON COLUMN sms.outbox.not_before IS 'Earliest moment to send; null = now.';

COMMENT ON COLUMN sms.outbox.expires_at IS 'After this it is not sent; null = the channel''s validity.';

COMMENT ON COLUMN sms.outbox.time_zone IS 'IANA zone of the subscriber; wins over what the number tells.';

COMMENT ON COLUMN sms.outbox.sender_id IS 'What the handset shows; null = the channel''s.';

COMMENT ON COLUMN sms.outbox.campaign_id IS 'The campaign this row belongs to.';

-- FUNCTION dry_run_audience(text, text, text, bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) RETURNS sms.outbox[]
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    _select text := regexp_replace(coalesce(p_select, ''), '[;\s]+$', '');
    _audience text := 'with q as materialized (' || _select || E'\n) ';
    _cursor refcursor;
    _rows sms.outbox[];
begin
    begin
        open _cursor for execute _select;   -- plans it, reads no row; refuses what is not one reading statement
        close _cursor;
        execute _audience || 'select from q limit 0';
    exception
        when insufficient_privilege then
            raise;
        when syntax_error or feature_not_supported or invalid_cursor_definition then
            raise exception 'the audience must be one SELECT: %', sqlerrm using errcode = 'SM020',
                hint = 'Like: select phone, client_id from clients where …';
        when syntax_error_or_access_rule_violation then
            raise exception 'the SELECT cannot be run: %', sqlerrm using errcode = 'SM020';
    end;
    begin
        execute _audience || 'select phone from q limit 0';
    exception when undefined_column then
        raise exception 'the SELECT has no column phone' using errcode = 'SM021',
            hint = 'Name the column with the number: select mobile as phone, …';
    end;
    -- A column that the SELECT does not have is found one level further out, among the defaults.
    execute _audience || $sql$
        , d (client_id, body, template, vars, time_zone, priority, not_before, expires_at, erp_ref, sender_id) as (
            values (null::bigint, null::text, null::text, null::jsonb, null::text, null::smallint, null::timestamptz,
                    null::timestamptz, null::text, null::text)
        )
        select array_agg((a.n, $2, $3, a.phone, case when a.template is null then coalesce(a.body, $1) else a.body end,
                          a.template, a.vars, a.erp_ref, a.client_id, a.priority, a.not_before, a.expires_at, a.time_zone,
                          a.sender_id, $4)::sms.outbox)
          from (select row_number() over () as n, x.*
                  from d
                  cross join lateral (
                           select phone::text as phone, body::text as body, template::text as template, vars::jsonb as vars,
                                  erp_ref::text as erp_ref, client_id::bigint as client_id, priority::smallint as priority,
                                  not_before::timestamptz as not_before, expires_at::timestamptz as expires_at,
                                  time_zone::text as time_zone, sender_id::text as sender_id
                             from q
                            limit 250001
                       ) as x) as a
        $sql$ into _rows using p_body, p_as_of, p_channel, p_campaign_id;
    if cardinality(_rows) > 250000 then
        raise exception 'the SELECT yields more than 250,000 rows' using errcode = 'SM022',
            hint = 'Preview a part of it.';
    end if;
    return coalesce(_rows, '{}');
end
$_$;

COMMENT ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Part of dry_run: the requests that a SELECT of (phone, …) describes; read with the caller''s rights.';

-- FUNCTION dry_run_capped(sms.candidate, timestamp with time zone, integer[], timestamp with time zone[], sms.candidate[])

CREATE FUNCTION sms.dry_run_capped(p_fact sms.candidate, p_moment timestamp with time zone, p_cap_ids integer[], p_sinces timestamp with time zone[], p_kept sms.candidate[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select coalesce(bool_or(v.used > 0 and v.used + case p.per when 'number' then n.used else c.used end >= p.max_messages),
                    false)
      from unnest(p_cap_ids, p_sinces) as t (cap_id, since)
      join sms.cap as p on p.cap_id = t.cap_id
      cross join lateral (
               select array_agg(o.channel_id) as counted
                 from sms.channel as o
                where o.channel = coalesce(p.channel, o.channel) and o.category = coalesce(p.category, o.category)
           ) as o
      cross join lateral (
               select count(*) as used
                 from unnest(p_kept) as k
                where case p.per when 'number' then k.msisdn = p_fact.msisdn else k.client_id = p_fact.client_id end
                  and k.not_before >= t.since and k.channel_id = any (o.counted)
           ) as v
      cross join lateral (
               select count(*) as used
                 from sms.contact_log as x
                where v.used > 0 and p.per = 'number' and x.msisdn = p_fact.msisdn
                  and x.at >= t.since and x.at < p_moment + interval '1 hour'
                  and x.channel_id = any (o.counted) and x.message_id <> p_fact.id
               offset 0
           ) as n
      cross join lateral (
               select count(*) as used
                 from sms.contact_log as x
                where v.used > 0 and p.per = 'client' and x.client_id = p_fact.client_id
                  and x.at >= t.since and x.at < p_moment + interval '1 hour'
                  and x.channel_id = any (o.counted) and x.message_id <> p_fact.id
               offset 0
           ) as c
$$;

COMMENT ON FUNCTION sms.dry_run_capped(p_fact sms.candidate, p_moment timestamp with time zone, p_cap_ids integer[], p_sinces timestamp with time zone[], p_kept sms.candidate[]) IS 'Part of dry_run: do the kept candidates use up a cap of this one?';

-- FUNCTION dry_run_fates(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS TABLE(id bigint, reason text, at timestamp with time zone, is_deferred boolean)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
declare
    _steps sms.finding[] := array(select s from sms.dry_run_steps(p_batch, p_as_of) as s);
    _doubles bigint[] := array(select d from sms.dry_run_refs(p_batch, p_as_of) as d);
    _rivals sms.candidate[];
begin
    _rivals := array(select c from unnest(p_batch) as c
                      where not exists (select from unnest(_doubles) as d (id) where d.id = c.id));
    return query
    with step as materialized (
        select s.id, s.rank, s.verdict, s.reason, s.not_before as moment from unnest(_steps) as s
    ), alone as (
        select distinct on (s.id) s.id, case when s.verdict = 'suppress' then s.reason end as reason, s.moment as at
          from step as s
         order by s.id, s.moment desc
    ), first as (
        select distinct on (s.id) s.id, s.rank, s.verdict, s.reason, s.moment
          from step as s
         order by s.id, s.moment
    ), rival as materialized (
        select r.id, r.reason, r.at from sms.dry_run_rivals(_rivals, _steps, p_as_of) as r
    )
    select f.id,
           case when d.id is null then case when r.id is null then a.reason else r.reason end
                when f.verdict = 'suppress' and f.rank < 40 then f.reason
                else 'duplicate_ref' end,
           case when d.id is null then coalesce(r.at, a.at) else f.moment end,
           d.id is null and coalesce(r.at, a.at) > f.moment
      from first as f
      join alone as a on a.id = f.id
      left join rival as r on r.id = f.id
      left join unnest(_doubles) as d (id) on d.id = f.id;
end
$$;

COMMENT ON FUNCTION sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Part of dry_run: what would become of every candidate, and when.';

-- FUNCTION dry_run_groups(sms.candidate[])

CREATE FUNCTION sms.dry_run_groups(p_batch sms.candidate[]) RETURNS TABLE(id bigint, label bigint)
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _ids bigint[];
    _msisdns bigint[];
    _clients bigint[];
    _labels bigint[];
    _spread bigint[];
begin
    select array_agg(c.id), array_agg(c.msisdn), array_agg(c.client_id) into _ids, _msisdns, _clients
      from unnest(p_batch) as c;
    _labels := _msisdns;
    while exists (select from sms.cap as k where k.per = 'client') and _spread is distinct from _labels loop
        _labels := coalesce(_spread, _labels);
        _spread := array(
            select min(s.label) over (partition by s.msisdn)
              from (select g.n, g.msisdn,
                           min(g.label) over (partition by g.client_id, case when g.client_id is null then g.n end) as label
                      from unnest(_msisdns, _clients, _labels) with ordinality as g (msisdn, client_id, label, n)) as s
             order by s.n);
    end loop;
    return query
    select s.id, s.label
      from (select g.id, g.label, count(*) over (partition by g.label) as members
              from unnest(_ids, _labels) as g (id, label)) as s
     where s.members > 1;
end
$$;

COMMENT ON FUNCTION sms.dry_run_groups(p_batch sms.candidate[]) IS 'Part of dry_run: candidates of the same number or client, which compete.';

-- FUNCTION dry_run_judge(sms.candidate[])

CREATE FUNCTION sms.dry_run_judge(p_batch sms.candidate[]) RETURNS SETOF sms.finding
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _begin timestamptz;
    _many boolean;
    _moment timestamptz;
    _chunk sms.candidate[];
begin
    select min(c.not_before), count(distinct c.not_before) > 2000 into _begin, _many from unnest(p_batch) as c;
    for _moment, _chunk in
        select g.moment, array_agg(g.fact)
          from (select m.fact, m.moment, row_number() over (partition by m.moment) / 1000 as part
                  from (select c as fact,
                               case when _many then greatest(date_trunc('minute', c.not_before), _begin)
                                    else c.not_before end as moment
                          from unnest(p_batch) as c) as m) as g
         group by g.moment, g.part
    loop
        return query
        select j.id, r.rank, j.verdict, j.reason, null::text, j.not_before
          from sms.judge_batch(_chunk, _moment) as j
          left join sms.reason as r on r.reason = j.reason;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.dry_run_judge(p_batch sms.candidate[]) IS 'Part of dry_run: the rules about candidates, each as of its own moment.';

-- FUNCTION dry_run_refs(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF bigint
    LANGUAGE sql STABLE
    AS $$
    select c.id
      from (select x.id, x.ref_hash,
                   row_number() over (partition by x.ref_hash order by greatest(x.not_before, p_as_of), x.id) as n
              from unnest(p_batch) as x
             where x.ref_hash is not null) as c
      left join sms.erp_ref as r on r.ref_hash = c.ref_hash and r.id >= sms.id_at(p_as_of - sms.erp_ref_span())
     where case when r.id is null then c.n > 1 else r.id <> c.id end
$$;

COMMENT ON FUNCTION sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Part of dry_run: candidates that would end as duplicate_ref.';

-- FUNCTION dry_run_repeats(sms.candidate, timestamp with time zone, interval, sms.candidate[])

CREATE FUNCTION sms.dry_run_repeats(p_fact sms.candidate, p_moment timestamp with time zone, p_window interval, p_kept sms.candidate[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    select p_window > '0'
       and exists (select from unnest(p_kept) as k
                    where k.msisdn = p_fact.msisdn and k.dedup_key = p_fact.dedup_key and k.not_before > p_moment - p_window)
$$;

COMMENT ON FUNCTION sms.dry_run_repeats(p_fact sms.candidate, p_moment timestamp with time zone, p_window interval, p_kept sms.candidate[]) IS 'Part of dry_run: does a kept candidate make this one a duplicate?';

-- FUNCTION dry_run_report(sms.outbox[], bigint, timestamp with time zone)

CREATE FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone) RETURNS TABLE(topic text, key text, messages bigint, segments bigint, cost numeric, at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
declare
    _bounds timestamptz[] := array(select t.valid_from from sms.tariff as t union select t.valid_until from sms.tariff as t
                                    order by 1);
begin
    perform sms.refuse_unfit_rows(p_rows);
    return query
    with request as materialized (
        select * from sms.dry_run_waiting(p_campaign_id) where p_rows is null
         union all
        select * from sms.dry_run_requests(p_rows, p_as_of)
    ), fate as materialized (
        select f.* from sms.dry_run_fates(array(select r.fact from request as r where r.reason is null), p_as_of) as f
    ), told as materialized (
        select coalesce(r.reason, f.reason) as reason, f.at, coalesce(f.is_deferred, false) as is_deferred,
               coalesce(r.segments, 0) as segments, coalesce(r.is_ucs2, false) as is_ucs2,
               (r.fact).lane_id, width_bucket(f.at, _bounds) as tariffs
          from request as r
          left join fate as f on f.id = (r.fact).id and r.reason is null
    ), price as materialized (
        select k.lane_id, k.tariffs, sms.segment_price(l.provider_id, l.operator_id, c.category, k.at) as price
          from (select t.lane_id, t.tariffs, min(t.at) as at from told as t where t.reason is null group by 1, 2) as k
          join sms.lane as l on l.lane_id = k.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), kept as materialized (
        select t.at, t.is_deferred, t.segments, t.is_ucs2, t.segments * p.price as cost,
               coalesce(v.provider, '(parked)') as provider, case when v.is_enabled then v.tps end as tps
          from told as t
          join sms.lane as l on l.lane_id = t.lane_id
          left join sms.provider as v on v.provider_id = l.provider_id
          left join price as p on p.lane_id = t.lane_id and p.tariffs = t.tariffs
         where t.reason is null
    ), finish as materialized (   -- the queue of a provider is never empty before what comes later is done
        select k.provider, count(*) as messages, sum(k.segments)::bigint as segments, sum(k.cost) as cost,
               max(k.at + make_interval(secs => (k.later / k.tps)::float8)) as at, bool_and(k.tps is not null) as ends
          from (select x.*, sum(x.segments) over (partition by x.provider order by x.at desc) as later from kept as x) as k
         group by k.provider
    )
    select f.topic, f.key, f.messages, f.segments, f.cost, f.at
      from (select 1 as part, 0 as n, 'total' as topic, null as key, count(*) as messages,
                   coalesce(sum(t.segments), 0)::bigint as segments, null::numeric as cost, p_as_of as at
              from told as t
            union all
            select 2, 0, 'kept', null, count(*), coalesce(sum(k.segments), 0)::bigint, sum(k.cost), min(k.at) from kept as k
            union all
            select 3, min(r.rank), 'suppressed', t.reason, count(*), sum(t.segments)::bigint, null, null
              from told as t
              left join sms.reason as r on r.reason = t.reason
             where t.reason is not null group by t.reason
            union all
            select 4, 0, 'deferred', to_char(date_trunc('hour', k.at), 'YYYY-MM-DD HH24:MI'), count(*),
                   sum(k.segments)::bigint, sum(k.cost), date_trunc('hour', k.at)
              from kept as k where k.is_deferred group by date_trunc('hour', k.at)
            union all
            select 5, 0, 'encoding', case when k.is_ucs2 then 'ucs2' else 'gsm7' end, count(*), sum(k.segments)::bigint,
                   sum(k.cost), null
              from kept as k group by k.is_ucs2
            union all
            select 6, 0, 'cost', p.provider, p.messages, p.segments, p.cost, case when p.ends then p.at end from finish as p
            union all
            select 7, 0, 'ends', null, sum(p.messages)::bigint, sum(p.segments)::bigint, sum(p.cost),
                   case when bool_and(p.ends) then max(p.at) end
              from finish as p having count(*) > 0) as f
     order by f.part, f.at, f.n, f.key;
end
$$;

COMMENT ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone) IS 'Part of dry_run: the findings about requests, or about what waits of a campaign.';

-- FUNCTION dry_run_requests(sms.outbox[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamp with time zone) RETURNS TABLE(fact sms.candidate, reason text, segments integer, is_ucs2 boolean)
    LANGUAGE sql STABLE
    AS $$
    select (r.id, f.msisdn, f.not_before, f.expires_at, f.dedup_key, f.ref_hash, r.client_id, r.campaign_id,
            f.template_version_id, f.lane_id, f.channel_id, f.zone_id, f.priority, 1, 0, 0, null, 0)::sms.candidate,
           f.reason, sms.segments(t.body), sms.needs_ucs2(t.body)
      from unnest(p_rows) as r
      cross join lateral sms.interpret_request(
               r.channel, r.phone, r.body, r.template, r.vars, r.erp_ref,
               r.priority, r.not_before, r.expires_at, r.time_zone, r.client_id, p_as_of) as f
      left join sms.template_version as v on v.template_version_id = f.template_version_id
      cross join lateral (
               select case when v.body is null then r.body else sms.render(v.body, r.vars) end as body offset 0
           ) as t
$$;

COMMENT ON FUNCTION sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamp with time zone) IS 'Part of dry_run: how rows would be understood if they were inserted.';

-- FUNCTION dry_run_rivals(sms.candidate[], sms.finding[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamp with time zone) RETURNS TABLE(id bigint, reason text, at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    _s record;
    _label bigint;
    _kept sms.candidate[];   -- of this group, so far; not_before is when it went
    _decided bigint[];
    _rank int;
begin
    for _s in
        with step as materialized (
            select g.label, c as fact, s.rank, s.verdict, s.reason, s.not_before as moment
              from sms.dry_run_groups(p_batch) as g
              join unnest(p_batch) as c on c.id = g.id
              join unnest(p_steps) as s on s.id = g.id
        ), term as materialized (
            select k.channel_id, k.zone_id, k.moment, array_agg(t.cap_id) as cap_ids, array_agg(t.since) as sinces
              from (select (x.fact).channel_id, (x.fact).zone_id, x.moment, (array_agg(x.fact))[1] as fact
                      from step as x
                     group by 1, 2, 3) as k
              cross join lateral sms.cap_terms(array[k.fact], k.moment) as t
             group by k.channel_id, k.zone_id, k.moment
        )
        select x.*, ch.dedup_window, t.cap_ids, t.sinces
          from step as x
          left join sms.channel as ch on ch.channel_id = (x.fact).channel_id
          left join term as t
            on t.channel_id = (x.fact).channel_id and t.zone_id = (x.fact).zone_id and t.moment = x.moment
         order by x.label, x.moment, (x.fact).priority,
                  case when x.moment = p_as_of then (x.fact).not_before end,   -- once deferred, all are due at the moment
                  (x.fact).id
    loop
        if _s.label is distinct from _label then
            _label := _s.label;
            _kept := '{}';
            _decided := '{}';
        end if;
        continue when (_s.fact).id = any (_decided);
        _rank := case when _s.verdict = 'suppress' then _s.rank end;
        if cardinality(_kept) > 0 and coalesce(_rank, 99) > 50
           and sms.dry_run_repeats(_s.fact, _s.moment, _s.dedup_window, _kept) then
            _rank := 50;
        elsif cardinality(_kept) > 0 and coalesce(_rank, 99) > 60
              and sms.dry_run_capped(_s.fact, _s.moment, _s.cap_ids, _s.sinces, _kept) then
            _rank := 60;
        end if;
        continue when _rank is null and _s.verdict = 'defer';
        id := (_s.fact).id;
        at := _s.moment;
        reason := case when _rank = _s.rank then _s.reason when _rank = 50 then 'duplicate' when _rank = 60 then 'cap' end;
        return next;
        _decided := _decided || id;
        if _rank is null then
            _kept := _kept || sms.dry_run_again(_s.fact, _s.moment);
        end if;
    end loop;
end
$$;

COMMENT ON FUNCTION sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamp with time zone) IS 'Part of dry_run: candidates of one number or client, decided one after the other.';

-- FUNCTION dry_run_steps(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _todo sms.candidate[] := array(select sms.dry_run_again(c, greatest(c.not_before, p_as_of)) from unnest(p_batch) as c);
    _found sms.finding[];
begin
    for _round in 1..100 loop
        exit when cardinality(_todo) = 0;
        _found := array(select f from sms.dry_run_judge(_todo) as f);
        return query
        select f.id, f.rank, f.verdict, f.reason, null::text, c.not_before
          from unnest(_found) as f
          join unnest(_todo) as c on c.id = f.id;
        _todo := array(select sms.dry_run_again(c, f.not_before)
                         from unnest(_found) as f
                         join unnest(_todo) as c on c.id = f.id
                        where f.verdict = 'defer');
    end loop;
end
$$;

COMMENT ON FUNCTION sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Part of dry_run: every judgement on the way of every candidate, deferrals followed.';

-- FUNCTION dry_run_waiting(bigint)

CREATE FUNCTION sms.dry_run_waiting(p_campaign_id bigint) RETURNS TABLE(fact sms.candidate, reason text, segments integer, is_ucs2 boolean)
    LANGUAGE sql STABLE
    AS $$
    select c, null, sms.segments(t.body), sms.needs_ucs2(t.body)
      from unnest(sms.candidates(array(select p.id from sms.pending as p where p.campaign_id = p_campaign_id))) as c
      join sms.outbox as o on o.id = c.id
      left join sms.template_version as v on v.template_version_id = c.template_version_id
      cross join lateral (
               select case when v.body is null then o.body else sms.render(v.body, o.vars) end as body offset 0
           ) as t
$$;

COMMENT ON FUNCTION sms.dry_run_waiting(p_campaign_id bigint) IS 'Part of dry_run: the messages of a campaign that still wait.';

-- FUNCTION erp_ref_span()

CREATE FUNCTION sms.erp_ref_span() RETURNS interval
    LANGUAGE sql STABLE
    AS $$
    select case when coalesce(max(s.value::int), 0) <= 0 then interval '50 years' else make_interval(days => max(s.value::int)) end
      from sms.setting as s
     where s.setting = 'erp_ref_days'
$$;

COMMENT ON FUNCTION sms.erp_ref_span() IS 'How long an idempotency key protects.';

-- FUNCTION expire_leases(integer, timestamp with time zone)

CREATE FUNCTION sms.expire_leases(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(returned integer, uncertain integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _now timestamptz := coalesce(p_as_of, clock_timestamp());
    _claims bigint[];
begin
    select array_agg(c.claim_id) into _claims
      from (select distinct f.claim_id from sms.inflight as f where f.lease_until < _now - interval '2 seconds') as c
     where pg_try_advisory_xact_lock(c.claim_id);

    return query
    with late as materialized (
        select f.id
          from sms.inflight as f
         where f.claim_id = any (_claims)
         order by f.id
         limit p_limit
           for update skip locked
    ), mine as materialized (
        delete from sms.inflight as f
         using late as t
         where f.id = t.id
     returning f.*, exists (select from sms.submitting as s where s.claim_id = f.claim_id and f.id = any (s.ids)) as is_marked
    ), back as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority, attempt)
        select m.id, m.msisdn, m.claimed_at, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
               m.template_version_id, m.lane_id, m.zone_id, m.priority, m.attempt - 1
          from mine as m
         where not m.is_marked
    ), taken_back as (
        delete from sms.contact_log as l
         using mine as m
         where not m.is_marked and l.msisdn = m.msisdn and l.at = m.claimed_at and l.message_id = m.id
    ), doubtful as (
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, client_id, campaign_id, template_version_id,
                                 provider_id, lane_id, zone_id, attempts, state, detail)
        select m.id, m.msisdn, _now, m.claimed_at, m.client_id, m.campaign_id, m.template_version_id,
               m.provider_id, m.lane_id, m.zone_id, m.attempt, 'uncertain', 'the worker vanished after it began to submit'
          from mine as m
         where m.is_marked
    ), doubted as (
        insert into sms.doubtful (id, since)
        select m.id, _now from mine as m where m.is_marked
            on conflict (id) do update set since = excluded.since
    )
    select count(*) filter (where not m.is_marked)::int, count(*) filter (where m.is_marked)::int from mine as m;

    delete from sms.submitting as s
     where s.marked_at < _now - interval '1 hour'
       and not exists (select from sms.inflight as f where f.claim_id = s.claim_id);
    delete from sms.claim as c
     where c.claimed_at < _now - interval '1 hour'
       and not exists (select from sms.inflight as f where f.claim_id = c.claim_id);
end
$$;

COMMENT ON FUNCTION sms.expire_leases(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Messages whose lease ran out: back to pending when never marked, uncertain when marked as submitting.';

-- FUNCTION explain(bigint)

CREATE FUNCTION sms.explain(p_id bigint) RETURNS TABLE(step integer, topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _judged_at timestamptz;
begin
    select coalesce(f.claimed_at, max(l.at), r.decided_at, clock_timestamp()) into _judged_at
      from sms.message as m
      left join sms.inflight as f on f.id = m.id
      left join sms.outcome as r on r.id = m.id
      left join sms.contact_log as l
        on l.msisdn = r.msisdn and l.message_id = r.id and l.at > sms.id_time(p_id) - interval '1 day'
     where m.id = p_id
     group by f.claimed_at, r.decided_at;
    if not found then
        raise exception 'no message %', p_id using errcode = 'SM008';
    end if;
    return query
    select row_number() over (order by s.part, s.at, s.n)::int, s.topic, s.verdict, s.reason, s.detail, s.at, s.facts
      from (select 1 as part, 0 as n, r.* from sms.explain_request(p_id) as r
            union all select 2, u.n::int, u.topic, u.verdict, u.reason, u.detail, u.at, u.facts
                        from sms.explain_rules(p_id, _judged_at) with ordinality as u (topic, verdict, reason, detail, at, facts, n)
            union all select 3, 0, f.* from sms.explain_fate(p_id) as f
            union all select 4, 0, a.* from sms.explain_attempts(p_id) as a
            union all select 5, 0, c.* from sms.explain_receipts(p_id) as c) as s
     order by 1;
end
$$;

COMMENT ON FUNCTION sms.explain(p_id bigint) IS 'Why a message was or was not sent: the request, every rule''s verdict with its facts, the decision, attempts, receipts.';

-- FUNCTION explain_attempts(bigint)

CREATE FUNCTION sms.explain_attempts(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'attempt', 'submitting', null, coalesce(c.worker, 'a worker') || ' was about to hand it over', s.marked_at,
           jsonb_build_object('claim_id', s.claim_id::text, 'provider', v.provider)
      from sms.submitting as s
      left join sms.claim as c on c.claim_id = s.claim_id
      left join sms.provider as v on v.provider_id = c.provider_id
     where p_id = any (s.ids)
    union all
    select 'attempt', case when o.state = 'uncertain' then 'uncertain' else 'submitted' end, null,
           'attempt ' || o.attempts || ', provider ' || coalesce(v.provider, '?'), o.submitted_at,
           jsonb_build_object('attempt', o.attempts, 'provider', v.provider, 'segments', o.segments, 'cost', o.cost)
      from sms.outcome as o
      left join sms.provider as v on v.provider_id = o.provider_id
     where o.id = p_id and o.submitted_at is not null
$$;

COMMENT ON FUNCTION sms.explain_attempts(p_id bigint) IS 'Part of explain: attempts to submit a message.';

-- FUNCTION explain_blacklist(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with hit as (
        select b.*, 'the number' as names from sms.blacklist as b where b.msisdn = p_fact.msisdn
         union all
        select b.*, 'prefix ' || b.prefix
          from generate_series(1, 15) as n
          join sms.blacklist as b on length(b.prefix) = n and b.prefix = left(p_fact.msisdn::text, n)
         union all
        select b.*, 'group ' || g.recipient_group
                        || case when m.msisdn is null then ', of which the client is' else ', of which the number is' end
          from sms.recipient_group_member as m
          join sms.recipient_group as g on g.group_id = m.group_id
          join sms.blacklist as b on b.group_id = m.group_id
         where m.msisdn = p_fact.msisdn or m.client_id = p_fact.client_id
    ), told as (
        select h.blacklist_id,
               (h.category is null or h.category is not distinct from ch.category)
                   and (h.channel is null or h.channel is not distinct from ch.channel)
                   and not (h.source = 'opt_out' and coalesce(ch.ignores_opt_out, false)) as covers,
               jsonb_build_object(
                   'blacklist_id', h.blacklist_id, 'names', h.names, 'reason', h.reason, 'source', h.source,
                   'category', h.category, 'channel', h.channel, 'since', h.created_at, 'by', h.created_by,
                   'until', h.expires_at, 'rule', sms.rule_version('blacklist', h.blacklist_id::text, p_as_of) - 'row',
                   'inbound', sms.explain_inbound(h.created_by),
                   'failures', case when h.source = 'auto' then (
                       select jsonb_agg(jsonb_build_object('message_id', t.message_id::text, 'at', t.at, 'state', t.state,
                                                           'error', t.error) order by t.at)
                         from sms.number_trouble as t
                        where t.msisdn = p_fact.msisdn and t.at <= h.created_at) end) as line
          from hit as h
          left join sms.channel as ch on ch.channel_id = p_fact.channel_id
         where h.created_at <= p_as_of and (h.expires_at is null or h.expires_at > p_as_of)
    )
    select jsonb_build_object(
               'told', case when count(*) = 0 then 'no row names it'
                            else count(*) || ' row(s) name it, none for this kind of message' end,
               'rows', jsonb_agg(t.line || jsonb_build_object('covers_this', t.covers) order by not t.covers, t.blacklist_id))
      from told as t
$$;

COMMENT ON FUNCTION sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_blacklist.';

-- FUNCTION explain_cap(sms.candidate, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.explain_cap(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with counted as (
        select t.cap_id, t.per, t.period, t.since, t.max_messages, u.used, u.messages
          from sms.cap_terms(array[p_fact], p_as_of) as t
          cross join lateral (
                   select count(*) as used,
                          jsonb_agg(jsonb_build_object('message_id', g.message_id::text, 'at', g.at, 'channel', o.channel)
                                    order by g.at) filter (where g.n <= 50) as messages
                     from (select l.message_id, l.at, l.channel_id, row_number() over (order by l.at desc) as n
                             from (select * from sms.contact_log as x
                                    where t.per = 'number' and x.msisdn = p_fact.msisdn and x.at >= t.since and x.at < p_before
                                    union all
                                   select * from sms.contact_log as x
                                    where t.per = 'client' and x.client_id = p_fact.client_id and x.at >= t.since
                                      and x.at < p_before) as l
                            where l.message_id <> p_fact.id
                              and (t.counted is null or l.channel_id = any (t.counted))) as g
                     left join sms.channel as o on o.channel_id = g.channel_id
               ) as u
         where t.per = 'number' or p_fact.client_id is not null
    )
    select jsonb_build_object(
               'told', coalesce(string_agg('cap ' || c.cap_id || ': ' || c.used || ' of ' || c.max_messages || ' a ' || c.per
                                           || ' this ' || c.period, '; ' order by c.cap_id), 'no cap applies'),
               'objects', coalesce(bool_or(c.used >= c.max_messages), false),
               'caps', jsonb_agg(jsonb_build_object(
                           'cap_id', c.cap_id, 'per', c.per, 'period', c.period,
                           'since', case when isfinite(c.since) then c.since end, 'used', c.used, 'max', c.max_messages,
                           'used_up', c.used >= c.max_messages, 'span', k.span, 'reason', k.reason,
                           'rule', sms.rule_version('cap', c.cap_id::text, p_as_of) - 'row',
                           'messages', c.messages) order by c.cap_id))
      from counted as c
      join sms.cap as k on k.cap_id = c.cap_id
$$;

COMMENT ON FUNCTION sms.explain_cap(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) IS 'Part of explain: the facts behind rule_cap.';

-- FUNCTION explain_consent(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_consent(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with known as (
        select k.consent_id,
               k.valid_from <= p_as_of and coalesce(k.valid_until > p_as_of, true)
                   and coalesce(k.withdrawn_at > p_as_of, true) as holds,
               jsonb_build_object(
                   'consent_id', k.consent_id, 'of', case when k.msisdn is null then 'the client' else 'the number' end,
                   'proof', k.proof, 'valid_from', k.valid_from, 'valid_until', k.valid_until,
                   'withdrawn_at', k.withdrawn_at, 'withdrawn_by', k.withdrawn_by,
                   'inbound', sms.explain_inbound(k.withdrawn_by),
                   'rule', sms.rule_version('consent', k.consent_id::text, p_as_of) - 'row') as line
          from sms.channel as ch
          join sms.consent as k
            on k.category = ch.category and (k.msisdn = p_fact.msisdn or k.client_id = p_fact.client_id)
         where ch.channel_id = p_fact.channel_id
         order by k.consent_id desc
         limit 20
    )
    select jsonb_build_object(
               'told', case when coalesce(ch.needs_consent, true) then 'a consent holds' else 'the channel needs none' end,
               'needs_consent', coalesce(ch.needs_consent, true),
               'category', ch.category,
               'rule', sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row',
               'consents', (select jsonb_agg(k.line || jsonb_build_object('holds', k.holds) order by k.holds desc, k.consent_id)
                              from known as k))
      from (values (1)) as one
      left join sms.channel as ch on ch.channel_id = p_fact.channel_id
$$;

COMMENT ON FUNCTION sms.explain_consent(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_consent.';

-- FUNCTION explain_decision(bigint)

CREATE FUNCTION sms.explain_decision(p_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_agg(c.version || jsonb_build_object('changed_since', c.changed_since) order by k.rule_table, k.rule_key)
      from sms.outcome as r
      join sms.outbox as o on o.id = r.id
      left join sms.channel as ch on ch.channel = o.channel
      cross join lateral (
               select 'blacklist' as rule_table, m[1] as rule_key
                 from regexp_matches(r.detail, '^blacklist row (\d+)') as m where r.reason = 'blacklist'
               union all
               select 'cap', m[1] from regexp_matches(r.detail, '(?:^|; )cap (\d+):', 'g') as m where r.reason = 'cap'
               union all
               select 'campaign', o.campaign_id::text where r.reason = 'holdout'
               union all
               select 'channel', ch.channel_id::text where r.reason in ('no_consent', 'duplicate')
               union all
               select 'setting', 'erp_ref_days' where r.reason = 'duplicate_ref'
           ) as k
      cross join lateral (
               select sms.rule_version(k.rule_table, k.rule_key, r.decided_at) as version,
                      (select min(x.action || ' at ' || x.changed_at || ' by ' || x.changed_by)
                         from sms.rule_change as x
                        where x.rule_table = k.rule_table and x.rule_key = k.rule_key and x.changed_at > r.decided_at)
                          as changed_since
           ) as c
     where r.id = p_id and r.state = 'suppressed' and c.version is not null
$$;

COMMENT ON FUNCTION sms.explain_decision(p_id bigint) IS 'Part of explain: the rule rows that suppressed a message, as they were then.';

-- FUNCTION explain_duplicate(sms.candidate, timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', case when coalesce(ch.dedup_window, '0') = '0' then 'the channel does not look for duplicates'
                            else 'nothing the same went within ' || ch.dedup_window end,
               'window', ch.dedup_window,
               'same_by', ch.dedup_by,
               'rule', sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row',
               'objects', e.earlier is not null,
               'earlier', e.earlier)
      from sms.channel as ch
      cross join lateral (
               select jsonb_agg(jsonb_build_object('message_id', l.message_id::text, 'at', l.at, 'channel', o.channel)
                                order by l.at) as earlier
                 from sms.contact_log as l
                 left join sms.channel as o on o.channel_id = l.channel_id
                where l.msisdn = p_fact.msisdn and l.dedup_key = p_fact.dedup_key and l.message_id <> p_fact.id
                  and l.at > p_as_of - ch.dedup_window and l.at < p_before
           ) as e
     where ch.channel_id = p_fact.channel_id
$$;

COMMENT ON FUNCTION sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) IS 'Part of explain: the facts behind rule_duplicate.';

-- FUNCTION explain_duplicate_ref(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', case when p_fact.ref_hash is null then 'it has no erp_ref'
                            when w.id is null then 'nobody owns its erp_ref yet'
                            else 'it owns its erp_ref' end,
               'erp_ref', a.erp_ref,
               'owner', case when w.id is not null then jsonb_build_object(
                            'message_id', w.id::text, 'created_at', w.created_at,
                            'state', (select m.state from sms.message as m where m.id = w.id)) end,
               'protects_days', s.value,
               'rule', case when p_fact.ref_hash is not null
                            then sms.rule_version('setting', 'erp_ref_days', p_as_of) - 'row' end)
      from sms.outbox as a
      left join sms.setting as s on s.setting = 'erp_ref_days' and p_fact.ref_hash is not null
      left join lateral (
               select b.id, b.created_at
                 from sms.erp_ref as r
                 join sms.outbox as b on b.id = r.id
                where r.ref_hash = p_fact.ref_hash and b.erp_ref = a.erp_ref
           ) as w on true
     where a.id = p_fact.id
$$;

COMMENT ON FUNCTION sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_duplicate_ref.';

-- FUNCTION explain_expired(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_expired(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', 'valid until ' || p_fact.expires_at,
               'expires_at', p_fact.expires_at,
               'from', case when o.expires_at is not null then 'the row' else 'the channel' end,
               'validity', case when o.expires_at is null then ch.validity end,
               'rule', case when o.expires_at is null then sms.rule_version('channel', ch.channel_id::text, p_as_of) - 'row' end)
      from sms.outbox as o
      left join sms.channel as ch on ch.channel_id = p_fact.channel_id
     where o.id = p_fact.id
$$;

COMMENT ON FUNCTION sms.explain_expired(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_expired.';

-- FUNCTION explain_fate(bigint)

CREATE FUNCTION sms.explain_fate(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'now', 'pending', null,
           case when p.not_before > clock_timestamp() then 'waits until ' || p.not_before else 'is due' end
               || case when v.provider is null then '; its lane is parked, no provider serves it'
                       when not v.is_enabled then '; provider ' || v.provider || ' is disabled' else '' end,
           clock_timestamp(), jsonb_build_object('attempts', p.attempt, 'provider', v.provider, 'priority', p.priority)
      from sms.pending as p
      left join sms.lane as l using (lane_id)
      left join sms.provider as v using (provider_id)
     where p.id = p_id
    union all
    select 'now', 'inflight', null, coalesce((select c.worker from sms.claim as c where c.claim_id = f.claim_id), 'a worker')
               || ' holds it until ' || f.lease_until, f.claimed_at,
           jsonb_build_object('claim_id', f.claim_id::text, 'attempt', f.attempt, 'provider', v.provider)
      from sms.inflight as f
      left join sms.provider as v using (provider_id)
     where f.id = p_id
    union all
    select 'left the queue', o.state, o.reason, o.detail, o.decided_at,
           jsonb_build_object('attempts', o.attempts, 'provider', v.provider, 'segments', o.segments, 'cost', o.cost,
                              'submitted_at', o.submitted_at, 'final_at', o.final_at, 'reasons', o.reasons,
                              'provider_refs', (select jsonb_agg(r.ref order by r.part)
                                                  from sms.provider_ref as r where r.id = o.id),
                              'decided_by', sms.explain_decision(p_id))
      from sms.outcome as o
      left join sms.provider as v using (provider_id)
     where o.id = p_id
$$;

COMMENT ON FUNCTION sms.explain_fate(p_id bigint) IS 'Part of explain: where a message is, or how it left the queue.';

-- FUNCTION explain_holdout(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_holdout(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'told', case when k.campaign_id is null then 'it belongs to no known campaign'
                            when k.holdout_percent = 0 then 'campaign ' || k.campaign || ' holds nobody out'
                            else 'not one of the ' || k.holdout_percent || ' % of campaign ' || k.campaign end,
               'campaign', k.campaign,
               'holdout_percent', k.holdout_percent,
               'draw', case when k.holdout_percent > 0
                            then round(sms.holdout_draw(p_fact.campaign_id, p_fact.client_id, p_fact.msisdn), 3) end,
               'rule', sms.rule_version('campaign', k.campaign_id::text, p_as_of) - 'row')
      from (values (1)) as one
      left join sms.campaign as k on k.campaign_id = p_fact.campaign_id
$$;

COMMENT ON FUNCTION sms.explain_holdout(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_holdout.';

-- FUNCTION explain_inbound(text)

CREATE FUNCTION sms.explain_inbound(p_author text) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $_$
    select jsonb_build_object('inbound_id', i.inbound_id::text, 'received_at', i.received_at,
                              'asked', i.action, 'provider', v.provider)
      from sms.inbound as i
      join sms.provider as v on v.provider_id = i.provider_id
     where i.inbound_id = substring(p_author from '^inbound (\d{1,18})$')::bigint
$_$;

COMMENT ON FUNCTION sms.explain_inbound(p_author text) IS 'Part of explain: the subscriber''s reply behind a blacklist row or a withdrawn consent.';

-- FUNCTION explain_quiet_hours(sms.candidate, timestamp with time zone)

CREATE FUNCTION sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    with place as (
        select ch.category, ch.opening_spread, coalesce(z.name, 'unknown') as zone, coalesce(z.members, u.members) as members,
               case when f.zone_id = p_fact.zone_id then f.zone_source
                    else 'as it was understood when it came in' end as zone_from
          from sms.outbox as o
          cross join lateral sms.interpret_request(
                   o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
                   o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
          left join sms.channel as ch on ch.channel_id = p_fact.channel_id
          left join sms.time_zone as z on z.zone_id = p_fact.zone_id
          left join sms.time_zone as u on u.zone_id = 0
         where o.id = p_fact.id
    ), silence as materialized (
        select z.name, w.quiet_hours_id, w.begins, w.ends, w.begins <= p_as_of as holds,
               min(w.begins) filter (where w.begins > p_as_of) over () as next_begin,
               bool_or(w.begins <= p_as_of) over () as silent
          from place as p
          cross join lateral unnest(p.members) as z (name)
          cross join lateral sms.quiet_windows(p.category, z.name, p_as_of) as w
         where w.ends > p_as_of and w.begins < w.ends
    )
    select jsonb_build_object(
               'told', case when not exists (select from sms.quiet_hours as q where q.category = p.category)
                            then 'no quiet hours for ' || coalesce(p.category, 'this channel')
                            else 'not silent in ' || p.zone end,
               'category', p.category, 'zone', p.zone, 'zone_from', p.zone_from,
               'local_time', (select jsonb_object_agg(m, to_char(p_as_of at time zone m, 'Dy YYYY-MM-DD HH24:MI'))
                                from unnest(p.members) as m),
               'opening_spread', nullif(p.opening_spread, '0'),
               'silences', (select jsonb_agg(jsonb_build_object(
                                       'zone', s.name, 'quiet_hours_id', s.quiet_hours_id, 'begins', s.begins, 'ends', s.ends,
                                       'holds', s.holds, 'reason', nullif(q.reason, ''),
                                       'rule', sms.rule_version('quiet_hours', s.quiet_hours_id::text, p_as_of) - 'row')
                                   order by s.ends desc, s.name)
                              from silence as s
                              join sms.quiet_hours as q on q.quiet_hours_id = s.quiet_hours_id
                             where case when s.silent then s.holds else s.begins = s.next_begin end),
               'holidays', (select jsonb_agg(jsonb_build_object('day', h.day, 'kind', h.kind, 'title', h.title))
                              from sms.holiday as h
                             where h.day in (select (p_as_of at time zone m)::date + d
                                               from unnest(p.members) as m, generate_series(-1, 1) as d)
                               and exists (select from sms.quiet_hours as q
                                            where q.category = p.category and q.day_kind is not null)))
      from place as p
$$;

COMMENT ON FUNCTION sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamp with time zone) IS 'Part of explain: the facts behind rule_quiet_hours.';

-- FUNCTION explain_receipts(bigint)

CREATE FUNCTION sms.explain_receipts(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'receipt', coalesce(r.state, 'progress'), null,
           'code ' || r.code || coalesce(', ' || r.error, '') || coalesce(' (' || c.meaning || ')', ''), r.received_at,
           jsonb_build_object('provider', v.provider, 'occurred_at', r.occurred_at, 'provider_ref', r.provider_ref)
      from sms.receipt as r
      left join sms.provider as v on v.provider_id = r.provider_id
      left join sms.receipt_code as c on c.adapter = v.adapter and c.code = r.code
     where r.receipt_id >= p_id
       and (r.message_id = p_id
            or r.provider_ref in (select x.ref from sms.provider_ref as x where x.id = p_id and x.provider_id = r.provider_id))
$$;

COMMENT ON FUNCTION sms.explain_receipts(p_id bigint) IS 'Part of explain: the delivery reports about a message.';

-- FUNCTION explain_refusal(bigint, text)

CREATE FUNCTION sms.explain_refusal(p_id bigint, p_reason text) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select case p_reason
               when 'missing_variable' then jsonb_build_object(
                   'template', o.template,
                   'missing', (select jsonb_agg(distinct btrim(m[1]))
                                 from sms.template as t
                                 join sms.template_version as v using (template_id)
                                 cross join lateral regexp_matches(v.body, '\{\{([^}|]*)\}\}', 'g') as m
                                where t.template = o.template and o.vars ->> btrim(m[1]) is null
                                  and v.template_version_id = coalesce(r.template_version_id, v.template_version_id)))
               when 'text_too_long' then jsonb_build_object('characters', char_length(o.body), 'most', 1000)
               when 'bad_time_zone' then jsonb_build_object('time_zone', o.time_zone)
               when 'expired' then jsonb_build_object('asked_expires_at', o.expires_at, 'asked_not_before', o.not_before)
               when 'empty_text' then jsonb_build_object('template', o.template)
               else jsonb_build_object('phone_characters', char_length(o.phone),
                                       'phone_digits', char_length(regexp_replace(o.phone, '[^0-9]', '', 'g')))
           end
      from sms.outbox as o
      left join sms.outcome as r on r.id = o.id
     where o.id = p_id and p_reason is not null
$$;

COMMENT ON FUNCTION sms.explain_refusal(p_id bigint, p_reason text) IS 'Part of explain: what is wrong with a refused request.';

-- FUNCTION explain_request(bigint)

CREATE FUNCTION sms.explain_request(p_id bigint) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    select 'request', case when x.reason is null then 'understood' else 'refused' end, x.reason,
           'channel ' || o.channel || ', operator ' || coalesce(op.operator, '?') || ', zone ' || coalesce(z.name, 'unknown')
               || ' (' || case when k.zone_id is not null and k.zone_id <> f.zone_id then 'as it was understood when it came in'
                               when f.zone_source like 'nothing%' then f.zone_source
                               else 'from ' || f.zone_source end || ')',
           o.created_at,
           jsonb_build_object('erp_ref', o.erp_ref, 'client_id', o.client_id, 'campaign_id', o.campaign_id,
                              'priority', f.priority, 'not_before', f.not_before, 'expires_at', f.expires_at,
                              'msisdn', k.msisdn, 'region', g.region,
                              'segments', sms.segments(coalesce(sms.render(v.body, o.vars), o.body, '')))
               || coalesce(sms.explain_refusal(p_id, x.reason), '{}')
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.pending as p on p.id = o.id
      left join sms.inflight as i on i.id = o.id
      left join sms.outcome as r on r.id = o.id
      cross join lateral (
               select coalesce(p.msisdn, i.msisdn, r.msisdn) as msisdn, coalesce(p.zone_id, i.zone_id, r.zone_id) as zone_id,
                      coalesce(p.lane_id, i.lane_id, r.lane_id) as lane_id,
                      coalesce(p.template_version_id, i.template_version_id, r.template_version_id) as template_version_id
           ) as k
      left join lateral (   -- refused when it came in: no rule was asked, so there is no detail
               select r.reason
                 from sms.reason as e
                where e.reason = r.reason and r.state = 'suppressed' and r.attempts = 0
                  and (e.rank <= 3 or e.reason = 'expired' and r.detail is null)
           ) as x on true
      left join sms.template_version as v on v.template_version_id = k.template_version_id
      left join sms.lane as l on l.lane_id = k.lane_id
      left join sms.operator as op on op.operator_id = l.operator_id
      left join sms.time_zone as z on z.zone_id = coalesce(k.zone_id, f.zone_id)
      left join lateral (
               select r.lo, r.hi, r.region from sms.number_range as r where r.lo <= k.msisdn order by r.lo desc limit 1
           ) as g on g.hi >= k.msisdn
     where o.id = p_id
$$;

COMMENT ON FUNCTION sms.explain_request(p_id bigint) IS 'Part of explain: what was asked and how it was understood.';

-- FUNCTION explain_rules(bigint, timestamp with time zone)

CREATE FUNCTION sms.explain_rules(p_id bigint, p_as_of timestamp with time zone) RETURNS TABLE(topic text, verdict text, reason text, detail text, at timestamp with time zone, facts jsonb)
    LANGUAGE sql STABLE
    AS $$
    with asked as materialized (
        select b.batch, b.batch[1] as fact, c.is_claim,
               case when c.is_claim then p_as_of else p_as_of + interval '1 hour' end as before
          from (select sms.candidates(array[p_id]) as batch offset 0) as b
          cross join lateral (
                   select exists (select from sms.contact_log as l
                                   where l.msisdn = b.batch[1].msisdn and l.at = p_as_of and l.message_id = p_id) as is_claim
               ) as c
         where b.batch is not null
    )
    select 'rules', null, null,
           'asked as of ' || p_as_of || case when exists (select from sms.pending as p where p.id = p_id) then ', now'
                                             when asked.is_claim then ', when it was claimed'
                                             else ', when it left the queue' end
               || '; lists and rules as they are known today', p_as_of, null
      from asked
    union all
    (select 'rule ' || r.rule,
            case when x.objects then f.verdict else 'pass' end,
            case when x.objects then f.reason end,
            case when x.objects then f.detail else t.facts ->> 'told' end,
            p_as_of,
            jsonb_strip_nulls(t.facts - 'told' - 'objects'
                              || case when x.objects and f.not_before is not null
                                      then jsonb_build_object('not_before', f.not_before) else '{}' end)
       from asked as a
       cross join (values (10, 'expired'), (20, 'blacklist'), (30, 'consent'), (40, 'duplicate_ref'), (50, 'duplicate'),
                          (60, 'cap'), (70, 'holdout'), (80, 'quiet_hours')) as r (rank, rule)
       left join lateral (
                select x.* from sms.rule_expired(a.batch, p_as_of) as x where r.rank = 10
                union all select x.* from sms.rule_blacklist(a.batch, p_as_of) as x where r.rank = 20
                union all select x.* from sms.rule_consent(a.batch, p_as_of) as x where r.rank = 30
                union all select x.* from sms.rule_duplicate_ref(a.batch, p_as_of) as x where r.rank = 40
                union all select x.* from sms.rule_duplicate(a.batch, p_as_of) as x where r.rank = 50
                union all select x.* from sms.rule_cap(a.batch, p_as_of) as x where r.rank = 60
                union all select x.* from sms.rule_holdout(a.batch, p_as_of) as x where r.rank = 70
                union all select x.* from sms.rule_quiet_hours(a.batch, p_as_of) as x where r.rank = 80
            ) as f on true
       cross join lateral (
                select case r.rank when 10 then sms.explain_expired(a.fact, p_as_of)
                                   when 20 then sms.explain_blacklist(a.fact, p_as_of)
                                   when 30 then sms.explain_consent(a.fact, p_as_of)
                                   when 40 then sms.explain_duplicate_ref(a.fact, p_as_of)
                                   when 50 then sms.explain_duplicate(a.fact, p_as_of, a.before)
                                   when 60 then sms.explain_cap(a.fact, p_as_of, a.before)
                                   when 70 then sms.explain_holdout(a.fact, p_as_of)
                                   when 80 then sms.explain_quiet_hours(a.fact, p_as_of) end as facts
            ) as t
       cross join lateral (
                select f.verdict is not null and coalesce((t.facts ->> 'objects')::boolean, true) as objects
            ) as x
      order by r.rank)
$$;

COMMENT ON FUNCTION sms.explain_rules(p_id bigint, p_as_of timestamp with time zone) IS 'Part of explain: every rule''s verdict on one message at a moment, with the facts.';

-- FUNCTION find_failing(bigint[], timestamp with time zone)

CREATE FUNCTION sms.find_failing(p_numbers bigint[], p_as_of timestamp with time zone) RETURNS TABLE(auto_rule_id integer, msisdn bigint, category text, channel text, lasts interval, reason text)
    LANGUAGE sql STABLE
    AS $_$
    with failure as materialized (
        select t.msisdn, t.at,
               coalesce(e.class, case when t.state in ('undelivered', 'expired') then 'unreachable' end) as class,
               coalesce(o.sender_id, ch.sender_id, '') !~ '^\+?\d+$' as is_alphanumeric
          from unnest(p_numbers) as n (msisdn)
          join sms.number_trouble as t on t.msisdn = n.msisdn
          join sms.provider as p on p.provider_id = t.provider_id
          left join sms.receipt_error as e on e.adapter = p.adapter and e.error = t.error
          left join sms.outbox as o on o.id = t.message_id
          left join sms.channel as ch on ch.channel = o.channel
    ), delivery as materialized (
        select l.msisdn, o.final_at as at, coalesce(q.sender_id, ch.sender_id, '') ~ '^\+?\d+$' as is_numeric
          from unnest(p_numbers) as n (msisdn)
          join sms.contact_log as l on l.msisdn = n.msisdn
          join sms.outcome as o on o.id = l.message_id and o.state = 'delivered'
          join sms.outbox as q on q.id = o.id
          left join sms.channel as ch on ch.channel = q.channel
    ), counted as (
        select r.auto_rule_id, f.msisdn, count(*) as times, min(f.at) as first_at, max(f.at) as last_at
          from sms.auto_blacklist_rule as r
          join failure as f on f.class = r.class and f.at > p_as_of - r.span and f.at <= p_as_of
                           and (f.is_alphanumeric or not r.needs_life)
         where r.is_enabled
           and not exists (select from delivery as d
                            where d.msisdn = f.msisdn and d.at >= f.at and d.at <= p_as_of
                              and not (r.needs_life and d.is_numeric))
         group by r.auto_rule_id, f.msisdn
    )
    select r.auto_rule_id, c.msisdn, r.category, r.channel, r.lasts, r.reason
      from counted as c
      join sms.auto_blacklist_rule as r using (auto_rule_id)
     where c.times >= r.times and c.last_at - c.first_at >= r.min_gap
       and (not r.needs_life
            or exists (select from delivery as d where d.msisdn = c.msisdn and d.is_numeric and d.at > p_as_of - r.span)
            or exists (select from sms.inbound as i where i.msisdn = c.msisdn and i.received_at > p_as_of - r.span))
$_$;

COMMENT ON FUNCTION sms.find_failing(p_numbers bigint[], p_as_of timestamp with time zone) IS 'Numbers that meet an automatic blacklisting rule, and the rule.';

-- FUNCTION fold_parts(bigint[], smallint[], text[], text[], timestamp with time zone)

CREATE FUNCTION sms.fold_parts(p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _ids bigint[];
    _states text[];
    _errors text[];
begin
    if p_ids is null then
        return 0;
    end if;
    perform from sms.outcome as o where o.id = any (p_ids) order by o.id for update;

    update sms.provider_ref as r
       set state = b.state
      from (select distinct on (g.id, g.part) g.id, g.part, g.state
              from unnest(p_ids, p_parts, p_states) as g (id, part, state)
             order by g.id, g.part, sms.state_rank(g.state) desc) as b
     where r.id = b.id and r.parts > 1 and r.part = b.part
       and coalesce(sms.state_rank(r.state), 0) < sms.state_rank(b.state);

    select array_agg(m.id), array_agg(m.state), array_agg((select min(g.error) from unnest(p_ids, p_errors) as g (id, error)
                                                            where g.id = m.id))
      into _ids, _states, _errors
      from (select r.id,
                   case when bool_and(coalesce(r.state = 'delivered', false)) then 'delivered'
                        else min(r.state) filter (where r.state not in ('accepted', 'delivered')) end as state
              from sms.provider_ref as r
             where r.id = any (p_ids) and r.parts > 1
             group by r.id) as m
     where m.state is not null;
    return cardinality(sms.advance(_ids, _states, _errors, p_now));
end
$$;

COMMENT ON FUNCTION sms.fold_parts(p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamp with time zone) IS 'Receipts of single segments: a long message is delivered when all its segments are, failed when one is.';

-- FUNCTION fold_word(text)

CREATE FUNCTION sms.fold_word(p_word text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select translate(regexp_replace(upper(p_word), '[^[:alnum:]]', '', 'g'), 'ABCEHKMOPTXYЁ', 'АВСЕНКМОРТХУЕ')
$$;

COMMENT ON FUNCTION sms.fold_word(p_word text) IS 'Case and Latin look-alikes folded away, for comparing stop words.';

-- FUNCTION forget_trouble()

CREATE FUNCTION sms.forget_trouble() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from sms.number_trouble as t
     using old_rows as o
     where o.source = 'auto' and t.msisdn = o.msisdn;
    return null;
end
$$;

COMMENT ON FUNCTION sms.forget_trouble() IS 'Trigger: removing an automatic blacklist row clears what led to it.';

-- FUNCTION holdout_draw(bigint, bigint, bigint)

CREATE FUNCTION sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select (hashint8extended(coalesce(p_client_id, p_msisdn), p_campaign_id) & 1048575) * 100.0 / 1048576
$$;

COMMENT ON FUNCTION sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint) IS 'Stable draw from 0 to 100 for a person in a campaign.';

-- FUNCTION id_at(timestamp with time zone)

CREATE FUNCTION sms.id_at(p_at timestamp with time zone) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    -- clamped, so that infinity gives the smallest and the largest id there can be
    select ((date_part('epoch', least(greatest(p_at, timestamptz '1960-01-01 00:00Z'), timestamptz '2089-01-01 00:00Z')) * 1000)::bigint
            - 1577836800000) << 22
$$;

COMMENT ON FUNCTION sms.id_at(p_at timestamp with time zone) IS 'The smallest id of a moment: milliseconds since 2020-01-01 UTC, shifted left 22 bits.';

-- FUNCTION id_time(bigint)

CREATE FUNCTION sms.id_time(p_id bigint) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ select to_timestamp(((p_id >> 22) + 1577836800000) / 1000.0) $$;

COMMENT ON FUNCTION sms.id_time(p_id bigint) IS 'The moment an id was drawn, to the millisecond.';

-- FUNCTION interpret_request(text, text, text, text, jsonb, text, smallint, timestamp with time zone, timestamp with time zone, text, bigint, timestamp with time zone)

CREATE FUNCTION sms.interpret_request(p_channel text, p_phone text, p_body text, p_template text, p_vars jsonb, p_erp_ref text, p_priority smallint, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_time_zone text, p_client_id bigint, p_now timestamp with time zone) RETURNS TABLE(msisdn bigint, reason text, channel_id smallint, lane_id smallint, zone_id smallint, priority smallint, not_before timestamp with time zone, expires_at timestamp with time zone, dedup_key bigint, ref_hash bigint, template_version_id integer, zone_source text)
    LANGUAGE sql STABLE
    AS $$
    select n.msisdn,
           case when n.msisdn is null then sms.phone_problem(p_phone)
                when p_template is not null and v.problem is not null then v.problem
                when p_template is null and coalesce(p_body, '') = '' then 'empty_text'
                when char_length(p_body) > 1000 then 'text_too_long'
                when p_time_zone is not null and z.zone_id is null then 'bad_time_zone'
                when p_expires_at <= n.not_before then 'expired'
           end,
           c.channel_id, l.lane_id,
           case when p_time_zone is null
                then coalesce(cc.zone_id, cp.zone_id, nullif(g.zone_id, 0), cz.zone_id, 0::smallint)
                else coalesce(z.zone_id, 0::smallint) end,
           greatest(c.priority, p_priority),
           n.not_before,
           least(coalesce(p_expires_at, n.not_before + c.validity), timestamptz '9999-12-31 00:00Z'),
           hashtextextended(case when p_template is null then coalesce(p_body, '')
                                 when c.dedup_by = 'template' then p_template
                                 else concat(p_template, p_vars) end,
                            case when c.dedup_by = 'text_in_channel' then c.channel_id else 0 end),
           hashtextextended(p_erp_ref, 0),
           v.template_version_id,
           case when p_time_zone is not null then 'the row'
                when cc.zone_id is not null then 'the client'
                when cp.zone_id is not null then 'where the client lives'
                when g.zone_id <> 0 then 'the number'
                when cz.zone_id is not null then 'the channel'
                else 'nothing tells it' end
      from (select sms.normalize_msisdn(p_phone) as msisdn,
                   least(greatest(p_not_before, p_now), timestamptz '9999-01-01 00:00Z') as not_before offset 0) as n
      cross join lateral (
               select x.channel_id, x.priority, x.validity, x.time_zone, x.dedup_by
                 from sms.channel as x where x.channel = p_channel limit 1
           ) as c
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from sms.time_zone as x where x.name = c.time_zone limit 1) as y
                where c.time_zone is not null
               offset 0
           ) as cz on true
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from sms.client_zone as x where x.client_id = p_client_id limit 1) as y
                where p_client_id is not null
               offset 0
           ) as cc on true
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from geo.client_location as x where x.client_id = p_client_id limit 1) as y
                where p_client_id is not null and cc.zone_id is null
               offset 0
           ) as cp on true
      left join lateral (
               select r.operator_id, r.zone_id
                 from (select x.hi, x.operator_id, x.zone_id
                         from sms.number_range as x
                        where x.lo <= n.msisdn
                        order by x.lo desc
                        limit 1) as r
                where r.hi >= n.msisdn
           ) as g on true
      left join lateral (
               select x.lane_id from sms.lane as x
                where x.channel_id = c.channel_id and x.operator_id = coalesce(g.operator_id, 0::smallint) limit 1
           ) as l on true
      left join lateral (
               select y.zone_id
                 from (select x.zone_id from sms.time_zone as x where x.name = p_time_zone and x.zone_id <> 0 limit 1) as y
                where p_time_zone is not null
               offset 0
           ) as z on true
      left join lateral (
               select y.template_version_id, y.problem
                 from (select x.template_version_id, x.problem from sms.check_template(p_template, p_vars) as x limit 1) as y
                where p_template is not null
               offset 0
           ) as v on true
$$;

COMMENT ON FUNCTION sms.interpret_request(p_channel text, p_phone text, p_body text, p_template text, p_vars jsonb, p_erp_ref text, p_priority smallint, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_time_zone text, p_client_id bigint, p_now timestamp with time zone) IS 'What a request means: number, lane, zone, times, hashes; reason when it cannot be used. Shared by the insert trigger and explain.';

-- FUNCTION judge(bigint[], timestamp with time zone)

CREATE FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone DEFAULT clock_timestamp()) RETURNS TABLE(id bigint, verdict text, reason text, detail text, not_before timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
    select o.id,
           case when r.id is null then j.verdict else 'suppress' end,
           coalesce(r.reason, j.reason),
           case when r.id is null then j.detail end,
           case when r.id is null then j.not_before end
      from sms.outbox as o
      cross join lateral sms.interpret_request(
               o.channel, o.phone, o.body, o.template, o.vars, o.erp_ref,
               o.priority, o.not_before, o.expires_at, o.time_zone, o.client_id, o.created_at) as f
      left join sms.outcome as r on r.id = o.id and r.state = 'suppressed' and r.attempts = 0 and r.reason = f.reason
      left join sms.judge_batch(sms.candidates(ids), as_of) as j on j.id = o.id
     where o.id = any (ids)
$$;

COMMENT ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) IS 'Verdict of all rules on these messages at a moment: send, defer (until not_before) or suppress, with the reason.';

-- FUNCTION judge_batch(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.judge_batch(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS TABLE(id bigint, verdict text, reason text, detail text, not_before timestamp with time zone, reasons text[])
    LANGUAGE sql STABLE
    AS $$
    with finding as materialized (
        select * from sms.rule_expired(p_batch, p_as_of)
        union all select * from sms.rule_blacklist(p_batch, p_as_of)
        union all select * from sms.rule_consent(p_batch, p_as_of)
        union all select * from sms.rule_duplicate_ref(p_batch, p_as_of)
        union all select * from sms.rule_duplicate(p_batch, p_as_of)
        union all select * from sms.rule_cap(p_batch, p_as_of)
        union all select * from sms.rule_holdout(p_batch, p_as_of)
        union all select * from sms.rule_quiet_hours(p_batch, p_as_of)
    ), first as (
        select distinct on (f.id) f.id, f.verdict, f.reason, f.detail, f.not_before,
               array_agg(f.reason) filter (where f.verdict <> 'wait') over (partition by f.id order by f.rank
                                         rows between unbounded preceding and unbounded following) as reasons
          from finding as f
         order by f.id, f.rank
    )
    select c.id, coalesce(f.verdict, 'send'), f.reason, f.detail, f.not_before,
           case when cardinality(f.reasons) > 1 then f.reasons end
      from unnest(p_batch) as c
      left join first as f on f.id = c.id
$$;

COMMENT ON FUNCTION sms.judge_batch(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Every rule about every candidate; the lowest rank decides. The only home of the rules.';

-- FUNCTION learn_numbers(integer, timestamp with time zone)

CREATE FUNCTION sms.learn_numbers(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(blacklisted integer, lifted integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := coalesce(p_as_of, clock_timestamp());
    _numbers bigint[];
begin
    with fresh as (
        select t.message_id from sms.number_trouble as t
         where t.learned_at is null order by t.at limit p_limit for update skip locked
    ), seen as (
        update sms.number_trouble as t set learned_at = _now from fresh as f where t.message_id = f.message_id returning t.msisdn
    )
    select array_agg(distinct s.msisdn) into _numbers from seen as s;

    insert into sms.blacklist (msisdn, category, channel, reason, source, expires_at, created_at, created_by)
    select f.msisdn, f.category, f.channel, f.reason, 'auto', _now + f.lasts, _now, 'auto rule ' || f.auto_rule_id
      from sms.find_failing(_numbers, _now) as f
     where not exists (select from sms.blacklist as b
                        where b.msisdn = f.msisdn and b.category is not distinct from f.category
                          and b.channel is not distinct from f.channel
                          and (b.expires_at is null or b.expires_at > _now));
    get diagnostics blacklisted = row_count;

    delete from sms.blacklist as b
     where b.source = 'auto' and b.msisdn is not null
       and exists (select from sms.contact_log as l
                     join sms.outcome as o on o.id = l.message_id
                    where l.msisdn = b.msisdn and l.at > b.created_at - interval '3 days' and l.at < _now + interval '1 hour'
                      and o.state = 'delivered' and o.final_at > b.created_at
                      and (b.category is null
                           or b.category = (select c.category from sms.channel as c where c.channel_id = l.channel_id)));
    get diagnostics lifted = row_count;
    return next;
end
$$;

COMMENT ON FUNCTION sms.learn_numbers(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Blacklist numbers that keep failing by sms.auto_blacklist_rule; lift what was delivered to since.';

-- FUNCTION list_providers()

CREATE FUNCTION sms.list_providers() RETURNS TABLE(provider text, adapter text, settings jsonb, secret_env text, tps numeric, max_batch integer, is_enabled boolean, lanes integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select p.provider, p.adapter, p.settings, p.secret_env, p.tps, p.max_batch, p.is_enabled,
           (select count(*) from sms.lane as l where l.provider_id = p.provider_id)::int
      from sms.provider as p
     order by p.provider
$$;

COMMENT ON FUNCTION sms.list_providers() IS 'Accounts with their settings and the number of lanes each serves now.';

-- FUNCTION log_activity(text, text, text, jsonb)

CREATE FUNCTION sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    insert into sms.activity (acted_as, action, kind, name, detail)
    values (sms.acting_role(), p_action, p_kind, p_name, coalesce(p_detail, '{}'))
$$;

COMMENT ON FUNCTION sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb) IS 'Append to sms.activity: who did what, when.';

-- FUNCTION maintain_partitions(timestamp with time zone)

CREATE FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(created integer, dropped integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '2s'
    AS $$
declare
    _this_month timestamptz := date_trunc('month', coalesce(p_as_of, clock_timestamp()), 'UTC');
    _table text;
    _month timestamptz;
begin
    created := 0;
    dropped := 0;
    foreach _table in array array['outbox', 'outcome', 'receipt', 'provider_ref', 'contact_log'] loop
        for _ahead in -1..3 loop
            created := created + sms.create_partition(_table, _this_month + make_interval(months => _ahead));
        end loop;
        for _month in select m.month from sms.partition_months(_table) as m
                       where m.month < _this_month - sms.retention(_table) loop
            dropped := dropped + sms.drop_partition(_table, _month);
        end loop;
    end loop;
    if dropped > 0 then
        -- A key whose owner's request is gone would protect nothing and could never be owned again.
        delete from sms.erp_ref as r
         where r.id < (select min(sms.id_at(m.month)) from sms.partition_months('outbox') as m);
    end if;
    return next;
end
$$;

COMMENT ON FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone) IS 'Chore. Partitions three months ahead; those past retention_months dropped.';

-- FUNCTION mark_submitting(bigint, bigint[])

CREATE FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    if not pg_try_advisory_xact_lock_shared(p_claim_id) then
        return false;
    end if;
    insert into sms.submitting (claim_id, marked_at, ids)
    select p_claim_id, clock_timestamp(), p_ids
      from sms.inflight as f
     where f.id = p_ids[1] and f.claim_id = p_claim_id and f.lease_until > clock_timestamp();
    return found;
end
$$;

COMMENT ON FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[]) IS 'Worker API. Record durably that these messages of the claim are about to be handed over; false = lease lost, do not send.';

-- FUNCTION match_receipts(integer, timestamp with time zone)

CREATE FUNCTION sms.match_receipts(p_limit integer DEFAULT 1000, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    _now timestamptz := coalesce(p_as_of, clock_timestamp());
    _ids bigint[];
    _states text[];
    _errors text[];
    _parts smallint[];
begin
    with found as materialized (
        select u.receipt_id, o.id, u.state, u.error, case when r.parts > 1 then r.part end as part
          from sms.unmatched_receipt as u
          left join lateral (
                   select x.id, x.part, x.parts from sms.provider_ref as x
                    where u.message_id is null and x.provider_id = u.provider_id and x.ref = u.provider_ref
                    order by x.id desc
                    limit 1
               ) as r on true
          cross join lateral (select x.id from sms.outcome as x where x.id = coalesce(u.message_id, r.id) offset 0) as o
         limit p_limit
    ), gone as (
        delete from sms.unmatched_receipt as u using found as f where u.receipt_id = f.receipt_id
     returning f.id, f.state, f.error, f.part
    )
    select array_agg(g.id), array_agg(g.state), array_agg(g.error), array_agg(g.part)
      into _ids, _states, _errors, _parts from gone as g;
    delete from sms.unmatched_receipt as u where u.received_at < _now - interval '7 days';
    if _ids is null then
        return 0;
    end if;
    perform sms.advance(array_agg(g.id), array_agg(g.state), array_agg(g.error), _now)
       from unnest(_ids, _states, _errors, _parts) as g (id, state, error, part) where g.part is null;
    perform sms.fold_parts(array_agg(g.id), array_agg(g.part), array_agg(g.state), array_agg(g.error), _now)
       from unnest(_ids, _states, _errors, _parts) as g (id, state, error, part) where g.part is not null;
    return cardinality(_ids);
end
$$;

COMMENT ON FUNCTION sms.match_receipts(p_limit integer, p_as_of timestamp with time zone) IS 'Chore. Apply receipts that came before their message was settled or its reference was known.';

-- FUNCTION needs_ucs2(text)

CREATE FUNCTION sms.needs_ucs2(p_text text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
    select p_text ~ '[^@£$¥èéùìòÇ\n\x0cØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\\[~\]|€]'
$_$;

COMMENT ON FUNCTION sms.needs_ucs2(p_text text) IS 'Does one character of the text lie outside the GSM alphabet?';

-- FUNCTION normalize_msisdn(text)

CREATE FUNCTION sms.normalize_msisdn(p_phone text) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    _digits text := translate(p_phone, ' -()', '');
begin
    -- 9 followed by nine equal digits is a placeholder: those ten numbers, and only they, leave 9 here.
    if _digits ~ '^(?:\+?7|8)?9[0-9]{9}$' and right(_digits, 10)::bigint % 111111111 <> 9 then
        return right(_digits, 10)::bigint + 70000000000;
    end if;
    return (sms.read_phone(p_phone)).msisdn;
end
$_$;

COMMENT ON FUNCTION sms.normalize_msisdn(p_phone text) IS 'A phone as typed to bigint 79161234567, or null when it is no Russian mobile number; sms.phone_problem says why.';

-- FUNCTION note_troubles(bigint[], timestamp with time zone)

CREATE FUNCTION sms.note_troubles(p_ids bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE sql
    AS $$
    insert into sms.number_trouble (message_id, msisdn, at, provider_id, state, error)
    select o.id, o.msisdn, p_now, o.provider_id, o.state, o.detail
      from sms.outcome as o
     where o.id = any (p_ids) and o.state in ('undelivered', 'expired', 'rejected')
       and o.msisdn is not null and o.provider_id is not null
        on conflict (message_id) do nothing
$$;

COMMENT ON FUNCTION sms.note_troubles(p_ids bigint[], p_now timestamp with time zone) IS 'Remember failed messages by number.';

-- FUNCTION numbering_changes()

CREATE FUNCTION sms.numbering_changes(OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint) RETURNS record
    LANGUAGE sql STABLE
    AS $$
    with staged as materialized (
        select * from sms.staged_ranges()
    ), cut as (
        select r.lo as point from sms.number_range as r union select r.hi + 1 from sms.number_range as r
        union select s.lo from staged as s union select s.hi + 1 from staged as s
    ), piece as (
        select c.point, lead(c.point) over w - c.point as size, max(r.lo) over w as old_lo, max(s.lo) over w as new_lo
          from cut as c
          left join sms.number_range as r on r.lo = c.point
          left join staged as s on s.lo = c.point
        window w as (order by c.point)
    ), change as (
        select p.size, r.lo is not null as was, s.lo is not null as is_now,
               r.operator_id is distinct from s.operator_id or r.inn is distinct from s.inn as other_operator,
               r.zone_id is distinct from s.zone_id as other_zone
          from piece as p
          left join sms.number_range as r on r.lo = p.old_lo and r.hi >= p.point
          left join staged as s on s.lo = p.new_lo and s.hi >= p.point
    )
    select coalesce(sum(c.size) filter (where c.is_now), 0),
           coalesce(sum(c.size) filter (where c.is_now and not c.was), 0),
           coalesce(sum(c.size) filter (where c.was and not c.is_now), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and c.other_operator), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and c.other_zone), 0),
           coalesce(sum(c.size) filter (where c.was and c.is_now and not c.other_operator and not c.other_zone), 0)
      from change as c
$$;

COMMENT ON FUNCTION sms.numbering_changes(OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint) IS 'How many numbers the staged file adds, removes, gives another operator or zone, or leaves alone.';

-- FUNCTION obey_replies(bigint[])

CREATE FUNCTION sms.obey_replies(p_inbound_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    _stops int;
    _answer text := (select nullif(s.value, '') from sms.setting as s where s.setting = 'opt_out_answer');
begin
    delete from sms.blacklist as b
     using sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action = 'start' and b.msisdn = i.msisdn and b.source = 'opt_out';

    insert into sms.blacklist (msisdn, category, reason, source, created_at, created_by)
    select distinct on (i.msisdn) i.msisdn, case i.action when 'stop_advertising' then 'advertising' end,
           'asked by message ' || i.inbound_id, 'opt_out', clock_timestamp(), 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%'
       and not exists (select from sms.blacklist as b
                        where b.msisdn = i.msisdn and b.source = 'opt_out'
                          and (b.category is null or i.action = 'stop_advertising'))
     order by i.msisdn, i.action = 'stop_all' desc;

    update sms.consent as c
       set withdrawn_at = clock_timestamp(), withdrawn_by = 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%' and c.msisdn = i.msisdn and c.withdrawn_at is null
       and (i.action = 'stop_all' or c.category = 'advertising');

    insert into sms.outbox (channel, phone, body, erp_ref)
    select 'reply', i.msisdn::text, _answer, 'inbound ' || i.inbound_id
      from sms.inbound as i
     where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%' and _answer is not null;

    select count(*) into _stops from sms.inbound as i where i.inbound_id = any (p_inbound_ids) and i.action like 'stop%';
    return _stops;
end
$$;

COMMENT ON FUNCTION sms.obey_replies(p_inbound_ids bigint[]) IS 'Blacklist, withdraw consents and answer for opt-outs; lift opt-outs for those who come back.';

-- FUNCTION outcome_status(timestamp with time zone)

CREATE FUNCTION sms.outcome_status(p_since timestamp with time zone) RETURNS TABLE(state text, messages bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select o.state, count(*) from sms.outcome as o where o.decided_at >= p_since group by o.state order by o.state
$$;

COMMENT ON FUNCTION sms.outcome_status(p_since timestamp with time zone) IS 'Messages that left the queue since a moment, by state.';

-- FUNCTION partition_months(text)

CREATE FUNCTION sms.partition_months(p_table text) RETURNS TABLE(month timestamp with time zone, partition regclass)
    LANGUAGE sql STABLE
    SET "TimeZone" TO 'UTC'
    AS $_$
    select to_timestamp(substring(c.relname from '_y(\d{4}m\d{2})$'), 'YYYY"m"MM')::timestamp at time zone 'UTC', c.oid::regclass
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = ('sms.' || p_table)::regclass
$_$;

COMMENT ON FUNCTION sms.partition_months(p_table text) IS 'Months that a partitioned table covers.';

-- FUNCTION period_start(text, interval, text[], timestamp with time zone)

CREATE FUNCTION sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamp with time zone) RETURNS TABLE(since timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    select coalesce(
        case when p_period = 'rolling' then p_as_of - p_span
             else (select min(date_trunc(p_period, p_as_of at time zone z) at time zone z) from unnest(p_zones) as z) end,
        '-infinity')
$$;

COMMENT ON FUNCTION sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamp with time zone) IS 'Start of the day, ISO week, month or rolling span that a cap counts over.';

-- FUNCTION phone_problem(text)

CREATE FUNCTION sms.phone_problem(p_phone text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select (sms.read_phone(p_phone)).problem $$;

COMMENT ON FUNCTION sms.phone_problem(p_phone text) IS 'Why a phone cannot be sent to: invalid_number, not_mobile, foreign_number, several_numbers; null when it can.';

-- FUNCTION queue_status()

CREATE FUNCTION sms.queue_status() RETURNS TABLE(channel text, operator text, provider text, pending bigint, due bigint, inflight bigint, oldest_due_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select s.channel, s.operator, s.provider, coalesce(s.due + s.later, 0), coalesce(s.due, 0), coalesce(f.n, 0), s.oldest_due_at
      from sms.lane_status as s
      left join (select l.lane_id, c.channel, o.operator
                   from sms.lane as l join sms.channel as c using (channel_id) join sms.operator as o using (operator_id)) as k
        on k.channel = s.channel and k.operator = s.operator
      left join (select i.lane_id, count(*) as n from sms.inflight as i group by i.lane_id) as f on f.lane_id = k.lane_id
$$;

COMMENT ON FUNCTION sms.queue_status() IS 'Each lane: pending, due, in flight, oldest due.';

-- FUNCTION quiet_until(text, text[], timestamp with time zone)

CREATE FUNCTION sms.quiet_until(p_category text, p_zones text[], p_as_of timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _at timestamptz := p_as_of;
    _end timestamptz;
begin
    loop
        select max(w.ends) into _end
          from unnest(p_zones) as z
          cross join lateral sms.quiet_windows(p_category, z, _at) as w
         where w.begins <= _at and _at < w.ends;
        exit when _end is null;
        _at := _end;
        if _at > p_as_of + interval '14 days' then
            return timestamptz 'infinity';
        end if;
    end loop;
    return nullif(_at, p_as_of);
end
$$;

COMMENT ON FUNCTION sms.quiet_until(p_category text, p_zones text[], p_as_of timestamp with time zone) IS 'The first moment after as_of at which this category may be sent in all of these zones; null = now.';

-- FUNCTION quiet_windows(text, text, timestamp with time zone)

CREATE FUNCTION sms.quiet_windows(p_category text, p_zone text, p_as_of timestamp with time zone) RETURNS TABLE(quiet_hours_id integer, begins timestamp with time zone, ends timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    select q.quiet_hours_id,
           (d.day + q.quiet_from) at time zone p_zone,
           (d.day + q.quiet_until + case when q.quiet_until < q.quiet_from then interval '1 day' else interval '0' end)
               at time zone p_zone
      from (select (p_as_of at time zone p_zone)::date + n as day from generate_series(-1, 1) as n) as d
      left join sms.holiday as h on h.day = d.day
      cross join lateral (
               select extract(isodow from d.day)::int as iso_weekday,
                      coalesce(h.kind, case when extract(isodow from d.day) > 5 then 'off' else 'working' end) as kind
           ) as k
      join sms.quiet_hours as q
        on q.category = p_category
       and (q.iso_weekday is null or q.iso_weekday = k.iso_weekday)
       and (q.day_kind is null or q.day_kind = k.kind)
$$;

COMMENT ON FUNCTION sms.quiet_windows(p_category text, p_zone text, p_as_of timestamp with time zone) IS 'Silences of a category near a moment in one zone, with their begin and end.';

-- FUNCTION read_phone(text)

CREATE FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) RETURNS record
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
declare
    _text text;
    _part text[];
    _rest text;
    _digits text;
begin
    problem := 'invalid_number';
    if p_phone is null or length(translate(p_phone, ' -()', '')) > 200 then
        return;
    end if;

    -- Full-width characters, and the dashes, spaces and quotes of word processors, become ASCII; invisible ones go.
    _text := translate(p_phone,
        U&'\FF10\FF11\FF12\FF13\FF14\FF15\FF16\FF17\FF18\FF19\FF0B\FF08\FF09\FF0E\2010\2011\2012\2013\2014\2015\2212\FF0D'
        '\00A0\2002\2003\2007\2009\202F\3000\00AB\00BB\201C\201D\201E\2019\00AD\200B\200E\200F\202A\202C\2060\FEFF',
        '0123456789+().--------       """"""');
    -- A spreadsheet turned the number into a fraction: 79123456789.0
    _text := regexp_replace(_text, '^[ \t]*(\+?[0-9]+)[.,]0+[ \t]*$', '\1');

    -- {plus, the first number, what follows it}; words before the number are notes.
    _part := regexp_match(_text, '^[^0-9+]*(\+*)[ ().-]*([0-9][0-9 ().-]*)(.*)$');
    if _part is null then
        return;
    end if;
    _digits := translate(_part[2], ' ().-', '');
    _rest := _part[3];

    -- Another number follows; "67-89, 90" is a second phone as well; so are two of them run together.
    if length(_digits) >= 6 and _rest ~ '[0-9]([ ().-]*[0-9]){5}|^[ \t\r\n;,/|+]*[0-9]'
       or _digits ~ '^([78]?9[0-9]{9}|[78][0-9]{10})[0-9]{7,}$' then
        problem := 'several_numbers';
        return;
    end if;
    -- A letter touching the number may stand for a digit, unless it opens an extension: 89123456789доб.12
    if _part[2] ~ '[0-9]$' and _rest ~ '^([A-Za-z]|[^\x01-\x7f])'
       and _rest !~ '^(доб|Доб|ДОБ|вн|Вн|ВН|ext|Ext|EXT|x|X|х|Х)[^0-9]{0,10}[0-9]{1,5}[^0-9]*$' then
        return;
    end if;

    -- 8~10 is how one dials out of Russia.
    if _part[1] = '' and _digits ~ '^810[0-9]{9,}$' then
        _part[1] := '+';
        _digits := substr(_digits, 4);
    end if;
    -- +8 for 8 and +7 8 for +7 are slips of the hand; +9… has lost its 7 and would be India.
    if _digits ~ '^(7|8|78)9[0-9]{9}$' or _part[1] = '' and _digits ~ '^9[0-9]{9}$' then
        msisdn := right(_digits, 10)::bigint + 70000000000;
        if right(_digits, 9) ~ '^([0-9])\1{8}$' then
            msisdn := null;
        else
            problem := null;
        end if;
    elsif _part[1] = '' then
        problem := case
            when _digits ~ '^[78][348][0-9]{9}$|^([34][0-9]|8[0-8])[0-9]{8}$' then 'not_mobile'
            -- +7 6xx and +7 7xx are Kazakhstan; neighbours are often written without a plus.
            when _digits ~ '^[78][67][0-9]{9}$|^7(0[0-8]|47|6[0-4]|7[15-8]|85)[0-9]{7}$' then 'foreign_number'
            when _digits ~ '^(37[0-4][0-9]{8}|(375|380|99[2-68])[0-9]{9})$' then 'foreign_number'
            else 'invalid_number' end;
    else
        problem := case
            when _digits ~ '^7[348][0-9]{9}$|^8800[0-9]{7}$' then 'not_mobile'
            when _digits ~ '^7[67][0-9]{9}$' then 'foreign_number'
            when _digits ~ '^[1-69][0-9]{7,14}$|^8[1-8][0-9]{6,13}$' and _digits !~ '^9[0-9]{9}$' then 'foreign_number'
            else 'invalid_number' end;
    end if;
end
$_$;

COMMENT ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) IS 'What a phone field holds: msisdn, or the problem that leaves none. Behind normalize_msisdn and phone_problem.';

-- FUNCTION record_inbound(text, text[], text[], text[], text[])

CREATE FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) RETURNS TABLE(stored integer, opted_out integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _provider_id smallint;
    _ids bigint[];
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    with kept as (
        insert into sms.inbound (provider_id, provider_ref, msisdn, sender, sent_to, body, action)
        select _provider_id, g.ref, sms.normalize_msisdn(g.sender), g.sender, g.sent_to, g.body,
               case when sms.normalize_msisdn(g.sender) is not null then sms.understand_reply(g.body) end
          from unnest(p_refs, p_senders, p_sent_tos, p_bodies) as g (ref, sender, sent_to, body)
            on conflict (provider_id, provider_ref) do nothing
     returning inbound_id
    )
    select array_agg(k.inbound_id) into _ids from kept as k;
    stored := coalesce(cardinality(_ids), 0);
    opted_out := case when stored > 0 then sms.obey_replies(_ids) else 0 end;
    if stored > 0 then
        perform pg_notify('sms_inbound', '');
    end if;
    return next;
end
$$;

COMMENT ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) IS 'Receipt API. Keep messages from subscribers, obey opt-outs, tell the ERP.';

-- FUNCTION record_receipts(text, bigint[], text[], text[], text[], timestamp with time zone[], text[])

CREATE FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) RETURNS TABLE(stored integer, applied integer, waiting integer, unmapped integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
declare
    _now timestamptz := clock_timestamp();
    _provider_id smallint;
    _adapter text;
begin
    select p.provider_id, p.adapter into _provider_id, _adapter from sms.provider as p where p.provider = p_provider;
    if not found then
        raise exception 'unknown provider "%"', p_provider using errcode = 'SM006';
    end if;
    return query
    with report as materialized (
        select sms.next_id() as receipt_id, coalesce(g.message_id, r.id) as message_id, g.ref, g.code, g.error, g.occurred_at,
               g.raw, m.state, m.code is not null as is_mapped, r.part, r.parts
          from unnest(p_message_ids, p_refs, p_codes, p_errors, p_occurred_ats, p_raws)
                 as g (message_id, ref, code, error, occurred_at, raw)
          left join sms.receipt_code as m on m.adapter = _adapter and m.code = g.code
          left join lateral (
                   select y.id, y.part, y.parts
                     from (select x.id, x.part, x.parts from sms.provider_ref as x
                            where x.provider_id = _provider_id and x.ref = g.ref
                            order by x.id desc
                            limit 1) as y
                    where g.message_id is null
                   offset 0
               ) as r on true
    ), kept as (
        insert into sms.receipt (receipt_id, received_at, occurred_at, message_id, provider_id, code, error, state,
                                 provider_ref, raw)
        select p.receipt_id, _now, p.occurred_at, p.message_id, _provider_id, p.code, p.error, p.state, p.ref, p.raw
          from report as p
    ), moved as materialized (
        select unnest(m.ids) as id
          from (select sms.advance(array_agg(p.message_id), array_agg(p.state), array_agg(p.error), _now) as ids
                  from report as p
                 where p.state is not null and p.message_id is not null and coalesce(p.parts, 1) = 1) as m
    ), known as materialized (
        select p.*, o.id as outcome_id
          from report as p
          left join moved as m on m.id = p.message_id
          left join lateral (select x.id from sms.outcome as x where x.id = p.message_id offset 0) as o on true
         where p.state is not null and m.id is null
    ), folded as (
        select sms.fold_parts(array_agg(k.message_id), array_agg(k.part), array_agg(k.state), array_agg(k.error), _now) as n
          from known as k
         where k.outcome_id is not null and k.parts > 1
    ), parked as (
        insert into sms.unmatched_receipt (receipt_id, received_at, message_id, provider_id, provider_ref, state, error)
        select k.receipt_id, _now, k.message_id, _provider_id, k.ref, k.state, k.error
          from known as k
         where k.outcome_id is null and num_nonnulls(k.message_id, k.ref) > 0
     returning 1
    )
    select (select count(*) from report)::int, (select count(*) from moved)::int + coalesce((select f.n from folded as f), 0),
           (select count(*) from parked)::int, (select count(*) from report as p where not p.is_mapped)::int;
end
$$;

COMMENT ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) IS 'Receipt API. Store reports as received, map their codes, move messages forward; early and unknown ones wait.';

-- FUNCTION refuse_change()

CREATE FUNCTION sms.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'rows of %.% are never changed or deleted', tg_table_schema, tg_table_name
        using errcode = 'SM003', hint = 'To stop a message use sms.cancel(id); to ask for another, insert another row.';
end
$$;

COMMENT ON FUNCTION sms.refuse_change() IS 'Trigger: this table is append-only.';

-- FUNCTION refuse_consent_edit()

CREATE FUNCTION sms.refuse_consent_edit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'UPDATE' and old.withdrawn_at is null and new.withdrawn_at is not null
       and (to_jsonb(new) - 'withdrawn_at' - 'withdrawn_by') = (to_jsonb(old) - 'withdrawn_at' - 'withdrawn_by') then
        return new;
    end if;
    raise exception 'consents are a ledger: rows are added and withdrawn, never changed or deleted'
        using errcode = 'SM003', hint = 'Set withdrawn_at; for another consent insert another row.';
end
$$;

COMMENT ON FUNCTION sms.refuse_consent_edit() IS 'Trigger: consents may only be withdrawn.';

-- FUNCTION refuse_illegal_move()

CREATE FUNCTION sms.refuse_illegal_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_nestloop TO 'off'
    AS $$
declare
    _move record;
begin
    select b.state as from_state, a.state as to_state into _move
      from before_rows as b
      join after_rows as a on a.id = b.id
     where a.state <> b.state
       and not exists (select from sms.state_transition as t where t.from_state = b.state and t.to_state = a.state)
     limit 1;
    if found then
        raise exception 'a message cannot go from % to %', _move.from_state, _move.to_state
            using errcode = 'SM007', hint = 'The moves are in sms.state_transition.';
    end if;
    return null;
end
$$;

COMMENT ON FUNCTION sms.refuse_illegal_move() IS 'Trigger: only moves in sms.state_transition.';

-- FUNCTION refuse_unfit_rows(sms.outbox[])

CREATE FUNCTION sms.refuse_unfit_rows(p_rows sms.outbox[]) RETURNS void
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _n bigint;
    _problem text;
begin
    perform sms.refuse_unknown_names(array(select distinct r.channel from unnest(p_rows) as r),
                                     array(select distinct r.template from unnest(p_rows) as r where r.template is not null));
    select r.id, case when r.priority not between 0 and 3 then 'priority is 0 to 3'
                      when char_length(r.erp_ref) not between 1 and 200 then 'erp_ref has 1 to 200 characters'
                      else 'sender_id has 1 to 15 characters' end
      into _n, _problem
      from unnest(p_rows) as r
     where r.priority not between 0 and 3 or char_length(r.erp_ref) not between 1 and 200
        or char_length(r.sender_id) not between 1 and 15
     order by r.id
     limit 1;
    if found then
        raise exception 'row % could not be inserted: %', _n, _problem using errcode = 'SM023';
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_unfit_rows(p_rows sms.outbox[]) IS 'Error SM001, SM002 or SM023 where an INSERT of these requests would fail.';

-- FUNCTION refuse_unknown_names(text[], text[])

CREATE FUNCTION sms.refuse_unknown_names(p_channels text[], p_templates text[]) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _name text;
begin
    select n into _name
      from unnest(p_channels) as n
     where not exists (select from sms.channel as c where c.channel = n)
     limit 1;
    if found then
        raise exception 'unknown channel "%"', coalesce(_name, 'null')
            using errcode = 'SM001',
                  hint = 'Channels: ' || (select string_agg(c.channel, ', ' order by c.channel) from sms.channel as c) || '.';
    end if;
    if p_templates is null then
        return;
    end if;
    select n into _name
      from unnest(p_templates) as n
     where not exists (select from sms.template as t join sms.template_version as v using (template_id) where t.template = n)
     limit 1;
    if found then
        raise exception 'unknown template "%"', _name
            using errcode = 'SM002',
                  hint = coalesce('Templates: ' || (select string_agg(t.template, ', ' order by t.template)
                                                      from sms.template as t) || '.', 'There are no templates yet.');
    end if;
end
$$;

COMMENT ON FUNCTION sms.refuse_unknown_names(p_channels text[], p_templates text[]) IS 'Error SM001/SM002 with the known names when a channel or template does not exist.';

-- FUNCTION region_zones(text)

CREATE FUNCTION sms.region_zones(p_region text) RETURNS text[]
    LANGUAGE sql STABLE STRICT
    AS $$
    select case when bool_and(u.zone is not null) then array_agg(u.zone order by u.region, u.place) end
      from (select z.zone, min(s.region) as region, min(z.place) as place
              from string_to_table(regexp_replace(p_region, '^.*\|', ''), ', ') as s (region)
              left join sms.region_timezone as r on r.region in (trim(s.region), 'Город ' || trim(s.region))
              left join lateral unnest(r.time_zone || r.other_time_zones) with ordinality as z (zone, place) on true
             group by z.zone) as u
$$;

COMMENT ON FUNCTION sms.region_zones(p_region text) IS 'Time zones of a place as the numbering plan names it, main zone first; null when unknown.';

-- FUNCTION render(text, jsonb)

CREATE FUNCTION sms.render(p_body text, p_vars jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
declare
    _piece text;
    _text text := '';
    _rest text := p_body;
    _open int;
    _close int;
    _value text;
begin
    loop
        _open := position('{{' in _rest);
        _close := position('}}' in substr(_rest, _open + 2));
        exit when _open = 0 or _close = 0;
        _piece := substr(_rest, _open + 2, _close - 1);
        _value := coalesce(p_vars ->> btrim(split_part(_piece, '|', 1)),
                           case when position('|' in _piece) > 0 then substr(_piece, position('|' in _piece) + 1) end);
        if _value is null then
            return null;
        end if;
        _text := _text || substr(_rest, 1, _open - 1) || _value;
        _rest := substr(_rest, _open + _close + 3);
    end loop;
    return _text || _rest;
end
$$;

COMMENT ON FUNCTION sms.render(p_body text, p_vars jsonb) IS 'Fill {{variable}} and {{variable|default}} from a flat JSON object; null when a variable is missing.';

-- FUNCTION replace_numbering()

CREATE FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _lines int[];
begin
    lock table sms.number_range in share row exclusive mode;
    if not exists (select from sms.number_range_staging) then
        raise exception 'there is no numbering file to put in place' using errcode = 'SM013',
            hint = 'Copy it into sms.number_range_staging first, as "outbox import numbering FILE" does.';
    end if;
    select array[o.line_no, o.earlier] into _lines
      from (select s.line_no, s.lo, max(s.hi) over w as reached, lag(s.line_no) over w as earlier
              from sms.number_range_staging as s
            window w as (order by s.lo, s.hi rows between unbounded preceding and 1 preceding)) as o
     where o.lo <= o.reached
     limit 1;
    if found then
        raise exception 'the ranges of lines % and % overlap', _lines[2], _lines[1] using errcode = 'SM014';
    end if;

    -- Regions of several zones get a row that stands for all of them. A zone that sms.time_zone does not know would break
    -- every later look at the clock, so its regions count as unknown.
    insert into sms.time_zone (name, members)
    select distinct array_to_string(p.zones, '+'), p.zones
      from (select sms.region_zones(s.region) as zones
              from (select distinct s.region from sms.number_range_staging as s) as s) as p
     where cardinality(p.zones) > 1
       and p.zones <@ (select array_agg(z.name) from sms.time_zone as z)
       and not exists (select from sms.time_zone as z where z.name = array_to_string(p.zones, '+'));

    select count(*), coalesce(array_agg(distinct s.region) filter (where s.zone_id = 0), '{}')
      into ranges, unknown_regions
      from sms.staged_ranges() as s;
    select c.numbers, c.added, c.removed, c.changed_operator, c.changed_zone, c.unchanged
      into numbers, added, removed, changed_operator, changed_zone, unchanged
      from sms.numbering_changes() as c;

    delete from sms.number_range as r
     where not exists (select from sms.staged_ranges() as s where s = r);
    insert into sms.number_range
    select s.* from sms.staged_ranges() as s
     where not exists (select from sms.number_range as r where r.lo = s.lo);

    truncate sms.number_range_staging;
    analyze sms.number_range;
end
$$;

COMMENT ON FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) IS 'Replace the numbering plan by the staged file in one step; counts of numbers added, removed and changed.';

-- FUNCTION report(timestamp with time zone, timestamp with time zone)

CREATE FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(state text, reason text, messages bigint, segments bigint, cost numeric, accept_p50 interval, accept_p95 interval, final_p50 interval, final_p95 interval)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select m.state, m.reason, count(*), coalesce(sum(m.segments), 0), sum(m.cost),
           percentile_cont(0.5) within group (order by m.submitted_at - m.created_at),
           percentile_cont(0.95) within group (order by m.submitted_at - m.created_at),
           percentile_cont(0.5) within group (order by m.final_at - m.submitted_at),
           percentile_cont(0.95) within group (order by m.final_at - m.submitted_at)
      from sms.message as m
     where m.id >= sms.id_at(p_from) and m.id < sms.id_at(p_until)
     group by m.state, m.reason
     order by count(*) desc, m.state, m.reason
$$;

COMMENT ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) IS 'Messages of a span by state and reason: counts, segments, money, times to hand-over and to final state.';

-- FUNCTION resolve_uncertain(bigint[], text, text)

CREATE FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _resolved int;
begin
    if p_verdict = 'resend' then
        with gone as materialized (
            delete from sms.outcome as o where o.id = any (p_ids) and o.state = 'uncertain' returning o.*
        ), back as (
            insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                     template_version_id, lane_id, zone_id, priority, attempt)
            select c.id, c.msisdn, _now, c.expires_at, c.dedup_key, c.ref_hash, c.client_id, c.campaign_id,
                   c.template_version_id, c.lane_id, g.zone_id, c.priority, g.attempts
              from gone as g
              join unnest(sms.candidates(p_ids)) as c on c.id = g.id
        )
        select count(*) into _resolved from gone;
    elsif p_verdict in ('accepted', 'give_up') then
        update sms.outcome as o
           set state = case p_verdict when 'accepted' then 'accepted' else 'failed' end,
               reason = case p_verdict when 'give_up' then 'gave_up' end,
               final_at = case p_verdict when 'give_up' then _now end,
               detail = coalesce(p_detail, o.detail)
         where o.id = any (p_ids) and o.state = 'uncertain';
        get diagnostics _resolved = row_count;
    else
        raise exception 'unknown verdict "%"', p_verdict
            using errcode = 'SM005', hint = 'Verdicts: accepted, resend, give_up.';
    end if;
    return _resolved;
end
$$;

COMMENT ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text) IS 'Decide uncertain messages: accepted, resend or give_up; returns how many were decided.';

-- FUNCTION retention(text)

CREATE FUNCTION sms.retention(p_table text) RETURNS interval
    LANGUAGE sql STABLE
    AS $$
    select case when coalesce(s.months, 0) <= 0 then interval '1000 years'
                else make_interval(months => greatest(s.months, case p_table when 'contact_log' then 13 else 1 end)) end
      from (select max(x.value::int) as months from sms.setting as x where x.setting = 'retention_months') as s
$$;

COMMENT ON FUNCTION sms.retention(p_table text) IS 'How long a table''s rows are kept.';

-- FUNCTION retry_at(timestamp with time zone, interval, integer, integer)

CREATE FUNCTION sms.retry_at(p_now timestamp with time zone, p_base interval, p_attempt integer, p_after_s integer) RETURNS timestamp with time zone
    LANGUAGE sql
    AS $$
    select p_now + case when p_after_s is not null then make_interval(secs => p_after_s)
                        else least(p_base * power(2, least(p_attempt - 1, 12)), interval '1 hour') * (1 + random() / 4) end
$$;

COMMENT ON FUNCTION sms.retry_at(p_now timestamp with time zone, p_base interval, p_attempt integer, p_after_s integer) IS 'Moment of the next attempt: the provider''s wish, or exponential with jitter, at most an hour.';

-- FUNCTION rule_blacklist(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with hit as (
        select c.id, c.channel_id, x.blacklist_id, x.prefix, null::int as group_id, x.reason, x.category, x.channel, x.source
          from unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source
                     from sms.blacklist as b
                    where b.msisdn = c.msisdn
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         union all
        select c.id, c.channel_id, x.blacklist_id, x.prefix, null, x.reason, x.category, x.channel, x.source
          from (select n as length from generate_series(1, 15) as n
                 where exists (select from sms.blacklist as e where e.prefix is not null and length(e.prefix) = n)) as k
          cross join unnest(p_batch) as c
          cross join lateral (
                   select b.blacklist_id, b.prefix, b.reason, b.category, b.channel, b.source
                     from sms.blacklist as b
                    where b.prefix is not null and length(b.prefix) = k.length and b.prefix = left(c.msisdn::text, k.length)
                      and b.created_at <= p_as_of and (b.expires_at is null or b.expires_at > p_as_of)
                   offset 0
               ) as x
         union all
        select c.id, c.channel_id, b.blacklist_id, null, b.group_id, b.reason, b.category, b.channel, b.source
          from unnest(p_batch) as c
          cross join lateral (
                   select m.group_id from sms.recipient_group_member as m where m.msisdn = c.msisdn
                    union all
                   select m.group_id from sms.recipient_group_member as m where m.client_id = c.client_id
                   offset 0
               ) as g
          cross join lateral (
                   select x.blacklist_id, x.group_id, x.reason, x.category, x.channel, x.source
                     from sms.blacklist as x
                    where x.group_id = g.group_id
                      and x.created_at <= p_as_of and (x.expires_at is null or x.expires_at > p_as_of)
                   offset 0
               ) as b
         where exists (select from sms.blacklist as e where e.group_id is not null)
    )
    select distinct on (h.id) h.id, 20::smallint, 'suppress', 'blacklist',
           'blacklist row ' || h.blacklist_id || coalesce(' (prefix ' || h.prefix || ')', '')
               || coalesce(' (group ' || (select r.recipient_group from sms.recipient_group as r where r.group_id = h.group_id) || ')', '')
               || ': ' || h.reason, null::timestamptz
      from hit as h
      left join sms.channel as ch on ch.channel_id = h.channel_id
     where (h.category is null or h.category is not distinct from ch.category)
       and (h.channel is null or h.channel is not distinct from ch.channel)
       and not (h.source = 'opt_out' and coalesce(ch.ignores_opt_out, false))
     order by h.id, h.prefix is not null, h.group_id is not null, h.blacklist_id
$$;

COMMENT ON FUNCTION sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress numbers and prefixes that are blacklisted for this category and channel.';

-- FUNCTION rule_cap(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_cap(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with term as materialized (
        select * from sms.cap_terms(p_batch, p_as_of)
    ), horizon as materialized (
        select t.channel_id, t.zone_id, t.per, min(t.since) as since, min(t.max_messages) as least_allowed
          from term as t
         group by t.channel_id, t.zone_id, t.per
    ), suspect as materialized (
        select c.id, c.msisdn, c.client_id, c.nth, c.channel_id, c.zone_id, h.since, h.per
          from unnest(p_batch) as c
          join horizon as h on h.per = 'number' and h.channel_id = c.channel_id and h.zone_id = c.zone_id
          cross join lateral (
                   select count(*) as contacts
                     from sms.contact_log as x
                    where x.msisdn = c.msisdn and x.at >= h.since and x.at < p_as_of + interval '1 hour'
                   offset 0
               ) as l
         where l.contacts + c.nth >= h.least_allowed
         union all
        select c.id, c.msisdn, c.client_id, c.nth_client, c.channel_id, c.zone_id, h.since, h.per
          from unnest(p_batch) as c
          join horizon as h on h.per = 'client' and h.channel_id = c.channel_id and h.zone_id = c.zone_id
          cross join lateral (
                   select count(*) as contacts
                     from sms.contact_log as x
                    where x.client_id = c.client_id and x.at >= h.since and x.at < p_as_of + interval '1 hour'
                   offset 0
               ) as l
         where c.client_id is not null and l.contacts + c.nth_client >= h.least_allowed
    )
    select c.id, 60::smallint,
           case when bool_or(u.used >= t.max_messages) then 'suppress' else 'wait' end, 'cap',
           string_agg('cap ' || t.cap_id || ': ' || u.used || ' of ' || t.max_messages || ' a ' || t.per || ' this ' || t.period
                      || ' since ' || t.since, '; ' order by t.cap_id) filter (where u.used >= t.max_messages),
           null::timestamptz
      from suspect as c
      cross join lateral (
               select array_agg(x.at) as ats, array_agg(x.channel_id) as channels
                 from sms.contact_log as x
                where c.per = 'number' and x.msisdn = c.msisdn and x.at >= c.since and x.at < p_as_of + interval '1 hour'
                  and x.message_id <> c.id
               offset 0
           ) as by_number
      cross join lateral (
               select array_agg(x.at) as ats, array_agg(x.channel_id) as channels
                 from sms.contact_log as x
                where c.per = 'client' and x.client_id = c.client_id and x.at >= c.since and x.at < p_as_of + interval '1 hour'
                  and x.message_id <> c.id
               offset 0
           ) as by_client
      join term as t on t.channel_id = c.channel_id and t.zone_id = c.zone_id and t.per = c.per
      cross join lateral (
               select count(*) as used
                 from unnest(coalesce(by_number.ats, by_client.ats), coalesce(by_number.channels, by_client.channels))
                        as g (at, channel_id)
                where g.at >= t.since and (t.counted is null or g.channel_id = any (t.counted))
           ) as u
     where u.used + c.nth >= t.max_messages
     group by c.id
$$;

COMMENT ON FUNCTION sms.rule_cap(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress when a daily, weekly, monthly or rolling cap of the number or client is used up.';

-- FUNCTION rule_consent(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_consent(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 30::smallint, 'suppress', 'no_consent',
           'no valid consent for ' || coalesce(ch.category, 'this channel') || ' of this number or client', null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
     where coalesce(ch.needs_consent, true)
       and not exists (select from sms.consent as k
                        where k.msisdn = c.msisdn and k.category = ch.category and k.valid_from <= p_as_of
                          and (k.valid_until is null or k.valid_until > p_as_of)
                          and (k.withdrawn_at is null or k.withdrawn_at > p_as_of))
       and not exists (select from sms.consent as k
                        where k.client_id = c.client_id and k.category = ch.category and k.valid_from <= p_as_of
                          and (k.valid_until is null or k.valid_until > p_as_of)
                          and (k.withdrawn_at is null or k.withdrawn_at > p_as_of))
$$;

COMMENT ON FUNCTION sms.rule_consent(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: on channels that need consent, suppress what has none.';

-- FUNCTION rule_duplicate(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 50::smallint,
           case when d.message_id is null then 'wait' else 'suppress' end, 'duplicate',
           'same text in message ' || d.message_id || ' at ' || d.at, null::timestamptz
      from unnest(p_batch) as c
      left join sms.channel as ch on ch.channel_id = c.channel_id
      left join lateral (
               select l.message_id, l.at
                 from sms.contact_log as l
                where l.msisdn = c.msisdn
                  and l.at > p_as_of - ch.dedup_window
                  and l.at < p_as_of + interval '1 hour'
                  and l.dedup_key = c.dedup_key
                  and l.message_id <> c.id
                limit 1
           ) as d on ch.dedup_window > '0'
     where d.message_id is not null
        or (c.nth_key > 0 and ch.dedup_window > '0')
$$;

COMMENT ON FUNCTION sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress the same text to the same number within the channel''s dedup_window.';

-- FUNCTION rule_duplicate_ref(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 40::smallint, 'suppress', 'duplicate_ref', 'message ' || o.id || ' has the same erp_ref', null::timestamptz
      from unnest(p_batch) as c
      cross join lateral (
               select r.id
                 from sms.erp_ref as r
                where c.ref_hash is not null and r.ref_hash = c.ref_hash and r.id <> c.id
                  and r.id >= sms.id_at(sms.id_time(c.id) - (select sms.erp_ref_span()))
                  and (select a.erp_ref from sms.outbox as a where a.id = r.id)
                      is not distinct from (select b.erp_ref from sms.outbox as b where b.id = c.id)
               offset 0
           ) as o
$$;

COMMENT ON FUNCTION sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress when another message owns the same erp_ref.';

-- FUNCTION rule_expired(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_expired(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 10::smallint, 'suppress', 'expired', 'valid until ' || c.expires_at, null::timestamptz
      from unnest(p_batch) as c
     where c.expires_at <= p_as_of
$$;

COMMENT ON FUNCTION sms.rule_expired(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress what is past its expires_at.';

-- FUNCTION rule_holdout(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    select c.id, 70::smallint, 'suppress', 'holdout',
           'one of the ' || k.holdout_percent || ' % of campaign ' || k.campaign || ' that are held out', null::timestamptz
      from unnest(p_batch) as c
      join sms.campaign as k on k.campaign_id = c.campaign_id and k.holdout_percent > 0
     where sms.holdout_draw(c.campaign_id, c.client_id, c.msisdn) < k.holdout_percent
$$;

COMMENT ON FUNCTION sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: suppress the campaign''s control group.';

-- FUNCTION rule_key(jsonb, text[])

CREATE FUNCTION sms.rule_key(p_row jsonb, p_columns text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select string_agg(p_row ->> c.name, ' ' order by c.n) from unnest(p_columns) with ordinality as c (name, n)
$$;

COMMENT ON FUNCTION sms.rule_key(p_row jsonb, p_columns text[]) IS 'Primary key of a rule row as one text.';

-- FUNCTION rule_quiet_hours(sms.candidate[], timestamp with time zone)

CREATE FUNCTION sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamp with time zone) RETURNS SETOF sms.finding
    LANGUAGE sql STABLE
    AS $$
    with silent as materialized (
        select k.channel_id, k.zone_id, coalesce(z.name, 'unknown') as zone, ch.opening_spread,
               sms.quiet_until(ch.category, coalesce(z.members, u.members), p_as_of) as until
          from (select distinct c.channel_id, c.zone_id from unnest(p_batch) as c) as k
          left join sms.channel as ch on ch.channel_id = k.channel_id
          left join sms.time_zone as z on z.zone_id = k.zone_id
          left join sms.time_zone as u on u.zone_id = 0
         where exists (select from sms.quiet_hours as q where q.category = ch.category)
    )
    select c.id,
           case when s.until >= c.expires_at then 11 else 80 end::smallint,
           case when s.until >= c.expires_at then 'suppress' else 'defer' end,
           case when s.until >= c.expires_at then 'expired' else 'quiet_hours' end,
           'quiet hours in ' || s.zone || ' until ' || s.until
               || case when s.until >= c.expires_at then ', valid only until ' || c.expires_at else '' end,
           case when s.until >= c.expires_at then null
                when s.until + o.later >= c.expires_at then s.until
                else s.until + o.later end
      from unnest(p_batch) as c
      join silent as s on s.channel_id = c.channel_id and s.zone_id = c.zone_id
      cross join lateral (select s.opening_spread * ((hashint8(c.id) & 1023) / 1024.0) as later) as o
     where s.until is not null
$$;

COMMENT ON FUNCTION sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamp with time zone) IS 'Rule: defer to the first allowed local moment; suppress what would expire before it.';

-- FUNCTION rule_version(text, text, timestamp with time zone)

CREATE FUNCTION sms.rule_version(p_table text, p_key text, p_at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object('rule', p_table || ' ' || p_key, 'version', c.change_id::text, 'since', c.changed_at,
                              'changed_by', c.changed_by, 'row', c.new)
      from sms.rule_change as c
     where c.rule_table = p_table and c.rule_key = p_key and c.changed_at <= p_at
     order by c.change_id desc
     limit 1
$$;

COMMENT ON FUNCTION sms.rule_version(p_table text, p_key text, p_at timestamp with time zone) IS 'The version of a rule row in force at a moment, as JSON.';

-- FUNCTION rules_as_of(timestamp with time zone, text)

CREATE FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text DEFAULT NULL::text) RETURNS TABLE(rule_table text, rule_key text, version bigint, since timestamp with time zone, changed_by text, rule jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select c.rule_table, c.rule_key, c.change_id, c.changed_at, c.changed_by, c.new
      from (select distinct on (x.rule_table, x.rule_key) x.*
              from sms.rule_change as x
             where x.changed_at <= p_at
               and case when p_table is null
                        then x.rule_table not in ('blacklist', 'recipient_group_member', 'consent', 'client_zone')
                        else x.rule_table = p_table end
             order by x.rule_table, x.rule_key, x.change_id desc) as c
     where c.action <> 'delete'
     order by c.rule_table, c.rule_key
$$;

COMMENT ON FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text) IS 'The rules in force at a moment, each with its version and author.';

-- FUNCTION segment_price(smallint, smallint, text, timestamp with time zone)

CREATE FUNCTION sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return (
    select t.price
      from sms.tariff as t
     where t.provider_id = p_provider_id
       and (t.operator_id is null or t.operator_id = p_operator_id)
       and (t.category is null or t.category = p_category)
       and t.valid_from <= p_as_of and p_as_of < t.valid_until
     order by t.operator_id is null, t.category is null
     limit 1
    );
end
$$;

COMMENT ON FUNCTION sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) IS 'Price of one segment by sms.tariff, the most specific row first; null when none covers it.';

-- FUNCTION segments(text)

CREATE FUNCTION sms.segments(p_text text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
    _alone int := 160;
    _part int := 153;
    _units text;   -- every unit one character; U+001B marks the first of two that belong together
    _end int := 0;
    _parts int := 0;
begin
    if sms.needs_ucs2(p_text) then
        _alone := 70;
        _part := 67;
        if p_text ~ '[\U00010000-\U0010FFFF]' then
            _units := regexp_replace(translate(p_text, E'\x1b', ' '), '([\U00010000-\U0010FFFF])', E'\x1b\\1', 'g');
        end if;
    elsif p_text ~ '[\x0c^{}\\\[~\]|€]' then
        _units := regexp_replace(p_text, '([\x0c^{}\\\[~\]|€])', E'\x1b\\1', 'g');
    end if;

    if length(coalesce(_units, p_text)) <= _alone then
        return least(length(p_text), 1);
    elsif _units is null then
        return (length(p_text) + _part - 1) / _part;
    end if;
    while _end < length(_units) loop
        _end := _end + _part;
        if substr(_units, _end, 1) = E'\x1b' then
            _end := _end - 1;
        end if;
        _parts := _parts + 1;
    end loop;
    return _parts;
end
$$;

COMMENT ON FUNCTION sms.segments(p_text text) IS 'SMS segments of a text: 160/153 GSM-7, 70/67 UCS-2, escapes and surrogate pairs never cut. Empty text: 0.';

-- FUNCTION set_provider(text, text, jsonb, text, numeric, integer, boolean)

CREATE FUNCTION sms.set_provider(p_provider text, p_adapter text DEFAULT NULL::text, p_settings jsonb DEFAULT NULL::jsonb, p_secret_env text DEFAULT NULL::text, p_tps numeric DEFAULT NULL::numeric, p_max_batch integer DEFAULT NULL::integer, p_is_enabled boolean DEFAULT NULL::boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _old sms.provider;
begin
    select * into _old from sms.provider as p where p.provider = p_provider for update;
    if not found then
        if p_adapter is null then
            raise exception 'unknown provider "%"', p_provider
                using errcode = 'SM006', hint = 'Give its adapter to create it.';
        end if;
        insert into sms.provider (provider, adapter, settings, secret_env, tps, max_batch, is_enabled)
        values (p_provider, p_adapter, jsonb_strip_nulls(coalesce(p_settings, '{}')), p_secret_env, coalesce(p_tps, 30),
                coalesce(p_max_batch, 500), coalesce(p_is_enabled, true));
        return 'created';
    end if;
    update sms.provider as p
       set adapter = coalesce(p_adapter, p.adapter),
           settings = jsonb_strip_nulls(p.settings || coalesce(p_settings, '{}')),
           secret_env = coalesce(p_secret_env, p.secret_env),
           tps = coalesce(p_tps, p.tps),
           max_batch = coalesce(p_max_batch, p.max_batch),
           is_enabled = coalesce(p_is_enabled, p.is_enabled)
     where p.provider_id = _old.provider_id
       and (coalesce(p_adapter, p.adapter), jsonb_strip_nulls(p.settings || coalesce(p_settings, '{}')),
            coalesce(p_secret_env, p.secret_env, ''), coalesce(p_tps, p.tps), coalesce(p_max_batch, p.max_batch),
            coalesce(p_is_enabled, p.is_enabled))
           is distinct from (p.adapter, p.settings, coalesce(p.secret_env, ''), p.tps, p.max_batch, p.is_enabled);
    return case when found then 'changed' else 'unchanged' end;
end
$$;

COMMENT ON FUNCTION sms.set_provider(p_provider text, p_adapter text, p_settings jsonb, p_secret_env text, p_tps numeric, p_max_batch integer, p_is_enabled boolean) IS 'Create or change an account; null leaves a value alone, settings are merged.';

-- FUNCTION settle(bigint, bigint[], text[], smallint[], text[], integer[], bigint[], text[])

CREATE FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[] DEFAULT '{}'::bigint[], p_refs text[] DEFAULT '{}'::text[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
    _now timestamptz := clock_timestamp();
    _settled int;
begin
    if exists (select from unnest(p_results) as r
                where r is null or r not in ('accepted', 'rejected', 'retry', 'throttled', 'uncertain', 'released')) then
        raise exception 'settle takes accepted, rejected, retry, throttled, uncertain or released' using errcode = 'SM004';
    end if;
    with answer as materialized (
        select * from unnest(p_ids, p_results, p_segments, p_details, p_retry_after_s)
                   as a (id, result, segments, detail, retry_after_s)
    ), mine as materialized (
        delete from sms.inflight as f
         where f.ctid = any (array(select x.tid
                                     from answer as a
                                     cross join lateral (select i.ctid as tid
                                                           from sms.inflight as i
                                                          where i.id = a.id and i.claim_id = p_claim_id
                                                         offset 0) as x))
     returning f.*
    ), terms as materialized (
        select l.lane_id, c.retry_base, c.max_attempts,
               sms.segment_price(x.provider_id, l.operator_id, c.category, _now) as price
          from (select distinct m.lane_id, m.provider_id from mine as m) as x
          join sms.lane as l on l.lane_id = x.lane_id
          join sms.channel as c on c.channel_id = l.channel_id
    ), fate as materialized (
        select m.*, a.result, a.segments, a.detail, a.retry_after_s, t.retry_base, t.price,
               case when a.result = 'rejected' then 'rejected'
                    when a.result in ('accepted', 'uncertain') then a.result
                    when a.result = 'retry' and m.attempt >= t.max_attempts then 'failed'
                    else 'pending' end as state
          from mine as m
          join answer as a on a.id = m.id
          left join terms as t on t.lane_id = m.lane_id
    ), early as (
        delete from sms.unmatched_receipt as u
         where u.ctid = any (array(select x.tid
                                     from fate as f
                                     cross join lateral (select r.ctid as tid
                                                           from sms.unmatched_receipt as r
                                                          where r.message_id = f.id
                                                         offset 0) as x
                                    where f.state <> 'pending'))
     returning u.message_id, u.state, u.error, u.received_at
    ), heard as materialized (
        select distinct on (e.message_id) e.message_id, e.state, e.error, e.received_at
          from early as e
         order by e.message_id, sms.state_rank(e.state) desc
    ), closed as (
        insert into sms.outcome (id, msisdn, decided_at, submitted_at, final_at, client_id, campaign_id, cost,
                                 template_version_id, provider_id, lane_id, zone_id, segments, attempts, state, reason, detail)
        select f.id, f.msisdn, _now,
               case when f.state in ('accepted', 'uncertain') or h.state is not null then _now end,
               case when coalesce(h.state, f.state) not in ('accepted', 'uncertain') then _now end,
               f.client_id, f.campaign_id,
               case when f.state in ('accepted', 'uncertain') or h.state is not null then f.segments * f.price end,
               f.template_version_id, f.provider_id, f.lane_id, f.zone_id, f.segments, f.attempt,
               coalesce(h.state, f.state),
               case when h.state is null then
                   case f.state when 'failed' then 'attempts_exhausted' when 'rejected' then 'refused_by_provider' end end,
               coalesce(h.error, f.detail)
          from fate as f
          left join heard as h on h.message_id = f.id and sms.state_rank(h.state) > sms.state_rank(f.state)
         where f.state <> 'pending'
    ), doubted as (
        insert into sms.doubtful (id, since)
        select f.id, _now from fate as f where f.state = 'uncertain'
            on conflict (id) do update set since = excluded.since
    ), back as (
        insert into sms.pending (id, msisdn, not_before, expires_at, dedup_key, ref_hash, client_id, campaign_id,
                                 template_version_id, lane_id, zone_id, priority, attempt)
        select f.id, f.msisdn,
               case when f.result = 'released' then f.claimed_at
                    else least(sms.retry_at(_now, f.retry_base, f.attempt, f.retry_after_s), f.expires_at) end,
               f.expires_at, f.dedup_key, f.ref_hash, f.client_id, f.campaign_id, f.template_version_id, f.lane_id,
               f.zone_id, f.priority, case when f.result = 'retry' then f.attempt else f.attempt - 1 end
          from fate as f
         where f.state = 'pending'
    ), taken_back as (
        delete from sms.contact_log as l
         using fate as f
         where f.state in ('pending', 'rejected', 'failed')
           and l.msisdn = f.msisdn and l.at = f.claimed_at and l.message_id = f.id
           and not exists (select from heard as h where h.message_id = f.id)
    ), referred as (
        insert into sms.provider_ref (id, provider_id, ref, part, parts)
        select f.id, f.provider_id, r.ref, row_number() over (partition by r.id order by r.n),
               count(*) over (partition by r.id)
          from unnest(p_ref_ids, p_refs) with ordinality as r (id, ref, n)
          join fate as f on f.id = r.id
    )
    select count(*) into _settled from fate;
    if 'rejected' = any (p_results) then
        perform sms.note_troubles(p_ids, _now);
    end if;
    return _settled;
end
$$;

COMMENT ON FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[], p_refs text[]) IS 'Worker API. Close attempts of a claim; returns how many were still ours. The closing verb of every attempt.';

-- FUNCTION somebody_sleeps(integer)

CREATE FUNCTION sms.somebody_sleeps(p_gate integer) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    return not (pg_try_advisory_xact_lock_shared(74010 + p_gate, 1) and pg_try_advisory_xact_lock_shared(74010 + p_gate, 2)
            and pg_try_advisory_xact_lock_shared(74010 + p_gate, 3) and pg_try_advisory_xact_lock_shared(74010 + p_gate, 4));
end
$$;

COMMENT ON FUNCTION sms.somebody_sleeps(p_gate integer) IS 'Is a worker asleep at this gate? If not, none can fall asleep before this transaction ends.';

-- TABLE number_range

CREATE TABLE sms.number_range (
    lo bigint NOT NULL,
    hi bigint NOT NULL,
    operator_id smallint DEFAULT 0 NOT NULL,
    zone_id smallint DEFAULT 0 NOT NULL,
    operator_title text DEFAULT ''::text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    inn text DEFAULT ''::text NOT NULL,
    CONSTRAINT number_range_check CHECK ((lo <= hi))
);

COMMENT ON TABLE sms.number_range IS 'The numbering plan: who was issued 79161234567, and what time it is there. Imported by ''outbox import numbering''.';

COMMENT ON COLUMN sms.number_range.lo IS 'First number, E.164 without the plus.';

COMMENT ON COLUMN sms.number_range.hi IS 'Last number, inclusive.';

COMMENT ON COLUMN sms.number_range.operator_id IS 'Operator group by tax id.';

COMMENT ON COLUMN sms.number_range.zone_id IS 'Zone of the region; 0 = unknown.';

COMMENT ON COLUMN sms.number_range.operator_title IS 'Operator as the plan spells it.';

COMMENT ON COLUMN sms.number_range.region IS 'Region as the plan spells it.';

COMMENT ON COLUMN sms.number_range.inn IS 'Operator''s tax id.';

-- FUNCTION staged_ranges()

CREATE FUNCTION sms.staged_ranges() RETURNS SETOF sms.number_range
    LANGUAGE sql STABLE
    AS $$
    with place as materialized (
        select s.region, array_to_string(sms.region_zones(s.region), '+') as zone
          from (select distinct s.region from sms.number_range_staging as s) as s
    )
    select s.lo, s.hi, coalesce(o.operator_id, 0::smallint), coalesce(z.zone_id, 0::smallint),
           s.operator_title, s.region, s.inn
      from sms.number_range_staging as s
      join place as p on p.region = s.region
      left join sms.operator_tax_id as o on o.inn = s.inn
      left join sms.time_zone as z on z.name = p.zone
$$;

COMMENT ON FUNCTION sms.staged_ranges() IS 'The staged numbering file as rows of sms.number_range.';

-- FUNCTION state_rank(text)

CREATE FUNCTION sms.state_rank(p_state text) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    select case p_state
        when 'pending' then 0 when 'inflight' then 1 when 'uncertain' then 2 when 'accepted' then 3
        when 'suppressed' then 5 when 'cancelled' then 5 when 'failed' then 5
        when 'expired' then 5 when 'rejected' then 5 when 'undelivered' then 5
        when 'delivered' then 6 end::smallint
$$;

COMMENT ON FUNCTION sms.state_rank(p_state text) IS 'Receipts move a message only to a higher rank. The same numbers as sms.state.rank, inlined because every receipt asks.';

-- FUNCTION switch_channel(text, text, text)

CREATE FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    _provider_id smallint;
    _changed int;
begin
    select p.provider_id into _provider_id from sms.provider as p where p.provider = p_provider;
    if not found and p_provider is not null then
        raise exception 'unknown provider "%"', p_provider
            using errcode = 'SM006',
                  hint = 'Providers: ' || coalesce((select string_agg(p.provider, ', ' order by p.provider)
                                                      from sms.provider as p), 'none yet') || '.';
    end if;
    if p_channel is distinct from '*' then
        perform sms.refuse_unknown_names(array[p_channel], null);
    end if;
    if p_operator is not null and not exists (select from sms.operator as o where o.operator = p_operator) then
        raise exception 'unknown operator "%"', p_operator
            using errcode = 'SM009',
                  hint = 'Operators: ' || (select string_agg(o.operator, ', ' order by o.operator) from sms.operator as o) || '.';
    end if;
    update sms.lane as l
       set provider_id = _provider_id
      from sms.channel as c, sms.operator as o
     where c.channel_id = l.channel_id and o.operator_id = l.operator_id
       and (p_channel = '*' or c.channel = p_channel)
       and (p_operator is null or o.operator = p_operator)
       and l.provider_id is distinct from _provider_id;
    get diagnostics _changed = row_count;
    return _changed;
end
$$;

COMMENT ON FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text) IS 'Send a channel (''*'' = all), or one operator''s lane of it, through another provider from now on; null parks it. Returns the lanes changed.';

-- FUNCTION try_sleep(integer)

CREATE FUNCTION sms.try_sleep(p_gate integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    for _slot in 1..4 loop
        if pg_try_advisory_lock(74010 + p_gate, _slot) then
            return _slot;
        end if;
    end loop;
    return null;
end
$$;

COMMENT ON FUNCTION sms.try_sleep(p_gate integer) IS 'Worker API. Hold a slot of the sleep gate, so that the next insert rings; null = try again shortly.';

-- FUNCTION understand_reply(text)

CREATE FUNCTION sms.understand_reply(p_body text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    with word as materialized (
        select row_number() over (order by s.n) as n, count(*) over () as words, k.meaning
          from regexp_split_to_table(p_body, '[^[:alnum:]]+') with ordinality as s (word, n)
          left join sms.stop_word as k on sms.fold_word(k.word) = sms.fold_word(s.word)
         where s.word <> ''
    ), heard as (
        select w.n, w.meaning from word as w where w.meaning in ('stop', 'start') and (w.n = 1 or w.words <= 3)
    )
    select case when bool_or(h.meaning = 'stop')
                then case when exists (select from word as w join heard as s on s.meaning = 'stop' and abs(s.n - w.n) <= 2
                                        where w.meaning = 'all')
                          then 'stop_all' else 'stop_advertising' end
                when bool_or(h.meaning = 'start') then 'start' end
      from heard as h
$$;

COMMENT ON FUNCTION sms.understand_reply(p_body text) IS 'Does a reply opt out (of advertising, of all) or in again? Null = for people.';

-- FUNCTION wake(boolean, boolean)

CREATE FUNCTION sms.wake(p_urgent boolean, p_bulk boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if p_urgent and sms.somebody_sleeps(0) then
        perform pg_notify('sms_urgent', '');
    end if;
    if p_bulk and sms.somebody_sleeps(1) then
        perform pg_notify('sms_bulk', '');
    end if;
end
$$;

COMMENT ON FUNCTION sms.wake(p_urgent boolean, p_bulk boolean) IS 'NOTIFY sms_urgent / sms_bulk when a worker sleeps at that gate; silent while all are awake.';

-- FUNCTION wake_up(integer, integer)

CREATE FUNCTION sms.wake_up(p_gate integer, p_slot integer) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ select pg_advisory_unlock(74010 + p_gate, p_slot) $$;

COMMENT ON FUNCTION sms.wake_up(p_gate integer, p_slot integer) IS 'Worker API. Release the slot taken by try_sleep.';

-- FUNCTION work_left(interval, timestamp with time zone)

CREATE FUNCTION sms.work_left(p_receipt_wait interval DEFAULT '00:00:10'::interval, p_as_of timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(due bigint, inflight bigint, awaiting_receipt bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select (select count(*)
              from sms.pending as p
              join sms.lane as l using (lane_id)
              join sms.provider as v on v.provider_id = l.provider_id and v.is_enabled
             where p.not_before <= k.now),
           (select count(*) from sms.inflight),
           (select count(*)
              from sms.outcome as o
             where o.state = 'accepted' and o.decided_at > k.now - p_receipt_wait)
      from (select coalesce(p_as_of, clock_timestamp()) as now) as k
$$;

COMMENT ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone) IS 'Due, in flight and awaiting a receipt: all zero when a drain is done.';

-- TABLE local_client

CREATE TABLE erp.local_client (
    client_id bigint NOT NULL,
    phone text,
    city text,
    time_zone text,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE erp.local_client IS 'Clients kept here where no ERP is connected: the demo, trials, small installations. erp.client reads it until replaced.';

COMMENT ON COLUMN erp.local_client.client_id IS 'The ERP''s client id.';

COMMENT ON COLUMN erp.local_client.phone IS 'Phone as the ERP has it.';

COMMENT ON COLUMN erp.local_client.city IS 'Town of residence.';

COMMENT ON COLUMN erp.local_client.time_zone IS 'IANA zone where known.';

COMMENT ON COLUMN erp.local_client.attributes IS 'Anything else an audience may ask for.';

-- VIEW client

CREATE VIEW erp.client AS
 SELECT c.client_id,
    c.phone,
    c.city,
    c.time_zone,
    c.attributes
   FROM erp.local_client c;

COMMENT ON VIEW erp.client IS 'CONTRACT: client_id, phone, city, time_zone, attributes. Replace it by a view over the ERP''s own table (postgres_fdw, replication); migrations leave it alone.';

COMMENT ON COLUMN erp.client.client_id IS 'The ERP''s client id.';

COMMENT ON COLUMN erp.client.phone IS 'Phone as the ERP has it.';

COMMENT ON COLUMN erp.client.city IS 'Town of residence.';

COMMENT ON COLUMN erp.client.time_zone IS 'IANA zone where known.';

COMMENT ON COLUMN erp.client.attributes IS 'Anything else an audience may ask for.';

-- TABLE client_location

CREATE TABLE geo.client_location (
    client_id bigint NOT NULL,
    location public.geography(Point,4326) NOT NULL,
    city text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    zone_id smallint
);

COMMENT ON TABLE geo.client_location IS 'Where a client lives.';

COMMENT ON COLUMN geo.client_location.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN geo.client_location.location IS 'Point, WGS 84.';

COMMENT ON COLUMN geo.client_location.city IS 'Town, for people.';

COMMENT ON COLUMN geo.client_location.updated_at IS 'When it was last set.';

COMMENT ON COLUMN geo.client_location.zone_id IS 'Time zone of the point, set by the import; null = not worked out.';

-- TABLE metro_station

CREATE TABLE geo.metro_station (
    station_id bigint NOT NULL,
    city text NOT NULL,
    line text NOT NULL,
    name text NOT NULL,
    location public.geography(Point,4326) NOT NULL,
    closed_at date
);

COMMENT ON TABLE geo.metro_station IS 'A metro station on a line; an interchange has a row per line.';

COMMENT ON COLUMN geo.metro_station.station_id IS 'Key.';

COMMENT ON COLUMN geo.metro_station.city IS 'City.';

COMMENT ON COLUMN geo.metro_station.line IS 'Line.';

COMMENT ON COLUMN geo.metro_station.name IS 'Name in Russian.';

COMMENT ON COLUMN geo.metro_station.location IS 'A point of it, WGS 84; sources differ by 20 to 250 m.';

COMMENT ON COLUMN geo.metro_station.closed_at IS 'Since when it is closed; null = open.';

-- SEQUENCE metro_station_station_id_seq

ALTER TABLE geo.metro_station ALTER COLUMN station_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME geo.metro_station_station_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE activity

CREATE TABLE sms.activity (
    activity_id bigint DEFAULT sms.next_id() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    done_by text DEFAULT SESSION_USER NOT NULL,
    acted_as text NOT NULL,
    action text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE sms.activity IS 'Who created, changed, launched, paused or switched what, and when. Append-only; written by sms.log_activity.';

COMMENT ON COLUMN sms.activity.activity_id IS 'Time-ordered id.';

COMMENT ON COLUMN sms.activity.at IS 'When.';

COMMENT ON COLUMN sms.activity.done_by IS 'Who was logged in.';

COMMENT ON COLUMN sms.activity.acted_as IS 'The role in force.';

COMMENT ON COLUMN sms.activity.action IS 'created, changed, launched, paused, resumed, stopped, finished, released, switched, …';

COMMENT ON COLUMN sms.activity.kind IS 'template, audience, campaign, run, event_rule, channel, provider, message, …';

COMMENT ON COLUMN sms.activity.name IS 'Its name, or id as text.';

COMMENT ON COLUMN sms.activity.detail IS 'Facts: a reason, counts, old and new values.';

-- TABLE auto_blacklist_rule

CREATE TABLE sms.auto_blacklist_rule (
    auto_rule_id integer NOT NULL,
    class text NOT NULL,
    times integer NOT NULL,
    span interval NOT NULL,
    min_gap interval DEFAULT '00:00:00'::interval NOT NULL,
    needs_life boolean DEFAULT false NOT NULL,
    category text,
    channel text,
    lasts interval,
    is_enabled boolean DEFAULT true NOT NULL,
    reason text NOT NULL,
    CONSTRAINT "an automatic rule says why" CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT auto_blacklist_rule_class_check CHECK ((class = ANY (ARRAY['no_such_number'::text, 'malformed'::text, 'unreachable'::text, 'refused'::text]))),
    CONSTRAINT "lasts is longer than nothing" CHECK ((lasts > '00:00:00'::interval)),
    CONSTRAINT "min_gap is shorter than span" CHECK (((min_gap >= '00:00:00'::interval) AND (min_gap < span))),
    CONSTRAINT "span is between a minute and 400 days" CHECK (((span >= '00:01:00'::interval) AND (span <= '400 days'::interval))),
    CONSTRAINT "times is at least 1" CHECK ((times >= 1))
);

COMMENT ON TABLE sms.auto_blacklist_rule IS 'When a failing number blacklists itself: which class, how often, over which span, for what and how long. A delivery in between starts the count anew.';

COMMENT ON COLUMN sms.auto_blacklist_rule.auto_rule_id IS 'Key.';

COMMENT ON COLUMN sms.auto_blacklist_rule.class IS 'Class of the error, see sms.receipt_error.';

COMMENT ON COLUMN sms.auto_blacklist_rule.times IS 'How many failures it takes.';

COMMENT ON COLUMN sms.auto_blacklist_rule.span IS 'Within this span.';

COMMENT ON COLUMN sms.auto_blacklist_rule.min_gap IS 'First and last at least this far apart.';

COMMENT ON COLUMN sms.auto_blacklist_rule.needs_life IS 'Only when the number is known to be alive: it answered, or took a message from a numeric sender; and only failures of alphanumeric senders count.';

COMMENT ON COLUMN sms.auto_blacklist_rule.category IS 'Blacklisted for this category only; null = any.';

COMMENT ON COLUMN sms.auto_blacklist_rule.channel IS 'Blacklisted for this channel only; null = any.';

COMMENT ON COLUMN sms.auto_blacklist_rule.lasts IS 'For how long; null = until a delivery or a person removes it.';

COMMENT ON COLUMN sms.auto_blacklist_rule.is_enabled IS 'False switches it off.';

COMMENT ON COLUMN sms.auto_blacklist_rule.reason IS 'What stands in sms.blacklist.reason.';

-- SEQUENCE auto_blacklist_rule_auto_rule_id_seq

ALTER TABLE sms.auto_blacklist_rule ALTER COLUMN auto_rule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.auto_blacklist_rule_auto_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE blacklist

CREATE TABLE sms.blacklist (
    blacklist_id bigint NOT NULL,
    msisdn bigint,
    prefix text,
    category text,
    channel text,
    reason text NOT NULL,
    source text DEFAULT 'manual'::text NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    group_id integer,
    CONSTRAINT "a blacklist row ends after it began" CHECK ((expires_at > created_at)),
    CONSTRAINT "a blacklist row names one number, prefix or group" CHECK ((num_nonnulls(msisdn, prefix, group_id) = 1)),
    CONSTRAINT "a blacklist row says why" CHECK ((btrim(reason) <> ''::text)),
    CONSTRAINT blacklist_msisdn_check CHECK (((msisdn >= 1000000) AND (msisdn <= '999999999999999'::bigint))),
    CONSTRAINT blacklist_prefix_check CHECK ((prefix ~ '^\d{1,15}$'::text)),
    CONSTRAINT blacklist_source_check CHECK ((source = ANY (ARRAY['manual'::text, 'import'::text, 'auto'::text, 'opt_out'::text, 'legal'::text])))
);

COMMENT ON TABLE sms.blacklist IS 'Who must not be messaged. insert (msisdn, reason) is enough; takes effect at the next claim, also on rows already queued.';

COMMENT ON COLUMN sms.blacklist.blacklist_id IS 'Key.';

COMMENT ON COLUMN sms.blacklist.msisdn IS 'One number, E.164 without the plus.';

COMMENT ON COLUMN sms.blacklist.prefix IS 'Or every number that begins with these digits.';

COMMENT ON COLUMN sms.blacklist.category IS 'Only messages of this category; null = any.';

COMMENT ON COLUMN sms.blacklist.channel IS 'Only messages of this channel; null = any.';

COMMENT ON COLUMN sms.blacklist.reason IS 'Why, for people.';

COMMENT ON COLUMN sms.blacklist.source IS 'How it got here: manual, import, auto, opt_out, legal.';

COMMENT ON COLUMN sms.blacklist.expires_at IS 'When it ends; null = never.';

COMMENT ON COLUMN sms.blacklist.created_at IS 'Since when.';

COMMENT ON COLUMN sms.blacklist.created_by IS 'Who entered it.';

COMMENT ON COLUMN sms.blacklist.group_id IS 'Or every member of this group.';

-- SEQUENCE blacklist_blacklist_id_seq

ALTER TABLE sms.blacklist ALTER COLUMN blacklist_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.blacklist_blacklist_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE campaign

CREATE TABLE sms.campaign (
    campaign_id bigint NOT NULL,
    campaign text NOT NULL,
    holdout_percent numeric(5,2) DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a campaign name is 1 to 200 characters" CHECK (((char_length(campaign) >= 1) AND (char_length(campaign) <= 200))),
    CONSTRAINT "holdout is 0 to 50 percent" CHECK (((holdout_percent >= (0)::numeric) AND (holdout_percent <= (50)::numeric)))
);

COMMENT ON TABLE sms.campaign IS 'One audience, one text, one purpose. Rows of sms.outbox name it in campaign_id.';

COMMENT ON COLUMN sms.campaign.campaign_id IS 'What sms.outbox.campaign_id holds.';

COMMENT ON COLUMN sms.campaign.campaign IS 'Its name.';

COMMENT ON COLUMN sms.campaign.holdout_percent IS 'Share of the audience that deliberately gets nothing, drawn by a stable hash.';

COMMENT ON COLUMN sms.campaign.created_at IS 'When it was made.';

COMMENT ON COLUMN sms.campaign.created_by IS 'By whom.';

-- SEQUENCE campaign_campaign_id_seq

ALTER TABLE sms.campaign ALTER COLUMN campaign_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME sms.campaign_campaign_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE cap

CREATE TABLE sms.cap (
    cap_id integer NOT NULL,
    channel text,
    category text,
    period text NOT NULL,
    span interval,
    max_messages integer NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    per text DEFAULT 'number'::text NOT NULL,
    CONSTRAINT "a rolling cap needs a span, a calendar cap has none" CHECK (((period = 'rolling'::text) = (span IS NOT NULL))),
    CONSTRAINT cap_max_messages_check CHECK ((max_messages >= 0)),
    CONSTRAINT cap_per_check CHECK ((per = ANY (ARRAY['number'::text, 'client'::text]))),
    CONSTRAINT cap_period_check CHECK ((period = ANY (ARRAY['day'::text, 'week'::text, 'month'::text, 'rolling'::text]))),
    CONSTRAINT cap_span_check CHECK (((span > '00:00:00'::interval) AND (span <= '366 days'::interval)))
);

COMMENT ON TABLE sms.cap IS 'At most max_messages to one number per period. Counted over what was handed over or may have been.';

COMMENT ON COLUMN sms.cap.cap_id IS 'Key.';

COMMENT ON COLUMN sms.cap.channel IS 'Applies to, and counts, this channel; null = not limited to one.';

COMMENT ON COLUMN sms.cap.category IS 'Applies to, and counts, this category; null = not limited to one.';

COMMENT ON COLUMN sms.cap.period IS 'day, week (ISO), month: calendar of the subscriber''s zone; rolling: the last span.';

COMMENT ON COLUMN sms.cap.span IS 'Length of a rolling period.';

COMMENT ON COLUMN sms.cap.max_messages IS 'How many are allowed.';

COMMENT ON COLUMN sms.cap.reason IS 'Why it exists: a law, a promise.';

COMMENT ON COLUMN sms.cap.per IS 'number: messages to one number; client: to one client_id over all its numbers.';

-- SEQUENCE cap_cap_id_seq

ALTER TABLE sms.cap ALTER COLUMN cap_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.cap_cap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE category

CREATE TABLE sms.category (
    category text NOT NULL,
    title text NOT NULL
);

COMMENT ON TABLE sms.category IS 'Legal kind of a message; quiet hours, caps and blacklist entries may be limited to one.';

COMMENT ON COLUMN sms.category.category IS 'transactional, service, advertising, authorization, collection.';

COMMENT ON COLUMN sms.category.title IS 'For people.';

-- TABLE channel

CREATE TABLE sms.channel (
    channel_id smallint NOT NULL,
    channel text NOT NULL,
    title text NOT NULL,
    category text NOT NULL,
    priority smallint NOT NULL,
    sender_id text,
    time_zone text,
    dedup_window interval DEFAULT '00:00:00'::interval NOT NULL,
    validity interval DEFAULT '24:00:00'::interval NOT NULL,
    max_attempts smallint DEFAULT 5 NOT NULL,
    retry_base interval DEFAULT '00:00:15'::interval NOT NULL,
    on_uncertain text DEFAULT 'hold'::text NOT NULL,
    uncertain_after interval DEFAULT '06:00:00'::interval NOT NULL,
    needs_consent boolean DEFAULT false NOT NULL,
    dedup_by text DEFAULT 'text'::text NOT NULL,
    opening_spread interval DEFAULT '00:00:00'::interval NOT NULL,
    ignores_opt_out boolean DEFAULT false NOT NULL,
    CONSTRAINT channel_channel_check CHECK ((channel ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT channel_dedup_by_check CHECK ((dedup_by = ANY (ARRAY['text'::text, 'text_in_channel'::text, 'template'::text]))),
    CONSTRAINT channel_dedup_window_check CHECK ((dedup_window >= '00:00:00'::interval)),
    CONSTRAINT channel_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 100))),
    CONSTRAINT channel_on_uncertain_check CHECK ((on_uncertain = ANY (ARRAY['hold'::text, 'resend'::text, 'give_up'::text]))),
    CONSTRAINT channel_priority_check CHECK (((priority >= 0) AND (priority <= 3))),
    CONSTRAINT channel_retry_base_check CHECK ((retry_base > '00:00:00'::interval)),
    CONSTRAINT channel_sender_id_check CHECK (((char_length(sender_id) >= 1) AND (char_length(sender_id) <= 15))),
    CONSTRAINT channel_uncertain_after_check CHECK ((uncertain_after > '00:00:00'::interval)),
    CONSTRAINT channel_validity_check CHECK ((validity > '00:00:00'::interval)),
    CONSTRAINT "opening_spread is between 0 and 4 hours" CHECK (((opening_spread >= '00:00:00'::interval) AND (opening_spread <= '04:00:00'::interval)))
);

COMMENT ON TABLE sms.channel IS 'A traffic class the ERP names in sms.outbox.channel: its priority, sender and rules.';

COMMENT ON COLUMN sms.channel.channel_id IS 'Narrow key used by the hot tables.';

COMMENT ON COLUMN sms.channel.channel IS 'The name the ERP writes.';

COMMENT ON COLUMN sms.channel.title IS 'For people.';

COMMENT ON COLUMN sms.channel.category IS 'Legal kind; see sms.category.';

COMMENT ON COLUMN sms.channel.priority IS '0 is urgent, 3 is bulk; smaller is sooner. A row may lower its own, never raise it.';

COMMENT ON COLUMN sms.channel.sender_id IS 'What the handset shows unless the row says otherwise; null = the provider''s default.';

COMMENT ON COLUMN sms.channel.time_zone IS 'IANA zone assumed when neither row nor number tells one; null = unknown, so only when every Russian zone allows it.';

COMMENT ON COLUMN sms.channel.dedup_window IS 'The same text to the same number within this span is one message; 0 switches it off.';

COMMENT ON COLUMN sms.channel.validity IS 'How long after its earliest moment a message is still worth sending, unless the row has expires_at.';

COMMENT ON COLUMN sms.channel.max_attempts IS 'Submissions tried before the message ends failed.';

COMMENT ON COLUMN sms.channel.retry_base IS 'First pause between attempts; doubles each time, with jitter, at most one hour.';

COMMENT ON COLUMN sms.channel.on_uncertain IS 'What happens to an uncertain message after uncertain_after: hold (wait for a person), resend, give_up.';

COMMENT ON COLUMN sms.channel.uncertain_after IS 'How long an uncertain message waits for a receipt before on_uncertain applies.';

COMMENT ON COLUMN sms.channel.needs_consent IS 'True: only with a consent for its category in sms.consent.';

COMMENT ON COLUMN sms.channel.dedup_by IS 'What makes two messages the same: text, text within this channel, or the template whatever its values.';

COMMENT ON COLUMN sms.channel.opening_spread IS 'Deferred messages are spread over this long after quiet hours end, so that 09:00 is no stampede.';

COMMENT ON COLUMN sms.channel.ignores_opt_out IS 'True only for the answer to an opt-out, which the opt-out itself must not stop.';

-- SEQUENCE channel_channel_id_seq

ALTER TABLE sms.channel ALTER COLUMN channel_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.channel_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE claim

CREATE TABLE sms.claim (
    claim_id bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    provider_id smallint NOT NULL,
    worker text NOT NULL
);

COMMENT ON TABLE sms.claim IS 'Which worker made a claim; kept for an hour after its messages are settled.';

COMMENT ON COLUMN sms.claim.claim_id IS 'The claim.';

COMMENT ON COLUMN sms.claim.claimed_at IS 'When.';

COMMENT ON COLUMN sms.claim.provider_id IS 'For which provider.';

COMMENT ON COLUMN sms.claim.worker IS 'The worker''s name, see the setting worker_name.';

-- TABLE client_zone

CREATE TABLE sms.client_zone (
    client_id bigint NOT NULL,
    zone_id smallint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE sms.client_zone IS 'What the ERP knows of a client''s time zone; wins over the number, loses to the row''s own time_zone.';

COMMENT ON COLUMN sms.client_zone.client_id IS 'The client.';

COMMENT ON COLUMN sms.client_zone.zone_id IS 'Its zone.';

COMMENT ON COLUMN sms.client_zone.updated_at IS 'When it was set.';

-- TABLE consent

CREATE TABLE sms.consent (
    consent_id bigint NOT NULL,
    msisdn bigint,
    client_id bigint,
    category text NOT NULL,
    proof text NOT NULL,
    valid_from timestamp with time zone DEFAULT now() NOT NULL,
    valid_until timestamp with time zone,
    withdrawn_at timestamp with time zone,
    withdrawn_by text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a consent ends after it begins" CHECK ((valid_until > valid_from)),
    CONSTRAINT "a consent is of a number or a client" CHECK ((num_nonnulls(msisdn, client_id) = 1)),
    CONSTRAINT "a consent names its proof" CHECK ((btrim(proof) <> ''::text))
);

COMMENT ON TABLE sms.consent IS 'Ledger of consents: append rows, withdraw them, never delete. 38-FZ art. 18: the sender proves the consent.';

COMMENT ON COLUMN sms.consent.consent_id IS 'Key.';

COMMENT ON COLUMN sms.consent.msisdn IS 'Whose, by number.';

COMMENT ON COLUMN sms.consent.client_id IS 'Whose, by client.';

COMMENT ON COLUMN sms.consent.category IS 'For which kind of message.';

COMMENT ON COLUMN sms.consent.proof IS 'Where the proof is: form, version of the text, time, address, check number.';

COMMENT ON COLUMN sms.consent.valid_from IS 'From when.';

COMMENT ON COLUMN sms.consent.valid_until IS 'Until when; null = until withdrawn.';

COMMENT ON COLUMN sms.consent.withdrawn_at IS 'When it was withdrawn.';

COMMENT ON COLUMN sms.consent.withdrawn_by IS 'By whom: a login, or inbound and its id.';

COMMENT ON COLUMN sms.consent.created_at IS 'When the row was written.';

COMMENT ON COLUMN sms.consent.created_by IS 'Who wrote it.';

-- SEQUENCE consent_consent_id_seq

ALTER TABLE sms.consent ALTER COLUMN consent_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.consent_consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE contact_log

CREATE TABLE sms.contact_log (
    msisdn bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    dedup_key bigint NOT NULL,
    message_id bigint NOT NULL,
    client_id bigint,
    channel_id smallint NOT NULL
)
PARTITION BY RANGE (at);

COMMENT ON TABLE sms.contact_log IS 'Who was contacted when: caps and duplicate windows are counts over it. Appended by the claim, taken back only on definite non-submission.';

COMMENT ON COLUMN sms.contact_log.msisdn IS 'The number.';

COMMENT ON COLUMN sms.contact_log.at IS 'When it was claimed for sending.';

COMMENT ON COLUMN sms.contact_log.dedup_key IS 'Hash of the content.';

COMMENT ON COLUMN sms.contact_log.message_id IS 'The message.';

COMMENT ON COLUMN sms.contact_log.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.contact_log.channel_id IS 'The channel.';

-- TABLE doubtful

CREATE TABLE sms.doubtful (
    id bigint NOT NULL,
    since timestamp with time zone NOT NULL
);

COMMENT ON TABLE sms.doubtful IS 'Messages that became uncertain and have not been looked at since they stopped being so; a chore empties it.';

COMMENT ON COLUMN sms.doubtful.id IS 'The message; its state is in sms.outcome.';

COMMENT ON COLUMN sms.doubtful.since IS 'Since when it is, or was, uncertain.';

-- TABLE erp_ref

CREATE TABLE sms.erp_ref (
    ref_hash bigint NOT NULL,
    id bigint NOT NULL
);

COMMENT ON TABLE sms.erp_ref IS 'Owner of each idempotency key, claimed when a message is first judged.';

COMMENT ON COLUMN sms.erp_ref.ref_hash IS '64-bit hash of sms.outbox.erp_ref; the text is compared on conflict.';

COMMENT ON COLUMN sms.erp_ref.id IS 'The message that owns it.';

-- TABLE holiday

CREATE TABLE sms.holiday (
    day date NOT NULL,
    kind text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT holiday_kind_check CHECK ((kind = ANY (ARRAY['off'::text, 'working'::text])))
);

COMMENT ON TABLE sms.holiday IS 'Production calendar: working weekdays that are off, weekend days that are worked. Imported by ''outbox import holidays''.';

COMMENT ON COLUMN sms.holiday.day IS 'The day.';

COMMENT ON COLUMN sms.holiday.kind IS 'off = nobody works; working = a weekend day that is worked.';

COMMENT ON COLUMN sms.holiday.title IS 'Why.';

-- SEQUENCE id_seq

CREATE SEQUENCE sms.id_seq
    AS integer
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    MAXVALUE 4194303
    CACHE 32
    CYCLE;

COMMENT ON SEQUENCE sms.id_seq IS 'Low 22 bits of an id; wraps, the milliseconds above it keep ids unique.';

-- TABLE inbound

CREATE TABLE sms.inbound (
    inbound_id bigint DEFAULT sms.next_id() NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    provider_id smallint NOT NULL,
    provider_ref text,
    msisdn bigint,
    sender text NOT NULL,
    sent_to text,
    body text NOT NULL,
    action text,
    CONSTRAINT inbound_action_check CHECK ((action = ANY (ARRAY['stop_advertising'::text, 'stop_all'::text, 'start'::text])))
);

COMMENT ON TABLE sms.inbound IS 'Messages from subscribers. The ERP reads them here; NOTIFY sms_inbound tells when there are new ones.';

COMMENT ON COLUMN sms.inbound.inbound_id IS 'Time-ordered key; a string in JSON.';

COMMENT ON COLUMN sms.inbound.received_at IS 'When we got it.';

COMMENT ON COLUMN sms.inbound.provider_id IS 'Who brought it.';

COMMENT ON COLUMN sms.inbound.provider_ref IS 'The provider''s id; a repeated report is kept once.';

COMMENT ON COLUMN sms.inbound.msisdn IS 'Who wrote; null when the sender is no Russian mobile number.';

COMMENT ON COLUMN sms.inbound.sender IS 'The sender as reported.';

COMMENT ON COLUMN sms.inbound.sent_to IS 'Our number it was sent to.';

COMMENT ON COLUMN sms.inbound.body IS 'The text.';

COMMENT ON COLUMN sms.inbound.action IS 'What was understood: stop_advertising, stop_all, start; null = a message for people.';

-- TABLE inflight

CREATE TABLE sms.inflight (
    id bigint NOT NULL,
    claim_id bigint NOT NULL,
    msisdn bigint NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    dedup_key bigint NOT NULL,
    ref_hash bigint,
    client_id bigint,
    campaign_id bigint,
    template_version_id integer,
    provider_id smallint NOT NULL,
    lane_id smallint NOT NULL,
    zone_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE sms.inflight IS 'Messages leased to one worker under a claim_id. A row here IS in state inflight.';

COMMENT ON COLUMN sms.inflight.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.inflight.claim_id IS 'The lease and its fence: only the holder may settle.';

COMMENT ON COLUMN sms.inflight.msisdn IS 'Normalised number.';

COMMENT ON COLUMN sms.inflight.claimed_at IS 'When it was claimed; also the time in sms.contact_log.';

COMMENT ON COLUMN sms.inflight.lease_until IS 'Unsettled at this moment: back to pending, or uncertain when it was marked as submitting.';

COMMENT ON COLUMN sms.inflight.expires_at IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.dedup_key IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.ref_hash IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.client_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.campaign_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.template_version_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.provider_id IS 'The provider it is being handed to.';

COMMENT ON COLUMN sms.inflight.lane_id IS 'Its lane.';

COMMENT ON COLUMN sms.inflight.zone_id IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.priority IS 'Carried for a return to pending.';

COMMENT ON COLUMN sms.inflight.attempt IS 'Number of this attempt, from 1.';

-- TABLE lane

CREATE TABLE sms.lane (
    lane_id smallint NOT NULL,
    channel_id smallint NOT NULL,
    operator_id smallint NOT NULL,
    provider_id smallint
);

COMMENT ON TABLE sms.lane IS 'Where a message waits: channel × operator, and which provider serves it now. Re-pointing a lane moves its queue at once.';

COMMENT ON COLUMN sms.lane.lane_id IS 'Narrow key used by the hot tables.';

COMMENT ON COLUMN sms.lane.channel_id IS 'The channel.';

COMMENT ON COLUMN sms.lane.operator_id IS 'The operator that issued the number.';

COMMENT ON COLUMN sms.lane.provider_id IS 'Who serves it now; null = parked, nobody claims from it.';

-- SEQUENCE lane_lane_id_seq

ALTER TABLE sms.lane ALTER COLUMN lane_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.lane_lane_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE operator

CREATE TABLE sms.operator (
    operator_id smallint NOT NULL,
    operator text NOT NULL,
    title text NOT NULL,
    CONSTRAINT operator_operator_check CHECK ((operator ~ '^[a-z][a-z0-9_]{0,39}$'::text))
);

COMMENT ON TABLE sms.operator IS 'Mobile operators that get lanes of their own; all others share ''other'' (id 0).';

COMMENT ON COLUMN sms.operator.operator_id IS 'Narrow key; 0 is ''other''.';

COMMENT ON COLUMN sms.operator.operator IS 'Name in sms.message.operator.';

COMMENT ON COLUMN sms.operator.title IS 'For people.';

-- TABLE pending

CREATE TABLE sms.pending (
    id bigint NOT NULL,
    msisdn bigint NOT NULL,
    not_before timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    dedup_key bigint NOT NULL,
    ref_hash bigint,
    client_id bigint,
    campaign_id bigint,
    template_version_id integer,
    lane_id smallint NOT NULL,
    zone_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='10000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='1000000', fillfactor='90');

COMMENT ON TABLE sms.pending IS 'Messages that wait: due now, or at not_before. A row here IS in state pending.';

COMMENT ON COLUMN sms.pending.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.pending.msisdn IS 'Normalised number, E.164 without the plus.';

COMMENT ON COLUMN sms.pending.not_before IS 'Earliest moment of the next try: schedule, quiet hours or retry pause.';

COMMENT ON COLUMN sms.pending.expires_at IS 'After this it is suppressed as expired.';

COMMENT ON COLUMN sms.pending.dedup_key IS '64-bit hash of the content.';

COMMENT ON COLUMN sms.pending.ref_hash IS '64-bit hash of erp_ref; null without one.';

COMMENT ON COLUMN sms.pending.client_id IS 'sms.outbox.client_id.';

COMMENT ON COLUMN sms.pending.campaign_id IS 'sms.outbox.campaign_id.';

COMMENT ON COLUMN sms.pending.template_version_id IS 'The wording that was current when the row came in.';

COMMENT ON COLUMN sms.pending.lane_id IS 'Where it waits.';

COMMENT ON COLUMN sms.pending.zone_id IS 'The subscriber''s zone.';

COMMENT ON COLUMN sms.pending.priority IS '0 urgent … 3 bulk.';

COMMENT ON COLUMN sms.pending.attempt IS 'Submissions already tried.';

-- TABLE provider

CREATE TABLE sms.provider (
    provider_id smallint NOT NULL,
    provider text NOT NULL,
    adapter text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    secret_env text,
    tps numeric(9,2) DEFAULT 30 NOT NULL,
    max_batch integer DEFAULT 500 NOT NULL,
    is_enabled boolean DEFAULT true NOT NULL,
    CONSTRAINT provider_max_batch_check CHECK (((max_batch >= 1) AND (max_batch <= 1000))),
    CONSTRAINT provider_provider_check CHECK ((provider ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT provider_secret_env_check CHECK ((secret_env ~ '^[A-Z][A-Z0-9_]*$'::text)),
    CONSTRAINT provider_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT provider_tps_check CHECK ((tps > (0)::numeric))
);

COMMENT ON TABLE sms.provider IS 'A configured account at a provider.';

COMMENT ON COLUMN sms.provider.provider_id IS 'Narrow key used by the hot tables.';

COMMENT ON COLUMN sms.provider.provider IS 'Its name in sms.message.provider, in commands and in callback URLs.';

COMMENT ON COLUMN sms.provider.adapter IS 'Which software dialect: an entry point of the group sms.providers (fake, kannel, …).';

COMMENT ON COLUMN sms.provider.settings IS 'The adapter''s settings. Never secrets.';

COMMENT ON COLUMN sms.provider.secret_env IS 'Name of the environment variable that holds the secret.';

COMMENT ON COLUMN sms.provider.tps IS 'Segments per second that each worker process may submit; with several processes give each its share.';

COMMENT ON COLUMN sms.provider.max_batch IS 'Most messages in one claim for this provider.';

COMMENT ON COLUMN sms.provider.is_enabled IS 'False: workers claim nothing for it.';

-- VIEW lane_status

CREATE VIEW sms.lane_status AS
 SELECT c.channel,
    op.operator,
    v.provider,
    c.priority,
    q.due,
    q.later,
    q.oldest_due_at
   FROM ((((sms.lane l
     JOIN sms.channel c USING (channel_id))
     JOIN sms.operator op USING (operator_id))
     LEFT JOIN sms.provider v USING (provider_id))
     LEFT JOIN ( SELECT p.lane_id,
            count(*) FILTER (WHERE (p.not_before <= clock_timestamp())) AS due,
            count(*) FILTER (WHERE (p.not_before > clock_timestamp())) AS later,
            min(p.not_before) FILTER (WHERE (p.not_before <= clock_timestamp())) AS oldest_due_at
           FROM sms.pending p
          GROUP BY p.lane_id) q USING (lane_id))
  ORDER BY c.priority, c.channel, op.operator;

COMMENT ON VIEW sms.lane_status IS 'Each lane: who serves it, how many are due, how many wait for later, since when the oldest is due.';

COMMENT ON COLUMN sms.lane_status.channel IS 'Channel.';

COMMENT ON COLUMN sms.lane_status.operator IS 'Operator.';

COMMENT ON COLUMN sms.lane_status.provider IS 'Who serves it; null = parked.';

COMMENT ON COLUMN sms.lane_status.priority IS 'The channel''s priority.';

COMMENT ON COLUMN sms.lane_status.due IS 'Messages due now.';

COMMENT ON COLUMN sms.lane_status.later IS 'Messages that wait for a later moment.';

COMMENT ON COLUMN sms.lane_status.oldest_due_at IS 'Since when the oldest due message waits.';

-- TABLE outcome

CREATE TABLE sms.outcome (
    id bigint NOT NULL,
    msisdn bigint,
    decided_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    final_at timestamp with time zone,
    client_id bigint,
    campaign_id bigint,
    cost numeric(12,4),
    template_version_id integer,
    provider_id smallint,
    lane_id smallint,
    zone_id smallint,
    segments smallint,
    attempts smallint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    reason text,
    detail text,
    reasons text[],
    CONSTRAINT outcome_final_has_time CHECK (((state = ANY (ARRAY['accepted'::text, 'uncertain'::text])) OR (final_at IS NOT NULL))),
    CONSTRAINT outcome_state CHECK ((state = ANY (ARRAY['suppressed'::text, 'cancelled'::text, 'accepted'::text, 'delivered'::text, 'undelivered'::text, 'expired'::text, 'rejected'::text, 'failed'::text, 'uncertain'::text]))),
    CONSTRAINT outcome_suppressed_has_reason CHECK (((state <> 'suppressed'::text) OR (reason IS NOT NULL)))
)
PARTITION BY RANGE (id);

COMMENT ON TABLE sms.outcome IS 'One row a message that left the queue. State moves forward only, by receipts.';

COMMENT ON COLUMN sms.outcome.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.outcome.msisdn IS 'Normalised number; null when there was none.';

COMMENT ON COLUMN sms.outcome.decided_at IS 'When it left the queue.';

COMMENT ON COLUMN sms.outcome.submitted_at IS 'When the provider took it; null when it was not submitted.';

COMMENT ON COLUMN sms.outcome.final_at IS 'When its final state became known.';

COMMENT ON COLUMN sms.outcome.client_id IS 'sms.outbox.client_id.';

COMMENT ON COLUMN sms.outcome.campaign_id IS 'sms.outbox.campaign_id.';

COMMENT ON COLUMN sms.outcome.cost IS 'Expected cost at submission by sms.tariff; null when no tariff covers it.';

COMMENT ON COLUMN sms.outcome.template_version_id IS 'The wording it was made from.';

COMMENT ON COLUMN sms.outcome.provider_id IS 'Who it was handed to.';

COMMENT ON COLUMN sms.outcome.lane_id IS 'The lane it left.';

COMMENT ON COLUMN sms.outcome.zone_id IS 'The zone it was judged in.';

COMMENT ON COLUMN sms.outcome.segments IS 'SMS parts submitted.';

COMMENT ON COLUMN sms.outcome.attempts IS 'Submissions tried.';

COMMENT ON COLUMN sms.outcome.state IS 'See sms.state.';

COMMENT ON COLUMN sms.outcome.reason IS 'Why, for suppressed, cancelled and failed; see sms.reason.';

COMMENT ON COLUMN sms.outcome.detail IS 'The facts in words: which row, which limit, the provider''s code.';

COMMENT ON COLUMN sms.outcome.reasons IS 'All reasons that applied, in rule order, when there were several.';

-- VIEW message

CREATE VIEW sms.message AS
 SELECT o.id,
    o.erp_ref,
    o.client_id,
    o.channel,
    o.campaign_id,
    p.msisdn,
    'pending'::text AS state,
    NULL::text AS reason,
    NULL::text AS detail,
    v.provider,
    op.operator,
    NULL::smallint AS segments,
    NULL::numeric(12,4) AS cost,
    p.attempt AS attempts,
    p.not_before,
    o.created_at,
    NULL::timestamp with time zone AS submitted_at,
    NULL::timestamp with time zone AS final_at
   FROM ((((sms.pending p
     JOIN sms.outbox o ON ((o.id = p.id)))
     LEFT JOIN sms.lane l ON ((l.lane_id = p.lane_id)))
     LEFT JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider v ON ((v.provider_id = l.provider_id)))
UNION ALL
 SELECT o.id,
    o.erp_ref,
    o.client_id,
    o.channel,
    o.campaign_id,
    f.msisdn,
    'inflight'::text AS state,
    NULL::text AS reason,
    NULL::text AS detail,
    v.provider,
    op.operator,
    NULL::smallint AS segments,
    NULL::numeric AS cost,
    f.attempt AS attempts,
    LEAST(GREATEST(o.not_before, '1970-01-01 00:00:00+00'::timestamp with time zone), '9999-01-01 00:00:00+00'::timestamp with time zone) AS not_before,
    o.created_at,
    NULL::timestamp with time zone AS submitted_at,
    NULL::timestamp with time zone AS final_at
   FROM ((((sms.inflight f
     JOIN sms.outbox o ON ((o.id = f.id)))
     LEFT JOIN sms.lane l ON ((l.lane_id = f.lane_id)))
     LEFT JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider v ON ((v.provider_id = f.provider_id)))
UNION ALL
 SELECT o.id,
    o.erp_ref,
    o.client_id,
    o.channel,
    o.campaign_id,
    r.msisdn,
    r.state,
    r.reason,
    r.detail,
    v.provider,
    op.operator,
    r.segments,
    r.cost,
    r.attempts,
    LEAST(GREATEST(o.not_before, '1970-01-01 00:00:00+00'::timestamp with time zone), '9999-01-01 00:00:00+00'::timestamp with time zone) AS not_before,
    o.created_at,
    r.submitted_at,
    r.final_at
   FROM ((((sms.outcome r
     JOIN sms.outbox o ON ((o.id = r.id)))
     LEFT JOIN sms.lane l ON ((l.lane_id = r.lane_id)))
     LEFT JOIN sms.operator op ON ((op.operator_id = l.operator_id)))
     LEFT JOIN sms.provider v ON ((v.provider_id = r.provider_id)));

COMMENT ON VIEW sms.message IS 'Every message with its current state. The ERP''s and the analysts'' window; no texts.';

COMMENT ON COLUMN sms.message.id IS 'sms.outbox.id; a string in JSON.';

COMMENT ON COLUMN sms.message.erp_ref IS 'The ERP''s own reference.';

COMMENT ON COLUMN sms.message.client_id IS 'The ERP''s client.';

COMMENT ON COLUMN sms.message.channel IS 'Traffic class.';

COMMENT ON COLUMN sms.message.campaign_id IS 'Campaign, if any.';

COMMENT ON COLUMN sms.message.msisdn IS 'Normalised number; null when there was none.';

COMMENT ON COLUMN sms.message.state IS 'See sms.state.';

COMMENT ON COLUMN sms.message.reason IS 'Why it was suppressed, cancelled or failed; see sms.reason.';

COMMENT ON COLUMN sms.message.detail IS 'The facts in words.';

COMMENT ON COLUMN sms.message.provider IS 'Who serves its lane now, or who it was handed to.';

COMMENT ON COLUMN sms.message.operator IS 'Operator that issued the number.';

COMMENT ON COLUMN sms.message.segments IS 'SMS parts submitted.';

COMMENT ON COLUMN sms.message.cost IS 'Expected cost by tariff; null when unknown or not submitted.';

COMMENT ON COLUMN sms.message.attempts IS 'Submissions tried.';

COMMENT ON COLUMN sms.message.not_before IS 'Earliest next try; for messages that left the queue what the ERP asked for.';

COMMENT ON COLUMN sms.message.created_at IS 'When the ERP inserted it.';

COMMENT ON COLUMN sms.message.submitted_at IS 'When the provider took it.';

COMMENT ON COLUMN sms.message.final_at IS 'When its final state became known.';

-- TABLE number_range_staging

CREATE UNLOGGED TABLE sms.number_range_staging (
    lo bigint,
    hi bigint,
    operator_title text,
    region text,
    inn text,
    line_no integer
);

COMMENT ON TABLE sms.number_range_staging IS 'A numbering file on its way in; emptied by sms.replace_numbering().';

COMMENT ON COLUMN sms.number_range_staging.lo IS 'First number.';

COMMENT ON COLUMN sms.number_range_staging.hi IS 'Last number.';

COMMENT ON COLUMN sms.number_range_staging.operator_title IS 'Operator as spelled.';

COMMENT ON COLUMN sms.number_range_staging.region IS 'Region as spelled.';

COMMENT ON COLUMN sms.number_range_staging.inn IS 'Tax id.';

COMMENT ON COLUMN sms.number_range_staging.line_no IS 'Line of the file.';

-- TABLE number_trouble

CREATE TABLE sms.number_trouble (
    message_id bigint NOT NULL,
    msisdn bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    provider_id smallint NOT NULL,
    state text NOT NULL,
    error text,
    learned_at timestamp with time zone
);

COMMENT ON TABLE sms.number_trouble IS 'Messages that failed for good, by number: what automatic blacklisting counts.';

COMMENT ON COLUMN sms.number_trouble.message_id IS 'The message.';

COMMENT ON COLUMN sms.number_trouble.msisdn IS 'The number.';

COMMENT ON COLUMN sms.number_trouble.at IS 'When it failed.';

COMMENT ON COLUMN sms.number_trouble.provider_id IS 'Who reported it.';

COMMENT ON COLUMN sms.number_trouble.state IS 'undelivered, expired or rejected.';

COMMENT ON COLUMN sms.number_trouble.error IS 'The provider''s error; read through sms.receipt_error.';

COMMENT ON COLUMN sms.number_trouble.learned_at IS 'When the rules looked at it.';

-- VIEW operator_refusal_suspected

CREATE VIEW sms.operator_refusal_suspected AS
 SELECT b.msisdn,
    b.created_at AS since,
    b.expires_at
   FROM sms.blacklist b
  WHERE ((b.source = 'auto'::text) AND (b.reason = 'operator refusal suspected'::text) AND ((b.expires_at IS NULL) OR (b.expires_at > clock_timestamp())));

COMMENT ON VIEW sms.operator_refusal_suspected IS 'Numbers whose subscribers probably refused mailings at the operator.';

COMMENT ON COLUMN sms.operator_refusal_suspected.msisdn IS 'The number.';

COMMENT ON COLUMN sms.operator_refusal_suspected.since IS 'Since when it is suspected.';

COMMENT ON COLUMN sms.operator_refusal_suspected.expires_at IS 'Until when advertising stays stopped.';

-- TABLE operator_tax_id

CREATE TABLE sms.operator_tax_id (
    inn text NOT NULL,
    operator_id smallint NOT NULL,
    CONSTRAINT operator_tax_id_inn_check CHECK ((inn ~ '^\d{10}(\d{2})?$'::text))
);

COMMENT ON TABLE sms.operator_tax_id IS 'Tax id (ИНН) in the numbering plan to operator; names there are spelled in many ways, tax ids are not.';

COMMENT ON COLUMN sms.operator_tax_id.inn IS 'ИНН, 10 digits (12 for a person).';

COMMENT ON COLUMN sms.operator_tax_id.operator_id IS 'The operator.';

-- SEQUENCE provider_provider_id_seq

ALTER TABLE sms.provider ALTER COLUMN provider_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.provider_provider_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE provider_ref

CREATE TABLE sms.provider_ref (
    id bigint NOT NULL,
    provider_id smallint NOT NULL,
    ref text NOT NULL,
    part smallint DEFAULT 1 NOT NULL,
    parts smallint DEFAULT 1 NOT NULL,
    state text
)
PARTITION BY RANGE (id);

COMMENT ON TABLE sms.provider_ref IS 'The provider''s own ids of a message, one per segment where it gives several.';

COMMENT ON COLUMN sms.provider_ref.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.provider_ref.provider_id IS 'The provider.';

COMMENT ON COLUMN sms.provider_ref.ref IS 'Its id, as normalised by the adapter.';

COMMENT ON COLUMN sms.provider_ref.part IS 'Segment number from 1.';

COMMENT ON COLUMN sms.provider_ref.parts IS 'Into how many segments with ids of their own the message went.';

COMMENT ON COLUMN sms.provider_ref.state IS 'What the receipts said of this segment; kept only where there are several.';

-- TABLE quiet_hours

CREATE TABLE sms.quiet_hours (
    quiet_hours_id integer NOT NULL,
    category text NOT NULL,
    iso_weekday smallint,
    quiet_from time without time zone NOT NULL,
    quiet_until time without time zone NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    day_kind text,
    CONSTRAINT "name a weekday or a kind of day, not both" CHECK ((num_nonnulls(iso_weekday, day_kind) < 2)),
    CONSTRAINT quiet_hours_day_kind_check CHECK ((day_kind = ANY (ARRAY['working'::text, 'off'::text]))),
    CONSTRAINT quiet_hours_iso_weekday_check CHECK (((iso_weekday >= 1) AND (iso_weekday <= 7))),
    CONSTRAINT "silence has a length" CHECK ((quiet_from <> quiet_until))
);

COMMENT ON TABLE sms.quiet_hours IS 'Local hours of silence per category. They defer a message to the first allowed moment, they do not suppress it.';

COMMENT ON COLUMN sms.quiet_hours.quiet_hours_id IS 'Key.';

COMMENT ON COLUMN sms.quiet_hours.category IS 'The messages it silences.';

COMMENT ON COLUMN sms.quiet_hours.iso_weekday IS '1 = Monday … 7 = Sunday, the day on which the silence begins; null = every day.';

COMMENT ON COLUMN sms.quiet_hours.quiet_from IS 'Local time at which silence begins.';

COMMENT ON COLUMN sms.quiet_hours.quiet_until IS 'Local time at which it ends; earlier than quiet_from = next morning.';

COMMENT ON COLUMN sms.quiet_hours.reason IS 'Why it exists.';

COMMENT ON COLUMN sms.quiet_hours.day_kind IS 'Only on working days or days off, by sms.holiday and the weekday; null = by iso_weekday alone.';

-- SEQUENCE quiet_hours_quiet_hours_id_seq

ALTER TABLE sms.quiet_hours ALTER COLUMN quiet_hours_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.quiet_hours_quiet_hours_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE reason

CREATE TABLE sms.reason (
    reason text NOT NULL,
    rank smallint NOT NULL,
    meaning text NOT NULL
);

COMMENT ON TABLE sms.reason IS 'Why a message was suppressed, deferred, cancelled or failed.';

COMMENT ON COLUMN sms.reason.reason IS 'The code shown in sms.message.reason.';

COMMENT ON COLUMN sms.reason.rank IS 'Rule order: of several reasons the lowest rank decides.';

COMMENT ON COLUMN sms.reason.meaning IS 'One sentence for people.';

-- TABLE receipt

CREATE TABLE sms.receipt (
    receipt_id bigint DEFAULT sms.next_id() NOT NULL,
    received_at timestamp with time zone NOT NULL,
    occurred_at timestamp with time zone,
    message_id bigint,
    provider_id smallint NOT NULL,
    code text NOT NULL,
    error text,
    state text,
    provider_ref text,
    raw text
)
PARTITION BY RANGE (receipt_id);

COMMENT ON TABLE sms.receipt IS 'Every delivery report as received, append-only.';

COMMENT ON COLUMN sms.receipt.receipt_id IS 'Time-ordered key.';

COMMENT ON COLUMN sms.receipt.received_at IS 'When we got it.';

COMMENT ON COLUMN sms.receipt.occurred_at IS 'The provider''s own time, where it gives one.';

COMMENT ON COLUMN sms.receipt.message_id IS 'Our message, when it was known at arrival.';

COMMENT ON COLUMN sms.receipt.provider_id IS 'Who reported.';

COMMENT ON COLUMN sms.receipt.code IS 'The provider''s status code.';

COMMENT ON COLUMN sms.receipt.error IS 'The provider''s error code or text.';

COMMENT ON COLUMN sms.receipt.state IS 'Our state by sms.receipt_code; null = progress or unmapped.';

COMMENT ON COLUMN sms.receipt.provider_ref IS 'The provider''s id of the message.';

COMMENT ON COLUMN sms.receipt.raw IS 'The report as it came, without texts.';

-- TABLE receipt_code

CREATE TABLE sms.receipt_code (
    adapter text NOT NULL,
    code text NOT NULL,
    state text,
    meaning text NOT NULL
);

COMMENT ON TABLE sms.receipt_code IS 'What a provider''s status code means to us. Data, so that a wrong mapping can be corrected.';

COMMENT ON COLUMN sms.receipt_code.adapter IS 'The dialect.';

COMMENT ON COLUMN sms.receipt_code.code IS 'The code as the adapter reports it.';

COMMENT ON COLUMN sms.receipt_code.state IS 'Our state; null = progress only, nothing changes.';

COMMENT ON COLUMN sms.receipt_code.meaning IS 'For people.';

-- TABLE receipt_error

CREATE TABLE sms.receipt_error (
    adapter text NOT NULL,
    error text NOT NULL,
    class text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT receipt_error_class_check CHECK ((class = ANY (ARRAY['no_such_number'::text, 'malformed'::text, 'unreachable'::text, 'refused'::text, 'temporary'::text, 'content'::text, 'account'::text])))
);

COMMENT ON TABLE sms.receipt_error IS 'What a provider''s error code says about the number. Data, so that a wrong reading can be corrected.';

COMMENT ON COLUMN sms.receipt_error.adapter IS 'The dialect.';

COMMENT ON COLUMN sms.receipt_error.error IS 'The error as the adapter reports it.';

COMMENT ON COLUMN sms.receipt_error.class IS 'no_such_number, malformed, unreachable, refused (alive, but takes none of these); temporary, content, account say nothing about the number.';

COMMENT ON COLUMN sms.receipt_error.meaning IS 'For people.';

-- TABLE recipient_group

CREATE TABLE sms.recipient_group (
    group_id integer NOT NULL,
    recipient_group text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT "a group name is 1 to 80 characters" CHECK (((char_length(recipient_group) >= 1) AND (char_length(recipient_group) <= 80)))
);

COMMENT ON TABLE sms.recipient_group IS 'Named sets of numbers or clients, for blacklisting them together.';

COMMENT ON COLUMN sms.recipient_group.group_id IS 'Key.';

COMMENT ON COLUMN sms.recipient_group.recipient_group IS 'Its name.';

COMMENT ON COLUMN sms.recipient_group.title IS 'For people.';

-- SEQUENCE recipient_group_group_id_seq

ALTER TABLE sms.recipient_group ALTER COLUMN group_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.recipient_group_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE recipient_group_member

CREATE TABLE sms.recipient_group_member (
    member_id bigint NOT NULL,
    group_id integer NOT NULL,
    msisdn bigint,
    client_id bigint,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT "a member is a number or a client" CHECK ((num_nonnulls(msisdn, client_id) = 1))
);

COMMENT ON TABLE sms.recipient_group_member IS 'Who is in a group: a number, or a client with whatever number.';

COMMENT ON COLUMN sms.recipient_group_member.member_id IS 'Key.';

COMMENT ON COLUMN sms.recipient_group_member.group_id IS 'The group.';

COMMENT ON COLUMN sms.recipient_group_member.msisdn IS 'A number, E.164 without the plus.';

COMMENT ON COLUMN sms.recipient_group_member.client_id IS 'Or a client of the ERP.';

COMMENT ON COLUMN sms.recipient_group_member.added_at IS 'Since when.';

COMMENT ON COLUMN sms.recipient_group_member.added_by IS 'Who added it.';

-- SEQUENCE recipient_group_member_member_id_seq

ALTER TABLE sms.recipient_group_member ALTER COLUMN member_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.recipient_group_member_member_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE region_timezone

CREATE TABLE sms.region_timezone (
    region text NOT NULL,
    time_zone text,
    other_time_zones text[] DEFAULT '{}'::text[] NOT NULL,
    iso_3166_2 text
);

COMMENT ON TABLE sms.region_timezone IS 'Subject of the federation, as spelled in the numbering plan, to its time zone.';

COMMENT ON COLUMN sms.region_timezone.region IS 'Name as in the column «Территория ГАР».';

COMMENT ON COLUMN sms.region_timezone.time_zone IS 'IANA zone; null = unknown.';

COMMENT ON COLUMN sms.region_timezone.other_time_zones IS 'Further zones of the same subject.';

COMMENT ON COLUMN sms.region_timezone.iso_3166_2 IS 'ISO 3166-2 code where there is one.';

-- TABLE rule_change

CREATE TABLE sms.rule_change (
    change_id bigint DEFAULT sms.next_id() NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    changed_by text DEFAULT SESSION_USER NOT NULL,
    acted_as text DEFAULT CURRENT_USER NOT NULL,
    rule_table text NOT NULL,
    rule_key text NOT NULL,
    action text NOT NULL,
    old jsonb,
    new jsonb,
    CONSTRAINT rule_change_action_check CHECK ((action = ANY (ARRAY['baseline'::text, 'insert'::text, 'update'::text, 'delete'::text])))
);

COMMENT ON TABLE sms.rule_change IS 'Every change to a rule: who, when, the row before and after. Written by triggers; never changed.';

COMMENT ON COLUMN sms.rule_change.change_id IS 'Time-ordered key; also the version of the rule row from then on.';

COMMENT ON COLUMN sms.rule_change.changed_at IS 'When.';

COMMENT ON COLUMN sms.rule_change.changed_by IS 'The login that changed it.';

COMMENT ON COLUMN sms.rule_change.acted_as IS 'The role it acted as.';

COMMENT ON COLUMN sms.rule_change.rule_table IS 'Which table, without its schema.';

COMMENT ON COLUMN sms.rule_change.rule_key IS 'Primary key of the row, as text.';

COMMENT ON COLUMN sms.rule_change.action IS 'insert, update, delete; baseline = it was there before changes were kept.';

COMMENT ON COLUMN sms.rule_change.old IS 'The row before.';

COMMENT ON COLUMN sms.rule_change.new IS 'The row after.';

-- TABLE setting

CREATE TABLE sms.setting (
    setting text NOT NULL,
    value text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT "days and months are whole numbers" CHECK (((setting <> ALL (ARRAY['retention_months'::text, 'erp_ref_days'::text])) OR (value ~ '^\d{1,5}$'::text)))
);

COMMENT ON TABLE sms.setting IS 'Switches of the whole installation.';

COMMENT ON COLUMN sms.setting.setting IS 'Name.';

COMMENT ON COLUMN sms.setting.value IS 'Value as text.';

COMMENT ON COLUMN sms.setting.meaning IS 'What it does, with its unit.';

-- TABLE state

CREATE TABLE sms.state (
    state text NOT NULL,
    rank smallint NOT NULL,
    is_final boolean NOT NULL,
    meaning text NOT NULL
);

COMMENT ON TABLE sms.state IS 'The states a message can be in. docs/states.md draws them.';

COMMENT ON COLUMN sms.state.state IS 'The word shown in sms.message.state.';

COMMENT ON COLUMN sms.state.rank IS 'Receipts only move a message to a higher rank.';

COMMENT ON COLUMN sms.state.is_final IS 'True when nothing more is expected to happen.';

COMMENT ON COLUMN sms.state.meaning IS 'What it means for the ERP and the subscriber.';

-- TABLE state_transition

CREATE TABLE sms.state_transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    cause text NOT NULL
);

COMMENT ON TABLE sms.state_transition IS 'Every move a message may make, and who causes it. A move that is not here fails.';

COMMENT ON COLUMN sms.state_transition.from_state IS 'State before.';

COMMENT ON COLUMN sms.state_transition.to_state IS 'State after.';

COMMENT ON COLUMN sms.state_transition.cause IS 'The function or event that makes the move.';

-- TABLE stop_word

CREATE TABLE sms.stop_word (
    word text NOT NULL,
    meaning text NOT NULL,
    CONSTRAINT "a stop word is one word" CHECK (((word !~ '\s'::text) AND (word <> ''::text))),
    CONSTRAINT stop_word_meaning_check CHECK ((meaning = ANY (ARRAY['stop'::text, 'start'::text, 'all'::text])))
);

COMMENT ON TABLE sms.stop_word IS 'Words by which subscribers opt out. Compared after folding case and Latin look-alikes, see sms.fold_word.';

COMMENT ON COLUMN sms.stop_word.word IS 'The word, in any case.';

COMMENT ON COLUMN sms.stop_word.meaning IS 'stop = opt out of advertising; all = beside a stop word: of everything; start = opt in again.';

-- TABLE submitting

CREATE TABLE sms.submitting (
    claim_id bigint NOT NULL,
    marked_at timestamp with time zone NOT NULL,
    ids bigint[] NOT NULL
);

COMMENT ON TABLE sms.submitting IS 'Committed before bytes leave: these messages may be at the provider. A lease that ends without a mark is safe to retry.';

COMMENT ON COLUMN sms.submitting.claim_id IS 'The claim.';

COMMENT ON COLUMN sms.submitting.marked_at IS 'When it was marked.';

COMMENT ON COLUMN sms.submitting.ids IS 'The messages about to be handed over.';

-- TABLE tariff

CREATE TABLE sms.tariff (
    tariff_id integer NOT NULL,
    provider_id smallint NOT NULL,
    operator_id smallint,
    category text,
    price numeric(10,4) NOT NULL,
    currency text DEFAULT 'RUB'::text NOT NULL,
    valid_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    valid_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT tariff_check CHECK ((valid_from < valid_until)),
    CONSTRAINT tariff_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT tariff_price_check CHECK ((price >= (0)::numeric))
);

COMMENT ON TABLE sms.tariff IS 'Price of one segment. The most specific row wins: operator and category, operator, category, any.';

COMMENT ON COLUMN sms.tariff.tariff_id IS 'Key.';

COMMENT ON COLUMN sms.tariff.provider_id IS 'The provider that charges it.';

COMMENT ON COLUMN sms.tariff.operator_id IS 'Limited to numbers of this operator; null = any.';

COMMENT ON COLUMN sms.tariff.category IS 'Limited to this kind of message; null = any.';

COMMENT ON COLUMN sms.tariff.price IS 'Money per segment.';

COMMENT ON COLUMN sms.tariff.currency IS 'ISO 4217.';

COMMENT ON COLUMN sms.tariff.valid_from IS 'First moment it holds.';

COMMENT ON COLUMN sms.tariff.valid_until IS 'First moment it holds no more.';

-- SEQUENCE tariff_tariff_id_seq

ALTER TABLE sms.tariff ALTER COLUMN tariff_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.tariff_tariff_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE template

CREATE TABLE sms.template (
    template_id integer NOT NULL,
    template text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    CONSTRAINT template_template_check CHECK ((template ~ '^[a-z][a-z0-9_.-]{0,79}$'::text))
);

COMMENT ON TABLE sms.template IS 'Named texts. Its newest version is used; earlier ones stay.';

COMMENT ON COLUMN sms.template.template_id IS 'Key.';

COMMENT ON COLUMN sms.template.template IS 'The name the ERP writes in sms.outbox.template.';

COMMENT ON COLUMN sms.template.title IS 'For people.';

-- SEQUENCE template_template_id_seq

ALTER TABLE sms.template ALTER COLUMN template_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.template_template_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE template_version

CREATE TABLE sms.template_version (
    template_version_id integer NOT NULL,
    template_id integer NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT template_version_body_check CHECK (((char_length(body) >= 1) AND (char_length(body) <= 1000)))
);

COMMENT ON TABLE sms.template_version IS 'One wording of a template. Edit by inserting a new version; a message keeps the version it was made from.';

COMMENT ON COLUMN sms.template_version.template_version_id IS 'Key; the highest of a template is current.';

COMMENT ON COLUMN sms.template_version.template_id IS 'Which template.';

COMMENT ON COLUMN sms.template_version.body IS 'Text with {{variable}} and {{variable|default}}.';

COMMENT ON COLUMN sms.template_version.created_at IS 'When it was written.';

COMMENT ON COLUMN sms.template_version.created_by IS 'By whom.';

-- SEQUENCE template_version_template_version_id_seq

ALTER TABLE sms.template_version ALTER COLUMN template_version_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sms.template_version_template_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- TABLE time_zone

CREATE TABLE sms.time_zone (
    zone_id smallint NOT NULL,
    name text NOT NULL,
    members text[] NOT NULL,
    CONSTRAINT time_zone_members_check CHECK ((cardinality(members) > 0))
);

COMMENT ON TABLE sms.time_zone IS 'Zones a subscriber may live in. Several members = could be any of them, so a window must be open in all.';

COMMENT ON COLUMN sms.time_zone.zone_id IS 'Narrow key; 0 is ''unknown'': every Russian zone is possible.';

COMMENT ON COLUMN sms.time_zone.name IS 'IANA name, or names joined by + for a region of several zones.';

COMMENT ON COLUMN sms.time_zone.members IS 'The IANA zones it may be.';

-- VIEW unaccounted

CREATE VIEW sms.unaccounted AS
 SELECT o.id,
    o.created_at,
    ((( SELECT count(*) AS count
           FROM sms.pending p
          WHERE (p.id = o.id)) + ( SELECT count(*) AS count
           FROM sms.inflight f
          WHERE (f.id = o.id))) + ( SELECT count(*) AS count
           FROM sms.outcome r
          WHERE (r.id = o.id))) AS places
   FROM sms.outbox o
  WHERE (((( SELECT count(*) AS count
           FROM sms.pending p
          WHERE (p.id = o.id)) + ( SELECT count(*) AS count
           FROM sms.inflight f
          WHERE (f.id = o.id))) + ( SELECT count(*) AS count
           FROM sms.outcome r
          WHERE (r.id = o.id))) <> 1);

COMMENT ON VIEW sms.unaccounted IS 'Requests that are not in exactly one of pending, inflight, outcome. Must be empty.';

COMMENT ON COLUMN sms.unaccounted.id IS 'sms.outbox.id.';

COMMENT ON COLUMN sms.unaccounted.created_at IS 'When it came in.';

COMMENT ON COLUMN sms.unaccounted.places IS 'In how many places it is.';

-- TABLE unmatched_receipt

CREATE TABLE sms.unmatched_receipt (
    receipt_id bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    message_id bigint,
    provider_id smallint NOT NULL,
    provider_ref text,
    state text NOT NULL,
    error text,
    CONSTRAINT unmatched_receipt_key CHECK ((num_nonnulls(message_id, provider_ref) > 0))
);

COMMENT ON TABLE sms.unmatched_receipt IS 'Receipts that overtook the submit answer, or whose message is not known yet. Matched by settle or by the chore.';

COMMENT ON COLUMN sms.unmatched_receipt.receipt_id IS 'sms.receipt.receipt_id.';

COMMENT ON COLUMN sms.unmatched_receipt.received_at IS 'When we got it.';

COMMENT ON COLUMN sms.unmatched_receipt.message_id IS 'Our message, when the report names it.';

COMMENT ON COLUMN sms.unmatched_receipt.provider_id IS 'Who reported.';

COMMENT ON COLUMN sms.unmatched_receipt.provider_ref IS 'The provider''s id, when the report names only that.';

COMMENT ON COLUMN sms.unmatched_receipt.state IS 'The state it brings.';

COMMENT ON COLUMN sms.unmatched_receipt.error IS 'The provider''s error.';

-- SEQUENCE zone_id_seq

CREATE SEQUENCE sms.zone_id_seq
    AS smallint
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- SEQUENCE OWNED BY zone_id_seq

ALTER SEQUENCE sms.zone_id_seq OWNED BY sms.time_zone.zone_id;

COMMENT ON SEQUENCE sms.zone_id_seq IS 'Zone ids; 0 is reserved for ''unknown''.';

-- DEFAULT time_zone zone_id

ALTER TABLE ONLY sms.time_zone ALTER COLUMN zone_id SET DEFAULT nextval('sms.zone_id_seq'::regclass);

-- CONSTRAINT local_client local_client_pkey

ALTER TABLE ONLY erp.local_client
    ADD CONSTRAINT local_client_pkey PRIMARY KEY (client_id);

-- CONSTRAINT client_location client_location_pkey

ALTER TABLE ONLY geo.client_location
    ADD CONSTRAINT client_location_pkey PRIMARY KEY (client_id);

-- CONSTRAINT metro_station metro_station_city_line_name_key

ALTER TABLE ONLY geo.metro_station
    ADD CONSTRAINT metro_station_city_line_name_key UNIQUE (city, line, name);

-- CONSTRAINT metro_station metro_station_pkey

ALTER TABLE ONLY geo.metro_station
    ADD CONSTRAINT metro_station_pkey PRIMARY KEY (station_id);

-- CONSTRAINT activity activity_pkey

ALTER TABLE ONLY sms.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (activity_id);

-- CONSTRAINT auto_blacklist_rule auto_blacklist_rule_pkey

ALTER TABLE ONLY sms.auto_blacklist_rule
    ADD CONSTRAINT auto_blacklist_rule_pkey PRIMARY KEY (auto_rule_id);

-- CONSTRAINT blacklist blacklist_pkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_pkey PRIMARY KEY (blacklist_id);

-- CONSTRAINT campaign campaign_campaign_key

ALTER TABLE ONLY sms.campaign
    ADD CONSTRAINT campaign_campaign_key UNIQUE (campaign);

-- CONSTRAINT campaign campaign_pkey

ALTER TABLE ONLY sms.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (campaign_id);

-- CONSTRAINT cap cap_pkey

ALTER TABLE ONLY sms.cap
    ADD CONSTRAINT cap_pkey PRIMARY KEY (cap_id);

-- CONSTRAINT category category_pkey

ALTER TABLE ONLY sms.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (category);

-- CONSTRAINT channel channel_channel_key

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT channel_channel_key UNIQUE (channel);

-- CONSTRAINT channel channel_pkey

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (channel_id);

-- CONSTRAINT claim claim_pkey

ALTER TABLE ONLY sms.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (claim_id);

-- CONSTRAINT client_zone client_zone_pkey

ALTER TABLE ONLY sms.client_zone
    ADD CONSTRAINT client_zone_pkey PRIMARY KEY (client_id);

-- CONSTRAINT consent consent_pkey

ALTER TABLE ONLY sms.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (consent_id);

-- CONSTRAINT doubtful doubtful_pkey

ALTER TABLE ONLY sms.doubtful
    ADD CONSTRAINT doubtful_pkey PRIMARY KEY (id);

-- CONSTRAINT erp_ref erp_ref_pkey

ALTER TABLE ONLY sms.erp_ref
    ADD CONSTRAINT erp_ref_pkey PRIMARY KEY (ref_hash);

-- CONSTRAINT holiday holiday_pkey

ALTER TABLE ONLY sms.holiday
    ADD CONSTRAINT holiday_pkey PRIMARY KEY (day);

-- CONSTRAINT inbound inbound_pkey

ALTER TABLE ONLY sms.inbound
    ADD CONSTRAINT inbound_pkey PRIMARY KEY (inbound_id);

-- CONSTRAINT inbound inbound_provider_id_provider_ref_key

ALTER TABLE ONLY sms.inbound
    ADD CONSTRAINT inbound_provider_id_provider_ref_key UNIQUE (provider_id, provider_ref);

-- CONSTRAINT inflight inflight_pkey

ALTER TABLE ONLY sms.inflight
    ADD CONSTRAINT inflight_pkey PRIMARY KEY (id);

-- CONSTRAINT lane lane_channel_id_operator_id_key

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_channel_id_operator_id_key UNIQUE (channel_id, operator_id);

-- CONSTRAINT lane lane_pkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (lane_id);

-- CONSTRAINT number_range number_range_no_overlap

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_no_overlap EXCLUDE USING gist (int8range(lo, hi, '[]'::text) WITH &&);

-- CONSTRAINT number_range number_range_pkey

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_pkey PRIMARY KEY (lo) WITH (fillfactor='10');

-- CONSTRAINT number_trouble number_trouble_pkey

ALTER TABLE ONLY sms.number_trouble
    ADD CONSTRAINT number_trouble_pkey PRIMARY KEY (message_id);

-- CONSTRAINT operator operator_operator_key

ALTER TABLE ONLY sms.operator
    ADD CONSTRAINT operator_operator_key UNIQUE (operator);

-- CONSTRAINT operator operator_pkey

ALTER TABLE ONLY sms.operator
    ADD CONSTRAINT operator_pkey PRIMARY KEY (operator_id);

-- CONSTRAINT operator_tax_id operator_tax_id_pkey

ALTER TABLE ONLY sms.operator_tax_id
    ADD CONSTRAINT operator_tax_id_pkey PRIMARY KEY (inn);

-- CONSTRAINT outbox outbox_pkey

ALTER TABLE ONLY sms.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

-- CONSTRAINT outcome outcome_pkey

ALTER TABLE ONLY sms.outcome
    ADD CONSTRAINT outcome_pkey PRIMARY KEY (id);

-- CONSTRAINT pending pending_pkey

ALTER TABLE ONLY sms.pending
    ADD CONSTRAINT pending_pkey PRIMARY KEY (id);

-- CONSTRAINT provider provider_pkey

ALTER TABLE ONLY sms.provider
    ADD CONSTRAINT provider_pkey PRIMARY KEY (provider_id);

-- CONSTRAINT provider provider_provider_key

ALTER TABLE ONLY sms.provider
    ADD CONSTRAINT provider_provider_key UNIQUE (provider);

-- CONSTRAINT quiet_hours quiet_hours_pkey

ALTER TABLE ONLY sms.quiet_hours
    ADD CONSTRAINT quiet_hours_pkey PRIMARY KEY (quiet_hours_id);

-- CONSTRAINT reason reason_pkey

ALTER TABLE ONLY sms.reason
    ADD CONSTRAINT reason_pkey PRIMARY KEY (reason);

-- CONSTRAINT receipt_code receipt_code_pkey

ALTER TABLE ONLY sms.receipt_code
    ADD CONSTRAINT receipt_code_pkey PRIMARY KEY (adapter, code);

-- CONSTRAINT receipt_error receipt_error_pkey

ALTER TABLE ONLY sms.receipt_error
    ADD CONSTRAINT receipt_error_pkey PRIMARY KEY (adapter, error);

-- CONSTRAINT recipient_group_member recipient_group_member_group_id_client_id_key

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_group_id_client_id_key UNIQUE (group_id, client_id);

-- CONSTRAINT recipient_group_member recipient_group_member_group_id_msisdn_key

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_group_id_msisdn_key UNIQUE (group_id, msisdn);

-- CONSTRAINT recipient_group_member recipient_group_member_pkey

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_pkey PRIMARY KEY (member_id);

-- CONSTRAINT recipient_group recipient_group_pkey

ALTER TABLE ONLY sms.recipient_group
    ADD CONSTRAINT recipient_group_pkey PRIMARY KEY (group_id);

-- CONSTRAINT recipient_group recipient_group_recipient_group_key

ALTER TABLE ONLY sms.recipient_group
    ADD CONSTRAINT recipient_group_recipient_group_key UNIQUE (recipient_group);

-- CONSTRAINT region_timezone region_timezone_pkey

ALTER TABLE ONLY sms.region_timezone
    ADD CONSTRAINT region_timezone_pkey PRIMARY KEY (region);

-- CONSTRAINT rule_change rule_change_pkey

ALTER TABLE ONLY sms.rule_change
    ADD CONSTRAINT rule_change_pkey PRIMARY KEY (change_id);

-- CONSTRAINT setting setting_pkey

ALTER TABLE ONLY sms.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (setting);

-- CONSTRAINT state state_pkey

ALTER TABLE ONLY sms.state
    ADD CONSTRAINT state_pkey PRIMARY KEY (state);

-- CONSTRAINT state_transition state_transition_pkey

ALTER TABLE ONLY sms.state_transition
    ADD CONSTRAINT state_transition_pkey PRIMARY KEY (from_state, to_state);

-- CONSTRAINT stop_word stop_word_pkey

ALTER TABLE ONLY sms.stop_word
    ADD CONSTRAINT stop_word_pkey PRIMARY KEY (word);

-- CONSTRAINT tariff tariff_no_overlap

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_no_overlap EXCLUDE USING gist (provider_id WITH =, COALESCE((operator_id)::integer, '-1'::integer) WITH =, COALESCE(category, ''::text) WITH =, tstzrange(valid_from, valid_until) WITH &&);

-- CONSTRAINT tariff tariff_pkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_pkey PRIMARY KEY (tariff_id);

-- CONSTRAINT template template_pkey

ALTER TABLE ONLY sms.template
    ADD CONSTRAINT template_pkey PRIMARY KEY (template_id);

-- CONSTRAINT template template_template_key

ALTER TABLE ONLY sms.template
    ADD CONSTRAINT template_template_key UNIQUE (template);

-- CONSTRAINT template_version template_version_pkey

ALTER TABLE ONLY sms.template_version
    ADD CONSTRAINT template_version_pkey PRIMARY KEY (template_version_id);

-- CONSTRAINT time_zone time_zone_name_key

ALTER TABLE ONLY sms.time_zone
    ADD CONSTRAINT time_zone_name_key UNIQUE (name);

-- CONSTRAINT time_zone time_zone_pkey

ALTER TABLE ONLY sms.time_zone
    ADD CONSTRAINT time_zone_pkey PRIMARY KEY (zone_id);

-- CONSTRAINT unmatched_receipt unmatched_receipt_pkey

ALTER TABLE ONLY sms.unmatched_receipt
    ADD CONSTRAINT unmatched_receipt_pkey PRIMARY KEY (receipt_id);

-- INDEX client_location_location

CREATE INDEX client_location_location ON geo.client_location USING gist (location);

-- INDEX metro_station_location

CREATE INDEX metro_station_location ON geo.metro_station USING gist (location);

-- INDEX activity_name

CREATE INDEX activity_name ON sms.activity USING btree (kind, name, activity_id);

-- INDEX blacklist_auto

CREATE INDEX blacklist_auto ON sms.blacklist USING btree (created_at) WHERE (source = 'auto'::text);

-- INDEX blacklist_group_id

CREATE INDEX blacklist_group_id ON sms.blacklist USING btree (group_id) WHERE (group_id IS NOT NULL);

-- INDEX blacklist_msisdn

CREATE INDEX blacklist_msisdn ON sms.blacklist USING btree (msisdn) WHERE (msisdn IS NOT NULL);

-- INDEX blacklist_prefix

CREATE INDEX blacklist_prefix ON sms.blacklist USING btree (length(prefix), prefix) WHERE (prefix IS NOT NULL);

-- INDEX claim_claimed_at

CREATE INDEX claim_claimed_at ON sms.claim USING btree (claimed_at);

-- INDEX consent_client_id

CREATE INDEX consent_client_id ON sms.consent USING btree (client_id, category) WHERE (client_id IS NOT NULL);

-- INDEX consent_msisdn

CREATE INDEX consent_msisdn ON sms.consent USING btree (msisdn, category) WHERE (msisdn IS NOT NULL);

-- INDEX contact_log_client

CREATE INDEX contact_log_client ON ONLY sms.contact_log USING btree (client_id, at, channel_id) WHERE (client_id IS NOT NULL);

-- INDEX contact_log_probe

CREATE INDEX contact_log_probe ON ONLY sms.contact_log USING btree (msisdn, at, dedup_key, channel_id);

-- INDEX inbound_msisdn

CREATE INDEX inbound_msisdn ON sms.inbound USING btree (msisdn, received_at);

-- INDEX lane_provider_id

CREATE INDEX lane_provider_id ON sms.lane USING btree (provider_id);

-- INDEX number_trouble_msisdn

CREATE INDEX number_trouble_msisdn ON sms.number_trouble USING btree (msisdn, at);

-- INDEX number_trouble_new

CREATE INDEX number_trouble_new ON sms.number_trouble USING btree (at) WHERE (learned_at IS NULL);

-- INDEX outbox_erp_ref

CREATE INDEX outbox_erp_ref ON ONLY sms.outbox USING btree (erp_ref) WHERE (erp_ref IS NOT NULL);

-- INDEX outcome_decided_at

CREATE INDEX outcome_decided_at ON ONLY sms.outcome USING brin (decided_at) WITH (pages_per_range='32', autosummarize='on');

-- INDEX pending_claim

CREATE INDEX pending_claim ON sms.pending USING btree (lane_id, priority, not_before, id);

-- INDEX provider_ref_id

CREATE INDEX provider_ref_id ON ONLY sms.provider_ref USING brin (id) WITH (pages_per_range='16');

-- INDEX provider_ref_parts

CREATE INDEX provider_ref_parts ON ONLY sms.provider_ref USING btree (id) WHERE (parts > 1);

-- INDEX provider_ref_ref

CREATE INDEX provider_ref_ref ON ONLY sms.provider_ref USING btree (provider_id, ref);

-- INDEX receipt_message_id

CREATE INDEX receipt_message_id ON ONLY sms.receipt USING brin (message_id) WITH (pages_per_range='16');

-- INDEX recipient_group_member_client_id

CREATE INDEX recipient_group_member_client_id ON sms.recipient_group_member USING btree (client_id) WHERE (client_id IS NOT NULL);

-- INDEX recipient_group_member_msisdn

CREATE INDEX recipient_group_member_msisdn ON sms.recipient_group_member USING btree (msisdn) WHERE (msisdn IS NOT NULL);

-- INDEX rule_change_key

CREATE INDEX rule_change_key ON sms.rule_change USING btree (rule_table, rule_key, change_id);

-- INDEX submitting_claim_id

CREATE INDEX submitting_claim_id ON sms.submitting USING btree (claim_id);

-- INDEX template_version_template_id

CREATE INDEX template_version_template_id ON sms.template_version USING btree (template_id, template_version_id DESC);

-- INDEX unmatched_receipt_message_id

CREATE INDEX unmatched_receipt_message_id ON sms.unmatched_receipt USING btree (message_id) WHERE (message_id IS NOT NULL);

-- INDEX unmatched_receipt_ref

CREATE INDEX unmatched_receipt_ref ON sms.unmatched_receipt USING btree (provider_id, provider_ref) WHERE (provider_ref IS NOT NULL);

-- TRIGGER outbox accept_outbox

CREATE TRIGGER accept_outbox AFTER INSERT ON sms.outbox REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.accept_outbox();

COMMENT ON TRIGGER accept_outbox ON sms.outbox IS 'Hands new rows to the queue.';

-- TRIGGER lane announce_config

CREATE TRIGGER announce_config AFTER INSERT OR DELETE OR UPDATE ON sms.lane FOR EACH STATEMENT EXECUTE FUNCTION sms.announce_config();

COMMENT ON TRIGGER announce_config ON sms.lane IS 'Workers read lanes again.';

-- TRIGGER provider announce_config

CREATE TRIGGER announce_config AFTER INSERT OR DELETE OR UPDATE ON sms.provider FOR EACH STATEMENT EXECUTE FUNCTION sms.announce_config();

COMMENT ON TRIGGER announce_config ON sms.provider IS 'Workers read providers again.';

-- TRIGGER auto_blacklist_rule audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.auto_blacklist_rule REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_delete ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.blacklist REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_delete ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.campaign REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_delete ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.cap REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_delete ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.channel REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_delete ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.client_zone REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_delete ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.consent REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_delete ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.holiday REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_delete ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.quiet_hours REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_delete ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.receipt_code REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_delete ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.receipt_error REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_delete ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.recipient_group REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_delete ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.recipient_group_member REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_delete ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.setting REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_delete ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_delete

CREATE TRIGGER audit_delete AFTER DELETE ON sms.stop_word REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_delete ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER auto_blacklist_rule audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.auto_blacklist_rule REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_insert ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.blacklist REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_insert ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.campaign REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_insert ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.cap REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_insert ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.channel REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_insert ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.client_zone REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_insert ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.consent REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_insert ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.holiday REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_insert ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.quiet_hours REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_insert ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.receipt_code REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_insert ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.receipt_error REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_insert ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.recipient_group REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_insert ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.recipient_group_member REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_insert ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.setting REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_insert ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_insert

CREATE TRIGGER audit_insert AFTER INSERT ON sms.stop_word REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_insert ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER auto_blacklist_rule audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.auto_blacklist_rule REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('auto_rule_id');

COMMENT ON TRIGGER audit_update ON sms.auto_blacklist_rule IS 'Keeps the change in sms.rule_change.';

-- TRIGGER blacklist audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.blacklist REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('blacklist_id');

COMMENT ON TRIGGER audit_update ON sms.blacklist IS 'Keeps the change in sms.rule_change.';

-- TRIGGER campaign audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.campaign REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('campaign_id');

COMMENT ON TRIGGER audit_update ON sms.campaign IS 'Keeps the change in sms.rule_change.';

-- TRIGGER cap audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.cap REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('cap_id');

COMMENT ON TRIGGER audit_update ON sms.cap IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.channel REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('channel_id');

COMMENT ON TRIGGER audit_update ON sms.channel IS 'Keeps the change in sms.rule_change.';

-- TRIGGER client_zone audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.client_zone REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('client_id');

COMMENT ON TRIGGER audit_update ON sms.client_zone IS 'Keeps the change in sms.rule_change.';

-- TRIGGER consent audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.consent REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('consent_id');

COMMENT ON TRIGGER audit_update ON sms.consent IS 'Keeps the change in sms.rule_change.';

-- TRIGGER holiday audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.holiday REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('day');

COMMENT ON TRIGGER audit_update ON sms.holiday IS 'Keeps the change in sms.rule_change.';

-- TRIGGER quiet_hours audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.quiet_hours REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('quiet_hours_id');

COMMENT ON TRIGGER audit_update ON sms.quiet_hours IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_code audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.receipt_code REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'code');

COMMENT ON TRIGGER audit_update ON sms.receipt_code IS 'Keeps the change in sms.rule_change.';

-- TRIGGER receipt_error audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.receipt_error REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('adapter', 'error');

COMMENT ON TRIGGER audit_update ON sms.receipt_error IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.recipient_group REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('group_id');

COMMENT ON TRIGGER audit_update ON sms.recipient_group IS 'Keeps the change in sms.rule_change.';

-- TRIGGER recipient_group_member audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.recipient_group_member REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('member_id');

COMMENT ON TRIGGER audit_update ON sms.recipient_group_member IS 'Keeps the change in sms.rule_change.';

-- TRIGGER setting audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.setting REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('setting');

COMMENT ON TRIGGER audit_update ON sms.setting IS 'Keeps the change in sms.rule_change.';

-- TRIGGER stop_word audit_update

CREATE TRIGGER audit_update AFTER UPDATE ON sms.stop_word REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.audit_rule('word');

COMMENT ON TRIGGER audit_update ON sms.stop_word IS 'Keeps the change in sms.rule_change.';

-- TRIGGER channel complete_lanes

CREATE TRIGGER complete_lanes AFTER INSERT ON sms.channel FOR EACH STATEMENT EXECUTE FUNCTION sms.complete_lanes();

COMMENT ON TRIGGER complete_lanes ON sms.channel IS 'New channels get their lanes.';

-- TRIGGER operator complete_lanes

CREATE TRIGGER complete_lanes AFTER INSERT ON sms.operator FOR EACH STATEMENT EXECUTE FUNCTION sms.complete_lanes();

COMMENT ON TRIGGER complete_lanes ON sms.operator IS 'New operators get their lanes.';

-- TRIGGER blacklist forget_trouble

CREATE TRIGGER forget_trouble AFTER DELETE ON sms.blacklist REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.forget_trouble();

COMMENT ON TRIGGER forget_trouble ON sms.blacklist IS 'Removing an automatic row clears the number''s count.';

-- TRIGGER outbox outbox_is_append_only

CREATE TRIGGER outbox_is_append_only BEFORE DELETE OR UPDATE ON sms.outbox FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_change();

COMMENT ON TRIGGER outbox_is_append_only ON sms.outbox IS 'What was asked is never edited.';

-- TRIGGER consent refuse_consent_edit

CREATE TRIGGER refuse_consent_edit BEFORE DELETE OR UPDATE ON sms.consent FOR EACH ROW EXECUTE FUNCTION sms.refuse_consent_edit();

COMMENT ON TRIGGER refuse_consent_edit ON sms.consent IS 'A ledger is not edited.';

-- TRIGGER outcome refuse_illegal_move

CREATE TRIGGER refuse_illegal_move AFTER UPDATE ON sms.outcome REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows FOR EACH STATEMENT EXECUTE FUNCTION sms.refuse_illegal_move();

COMMENT ON TRIGGER refuse_illegal_move ON sms.outcome IS 'State moves only as sms.state_transition says.';

-- FK CONSTRAINT client_location client_location_zone_id_fkey

ALTER TABLE ONLY geo.client_location
    ADD CONSTRAINT client_location_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES sms.time_zone(zone_id);

-- FK CONSTRAINT auto_blacklist_rule auto_blacklist_rule_category_fkey

ALTER TABLE ONLY sms.auto_blacklist_rule
    ADD CONSTRAINT auto_blacklist_rule_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT auto_blacklist_rule auto_blacklist_rule_channel_fkey

ALTER TABLE ONLY sms.auto_blacklist_rule
    ADD CONSTRAINT auto_blacklist_rule_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT blacklist blacklist_category_fkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT blacklist blacklist_channel_fkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT blacklist blacklist_group_id_fkey

ALTER TABLE ONLY sms.blacklist
    ADD CONSTRAINT blacklist_group_id_fkey FOREIGN KEY (group_id) REFERENCES sms.recipient_group(group_id);

-- FK CONSTRAINT cap cap_category_fkey

ALTER TABLE ONLY sms.cap
    ADD CONSTRAINT cap_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT cap cap_channel_fkey

ALTER TABLE ONLY sms.cap
    ADD CONSTRAINT cap_channel_fkey FOREIGN KEY (channel) REFERENCES sms.channel(channel);

-- FK CONSTRAINT channel channel_category_fkey

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT channel_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT client_zone client_zone_zone_id_fkey

ALTER TABLE ONLY sms.client_zone
    ADD CONSTRAINT client_zone_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES sms.time_zone(zone_id);

-- FK CONSTRAINT consent consent_category_fkey

ALTER TABLE ONLY sms.consent
    ADD CONSTRAINT consent_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT inbound inbound_provider_id_fkey

ALTER TABLE ONLY sms.inbound
    ADD CONSTRAINT inbound_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT lane lane_channel_id_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES sms.channel(channel_id);

-- FK CONSTRAINT lane lane_operator_id_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT lane lane_provider_id_fkey

ALTER TABLE ONLY sms.lane
    ADD CONSTRAINT lane_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT number_range number_range_operator_id_fkey

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT number_range number_range_zone_id_fkey

ALTER TABLE ONLY sms.number_range
    ADD CONSTRAINT number_range_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES sms.time_zone(zone_id);

-- FK CONSTRAINT operator_tax_id operator_tax_id_operator_id_fkey

ALTER TABLE ONLY sms.operator_tax_id
    ADD CONSTRAINT operator_tax_id_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT quiet_hours quiet_hours_category_fkey

ALTER TABLE ONLY sms.quiet_hours
    ADD CONSTRAINT quiet_hours_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT receipt_code receipt_code_state_fkey

ALTER TABLE ONLY sms.receipt_code
    ADD CONSTRAINT receipt_code_state_fkey FOREIGN KEY (state) REFERENCES sms.state(state);

-- FK CONSTRAINT recipient_group_member recipient_group_member_group_id_fkey

ALTER TABLE ONLY sms.recipient_group_member
    ADD CONSTRAINT recipient_group_member_group_id_fkey FOREIGN KEY (group_id) REFERENCES sms.recipient_group(group_id) ON DELETE CASCADE;

-- FK CONSTRAINT state_transition state_transition_from_state_fkey

ALTER TABLE ONLY sms.state_transition
    ADD CONSTRAINT state_transition_from_state_fkey FOREIGN KEY (from_state) REFERENCES sms.state(state);

-- FK CONSTRAINT state_transition state_transition_to_state_fkey

ALTER TABLE ONLY sms.state_transition
    ADD CONSTRAINT state_transition_to_state_fkey FOREIGN KEY (to_state) REFERENCES sms.state(state);

-- FK CONSTRAINT tariff tariff_category_fkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_category_fkey FOREIGN KEY (category) REFERENCES sms.category(category);

-- FK CONSTRAINT tariff tariff_operator_id_fkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES sms.operator(operator_id);

-- FK CONSTRAINT tariff tariff_provider_id_fkey

ALTER TABLE ONLY sms.tariff
    ADD CONSTRAINT tariff_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES sms.provider(provider_id);

-- FK CONSTRAINT template_version template_version_template_id_fkey

ALTER TABLE ONLY sms.template_version
    ADD CONSTRAINT template_version_template_id_fkey FOREIGN KEY (template_id) REFERENCES sms.template(template_id);

-- FK CONSTRAINT channel time_zone is a zone that sms.time_zone knows

ALTER TABLE ONLY sms.channel
    ADD CONSTRAINT "time_zone is a zone that sms.time_zone knows" FOREIGN KEY (time_zone) REFERENCES sms.time_zone(name);

GRANT USAGE ON SCHEMA erp TO sms_erp;
GRANT USAGE ON SCHEMA erp TO sms_analyst;
GRANT USAGE ON SCHEMA erp TO sms_operator;

GRANT USAGE ON SCHEMA geo TO sms_erp;
GRANT USAGE ON SCHEMA geo TO sms_analyst;
GRANT USAGE ON SCHEMA geo TO sms_operator;

GRANT USAGE ON SCHEMA sms TO sms_erp;
GRANT USAGE ON SCHEMA sms TO sms_analyst;
GRANT USAGE ON SCHEMA sms TO sms_operator;
GRANT USAGE ON SCHEMA sms TO sms_monitor;
GRANT USAGE ON SCHEMA sms TO sms_worker;
GRANT USAGE ON SCHEMA sms TO sms_dlr;

REVOKE ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) TO sms_analyst;
GRANT ALL ON FUNCTION geo.clients_near(p_station text, p_radius_m double precision) TO sms_operator;

REVOKE ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) TO sms_analyst;
GRANT ALL ON FUNCTION geo.closest_stations(p_name text, p_limit integer) TO sms_operator;

REVOKE ALL ON FUNCTION geo.find_station(p_station text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.find_station(p_station text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.find_station(p_station text) TO sms_operator;

REVOKE ALL ON FUNCTION geo.fold_name(p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION geo.fold_name(p_name text) TO sms_analyst;
GRANT ALL ON FUNCTION geo.fold_name(p_name text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.accept_outbox() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.acting_role() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.advance(p_ids bigint[], p_states text[], p_errors text[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.announce_config() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.apply_uncertain_policy(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.apply_uncertain_policy(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.audit_rule() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cancel(p_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cancel(p_ids bigint[]) TO sms_erp;
GRANT ALL ON FUNCTION sms.cancel(p_ids bigint[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.cancel(p_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cancel(p_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.cancel(p_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.cancel(p_erp_ref text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.cancel(p_erp_ref text) TO sms_erp;
GRANT ALL ON FUNCTION sms.cancel(p_erp_ref text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.candidates(p_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.cap_terms(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.check_template(p_template text, p_vars jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.choose_due(p_provider_id smallint, p_limit integer, p_from_priority integer, p_to_priority integer, p_as_of timestamp with time zone, p_caps_clients boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer, p_from_priority integer, p_to_priority integer, p_lease interval, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.claim_batch(p_provider text, p_worker text, p_limit integer, p_from_priority integer, p_to_priority integer, p_lease interval, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.claim_refs(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.complete_lanes() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.count_unaccounted() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.count_unaccounted() TO sms_operator;
GRANT ALL ON FUNCTION sms.count_unaccounted() TO sms_monitor;

REVOKE ALL ON FUNCTION sms.create_partition(p_table text, p_month timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.drop_partition(p_table text, p_month timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run(p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_again(p_fact sms.candidate, p_moment timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.next_id() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.next_id() TO sms_erp;

GRANT SELECT ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(channel) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(phone) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(body) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(template) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(vars) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(erp_ref) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(client_id) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(priority) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(not_before) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(expires_at) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(time_zone) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(sender_id) ON TABLE sms.outbox TO sms_erp;

GRANT INSERT(campaign_id) ON TABLE sms.outbox TO sms_erp;

REVOKE ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run_audience(p_select text, p_channel text, p_body text, p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_capped(p_fact sms.candidate, p_moment timestamp with time zone, p_cap_ids integer[], p_sinces timestamp with time zone[], p_kept sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_fates(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_groups(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_judge(p_batch sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_refs(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_repeats(p_fact sms.candidate, p_moment timestamp with time zone, p_window interval, p_kept sms.candidate[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.dry_run_report(p_rows sms.outbox[], p_campaign_id bigint, p_as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.dry_run_requests(p_rows sms.outbox[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_rivals(p_batch sms.candidate[], p_steps sms.finding[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_steps(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.dry_run_waiting(p_campaign_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.erp_ref_span() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.expire_leases(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.expire_leases(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.explain(p_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.explain(p_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.explain(p_id bigint) TO sms_analyst;
GRANT ALL ON FUNCTION sms.explain(p_id bigint) TO sms_operator;

REVOKE ALL ON FUNCTION sms.explain_attempts(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_blacklist(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_cap(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_consent(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_decision(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_duplicate(p_fact sms.candidate, p_as_of timestamp with time zone, p_before timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_expired(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_fate(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_holdout(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_inbound(p_author text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_quiet_hours(p_fact sms.candidate, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_receipts(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_refusal(p_id bigint, p_reason text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_request(p_id bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.explain_rules(p_id bigint, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.find_failing(p_numbers bigint[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.fold_parts(p_ids bigint[], p_parts smallint[], p_states text[], p_errors text[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.fold_word(p_word text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.fold_word(p_word text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.forget_trouble() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.holdout_draw(p_campaign_id bigint, p_client_id bigint, p_msisdn bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_operator;
GRANT ALL ON FUNCTION sms.id_at(p_at timestamp with time zone) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.id_time(p_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_erp;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_analyst;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_operator;
GRANT ALL ON FUNCTION sms.id_time(p_id bigint) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.interpret_request(p_channel text, p_phone text, p_body text, p_template text, p_vars jsonb, p_erp_ref text, p_priority smallint, p_not_before timestamp with time zone, p_expires_at timestamp with time zone, p_time_zone text, p_client_id bigint, p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) TO sms_erp;
GRANT ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.judge(ids bigint[], as_of timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.judge_batch(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.learn_numbers(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.learn_numbers(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.list_providers() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.list_providers() TO sms_operator;
GRANT ALL ON FUNCTION sms.list_providers() TO sms_worker;
GRANT ALL ON FUNCTION sms.list_providers() TO sms_dlr;

REVOKE ALL ON FUNCTION sms.log_activity(p_action text, p_kind text, p_name text, p_detail jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.maintain_partitions(p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.mark_submitting(p_claim_id bigint, p_ids bigint[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.match_receipts(p_limit integer, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.match_receipts(p_limit integer, p_as_of timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.needs_ucs2(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_erp;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_operator;
GRANT ALL ON FUNCTION sms.needs_ucs2(p_text text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.normalize_msisdn(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_erp;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_operator;
GRANT ALL ON FUNCTION sms.normalize_msisdn(p_phone text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.note_troubles(p_ids bigint[], p_now timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.numbering_changes(OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.obey_replies(p_inbound_ids bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) TO sms_operator;
GRANT ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) TO sms_monitor;
GRANT ALL ON FUNCTION sms.outcome_status(p_since timestamp with time zone) TO sms_worker;

REVOKE ALL ON FUNCTION sms.partition_months(p_table text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.period_start(p_period text, p_span interval, p_zones text[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.phone_problem(p_phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_erp;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_operator;
GRANT ALL ON FUNCTION sms.phone_problem(p_phone text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.queue_status() FROM PUBLIC;
GRANT ALL ON FUNCTION sms.queue_status() TO sms_operator;
GRANT ALL ON FUNCTION sms.queue_status() TO sms_monitor;
GRANT ALL ON FUNCTION sms.queue_status() TO sms_worker;

REVOKE ALL ON FUNCTION sms.quiet_until(p_category text, p_zones text[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.quiet_windows(p_category text, p_zone text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_erp;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_operator;
GRANT ALL ON FUNCTION sms.read_phone(p_phone text, OUT msisdn bigint, OUT problem text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) TO sms_worker;
GRANT ALL ON FUNCTION sms.record_inbound(p_provider text, p_refs text[], p_senders text[], p_sent_tos text[], p_bodies text[]) TO sms_dlr;

REVOKE ALL ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) TO sms_worker;
GRANT ALL ON FUNCTION sms.record_receipts(p_provider text, p_message_ids bigint[], p_refs text[], p_codes text[], p_errors text[], p_occurred_ats timestamp with time zone[], p_raws text[]) TO sms_dlr;

REVOKE ALL ON FUNCTION sms.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_consent_edit() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_illegal_move() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unfit_rows(p_rows sms.outbox[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.refuse_unknown_names(p_channels text[], p_templates text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.region_zones(p_region text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.render(p_body text, p_vars jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.render(p_body text, p_vars jsonb) TO sms_erp;
GRANT ALL ON FUNCTION sms.render(p_body text, p_vars jsonb) TO sms_operator;

REVOKE ALL ON FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.replace_numbering(OUT ranges integer, OUT numbers bigint, OUT added bigint, OUT removed bigint, OUT changed_operator bigint, OUT changed_zone bigint, OUT unchanged bigint, OUT unknown_regions text[]) TO sms_operator;

REVOKE ALL ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) TO sms_analyst;
GRANT ALL ON FUNCTION sms.report(p_from timestamp with time zone, p_until timestamp with time zone) TO sms_operator;

REVOKE ALL ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text) TO sms_operator;
GRANT ALL ON FUNCTION sms.resolve_uncertain(p_ids bigint[], p_verdict text, p_detail text) TO sms_worker;

REVOKE ALL ON FUNCTION sms.retention(p_table text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.retry_at(p_now timestamp with time zone, p_base interval, p_attempt integer, p_after_s integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_blacklist(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_cap(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_consent(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_duplicate(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_duplicate_ref(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_expired(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_holdout(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_key(p_row jsonb, p_columns text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_quiet_hours(p_batch sms.candidate[], p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rule_version(p_table text, p_key text, p_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.rules_as_of(p_at timestamp with time zone, p_table text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.segment_price(p_provider_id smallint, p_operator_id smallint, p_category text, p_as_of timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.segments(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_erp;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_analyst;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_operator;
GRANT ALL ON FUNCTION sms.segments(p_text text) TO sms_monitor;

REVOKE ALL ON FUNCTION sms.set_provider(p_provider text, p_adapter text, p_settings jsonb, p_secret_env text, p_tps numeric, p_max_batch integer, p_is_enabled boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.set_provider(p_provider text, p_adapter text, p_settings jsonb, p_secret_env text, p_tps numeric, p_max_batch integer, p_is_enabled boolean) TO sms_operator;

REVOKE ALL ON FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[], p_refs text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.settle(p_claim_id bigint, p_ids bigint[], p_results text[], p_segments smallint[], p_details text[], p_retry_after_s integer[], p_ref_ids bigint[], p_refs text[]) TO sms_worker;

REVOKE ALL ON FUNCTION sms.somebody_sleeps(p_gate integer) FROM PUBLIC;

GRANT SELECT ON TABLE sms.number_range TO sms_analyst;
GRANT SELECT ON TABLE sms.number_range TO sms_operator;

REVOKE ALL ON FUNCTION sms.staged_ranges() FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.state_rank(p_state text) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.switch_channel(p_channel text, p_provider text, p_operator text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.try_sleep(p_gate integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.try_sleep(p_gate integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.understand_reply(p_body text) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.understand_reply(p_body text) TO sms_operator;

REVOKE ALL ON FUNCTION sms.wake(p_urgent boolean, p_bulk boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION sms.wake_up(p_gate integer, p_slot integer) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.wake_up(p_gate integer, p_slot integer) TO sms_worker;

REVOKE ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone) TO sms_operator;
GRANT ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone) TO sms_monitor;
GRANT ALL ON FUNCTION sms.work_left(p_receipt_wait interval, p_as_of timestamp with time zone) TO sms_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE erp.local_client TO sms_erp;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE erp.local_client TO sms_operator;

GRANT SELECT ON TABLE erp.client TO sms_erp;
GRANT SELECT ON TABLE erp.client TO sms_analyst;
GRANT SELECT ON TABLE erp.client TO sms_operator;

GRANT SELECT ON TABLE geo.client_location TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE geo.client_location TO sms_operator;

GRANT SELECT ON TABLE geo.metro_station TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE geo.metro_station TO sms_operator;

GRANT SELECT ON TABLE sms.activity TO sms_erp;
GRANT SELECT ON TABLE sms.activity TO sms_analyst;
GRANT SELECT ON TABLE sms.activity TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.auto_blacklist_rule TO sms_operator;

GRANT SELECT ON TABLE sms.blacklist TO sms_erp;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.blacklist TO sms_operator;

GRANT SELECT ON TABLE sms.campaign TO sms_erp;
GRANT SELECT ON TABLE sms.campaign TO sms_analyst;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.campaign TO sms_operator;

GRANT SELECT ON TABLE sms.cap TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.cap TO sms_operator;

GRANT SELECT ON TABLE sms.category TO sms_erp;
GRANT SELECT ON TABLE sms.category TO sms_analyst;
GRANT SELECT ON TABLE sms.category TO sms_operator;
GRANT SELECT ON TABLE sms.category TO sms_monitor;
GRANT SELECT ON TABLE sms.category TO sms_worker;
GRANT SELECT ON TABLE sms.category TO sms_dlr;

GRANT SELECT ON TABLE sms.channel TO sms_erp;
GRANT SELECT ON TABLE sms.channel TO sms_analyst;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.channel TO sms_operator;
GRANT SELECT ON TABLE sms.channel TO sms_monitor;

GRANT SELECT ON TABLE sms.claim TO sms_monitor;

GRANT SELECT,INSERT ON TABLE sms.client_zone TO sms_erp;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.client_zone TO sms_operator;

GRANT UPDATE(zone_id) ON TABLE sms.client_zone TO sms_erp;

GRANT UPDATE(updated_at) ON TABLE sms.client_zone TO sms_erp;

GRANT SELECT,INSERT ON TABLE sms.consent TO sms_erp;
GRANT SELECT,INSERT ON TABLE sms.consent TO sms_operator;

GRANT UPDATE(withdrawn_at) ON TABLE sms.consent TO sms_erp;
GRANT UPDATE(withdrawn_at) ON TABLE sms.consent TO sms_operator;

GRANT UPDATE(withdrawn_by) ON TABLE sms.consent TO sms_erp;
GRANT UPDATE(withdrawn_by) ON TABLE sms.consent TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.holiday TO sms_operator;

GRANT USAGE ON SEQUENCE sms.id_seq TO sms_erp;

GRANT SELECT ON TABLE sms.inbound TO sms_erp;
GRANT SELECT ON TABLE sms.inbound TO sms_operator;

GRANT SELECT(id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(claim_id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(claimed_at) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(lease_until) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(provider_id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(priority) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT(attempt) ON TABLE sms.inflight TO sms_monitor;

GRANT SELECT ON TABLE sms.lane TO sms_operator;
GRANT SELECT ON TABLE sms.lane TO sms_monitor;

GRANT SELECT ON TABLE sms.operator TO sms_erp;
GRANT SELECT ON TABLE sms.operator TO sms_analyst;
GRANT SELECT ON TABLE sms.operator TO sms_operator;
GRANT SELECT ON TABLE sms.operator TO sms_monitor;
GRANT SELECT ON TABLE sms.operator TO sms_worker;
GRANT SELECT ON TABLE sms.operator TO sms_dlr;

GRANT SELECT(id) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(not_before) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(expires_at) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(priority) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT(attempt) ON TABLE sms.pending TO sms_monitor;

GRANT SELECT,INSERT,UPDATE ON TABLE sms.provider TO sms_operator;
GRANT SELECT ON TABLE sms.provider TO sms_monitor;

GRANT SELECT ON TABLE sms.lane_status TO sms_operator;
GRANT SELECT ON TABLE sms.lane_status TO sms_monitor;
GRANT SELECT ON TABLE sms.lane_status TO sms_worker;

GRANT SELECT(id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(decided_at) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(submitted_at) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(final_at) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(campaign_id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(cost) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(provider_id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(lane_id) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(segments) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(attempts) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(state) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT(reason) ON TABLE sms.outcome TO sms_monitor;

GRANT SELECT ON TABLE sms.message TO sms_erp;
GRANT SELECT ON TABLE sms.message TO sms_analyst;
GRANT SELECT ON TABLE sms.message TO sms_operator;

GRANT SELECT,INSERT,DELETE,TRUNCATE ON TABLE sms.number_range_staging TO sms_operator;

GRANT SELECT ON TABLE sms.number_trouble TO sms_operator;

GRANT SELECT ON TABLE sms.operator_refusal_suspected TO sms_erp;
GRANT SELECT ON TABLE sms.operator_refusal_suspected TO sms_operator;

GRANT SELECT ON TABLE sms.operator_tax_id TO sms_operator;

GRANT SELECT ON TABLE sms.quiet_hours TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.quiet_hours TO sms_operator;

GRANT SELECT ON TABLE sms.reason TO sms_erp;
GRANT SELECT ON TABLE sms.reason TO sms_analyst;
GRANT SELECT ON TABLE sms.reason TO sms_operator;
GRANT SELECT ON TABLE sms.reason TO sms_monitor;
GRANT SELECT ON TABLE sms.reason TO sms_worker;
GRANT SELECT ON TABLE sms.reason TO sms_dlr;

GRANT SELECT ON TABLE sms.receipt TO sms_operator;

GRANT SELECT,INSERT,UPDATE ON TABLE sms.receipt_code TO sms_operator;

GRANT SELECT,INSERT,UPDATE ON TABLE sms.receipt_error TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.recipient_group TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.recipient_group_member TO sms_operator;

GRANT SELECT ON TABLE sms.region_timezone TO sms_erp;
GRANT SELECT ON TABLE sms.region_timezone TO sms_analyst;
GRANT SELECT ON TABLE sms.region_timezone TO sms_operator;
GRANT SELECT ON TABLE sms.region_timezone TO sms_monitor;
GRANT SELECT ON TABLE sms.region_timezone TO sms_worker;
GRANT SELECT ON TABLE sms.region_timezone TO sms_dlr;

GRANT SELECT ON TABLE sms.rule_change TO sms_operator;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.setting TO sms_operator;
GRANT SELECT ON TABLE sms.setting TO sms_monitor;

GRANT SELECT ON TABLE sms.state TO sms_erp;
GRANT SELECT ON TABLE sms.state TO sms_analyst;
GRANT SELECT ON TABLE sms.state TO sms_operator;
GRANT SELECT ON TABLE sms.state TO sms_monitor;
GRANT SELECT ON TABLE sms.state TO sms_worker;
GRANT SELECT ON TABLE sms.state TO sms_dlr;

GRANT SELECT ON TABLE sms.state_transition TO sms_erp;
GRANT SELECT ON TABLE sms.state_transition TO sms_analyst;
GRANT SELECT ON TABLE sms.state_transition TO sms_operator;
GRANT SELECT ON TABLE sms.state_transition TO sms_monitor;
GRANT SELECT ON TABLE sms.state_transition TO sms_worker;
GRANT SELECT ON TABLE sms.state_transition TO sms_dlr;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.stop_word TO sms_operator;

GRANT SELECT ON TABLE sms.tariff TO sms_analyst;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE sms.tariff TO sms_operator;

GRANT SELECT ON TABLE sms.template TO sms_erp;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.template TO sms_operator;

GRANT SELECT ON TABLE sms.template_version TO sms_erp;
GRANT SELECT,INSERT,UPDATE ON TABLE sms.template_version TO sms_operator;

GRANT SELECT ON TABLE sms.time_zone TO sms_erp;
GRANT SELECT ON TABLE sms.time_zone TO sms_analyst;
GRANT SELECT ON TABLE sms.time_zone TO sms_operator;
GRANT SELECT ON TABLE sms.time_zone TO sms_monitor;
GRANT SELECT ON TABLE sms.time_zone TO sms_worker;
GRANT SELECT ON TABLE sms.time_zone TO sms_dlr;

GRANT SELECT ON TABLE sms.unaccounted TO sms_operator;
GRANT SELECT ON TABLE sms.unaccounted TO sms_monitor;

GRANT SELECT ON TABLE sms.unmatched_receipt TO sms_operator;

GRANT SELECT(receipt_id) ON TABLE sms.unmatched_receipt TO sms_monitor;

GRANT SELECT(received_at) ON TABLE sms.unmatched_receipt TO sms_monitor;

GRANT SELECT(provider_id) ON TABLE sms.unmatched_receipt TO sms_monitor;

GRANT SELECT(state) ON TABLE sms.unmatched_receipt TO sms_monitor;
