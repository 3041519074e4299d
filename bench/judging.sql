-- What judging is measured on, beside data.sql and in databases of its own: every rule on, batches as a claim takes them.

-- Every channel needs consent, every category has quiet hours, caps count per number and per client.
update sms.channel set needs_consent = true;
insert into sms.quiet_hours (category, quiet_from, quiet_until, reason)
select g.category, q.quiet_from, q.quiet_until, 'bench'
  from sms.category as g
  cross join (select x.quiet_from, x.quiet_until from sms.quiet_hours as x limit 1) as q
 where not exists (select from sms.quiet_hours as e where e.category = g.category);
insert into sms.cap (period, span, per, max_messages, reason)
values ('day', null, 'client', 6, 'bench'), ('rolling', '7 days', 'client', 15, 'bench');
insert into sms.campaign (campaign_id, campaign, holdout_percent) values (1, 'bench', 5);

-- 40 batches of 500 as an ERP writes them, two numbers a client; one in a hundred repeats another's erp_ref.
insert into sms.outbox (channel, phone, body, vars, erp_ref, client_id, campaign_id)
select r.channel, r.phone, r.body, r.vars, r.erp_ref, r.client_id / 2, case when r.channel = 'planned' then 1 end
  from (select x.* from bench.requests(19800, 1, null, 0.01, 0.0, true) as x
         union all
        select x.* from bench.requests(200, 1, null, 0.01, 0.0, true) as x) as r;

create table bench.person as
select distinct on (p.msisdn) p.msisdn, p.client_id, hashint8(p.msisdn) & 1048575 as draw from sms.pending as p order by p.msisdn;

-- The past of these people: one to five contacts in thirty days, consents of nearly all, by number or by client.
insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
select p.msisdn, now() - ((hashint8extended(p.msisdn, n) & 65535) + 1) * (interval '30 days' / 65536),
       hashint8extended(p.msisdn, n), p.msisdn * 8 + n, p.client_id, c.channel_id
  from bench.person as p
  cross join lateral generate_series(1, 1 + p.draw % 5) as n
  join sms.channel as c on c.channel = case when n % 3 = 0 then 'planned' else 'mass' end
 order by 2;
insert into sms.consent (msisdn, client_id, category, proof, valid_from)
select case when p.draw % 2 = 0 then p.msisdn end, case when p.draw % 2 = 1 then p.client_id end, g.category, 'form 1',
       now() - interval '1 year'
  from bench.person as p
  cross join (values ('transactional'), ('service'), ('advertising')) as g (category)
 where p.draw % 100 > 2;

-- Beside numbers (data.sql), blacklisted prefixes of three lengths, and ten groups with one in fifty of these people.
insert into sms.blacklist (prefix, reason, source)
select left(bench.number(n * 104729)::text, 6 + n % 3), 'bench', 'manual' from generate_series(1, 20) as n;
insert into sms.recipient_group (recipient_group) select 'people ' || n from generate_series(1, 10) as n;
insert into sms.blacklist (group_id, reason, source) select g.group_id, 'bench', 'manual' from sms.recipient_group as g;
insert into sms.recipient_group_member (group_id, msisdn, client_id)
select g.group_id, case when p.draw % 2 = 0 then p.msisdn end, case when p.draw % 2 = 1 then p.client_id end
  from bench.person as p
  join sms.recipient_group as g on g.recipient_group = 'people ' || (1 + p.draw % 10)
 where p.draw / 10 % 50 = 0
    on conflict do nothing;

-- The candidates of each claim, with the erp_refs owned, as a claim sees to before it judges.
create table bench.batch as
select m.batch,
       array_agg((m.id, m.msisdn, m.not_before, m.expires_at, m.dedup_key, m.ref_hash, m.client_id, m.campaign_id,
                  m.template_version_id, m.lane_id, m.channel_id, m.zone_id, m.priority, m.attempt + 1,
                  m.nth, m.nth_key, null::tid, m.nth_client)::sms.candidate) as candidates
  from (select w.*,
               row_number() over (partition by w.batch, w.msisdn order by w.id) - 1 as nth,
               row_number() over (partition by w.batch, w.msisdn, w.dedup_key order by w.id) - 1 as nth_key,
               row_number() over (partition by w.batch, w.client_id order by w.id) - 1 as nth_client
          from (select p.*, l.channel_id, (row_number() over (order by p.id) - 1) / 500 as batch
                  from sms.pending as p
                  join sms.lane as l on l.lane_id = p.lane_id) as w) as m
 group by m.batch;
