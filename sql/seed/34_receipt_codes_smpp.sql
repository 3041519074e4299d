-- What the states of SMPP receipts mean: the words of appendix B and message_state, and words that SMSCs use beside them.
-- Corrected on every migration. An SMSC that means something else by a word needs an adapter name of its own.

insert into sms.receipt_code (adapter, code, state, meaning) values
    ('smpp', 'SCHEDULED', null, 'It waits for its time at the SMSC.'),
    ('smpp', 'ENROUTE', null, 'It is on its way.'),
    ('smpp', 'DELIVRD', 'delivered', 'The phone has it.'),
    ('smpp', 'EXPIRED', 'expired', 'The phone stayed away until its validity ended.'),
    ('smpp', 'DELETED', 'undelivered', 'The SMSC or the operator deleted it.'),
    ('smpp', 'UNDELIV', 'undelivered', 'The operator gave up; its error is in error.'),
    ('smpp', 'ACCEPTD', 'accepted', 'The network took it. (The specification: read by staff in the subscriber''s name; nobody uses it so.)'),
    ('smpp', 'UNKNOWN', 'undelivered', 'The SMSC does not know what became of it.'),
    ('smpp', 'REJECTD', 'rejected', 'The SMSC or the operator refused it.'),
    ('smpp', 'SKIPPED', 'undelivered', 'The SMSC passed it over.'),
    ('smpp', 'ACKED', null, 'Not in the specification: taken note of.'),
    ('smpp', 'BUFFRED', null, 'Not in the specification: kept for a phone that is away.'),
    ('smpp', 'BUFFERD', null, 'The same.'),
    ('smpp', 'BUFFERED', null, 'The same.'),
    ('smpp', 'DELIVERED', 'delivered', 'DELIVRD written out.'),
    ('smpp', 'UNDELIVERABLE', 'undelivered', 'UNDELIV written out.'),
    ('smpp', 'UNDELIVERED', 'undelivered', 'UNDELIV written out.'),
    ('smpp', 'REJECTED', 'rejected', 'REJECTD written out.'),
    ('smpp', 'FAILED', 'undelivered', 'Not in the specification: it did not arrive.'),
    ('smpp', 'NO_STAT', null, 'The receipt does not say what became of it; see its raw text.')
on conflict (adapter, code) do update set state = excluded.state, meaning = excluded.meaning;
