-- Who may do what. Group roles without login: grant them to people and programs. Runs last on every migration, so that
-- dropped and recreated objects get their grants back. Nothing is granted to PUBLIC.

do $$
declare
    _role text;
begin
    foreach _role in array array['sms_erp', 'sms_analyst', 'sms_operator', 'sms_monitor', 'sms_worker', 'sms_dlr'] loop
        if not exists (select from pg_catalog.pg_roles as r where r.rolname = _role) then
            execute format('create role %I nologin', _role);
        end if;
    end loop;
    -- Read and parse the texts of analysts; members of nothing, and nobody is to be a member of them.
    foreach _role in array array['sms_audience', 'sms_parser'] loop
        if not exists (select from pg_catalog.pg_roles as r where r.rolname = _role) then
            execute format('create role %I nologin noinherit', _role);
        end if;
    end loop;
    if pg_has_role('sms_audience', 'sms_analyst', 'member') then   -- before revision 0017
        revoke sms_analyst from sms_audience;
    end if;
end
$$;

revoke all on schema sms, geo, erp, sms_audience, sms_parser from public;
revoke all on all tables in schema sms, geo, erp from public;
revoke execute on all functions in schema sms from public;
revoke execute on all functions in schema geo from public;
revoke execute on all functions in schema sms_audience, sms_parser from public;
alter default privileges revoke execute on functions from public;

grant usage on schema sms to sms_erp, sms_analyst, sms_operator, sms_monitor, sms_worker, sms_dlr;
grant usage on schema geo to sms_erp, sms_analyst, sms_operator;

-- Everybody may read the vocabulary.
grant select on sms.state, sms.state_transition, sms.reason, sms.category, sms.operator, sms.time_zone, sms.region_timezone
   to sms_erp, sms_analyst, sms_operator, sms_monitor, sms_worker, sms_dlr;
grant execute on function sms.normalize_msisdn(text), sms.phone_problem(text), sms.read_phone(text), sms.segments(text),
                          sms.needs_ucs2(text), sms.id_time(bigint), sms.id_at(timestamptz)
   to sms_erp, sms_analyst, sms_operator, sms_monitor;

-- Triggers that run as whoever writes ask whether that is the owner.
grant execute on function sms.is_owner(name) to sms_erp, sms_analyst, sms_operator;

-- ERP: asks, reads what became of it, takes back.
grant insert (channel, phone, body, template, vars, erp_ref, client_id, priority, not_before, expires_at, time_zone,
              sender_id, campaign_id) on sms.outbox to sms_erp;
grant select on sms.outbox, sms.message, sms.channel, sms.template, sms.template_version to sms_erp;
grant usage on sequence sms.id_seq to sms_erp;
grant execute on function sms.next_id(), sms.refuse_id(), sms.cancel(bigint), sms.cancel(bigint[]), sms.cancel(text), sms.explain(bigint),
                          sms.judge(bigint[], timestamptz), sms.render(text, jsonb) to sms_erp;
grant select on sms.inbound, sms.operator_refusal_suspected, sms.blacklist, sms.campaign to sms_erp;
grant select, insert on sms.consent, sms.client_zone to sms_erp;
grant update (withdrawn_at, withdrawn_by) on sms.consent to sms_erp;
grant update (zone_id, updated_at) on sms.client_zone to sms_erp;

-- Analyst: reads results and maps, never texts.
grant select on sms.message, sms.channel, sms.tariff, sms.number_range, sms.cap, sms.quiet_hours, sms.campaign to sms_analyst;
grant select on all tables in schema geo to sms_analyst;
grant execute on all functions in schema geo to sms_analyst;
grant execute on function sms.explain(bigint), sms.judge(bigint[], timestamptz), sms.report(timestamptz, timestamptz) to sms_analyst;

-- Previews: a SELECT is read with the rights of sms_audience, whoever asks.
grant execute on function sms.dry_run(bigint, timestamptz), sms.dry_run(text, text, text, bigint, timestamptz),
                          sms.dry_run_audience(text, text, text, bigint, timestamptz),
                          sms.dry_run_report(sms.outbox[], bigint, timestamptz, numeric) to sms_erp, sms_analyst, sms_operator;

-- Operator: runs the channels and the rules; imports layers; reads no texts.
grant select on sms.message, sms.unaccounted, sms.lane_status, sms.lane, sms.receipt, sms.receipt_code, sms.unmatched_receipt,
                sms.number_range, sms.operator_tax_id, sms.template, sms.template_version to sms_operator;