insert into sms.erp_ref (ref_hash, id)
select p.ref_hash, min(p.id) from sms.pending as p where p.ref_hash is not null group by p.ref_hash;

-- Judge a batch with the settings under which claims do; without p_judges only what calling costs. Counts verdicts to send.
create function bench.judge(p_batch bigint, p_judges boolean) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off
as $$
declare
    _batch sms.candidate[];
    _now timestamptz := clock_timestamp();
begin
    select b.candidates into _batch from bench.batch as b where b.batch = p_batch;
    if not p_judges then
        return cardinality(_batch);
    end if;
    return (
    with verdict as materialized (
        select j.* from sms.judge_batch(_batch, _now) as j
    )
    select count(*) filter (where v.verdict = 'send') from verdict as v);
end
$$;

-- Leave of the blacklist only what concerns these people.
create function bench.shrink() returns void
    language plpgsql volatile set session_replication_role = replica
as $$
begin
    create temp table kept on commit drop as
    select b.* from sms.blacklist as b
     where b.msisdn is null or exists (select from bench.person as p where p.msisdn = b.msisdn);
    truncate sms.blacklist;
    insert into sms.blacklist overriding system value select * from kept;
end
$$;

-- A year of contacts of others in monthly partitions, ten thousand blacklisted groups of twenty, consents of others.
create function bench.grow(p_contacts bigint) returns void
    language plpgsql volatile set session_replication_role = replica
as $$
begin
    perform sms.create_partition('contact_log', now() - make_interval(months => n)) from generate_series(0, 12) as n;
    insert into sms.contact_log (msisdn, at, dedup_key, message_id, client_id, channel_id)
    select bench.number(2000000 + w.who), now() - n * (interval '365 days' / p_contacts),
           hashint8extended(n, 2), n, 10000000 + w.who / 2, c.channel_id
      from generate_series(p_contacts, 1, -1) as n
      cross join lateral (select (hashint8extended(n, 1) & 4294967295) % 5000000 as who) as w
      join sms.channel as c on c.channel = case when n % 3 = 0 then 'planned' else 'mass' end;
    insert into sms.recipient_group (recipient_group) select 'others ' || n from generate_series(1, 10000) as n;
    insert into sms.blacklist (group_id, reason, source)
    select g.group_id, 'bench', 'manual' from sms.recipient_group as g where g.recipient_group like 'others %';
    insert into sms.recipient_group_member (group_id, msisdn, client_id)
    select g.group_id, case when n % 2 = 0 then bench.number(2000000 + n) end, case when n % 2 = 1 then 10000000 + n end
      from generate_series(0, 199999) as n
      join sms.recipient_group as g on g.recipient_group = 'others ' || (1 + n % 10000);
    insert into sms.consent (msisdn, category, proof)
    select bench.number(2000000 + n), 'advertising', 'form 1' from generate_series(1, 200000) as n;
end
$$;

-- After ANALYZE: let the planner take the contact log for p_rows rows, shared out as they really are.
-- It multiplies rows a page by the pages there are, so rows alone need to be told.
create function bench.pretend(p_rows float8) returns void
    language plpgsql volatile
as $$
begin
    update pg_catalog.pg_class as c
       set reltuples = c.reltuples * p_rows / (select count(*) from sms.contact_log)
     where c.oid in (select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = 'sms.contact_log'::regclass
                      union all
                     select x.indexrelid from pg_catalog.pg_inherits as i
                       join pg_catalog.pg_index as x on x.indrelid = i.inhrelid
                      where i.inhparent = 'sms.contact_log'::regclass)
       and c.reltuples > 0;
end
$$;
