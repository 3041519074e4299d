-- The vocabulary: states, the moves between them, reasons, categories. Corrected on every migration.

insert into sms.state (state, rank, is_final, meaning) values
    ('pending', 0, false, 'Waits: due now, or for its time, for the end of quiet hours, or for the next attempt.'),
    ('inflight', 1, false, 'A worker holds it under a lease.'),
    ('uncertain', 2, false, 'It was being handed over when the line broke: the provider may or may not have it. Never retried blindly.'),
    ('accepted', 3, false, 'The provider took it. Nobody has read anything yet.'),
    ('suppressed', 5, true, 'The rules said no; the reason says why. Never handed over.'),
    ('cancelled', 5, true, 'Taken back before it was handed over.'),
    ('failed', 5, true, 'Given up: it was not handed over, or nobody will ever know.'),
    ('expired', 5, true, 'The operator gave up within the validity period: the phone stayed away.'),
    ('rejected', 5, true, 'The provider or the operator refused it.'),
    ('undelivered', 5, true, 'The operator reports that it will not be delivered.'),
    ('delivered', 6, true, 'The phone has it.')
on conflict (state) do update set rank = excluded.rank, is_final = excluded.is_final, meaning = excluded.meaning;

insert into sms.state_transition (from_state, to_state, cause) values
    ('pending', 'inflight', 'claim_batch: judged send'),
    ('pending', 'suppressed', 'claim_batch: a rule said no; its campaign was stopped'),
    ('pending', 'cancelled', 'cancel'),
    ('inflight', 'pending', 'settle retry, throttled, released; expire_leases when unmarked'),
    ('inflight', 'accepted', 'settle accepted'),
    ('inflight', 'rejected', 'settle rejected'),
    ('inflight', 'failed', 'settle retry after the last attempt'),
    ('inflight', 'uncertain', 'settle uncertain; expire_leases when marked as submitting'),
    ('uncertain', 'pending', 'resolve_uncertain resend, or absent after look-ups'),
    ('uncertain', 'accepted', 'resolve_uncertain by a look-up or a person, receipt'),
    ('uncertain', 'failed', 'resolve_uncertain give_up'),
    ('uncertain', 'delivered', 'receipt'),
    ('uncertain', 'undelivered', 'receipt'),
    ('uncertain', 'expired', 'receipt'),
    ('uncertain', 'rejected', 'receipt'),
    ('accepted', 'delivered', 'receipt'),
    ('accepted', 'undelivered', 'receipt'),
    ('accepted', 'expired', 'receipt'),
    ('accepted', 'rejected', 'receipt'),
    ('undelivered', 'delivered', 'receipt: it got through after all'),
    ('expired', 'delivered', 'receipt: it got through after all'),
    ('rejected', 'delivered', 'receipt: it got through after all'),
    ('suppressed', 'delivered', 'receipt: an earlier, doubtful attempt had got through'),
    ('cancelled', 'delivered', 'receipt: an earlier, doubtful attempt had got through'),
    ('failed', 'delivered', 'receipt: it had been handed over after all')
on conflict (from_state, to_state) do update set cause = excluded.cause;

insert into sms.reason (reason, rank, meaning) values
    ('invalid_number', 1, 'The phone is no number a message could reach.'),
    ('not_mobile', 1, 'A landline or service number.'),
    ('foreign_number', 1, 'A number of another country.'),
    ('several_numbers', 1, 'Several numbers in one field; which one is meant is not ours to guess.'),
    ('empty_text', 2, 'Neither body nor template gave a text.'),
    ('text_too_long', 2, 'More than 1,000 characters.'),
    ('missing_variable', 2, 'The template uses a variable that vars does not have.'),
    ('bad_time_zone', 3, 'time_zone is no IANA zone.'),
    ('cancelled', 5, 'Taken back by sms.cancel.'),
    ('campaign_stopped', 6, 'Its campaign was stopped.'),
    ('expired', 10, 'Its validity ended before it could be sent.'),
    ('blacklist', 20, 'The number, or a prefix of it, is blacklisted for this kind of message.'),
    ('no_consent', 30, 'The channel needs a consent that is not there.'),
    ('duplicate_ref', 40, 'Another row with the same erp_ref came first.'),
    ('duplicate', 50, 'The same text went to the same number within the channel''s window.'),
    ('cap', 60, 'The number had its share of messages for the period.'),
    ('budget', 65, 'The budget is used up.'),
    ('holdout', 70, 'Held out as control group.'),
    ('quiet_hours', 80, 'It is quiet time where the subscriber lives; sent at the end of it.'),
    ('attempts_exhausted', 90, 'Every attempt failed; the last answer is in detail.'),
    ('refused_by_provider', 91, 'The provider refused it for good; its answer is in detail.'),
    ('gave_up', 92, 'Stayed uncertain, and the channel says to give up.')
on conflict (reason) do update set rank = excluded.rank, meaning = excluded.meaning;

insert into sms.category (category, title) values
    ('authorization', 'One-time passwords and sign-in codes'),
    ('transactional', 'Notices about the client''s own operations'),
    ('service', 'Service information to clients'),
    ('collection', 'Reminders of overdue debt'),
    ('advertising', 'Advertising')
on conflict (category) do update set title = excluded.title;

insert into sms.setting (setting, value, meaning) values
    ('retention_months', '0', 'Months that requests, outcomes and receipts are kept; 0 = for ever.'),
    ('retention_months.activity', '', 'The same for the log of who did what; empty = as retention_months.'),
    ('retention_months.event', '', 'The same for events and what they made; empty = as retention_months.'),
    ('retention_months.inbound', '', 'The same for messages from subscribers; empty = as retention_months.'),
    ('retention_months.number_trouble', '', 'The same for failed messages by number, 14 at least; empty = as retention_months.'),
    ('retention_months.rule_change', '0', 'The same for the history of the rules; empty = as retention_months.'),
    ('erp_ref_days', '0', 'Days for which an erp_ref protects against a second message; 0 = for ever.'),
    ('audience_max_cost', '10000000', 'The most an audience may cost by the planner''s estimate, in its units.'),
    ('audience_timeout_s', '60', 'Seconds after which reading an audience is given up.'),
    ('campaign_queue', '10000', 'Messages of one campaign that stand in the queue at once; the others wait as recipients.'),
    ('currency', 'RUB', 'Currency in which all money is counted; tariffs in others need sms.exchange_rate.'),
    ('statistics_zone', 'Europe/Moscow', 'Zone in whose days statistics count; whole hours from UTC.'),
    ('statistics_hours_months', '3', 'Months that sums by the hour are kept; sums by the day stay. 0 = for ever.'),
    ('short_link_base', '', 'What short links begin with, such as https://go.example/l/; empty = links are sent as they were written.'),
    ('short_link_robots', '(^|[^u])bot|crawl|spider|slurp|preview|externalhit|vkshare|whatsapp|curl|wget|python|go-http|okhttp|headless', 'Pattern: what calls itself so and opens a short link is a program.'),
    ('opt_out_answer', '', 'Text that answers an opt-out; empty = no answer.')
on conflict (setting) do update set meaning = excluded.meaning;