grant select, insert, update, delete on sms.blacklist, sms.cap, sms.quiet_hours, sms.tariff, sms.setting, sms.holiday,
                                        sms.recipient_group, sms.recipient_group_member, sms.auto_blacklist_rule,
                                        sms.stop_word to sms_operator;
grant select, insert on sms.consent to sms_operator;
grant update (withdrawn_at, withdrawn_by) on sms.consent to sms_operator;
grant select on sms.rule_change, sms.number_trouble, sms.inbound, sms.operator_refusal_suspected, sms.uncertain_message,
                sms.provider_balance, sms.receipt_remap, sms.foreign_receipts, sms.busy_numbers to sms_operator;
grant select, insert, update on sms.receipt_error, sms.campaign, sms.client_zone to sms_operator;
grant execute on function sms.rules_as_of(timestamptz, text), sms.understand_reply(text), sms.fold_word(text) to sms_operator;
grant select, insert, update on sms.channel, sms.provider, sms.receipt_code, sms.template to sms_operator;
grant select on sms.adapter_setting to sms_operator;
grant select, insert on sms.template_version to sms_operator;
grant select, insert, update, delete on geo.metro_station, geo.client_location to sms_operator;
grant select, insert, delete, truncate on sms.number_range_staging to sms_operator;
grant execute on function sms.take_import_turn(text) to sms_operator;
grant execute on all functions in schema geo to sms_operator;
grant execute on function sms.cancel(bigint), sms.cancel(bigint[]), sms.cancel(text), sms.explain(bigint),
                          sms.judge(bigint[], timestamptz), sms.switch_channel(text, text, text, text, timestamptz), sms.unpin_channel(text, text),
                          sms.set_route(text, text[], text, text), sms.remove_route(text, text), sms.list_routes(),
                          sms.set_breaker(text, jsonb), sms.provider_window(timestamptz, boolean),
                          sms.answer_percentile(bigint[], numeric),
                          sms.resolve_uncertain(bigint[], text, text, text), sms.replace_numbering(),
                          sms.set_balance_limit(text, numeric),
                          sms.remap_receipts(timestamptz, boolean, text, timestamptz, bigint, int),
                          sms.list_providers(),
                          sms.set_provider(text, text, jsonb, text, numeric, int, boolean),
                          sms.queue_status(), sms.outcome_status(timestamptz), sms.count_unaccounted(),
                          sms.report(timestamptz, timestamptz),
                          sms.work_left(interval, timestamptz, interval), sms.render(text, jsonb) to sms_operator;

-- Monitoring: numbers about the machine, no phone numbers, no texts.
revoke select on sms.provider from sms_monitor;   -- it had the settings once
grant select (provider_id, provider, adapter, tps, max_batch, is_enabled) on sms.provider to sms_monitor;
grant select on sms.lane_status, sms.unaccounted, sms.channel, sms.lane, sms.setting to sms_monitor;
grant select on sms.provider_health, sms.breaker, sms.breaker_change, sms.breaker_policy, sms.route, sms.route_provider,
                sms.delivered_share to sms_monitor, sms_operator;
grant select on sms.lane_change, sms.lane_pin, sms.route_notice to sms_operator;
grant select (change_id, at, lane_id, channel, operator, from_provider, to_provider, cause, is_automatic) on sms.lane_change to sms_monitor;
grant select (lane_id, pinned_at, pinned_until) on sms.lane_pin to sms_monitor;
grant execute on function sms.provider_window(timestamptz, boolean), sms.answer_percentile(bigint[], numeric),
                          sms.list_routes() to sms_monitor;
grant select (id, claim_id, claimed_at, lease_until, provider_id, lane_id, priority, attempt) on sms.inflight to sms_monitor;
grant select (id, not_before, expires_at, lane_id, priority, attempt) on sms.pending to sms_monitor;
grant select (id, decided_at, submitted_at, final_at, campaign_id, cost, provider_id, lane_id, segments, attempts, state, reason)
   on sms.outcome to sms_monitor;
grant select (receipt_id, received_at, provider_id, state) on sms.unmatched_receipt to sms_monitor;
grant select on sms.claim, sms.provider_balance, sms.provider_asking to sms_monitor;
grant select (id, provider, channel, operator, attempts, submitted_at, since, asks, asked_at, next_ask_at, absent_since,
              on_uncertain, policy_at) on sms.uncertain_message to sms_monitor;
