-- What errors say about the number. smsc_ru: the err codes of its status page; smpp-like adapters: the command status.
-- Temporary, content and account errors say nothing about the number and never count against it.

insert into sms.receipt_error (adapter, error, class, meaning) values
    ('kannel', 'NACK/0x0000000b/Invalid Destination Address', 'malformed', 'the SMSC does not take the number'),
    ('kannel', 'NACK/0x00000014/Message Queue Full', 'temporary', 'the SMSC was full'),
    ('kannel', 'NACK/0x00000058/Throttling error', 'temporary', 'too fast'),
    ('kannel', 'NACK/Retries Exceeded', 'temporary', 'Kannel gave up'),
    ('kannel', 'NACK/no SMSC', 'account', 'no link to the SMSC'),
    ('smsc_ru', '1', 'no_such_number', 'the subscriber does not exist'),
    ('smsc_ru', '6', 'temporary', 'the phone is off'),
    ('smsc_ru', '11', 'unreachable', 'no SMS service'),
    ('smsc_ru', '12', 'temporary', 'error of the phone or SIM'),
    ('smsc_ru', '13', 'unreachable', 'the subscriber is blocked'),
    ('smsc_ru', '21', 'unreachable', 'the phone does not support the service'),
    ('smsc_ru', '219', 'temporary', 'the SIM was replaced: nothing from names for a day'),
    ('smsc_ru', '220', 'temporary', 'the operator''s queue for the subscriber is full'),
    ('smsc_ru', '238', 'content', 'the text matches no registered template'),
    ('smsc_ru', '239', 'account', 'address not allowed'),
    ('smsc_ru', '243', 'account', 'advertising without a contract'),
    ('smsc_ru', '244', 'content', 'advertising or link prohibited'),
    ('smsc_ru', '245', 'temporary', 'no status from the operator within a day'),
    ('smsc_ru', '246', 'account', 'time-of-day limit of the account'),
    ('smsc_ru', '247', 'account', 'daily limit of the account'),
    ('smsc_ru', '248', 'account', 'no route'),
    ('smsc_ru', '249', 'malformed', 'code and length do not fit'),
    ('smsc_ru', '250', 'account', 'forbidden by the account''s settings'),
    ('smsc_ru', '251', 'temporary', 'daily limit of the number'),
    ('smsc_ru', '252', 'malformed', 'the service does not send there'),
    ('smsc_ru', '253', 'content', 'spam filter'),
    ('smsc_ru', '254', 'account', 'the sender is not registered'),
    ('smsc_ru', '255', 'refused', 'refused by the operator without a reason')
on conflict (adapter, error) do nothing;

-- Automatic blacklisting as a new installation starts with it.
insert into sms.auto_blacklist_rule (class, times, span, min_gap, needs_life, category, lasts, reason)
select v.class, v.times, v.span::interval, v.min_gap::interval, v.needs_life, v.category, v.lasts::interval, v.reason from (values
    ('no_such_number', 2, '30 days', '1 day', false, null, null, 'the number does not exist'),
    ('unreachable', 5, '14 days', '3 days', false, null, '90 days', 'unreachable for long'),
    ('malformed', 1, '30 days', '0', false, null, null, 'the provider does not take the number'),
    ('refused', 3, '30 days', '1 day', true, 'advertising', '365 days', 'operator refusal suspected')
) as v (class, times, span, min_gap, needs_life, category, lasts, reason)
 where not exists (select from sms.rule_change as h where h.rule_table = 'auto_blacklist_rule');
