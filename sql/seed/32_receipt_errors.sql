-- What errors say about the number. smsc_ru: the err codes of its status page, send/N an error of send.php, status/N a
-- status without an err code; smpp-like adapters: the command status.
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
    ('smsc_ru', '255', 'refused', 'refused by the operator without a reason'),
    ('smsc_ru', 'send/1', 'content', 'the service cannot make sense of the request'),
    ('smsc_ru', 'send/5', 'content', 'a wrong date'),
    ('smsc_ru', 'send/6', 'content', 'the text or the sender is forbidden'),
    ('smsc_ru', 'send/7', 'malformed', 'the service does not take the number'),
    ('smsc_ru', 'send/8', 'unreachable', 'the service cannot deliver to the number'),
    ('smsc_ru', 'status/3', 'temporary', 'the phone stayed away'),
    ('smsc_ru', 'status/20', 'unreachable', 'the operator cannot deliver'),
    ('smsc_ru', 'status/22', 'malformed', 'the service does not take the number'),
    ('smsc_ru', 'status/23', 'content', 'forbidden by the service'),
    ('smsc_ru', 'status/25', 'unreachable', 'the number takes no SMS'),
    ('smsc_ru', '2', 'content', 'e-mail: refused by the server'),
    ('smsc_ru', '3', 'content', 'e-mail: no such domain'),
    ('smsc_ru', '4', 'content', 'e-mail: the mailbox is blocked'),
    ('smsc_ru', '200', 'account', 'the account is in test mode: nothing is sent'),
    ('smsc_ru', '237', 'temporary', 'call: no answer'),
    ('smsc_ru', '240', 'temporary', 'call: busy'),
    ('smsc_ru', '241', 'temporary', 'a conversion failed, or not all segments were handed over'),
    ('smsc_ru', '242', 'temporary', 'call: an answering machine')
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