grant execute on function sms.work_left(interval, timestamptz, interval), sms.queue_status(), sms.outcome_status(timestamptz),
                          sms.count_unaccounted() to sms_monitor;

-- Worker: the verbs of the queue and nothing else.
grant select on sms.lane_status to sms_worker;
grant execute on function sms.claim_batch(text, text, int, int, int, interval, timestamptz),
                          sms.mark_submitting(bigint, bigint[], text[]),
                          sms.settle(bigint, bigint[], text[], smallint[], text[], int[], bigint[], text[], bigint[], numeric[]),
                          sms.expire_leases(int, timestamptz), sms.apply_uncertain_policy(int, timestamptz),
                          sms.take_doubtful(text, int, interval, interval, interval, interval[]),
                          sms.record_answers(text, timestamptz, bigint[], text[], text[], interval),
                          sms.end_turn(text, timestamptz), sms.collect_overdue(text, interval, interval),
                          sms.take_overdue(text, int, interval, interval, interval, interval[]),
                          sms.take_balance_turn(text, interval), sms.record_balance(text, numeric, text),
                          sms.record_receipts(text, bigint[], text[], text[], text[], timestamptz[], text[]),
                          sms.match_receipts(int, timestamptz), sms.maintain_partitions(timestamptz),
                          sms.learn_numbers(int, timestamptz), sms.record_inbound(text, text[], text[], text[], text[]),
                          sms.list_providers(), sms.lead_chore(int), sms.watch_busy_numbers(),
                          sms.work_left(interval, timestamptz, interval), sms.queue_status(), sms.outcome_status(timestamptz),
                          sms.report_health(text, jsonb, timestamptz), sms.watch_routes(timestamptz),
                          sms.take_route_notices(int), sms.told_route_notices(bigint[]),
                          sms.try_sleep(int), sms.wake_up(int, int) to sms_worker;

-- Receipts in: may tell what a provider reported and nothing else.
grant execute on function sms.record_receipts(text, bigint[], text[], text[], text[], timestamptz[], text[]),
                          sms.record_inbound(text, text[], text[], text[], text[]), sms.list_providers() to sms_dlr;
grant execute on function sms.follow_link(text, text, boolean) to sms_dlr, sms_worker;

-- The ERP's clients: audiences read them, operators import them. sms.log_activity is called by the functions people act through.
grant usage on schema erp to sms_erp, sms_analyst, sms_operator;
grant select on erp.client to sms_erp, sms_analyst, sms_operator;
grant select, insert, update, delete on erp.local_client to sms_erp, sms_operator;
grant select on sms.activity to sms_erp, sms_analyst, sms_operator;

-- Templates: operators write them.
grant execute on function sms.save_template(text, text, jsonb, text, text) to sms_operator;
grant execute on function sms.preview_template(text, jsonb, text, timestamptz), sms.preview_text(text, text, timestamptz),
                          sms.preview_body(text, jsonb, jsonb, text, timestamptz), sms.template_variables(text, jsonb),
                          sms.cheaper_spellings(text), sms.respell(text, text), sms.respelled(text, text)
   to sms_erp, sms_operator;
grant select on sms.spelling to sms_erp, sms_operator;
grant insert, update, delete on sms.spelling to sms_operator;

-- Audiences: anybody may look at the definitions; writing them goes through a trigger that checks.
grant select on sms.audience, sms.audience_version to sms_erp, sms_analyst, sms_operator;
grant insert (audience, query, title), update (query, title) on sms.audience to sms_analyst, sms_operator;
grant execute on function sms.save_audience(text, text, text), sms.remove_audience(text) to sms_analyst, sms_operator;
grant execute on function sms.limit_audience(double precision), sms.run_audience(text, bigint), sms.preview_audience(text, int, text, text, boolean),
                          sms.clients_contacted(numeric, text), sms.not_contacted(bigint, numeric, text),
                          sms.clients_who_received(text, numeric), sms.received_but_did_not(text, text, numeric)
   to sms_erp, sms_analyst, sms_operator;
grant select on erp.action to sms_erp, sms_analyst, sms_operator;
grant select, insert, update, delete on erp.local_action to sms_erp, sms_operator;

