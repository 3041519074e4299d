-- What the statuses of smsc.ru mean, as its pages list them. Corrected on every migration.
-- The err code that comes with a status says more and stands in error: sms.receipt_error has its class.

insert into sms.receipt_code (adapter, code, state, meaning) values
    ('smsc_ru', '-3', null, 'It knows no such message; right after sending it may not know it yet.'),
    ('smsc_ru', '-2', null, 'Stopped before it went out; a person in the account''s pages may let it go.'),
    ('smsc_ru', '-1', 'accepted', 'Waits to be sent.'),
    ('smsc_ru', '0', 'accepted', 'Handed to the operator.'),
    ('smsc_ru', '1', 'delivered', 'The phone has it.'),
    ('smsc_ru', '2', 'delivered', 'Read.'),
    ('smsc_ru', '3', 'expired', 'The phone stayed away until its validity ended.'),
    ('smsc_ru', '4', 'delivered', 'The link in it was followed.'),
    ('smsc_ru', '6', 'undelivered', 'Kept back by a spam filter (of e-mail, by hearsay).'),
    ('smsc_ru', '20', 'undelivered', 'The operator cannot deliver it.'),
    ('smsc_ru', '22', 'rejected', 'The number is no number.'),
    ('smsc_ru', '23', 'rejected', 'Forbidden: repeats, flood, its black list, a spam filter or the sender.'),
    ('smsc_ru', '24', 'rejected', 'There was not enough money for it.'),
    ('smsc_ru', '25', 'undelivered', 'The number takes no SMS, or there is no route to it.')
on conflict (adapter, code) do update set state = excluded.state, meaning = excluded.meaning;
