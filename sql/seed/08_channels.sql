-- The channels and their rules as a new installation starts with. Rules are added once: what people changed or removed stays so.

insert into sms.channel (channel, title, category, priority, dedup_window, validity, max_attempts, retry_base, on_uncertain, uncertain_after, opening_spread)
select * from (values
    ('otp', 'One-time passwords', 'authorization', 0, interval '0', interval '5 minutes', 3, interval '2 seconds', 'give_up', interval '10 minutes', interval '0'),
    ('single', 'Single business notices: payments, due dates', 'transactional', 0, interval '10 minutes', interval '24 hours', 8, interval '5 seconds', 'hold', interval '6 hours', interval '0'),
    ('collection', 'Reminders of overdue debt', 'collection', 1, interval '24 hours', interval '24 hours', 5, interval '30 seconds', 'hold', interval '24 hours', interval '10 minutes'),
    ('mass', 'Mass notices made by systems', 'service', 2, interval '24 hours', interval '48 hours', 5, interval '30 seconds', 'hold', interval '24 hours', interval '15 minutes'),
    ('planned', 'Campaigns made by people', 'advertising', 3, interval '24 hours', interval '72 hours', 5, interval '60 seconds', 'hold', interval '24 hours', interval '30 minutes')
) as v (channel, title, category, priority, dedup_window, validity, max_attempts, retry_base, on_uncertain, uncertain_after, opening_spread)
 where not exists (select from sms.channel);

-- The answer to an opt-out goes out at once, and the opt-out itself does not stop it.
insert into sms.channel (channel, title, category, priority, validity, ignores_opt_out)
values ('reply', 'Answers to subscribers', 'transactional', 1, interval '1 day', true)
on conflict (channel) do nothing;

-- Quiet hours. Collection: Federal Law 230-FZ, article 7 part 5: not 22:00-08:00 on working days, not 20:00-09:00 on days off.
-- Written as the silent parts of each kind of day, so that a holiday beside a working day is right on both sides.
insert into sms.quiet_hours (category, day_kind, quiet_from, quiet_until, reason)
select v.category, v.day_kind, v.quiet_from::time, v.quiet_until::time, v.reason from (values
    ('service', null, '22:00', '08:00', 'people sleep'),
    ('advertising', null, '21:00', '09:00', 'working hours of the subscriber'),
    ('collection', 'working', '00:00', '08:00', '230-FZ'), ('collection', 'working', '22:00', '00:00', '230-FZ'),
    ('collection', 'off', '00:00', '09:00', '230-FZ'), ('collection', 'off', '20:00', '00:00', '230-FZ')
) as v (category, day_kind, quiet_from, quiet_until, reason)
 where not exists (select from sms.rule_change as h where h.rule_table = 'quiet_hours');

-- Caps per number. Collection: 230-FZ, article 7 part 5: two a day, four a week, sixteen a month, on whatever channel.
insert into sms.cap (channel, category, period, max_messages, reason)
select v.channel, v.category, v.period, v.max_messages, v.reason from (values
    (null, 'collection', 'day', 2, '230-FZ'), (null, 'collection', 'week', 4, '230-FZ'), (null, 'collection', 'month', 16, '230-FZ'),
    ('single', null, 'day', 20, 'a runaway job of the ERP'),
    ('mass', null, 'day', 5, 'not to be a nuisance'),
    ('planned', null, 'day', 2, 'not to be a nuisance')
) as v (channel, category, period, max_messages, reason)
 where not exists (select from sms.rule_change as h where h.rule_table = 'cap');