-- Several ERPs: the windows through which people look at messages belong to a role that row security holds for, so that a
-- login confined by sms.confine_login sees only its own. The policies ask nothing, and cost nothing, until somebody is confined.
do $$
begin
    -- Nobody is to be a member.
    if not exists (select from pg_catalog.pg_roles as r where r.rolname = 'sms_window') then
        create role sms_window nologin;
    end if;
end
$$;
grant execute on function sms.my_channels(), sms.my_lanes(), sms.my_rules(), sms.my_event_types()
   to sms_erp, sms_analyst, sms_operator, sms_monitor, sms_worker, sms_dlr, sms_window, sms_audience;
grant usage on schema sms to sms_window;
grant select on sms.outbox, sms.pending, sms.inflight, sms.outcome, sms.lane, sms.operator, sms.provider, sms.campaign, sms.event,
                sms.event_effect, sms.event_plan, sms.event_type, sms.event_rule, sms.click, sms.short_link to sms_window;
do $$
declare
    _view text;
    _owner text := (select n.nspowner::regrole::text from pg_catalog.pg_namespace as n where n.nspname = 'sms');
    _table text;
    _sees text;
begin
    if not (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user)
       and not pg_has_role(current_user, 'sms_window', 'member') then
        execute format('grant sms_window to %I', current_user);
    end if;
    grant create on schema sms to sms_window;
    foreach _view in array array['message', 'link_click', 'event_message', 'planned_message'] loop
        execute format('alter view sms.%I owner to sms_window', _view);
        execute format('grant select on sms.%I to %s', _view, _owner);
    end loop;
    revoke create on schema sms from sms_window;
    for _table, _sees in
        select * from (values
            ('outbox', 'coalesce(channel = any ((select sms.my_channels())::text[]), true)'),
            ('campaign', 'coalesce(channel = any ((select sms.my_channels())::text[]), true)'),
            ('pending', 'coalesce(coalesce(lane_id, -1::smallint) = any ((select sms.my_lanes())::smallint[]), true)'),
            ('inflight', 'coalesce(coalesce(lane_id, -1::smallint) = any ((select sms.my_lanes())::smallint[]), true)'),
            ('outcome', 'coalesce(coalesce(lane_id, -1::smallint) = any ((select sms.my_lanes())::smallint[]), true)'),
            ('event', 'coalesce(event_type_id = any ((select sms.my_event_types())::int[]), true)'),
            ('event_effect', 'coalesce(rule_id = any ((select sms.my_rules())::int[]), true)'),
            ('event_plan', 'coalesce(rule_id = any ((select sms.my_rules())::int[]), true)'),
            ('click', '(select sms.my_channels()) is null or exists (select from sms.outbox as o where o.id = message_id)'),
            ('inbound', '(select sms.my_channels()) is null')) as v (table_name, sees)
    loop
        if not exists (select from pg_catalog.pg_policy as p
                        where p.polrelid = ('sms.' || _table)::regclass and p.polname = 'a login sees its channels') then
            execute format('create policy "a login sees its channels" on sms.%I using (%s)', _table, _sees);
        end if;
    end loop;
end
$$;

-- Events: the ERP fires them, operators declare them and write the rules, analysts read what came of them (never the values).
grant execute on function sms.fire_event(text, bigint, jsonb, text), sms.fire_events(text, bigint[], jsonb[], text[]) to sms_erp, sms_operator;
grant execute on function sms.explain_event(bigint) to sms_erp, sms_analyst, sms_operator;
grant select on sms.event_type, sms.event_rule, sms.event_message, sms.planned_message to sms_erp, sms_analyst, sms_operator;
grant select on sms.event to sms_erp;
grant select (event_id, fired_at, event_type_id, client_id, event_key, problem) on sms.event to sms_analyst, sms_operator;
grant execute on function sms.set_event_type(text, text, jsonb), sms.set_event_rule(text, jsonb), sms.remove_event_rule(text) to sms_operator;
grant execute on function sms.make_planned(int, timestamptz) to sms_worker;

-- Who did what, in words.
grant select on sms.activity_log to sms_erp, sms_analyst, sms_operator;
grant select on sms.login to sms_operator;
grant execute on function sms.tell_change(jsonb, jsonb), sms.tell_value(text, text) to sms_erp, sms_analyst, sms_operator;
grant execute on function sms.mask_phones(text) to sms_worker, sms_erp, sms_analyst, sms_operator, sms_monitor;

