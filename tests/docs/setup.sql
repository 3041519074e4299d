-- A small, lived-in installation for the examples of the documentation: providers, prices, a template, clients on the
-- map, and messages in several states. Run by the owner, all in one transaction.

select sms.set_provider('main', 'fake');
select sms.set_provider('backup', 'fake', p_settings => '{"latency_ms": 50}', p_tps => 20);
select sms.switch_channel('*', 'main');

insert into sms.tariff (provider_id, price)
select p.provider_id, 2.5 from sms.provider as p;

with written as (
    insert into sms.template (template, title) values ('payment_due', 'Payment due') returning template_id
)
insert into sms.template_version (template_id, body)
select w.template_id, 'Здравствуйте, {{name|клиент}}! К оплате {{amount}} ₽.' from written as w;

insert into geo.client_location (client_id, location, city)
select 1000 + n, st_project(s.location, 40 * n, n), 'Москва'
  from (select m.location from geo.metro_station as m where m.name = 'Таганская' limit 1) as s
  cross join generate_series(1, 100) as n;

insert into sms.blacklist (msisdn, reason) values (79070000013, 'asked not to be written to');

insert into sms.outbox (channel, phone, body, client_id, erp_ref)
select 'single', (79070000000 + n)::text, 'Payment ' || n || ' received', 1000 + n, 'old-' || n
  from generate_series(1, 60) as n;
insert into sms.outbox (phone, body, not_before, erp_ref)
values ('9071234567', 'Later', now() + interval '1 hour', 'later-1');

-- The first twenty are accepted, ten of them delivered, five cut off in the middle, five sent back; the rest stays in flight.
do $$
declare
    _claim record;
begin
    select c.* into _claim from sms.claim_batch('main', 'docs', 500) as c;
    perform sms.mark_submitting(_claim.claim_id, _claim.ids);
    perform sms.settle(_claim.claim_id, _claim.ids[1:30],
                       array_fill('accepted'::text, array[20]) || array_fill('uncertain'::text, array[5])
                           || array_fill('retry'::text, array[5]),
                       array_fill(1::smallint, array[30]), array_fill(null::text, array[30]), array_fill(null::int, array[30]));
    perform from sms.record_receipts('main', _claim.ids[1:10], array_fill(null::text, array[10]),
                                     array_fill('delivered'::text, array[10]), array_fill(null::text, array[10]),
                                     array_fill(now(), array[10]), array_fill('-'::text, array[10]));
end
$$;

-- A provider whose errors are known reported numbers that fail: does not exist, unreachable, malformed, a full queue (which
-- says nothing about the number), and one that writes to us but takes nothing from a name.
select sms.set_provider('smsc', 'smsc_ru');
select sms.record_inbound('main', '{a-1}', '{+79070000205}', '{4321}', '{Кто это?}');
insert into sms.number_trouble (message_id, msisdn, at, provider_id, state, error)
select sms.next_id(), v.msisdn, now() - n * v.gap, p.provider_id, 'undelivered', v.error
  from (values (79070000201, 2, interval '2 days', '1'), (79070000202, 5, interval '1 day', '13'),
               (79070000203, 1, interval '1 hour', '249'), (79070000204, 9, interval '1 day', '220'),
               (79070000205, 3, interval '1 day', '255')) as v (msisdn, times, gap, error)
  cross join lateral generate_series(0, v.times - 1) as n
  cross join sms.provider as p
 where p.provider = 'smsc';
select sms.learn_numbers();

-- Subscribers answer while an advertisement waits for one of them.
insert into sms.outbox (channel, phone, body, erp_ref) values ('planned', '9070000301', 'Скидка 10 % до воскресенья', 'ad-301');
select sms.record_inbound('main', '{a-2,a-3,a-4}', '{+79070000301,+79070000302,+79070000303}', '{4321,4321,4321}',
                          array['Стоп!', 'STOР все', 'Спасибо, что не стоп-кран']);

-- Events: clients of the ERP, what may happen to them, and what is sent then.
insert into erp.local_client (client_id, phone, city, time_zone)
select 1040 + n, (79070000600 + n)::text, case when n < 3 then 'Омск' else 'Москва' end,
       case when n < 3 then 'Asia/Omsk' else 'Europe/Moscow' end
  from generate_series(1, 5) as n
    on conflict do nothing;
insert into sms.template (template) values ('late'), ('due_soon');
insert into sms.template_version (template_id, body)
select t.template_id, v.body
  from (values ('late', 'Просрочен платёж {{amount}} ₽.'), ('due_soon', 'Счёт {{invoice}}: оплатите до {{due_date}}.')) as v (template, body)
  join sms.template as t on t.template = v.template;
select sms.set_event_type('late', 'A payment is late', '{"amount": "number"}');
select sms.set_event_type('invoice', 'Invoice issued', '{"invoice": "text", "due_date": "date", "amount": "number"}');
select sms.set_event_type('payment', 'A payment came', '{"invoice": "text?"}');
select sms.set_event_rule('late_notice', '{"event_type": "late", "template": "late"}');
select sms.set_event_rule('due_reminder', '{"event_type": "invoice", "template": "due_soon", "date_variable": "due_date",
                          "shift": "-3 days", "at_local": "10:00", "cancelled_by": ["payment"], "cancel_key": "invoice"}');

-- The clients on the map have phones too, and some paid, some late.
insert into erp.local_client (client_id, phone, city, attributes)
select 1000 + n, (79070000000 + n)::text, 'Москва', jsonb_build_object('name', 'Анна', 'debt', 1500)
  from generate_series(1, 100) as n
    on conflict do nothing;
insert into erp.local_action (client_id, action, at, amount)
select 1000 + n, case when n % 3 = 0 then 'late_payment' else 'payment' end, now() - n * interval '1 day', 1000
  from generate_series(1, 100) as n;

-- A goal that the ERP tells of, and a campaign with a control group.
insert into sms.goal (goal, title) values ('payment', 'Paid');
insert into sms.campaign (campaign, holdout_percent) values ('spring', 10);
select sms.roll_up_statistics();