-- Campaigns: operators write, launch and steer them, the ERP may launch and steer, a worker feeds them.
grant select on sms.campaign_progress, sms.campaign_run to sms_erp, sms_analyst, sms_operator, sms_monitor;
grant select on sms.run_message to sms_erp, sms_analyst, sms_operator;
grant execute on function sms.find_campaign(text), sms.dry_run_campaign(bigint, timestamptz) to sms_erp, sms_analyst, sms_operator;
grant execute on function sms.is_released(sms.campaign, text) to sms_erp, sms_analyst, sms_operator;
grant execute on function sms.refuse_waiver(sms.campaign, sms.campaign) to sms_operator;
grant execute on function sms.save_campaign(text, text, text, text, timestamptz, time, text, text, text, int, timestamptz, numeric,
                                            numeric, boolean, text[]) to sms_operator;
grant execute on function sms.release_campaign(bigint), sms.release_campaign(text),
                          sms.launch_campaign(bigint), sms.launch_campaign(text),
                          sms.pause_campaign(bigint), sms.pause_campaign(text),
                          sms.resume_campaign(bigint), sms.resume_campaign(text),
                          sms.stop_campaign(bigint), sms.stop_campaign(text),
                          sms.begin_launch(bigint), sms.finish_launch(bigint), sms.give_up_launch(bigint, text) to sms_erp, sms_operator;
revoke execute on function sms.begin_run(bigint), sms.freeze_run(bigint), sms.fail_run(bigint, text) from sms_erp, sms_operator;
grant execute on function sms.feed_campaigns(int, timestamptz), sms.due_runs(timestamptz), sms.unfrozen_runs(timestamptz),
                          sms.plan_run(bigint, timestamptz, int), sms.start_run(bigint, timestamptz, int),
                          sms.freeze_run(bigint), sms.fail_run(bigint, text) to sms_worker;
-- Statistics: sums without numbers and texts, for everybody who counts.
grant select on sms.stat_hour, sms.stat_day, sms.stat_month, sms.stat_region_hour, sms.stat_region_day to sms_analyst, sms_operator, sms_monitor;
grant select on sms.billing_difference, sms.month_money, sms.monthly_fee, sms.month_volume to sms_analyst, sms_operator, sms_monitor;
grant select on sms.exchange_rate to sms_analyst, sms_operator, sms_monitor;
grant insert, update, delete on sms.monthly_fee, sms.exchange_rate to sms_operator;
grant execute on function sms.statistics(date, date, text[]), sms.delivery_percentile(bigint[], float8),
                          sms.delivery_bucket_ends(int), sms.is_handed_over(text, text), sms.month_fees() to sms_analyst, sms_operator, sms_monitor;
grant execute on function sms.roll_up_statistics(int, timestamptz) to sms_worker, sms_operator;

-- Effect: the ERP tells what clients did, analysts ask what it is owed to.
revoke insert, update on sms.goal from sms_operator, sms_analyst;   -- whoever may update a whole table may lock it
grant insert (goal, title, query, attribution_window, is_enabled), update (goal, title, query, attribution_window, is_enabled)
   on sms.goal to sms_operator, sms_analyst;
grant select on sms.goal, sms.conversion to sms_erp, sms_operator, sms_analyst;
grant insert on sms.conversion to sms_erp;
grant execute on function sms.effect(text, timestamptz, timestamptz, text[], text),
                          sms.uplift(text, text, timestamptz, timestamptz, numeric),
                          sms.uplift_interval(bigint, bigint, bigint, bigint, numeric),
                          sms.wilson_bound(float8, bigint, float8) to sms_analyst, sms_operator;

-- Clicks: analysts see who opened a link and whose host it was, nobody a whole link.
grant select on sms.link_click to sms_erp, sms_analyst, sms_operator;
grant execute on function sms.clicks(timestamptz, timestamptz, text[]), sms.link_host(text) to sms_erp, sms_analyst, sms_operator;

-- Forecasts: made by analysts and operators, read by the ERP.
grant select on sms.forecast, sms.latest_forecast to sms_erp, sms_analyst, sms_operator, sms_monitor;
grant execute on function sms.daily_volumes(date, date), sms.price_list(), sms.list_holidays(date, date), sms.scheduled_campaigns(timestamptz),
                          sms.save_forecast(date[], text[], text[], text[], numeric[], numeric[], numeric[], numeric[], numeric[])
   to sms_analyst, sms_operator;
grant execute on function sms.worst_hours(timestamptz, timestamptz, int, int), sms.hourly_delivery(date, date),
                          sms.month_plan(date), sms.month_effect(date) to sms_analyst, sms_operator;

-- Budgets: operators set them, everybody who plans may look; workers watch them.
grant select on sms.budget, sms.spend, sms.spend_day to sms_erp, sms_analyst, sms_operator, sms_monitor;
revoke insert, update on sms.budget from sms_operator;   -- what it warned of already is not for people to write
grant insert (budget, channel, campaign_id, month, amount, warn_at, stops), update (budget, channel, campaign_id, month, amount, warn_at, stops),
      delete on sms.budget to sms_operator;
grant execute on function sms.budget_status(timestamptz) to sms_erp, sms_analyst, sms_operator, sms_monitor;
grant execute on function sms.watch_budgets(timestamptz) to sms_worker;
grant execute on function sms.collect_conversions(timestamptz) to sms_worker, sms_operator;
grant execute on function sms.metric_values() to sms_worker, sms_monitor, sms_operator;

-- Dashboards: sums under names; what a campaign brought is told as counts and rates.
grant select on sms.hourly_messages to sms_analyst, sms_operator, sms_monitor;
grant execute on function sms.month_effect(date), sms.month_plan(date),
                          sms.worst_hours(timestamptz, timestamptz, int, int) to sms_monitor;

-- The reader of audiences. It computes with what analysts may read and with the functions named here, and may do nothing else.
-- Relations that a DBA granted to sms_analyst before revision 0017 stay readable for audiences; later ones are granted to it.
grant usage on schema sms, geo, erp to sms_audience, sms_parser;
grant execute on all functions in schema geo to sms_audience;
grant execute on function sms.normalize_msisdn(text), sms.phone_problem(text), sms.read_phone(text), sms.segments(text),
                          sms.needs_ucs2(text), sms.id_time(bigint), sms.id_at(timestamptz), sms.audience_in_time(timestamptz),
                          sms.run_audience(text, bigint), sms.clients_contacted(numeric, text), sms.not_contacted(bigint, numeric, text),
                          sms.clients_who_received(text, numeric), sms.received_but_did_not(text, text, numeric)
   to sms_audience;
do $$
declare
    _grant record;
begin
    for _grant in
        select format('grant select on %s to sms_audience', c.oid::regclass) as sql
          from pg_catalog.pg_class as c
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname in ('sms', 'geo', 'erp')
         cross join lateral aclexplode(c.relacl) as a
         where a.grantee = 'sms_analyst'::regrole and a.privilege_type = 'SELECT' and not c.relispartition
        union all
        select format('grant select (%I) on %s to sms_audience', t.attname, c.oid::regclass)
          from pg_catalog.pg_class as c
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname in ('sms', 'geo', 'erp')
          join pg_catalog.pg_attribute as t on t.attrelid = c.oid and not t.attisdropped
         cross join lateral aclexplode(t.attacl) as a
         where a.grantee = 'sms_analyst'::regrole and a.privilege_type = 'SELECT'
    loop
        execute _grant.sql;
    end loop;
end
$$;

-- What looks at the texts and runs them belongs to those who may do nothing else, in a schema they have no right to: they
-- cannot name it, so neither alter nor replace it. Who migrates without being a superuser must be their member for that, and
-- they need CREATE for the moment at which they become owners.
do $$
declare
    _made record;
    _owner text := (select n.nspowner::regrole::text from pg_catalog.pg_namespace as n where n.nspname = 'sms');
begin
    for _made in
        select p.oid::regprocedure as function, case p.proname when 'parse_select' then 'sms_parser' else 'sms_audience' end as reader
          from pg_catalog.pg_proc as p
         where p.pronamespace = 'sms_audience'::regnamespace
    loop
        if not (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user)
           and not pg_has_role(current_user, _made.reader, 'member') then
            execute format('grant %I to %I', _made.reader, current_user);
        end if;
        execute format('grant create on schema sms_audience to %I', _made.reader);
        execute format('alter function %s owner to %I', _made.function, _made.reader);
        execute format('grant execute on function %s to %s', _made.function, _owner);
        execute format('revoke execute on function %s from public', _made.function);
    end loop;
    revoke all on schema sms_audience from sms_audience, sms_parser;
    grant usage, create on schema sms_parser to sms_parser;
end
$$;
